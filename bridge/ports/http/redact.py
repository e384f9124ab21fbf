"""What must not be seen is masked before it reaches an exchange, an error or a log.

Secrets go by name (Authorization, client_secret, oauth_...), by form (bearer tokens, JWTs) and by value (what
the transport was told or has fetched). Personal data goes by name and, for e-mail addresses, by form.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlsplit, urlunsplit

from bridge.ports.http.excerpt import MASK, JsonExcerpt
from bridge.ports.http.names import is_personal, is_secret, plain

EXCERPT = 2000
SHORTEST = 6
MOST_LEARNED = 64

_URL = re.compile(r"https?://[^\s\"'<>\\]+")
_EMAIL = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[\w~+/.=-]{6,}", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")
_NAME = re.compile(r"""(?P<q>\\?["']?)(?P<name>[\w.\[\]-]{2,60})(?P=q)\s*[:=]\s*""")
_GIVEN = re.compile(r"""\\?"(?:[^"\\]|\\[^"])*\\?"?|'[^']*'?|[^\s&,;<>"'}]+""")
_FORM = "application/x-www-form-urlencoded"
_DATA = ("image/", "audio/", "video/", "font/", "application/pdf", "application/zip", "application/octet-stream")


class Redactor:
    """Masks text, URLs and bodies for one account. Thread-safe."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._fixed = _forms_of(secrets)
        self._learned: dict[str, None] = {}
        self._known = _longest_first(self._fixed)

    def learn(self, *secrets: str) -> None:
        """Mask these values from now on; the oldest learned ones are forgotten after some dozens."""
        forms = _forms_of(secrets)
        with self._lock:
            if forms.keys() <= self._learned.keys():
                return
            self._learned |= forms
            while len(self._learned) > MOST_LEARNED:
                self._learned.pop(next(iter(self._learned)))
            self._known = _longest_first([*self._fixed, *self._learned])

    def text(self, text: str) -> str:
        """Free text: known values, tokens, e-mail addresses, URLs and ``name: value`` masked."""
        return _mask_named(self._by_url(text), personal=True)

    def words(self, text: str) -> str:
        """The same for a sentence to a merchant, in which "city: is required" has to stay."""
        return _mask_named(self._by_url(text), personal=False)

    def url(self, url: str) -> str:
        """A URL without user, password, fragment and private query values."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return MASK
        host = parts.netloc.rpartition("@")[2]
        query = self._form(parts.query)
        return self._by_form(urlunsplit((parts.scheme, host, parts.path, query, "")))

    def body(self, content: bytes, media_type: str = "", *, parsed: Any = None, limit: int = EXCERPT) -> str:
        """The beginning of a body, about ``limit`` characters. ``parsed``: the same as JSON, where it is known."""
        if not content:
            return ""
        if media_type == _FORM:
            return self._by_form(self._form(content[: 4 * limit].decode("utf-8", "replace")))[:limit]
        if parsed is None:
            parsed = _parsed(content)
        if parsed is not None:
            return self._by_form(_excerpt(parsed, limit))
        head = content[: 2 * limit]
        if b"\0" in head or media_type.startswith(_DATA):
            return f"({len(content)} bytes of {media_type or 'data'})"
        return self.text(head.decode("utf-8", "replace"))[:limit] + ("..." if len(content) > limit else "")

    def _by_url(self, text: str) -> str:
        return _URL.sub(lambda found: self.url(found.group()), self._by_form(text))

    def _form(self, query: str) -> str:
        pairs = parse_qsl(query, keep_blank_values=True)
        return "&".join(f"{quote(name, safe='[]')}={_form_value(name, value)}" for name, value in pairs)

    def _by_form(self, text: str) -> str:
        for value in self._known:
            text = text.replace(value, MASK)
        # What each of them must have in it is looked for first: most texts have nothing of it.
        folded = text.casefold()
        if "bearer" in folded or "basic" in folded:
            text = _BEARER.sub(rf"\1 {MASK}", text)
        if "eyJ" in text:
            text = _JWT.sub(MASK, text)
        return _EMAIL.sub(MASK, text) if "@" in text or "%40" in text else text


def _parsed(content: bytes) -> Any:
    if content.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _excerpt(parsed: Any, limit: int) -> str:
    try:
        return JsonExcerpt(limit).of(parsed)
    except RecursionError:
        return "(nested too deeply to show)"


def _form_value(name: str, value: str) -> str:
    private = is_secret(plain(name), form=True) or is_personal(plain(name))
    return MASK if private and value else quote(value, safe="/:,T+")


def _mask_named(text: str, *, personal: bool) -> str:
    """``name=value`` and ``"name": "value"`` with the values of private names masked, wherever they stand."""
    parts, position = [], 0
    while found := _NAME.search(text, position):
        parts.append(text[position : found.end()])
        position = found.end()
        name = plain(unquote_plus(found["name"]))
        private = is_secret(name) or (personal and is_personal(name))
        if private and (value := _GIVEN.match(text, position)):
            parts.append(MASK)
            position = value.end()
    return "".join(parts) + text[position:]


def _forms_of(secrets: Iterable[str]) -> dict[str, None]:
    """The forms in which a value may turn up. Shorter values would mask half of every text."""
    forms: dict[str, None] = {}
    for secret in secrets:
        if len(secret) >= SHORTEST:
            forms |= dict.fromkeys((secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]))
            forms[base64.b64encode(secret.encode()).decode().rstrip("=")] = None
    return forms


def _longest_first(forms: Iterable[str]) -> list[str]:
    return sorted(forms, key=len, reverse=True)
