"""An answer from the outside, read whole."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import httpx

from bridge.domain.reading import storable

_UNREAD = object()
_ODD_ESCAPE = re.compile(rb"\\u(?:0000|d[89a-f])", re.IGNORECASE)
BARRED = (403, 406)


class NotJson(ValueError):
    """The body is not JSON. Internal to this package: callers of the transport see a BridgeError."""


class Response:
    """Status, headers (any capitalisation) and body. ``content`` is decoded and within the size cap."""

    def __init__(self, status: int, headers: httpx.Headers, content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self._json: Any = _UNREAD

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.content)} bytes>"

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The content type in lower case without its parameters; empty when there is none."""
        value: str = self.headers.get("content-type", "")
        return value.partition(";")[0].strip().lower()

    @property
    def is_page(self) -> bool:
        """Whether this is a web page for people rather than an API's answer."""
        return "html" in self.media_type or self.content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")

    @property
    def is_barred(self) -> bool:
        """Whether a page turns the call away that no API has written: a firewall stands before it."""
        return self.status in BARRED and self.is_page

    @property
    def text(self) -> str:
        """The body as text, in the charset it names or else UTF-8; what does not fit is replaced."""
        named = re.search(r"charset=[\"']?([\w.-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        try:
            return self.content.decode(named.group(1) if named else "utf-8", errors="replace")
        except LookupError:
            return self.content.decode("utf-8", errors="replace")

    @property
    def json(self) -> Any:
        """The body as JSON, None when it is empty. Numbers with a fraction are Decimal; characters that cannot be kept
        are U+FFFD. Raises NotJson, which a call with ``expect="json"`` has already turned into a BridgeError."""
        if self._json is _UNREAD:
            self._json = _parse(self.content)
        return self._json

    @property
    def known_json(self) -> Any:
        """The body as JSON where it was parsed already, else None: a copy of its own, as what was given out may have
        been changed since."""
        return None if self._json is _UNREAD else _parse(self.content)


def _parse(content: bytes) -> Any:
    if not content.strip():
        return None
    try:
        found = json.loads(content.removeprefix(b"\xef\xbb\xbf"), parse_float=Decimal, parse_constant=_refuse)
        return storable(found) if _ODD_ESCAPE.search(content) else found
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def _refuse(constant: str) -> Any:
    raise NotJson(f"{constant} is not JSON")
