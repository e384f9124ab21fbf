"""JSON that somebody sends us: how deep it may be, and what no database can keep. Nothing here knows the sender."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from bridge.ports.errors import AskMerchant

T = TypeVar("T")
MAX_DEPTH = 64
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def depth(body: bytes) -> int:
    """How deep the JSON is nested: counted over the bytes, without building anything."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return 0
    level = deepest = 0
    for byte in _STRINGS.sub(b"", body).translate(None, _NOT_BRACKETS):
        level += 1 if byte in b"[{" else -1
        deepest = max(deepest, level)
    return deepest


def understood(read: Callable[[], T]) -> T:
    """What an adapter reads of a delivery. Whatever cannot be parsed after it was verified is the sender's fault, not a
    crash: raises AskMerchant."""
    try:
        return read()
    except (ValueError, RecursionError) as error:
        raise AskMerchant("The delivery is not valid JSON.", developer=type(error).__name__) from error


def read_object(body: bytes) -> dict[str, Any]:
    """Raises AskMerchant where the body is no JSON object, too deep, or holds what no database can keep."""
    if depth(body) > MAX_DEPTH:
        raise AskMerchant(f"The message is nested deeper than {MAX_DEPTH} levels.", field="body")
    try:
        text = body.decode()
        content = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise AskMerchant("The message is no JSON.", developer=type(error).__name__, field="body") from error
    if not isinstance(content, dict):
        raise AskMerchant("The message is no JSON object.", field="body")
    if "\\u0000" in text:
        raise AskMerchant("Text cannot hold the character U+0000.", field="body")
    if "\\ud" in text.lower() and not _is_whole(content):
        raise AskMerchant("Text cannot hold half a character (a lone surrogate).", field="body")
    return content


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _is_whole(content: Any) -> bool:
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
