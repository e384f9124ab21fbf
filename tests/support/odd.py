"""JSON that nobody ought to send: every odd value in every place, and whole bodies that are none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

HERE = "@here@"
# As they stand in the text that is sent: some are no JSON, some no database can keep.
VALUES: Mapping[str, str] = {
    "null": "null",
    "true": "true",
    "false": "false",
    "zero": "0",
    "negative": "-7",
    "a fraction": "7.5",
    "a float of a whole number": "7.0",
    "nearly 2**63": str(2**63 - 1),
    "2**63": str(2**63),
    "2**64": str(2**64),
    "below -2**63": str(-(2**63) - 1),
    "400 digits": "7" * 400,
    "5000 digits": "7" * 5000,
    "too large": "1e999",
    "too small": "-1e999",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "empty text": '""',
    "blank text": '" "',
    "a number as text": '"7"',
    "a negative number as text": '"-7"',
    "2**63 as text": f'"{2**63}"',
    "other digits": '"\\u0667"',
    "U+0000": '"\\u0000"',
    "a lone surrogate": '"\\ud800"',
    "a surrogate as a name": '{"\\udfff": 1}',
    "a pair": '"\\ud83d\\ude00"',
    "a line break": '"a\\nb"',
    "right to left": '"\\u202e"',
    "markup": '"<script>alert(1)</script>"',
    "a path": '"../../etc/passwd"',
    "long text": json.dumps("x" * 3000),
    "the first hour": '"0001-01-01T00:00:00+23:59"',
    "the last hour": '"9999-12-31T23:59:59-23:59"',
    "an empty list": "[]",
    "a list of null": "[null]",
    "a list of itself": "[[[[7]]]]",
    "an empty object": "{}",
    "an object": '{"a": {"b": 7}}',
    "nested 40 deep": "[" * 40 + "]" * 40,
    "nested 500 deep": "[" * 500 + "]" * 500,
}
DEEP = b'{"id":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def bodies(good: Any) -> dict[str, bytes]:
    """What is sent in the place of ``good``."""
    text = json.dumps(good)
    return {
        "nothing": b"",
        "a blank": b" ",
        "half of it": text.encode()[: len(text) // 2],
        "it twice": text.encode() * 2,
        "UTF-16": text.encode("utf-16"),
        "UTF-32": text.encode("utf-32"),
        "a byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "no UTF-8": b'{"id":1,"x":"caf\xe9"}',
        "an overlong form": b'{"id":1,"x":"\xc0\xaf"}',
        "a raw surrogate": b'{"id":1,"x":"\xed\xa0\x80"}',
        "a raw zero": b'{"id":1,"x":"\x00"}',
        "only zeros": b"\x00" * 64,
        "names twice": b'{"id":1,"id":2,"id":null}',
        "a form": b"id=1&name=x",
        "XML": b"<?xml version='1.0'?><id>1</id>",
        "deep": DEEP,
        "deep and never closed": b"[" * 100_000,
        **{f"only {name}": value.encode() for name, value in VALUES.items()},
    }


def spliced(good: Any) -> Iterator[tuple[str, bytes]]:
    """``good`` with each of the odd values in each of its places; and without each of its fields."""
    for path in _paths(good):
        where = ".".join(map(str, path))
        text = json.dumps(_with(good, path, HERE))
        for name, value in VALUES.items():
            yield f"{where}: {name}", text.replace(f'"{HERE}"', value).encode()
        if isinstance(path[-1], str):
            yield f"{where} left out", json.dumps(_with(good, path, None, leave_out=True)).encode()


def _paths(content: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    found = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, inside in found:
        yield (*above, name)
        yield from _paths(inside, (*above, name))


def _with(content: Any, path: tuple[str | int, ...], value: Any, *, leave_out: bool = False) -> Any:
    name, *rest = path
    copy = dict(content) if isinstance(content, dict) else list(content)
    if rest:
        copy[name] = _with(content[name], tuple(rest), value, leave_out=leave_out)  # type: ignore[index,call-overload]
    elif leave_out:
        del copy[name]  # type: ignore[arg-type]
    else:
        copy[name] = value  # type: ignore[index,call-overload]
    return copy
