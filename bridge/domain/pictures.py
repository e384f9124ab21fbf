"""What the first bytes of a picture say: its type, width and height. Only headers are read, nothing is decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from bridge.domain.values import Value

# JPEG markers of a frame (ITU T.81, table B.1); the others in that range are tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


class Picture(Value):
    """``width`` and ``height`` in pixels, None where the bytes at hand do not reach that far."""

    content_type: str
    width: int | None = None
    height: int | None = None


def look(data: bytes) -> Picture | None:
    """What kind of picture begins so; None when it is none that is known (JPEG, PNG, GIF, WebP, AVIF, TIFF, BMP)."""
    for kind, is_it in _KINDS.items():
        if is_it(data):
            size = _SIZES[kind](data) if kind in _SIZES else None
            return Picture(content_type=kind, width=size[0] if size else None, height=size[1] if size else None)
    return None


def _png(data: bytes) -> tuple[int, int] | None:
    return struct.unpack(">II", data[16:24]) if len(data) >= 24 and data[12:16] == b"IHDR" else None


def _gif(data: bytes) -> tuple[int, int] | None:
    return struct.unpack("<HH", data[6:10]) if len(data) >= 10 else None


def _bmp(data: bytes) -> tuple[int, int] | None:
    if len(data) < 26:
        return None
    width, height = struct.unpack("<ii", data[18:26])
    return abs(width), abs(height)


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Marker by marker, each with the length of what follows it."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return (width, height) if width and height else None
        else:
            at += 2 + int(struct.unpack(">H", data[at + 2 : at + 4])[0])
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    """Three formats: lossy, lossless and extended (developers.google.com/speed/webp/docs/riff_container)."""
    if len(data) < 30:
        return None
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


_KINDS: Mapping[str, Callable[[bytes], bool]] = {
    "image/jpeg": lambda data: data.startswith(b"\xff\xd8\xff"),
    "image/png": lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"),
    "image/gif": lambda data: data.startswith((b"GIF87a", b"GIF89a")),
    "image/webp": lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP",
    "image/avif": lambda data: data[4:12] in (b"ftypavif", b"ftypavis"),
    "image/tiff": lambda data: data.startswith((b"II*\x00", b"MM\x00*")),
    "image/bmp": lambda data: data.startswith(b"BM") and len(data) > 26,
}
_SIZES: Mapping[str, Callable[[bytes], tuple[int, int] | None]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/gif": _gif,
    "image/webp": _webp,
    "image/bmp": _bmp,
}
