"""The first bytes of a picture say what it is and how large."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.pictures import look
from tests.support.pictures import jpeg, png

RIFF = b"RIFF\x00\x00\x00\x00WEBP"


@pytest.mark.parametrize(("data", "found"), [
    (png(640, 480), ("image/png", 640, 480)),
    (jpeg(1200, 800), ("image/jpeg", 1200, 800)),
    (jpeg(1200, 800, before=120_000, marker=0xC2), ("image/jpeg", 1200, 800)),
    (jpeg(1200, 800, before=120_000)[:60_000], ("image/jpeg", None, None)),
    (b"\xff\xd8\xff\xff\xff\xc4\x00\x04ab" + jpeg(7, 9)[2:], ("image/jpeg", 7, 9)),
    (b"GIF89a" + struct.pack("<HH", 3, 4), ("image/gif", 3, 4)),
    (b"BM" + b"\0" * 16 + struct.pack("<ii", 5, -6) + b"\0" * 8, ("image/bmp", 5, 6)),
    (RIFF + b"VP8X" + b"\0" * 8 + (99).to_bytes(3, "little") + (49).to_bytes(3, "little"), ("image/webp", 100, 50)),
    (RIFF + b"VP8L" + b"\0" * 4 + b"\x2f" + ((99) | (49 << 14)).to_bytes(4, "little") + b"\0" * 8, ("image/webp", 100, 50)),
    (RIFF + b"VP8 " + b"\0" * 7 + b"\x9d\x01\x2a" + struct.pack("<HH", 100, 50), ("image/webp", 100, 50)),
    (b"\0\0\0\x1cftypavif" + b"\0" * 20, ("image/avif", None, None)),
])  # fmt: skip
def test_kinds_of_pictures(data, found):
    picture = look(data)
    assert picture is not None
    assert (picture.content_type, picture.width, picture.height) == found


@pytest.mark.parametrize("data", [b"", b"<html>", b"<svg/>", b"\x89PNG", b"%PDF-1.7"])
def test_other_things_are_none(data):
    assert look(data) is None


@given(
    st.sampled_from([png(9, 9), jpeg(9, 9, before=60_000), RIFF + b"VP8X" + b"\0" * 20]),
    st.integers(0, 200),
    st.binary(max_size=20),
)
def test_no_picture_is_too_broken_to_be_looked_at(data, at, junk):
    for found in (look(data[:at] + junk), look(junk)):
        assert found is None or all(side is None or side >= 0 for side in (found.width, found.height))
