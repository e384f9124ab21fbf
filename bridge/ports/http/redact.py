"""What must not be seen is masked before it reaches an exchange, an error or a log.

Secrets go by name (Authorization, client_secret, oauth_...), by form (bearer tokens, JWTs) and by value (what
the transport was told or has fetched). Personal data goes by name and, for e-mail addresses, by form. When in
doubt it masks: an excerpt is for finding faults, not for reading orders.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus, urlsplit, urlunsplit

MASK = "***"
EXCERPT = 2000

_SECRET = re.compile(
    r"secret|passw|authorization|apikey|consumerkey|privatekey|signature|cookie|assertion|jwt|^oauth"
    r"|^(x?auth|access|refresh|id|csrf|session|bearer|api)?tokens?$|^(hmac|sig|pwd|nonce)$"
)
# Secret in a query or a form only: in JSON, "code" is what tells one error from another.
_FORM_SECRET = re.compile(r"^code$")
_PERSONAL = re.compile(
    r"^(first|last|middle|full|family|given|sur)name$|^surname$|^initials$|^company(name)?$"
    r"|e?mail(address)?$|phone(number)?$|^(tele)?fax|mobile|^street|^house(number|noextension|nr)|^zip|postcode|^postal"
    r"|^address(line)?\d?$|^city$|^(vat|kvk|tax)number$|^iban|^bic$|birth|^customer(note|ip)|^ip(address)?$"
)
# Everything under such a name is about a person, except what says where and how.
_PERSON = re.compile(
    r"^(billing|shipping|shipment|delivery|invoice|customer|buyer|recipient|shipto|billto|contact)"
    r"(address|details|info|person)?$|^address(es)?$"
)
_HARMLESS = re.compile(r"^(country|id$|language|currency|salutation|quantity|sku|ean|status|type$|carrier|method)")
_EMAIL = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[\w~+/.=-]{6,}", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")
_PAIR = re.compile(r"""(["']?)([\w.\[\]-]{2,40})\1(\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s&,;<>"'}]+)""")


def _plain(name: str) -> str:
    """A name without case and punctuation: ``X-Auth-Token`` and ``x_auth_token`` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


class Redactor:
    """Masks text, URLs and bodies for one account. Thread-safe."""

    _most_learned = 64

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._fixed = _forms_of(secrets)
        self._learned: dict[str, None] = {}

    def learn(self, *secrets: str) -> None:
        """Mask these values from now on; the oldest learned ones are forgotten after some dozens."""
        with self._lock:
            for form in _forms_of(secrets):
                self._learned.pop(form, None)
                self._learned[form] = None
            while len(self._learned) > self._most_learned:
                self._learned.pop(next(iter(self._learned)))

    def text(self, text: str) -> str:
        """Free text: values, tokens, e-mail addresses and ``name=value`` pairs masked."""
        return _PAIR.sub(_mask_pair, self._by_form(text))

    def url(self, url: str) -> str:
        """A URL without user, password and secret query values."""
        parts = urlsplit(str(url))
        host = parts.netloc.rpartition("@")[2]
        query = "&".join(f"{quote(k)}={self._form_value(k, v)}" for k, v in parse_qsl(parts.query, True))
        return self._by_form(urlunsplit((parts.scheme, host, parts.path, query, "")))

    def body(self, content: bytes, media_type: str = "", limit: int = EXCERPT) -> str:
        """The beginning of a body, at most ``limit`` characters."""
        if not content:
            return ""
        text = self._masked_json(content) if media_type != "application/x-www-form-urlencoded" else None
        if text is None and media_type == "application/x-www-form-urlencoded":
            pairs = parse_qsl(content[: 4 * limit].decode("utf-8", "replace"), True)
            text = "&".join(f"{key}={self._form_value(key, value)}" for key, value in pairs)
        if text is None:
            text = self._opaque(content, media_type, limit)
        return text if len(text) <= limit else f"{text[:limit]}... ({len(content)} bytes)"

    def _masked_json(self, content: bytes) -> str | None:
        if len(content) > 1_000_000 or content.lstrip()[:1] not in (b"{", b"["):
            return None
        try:
            body = json.loads(content)
            return self._by_form(json.dumps(_masked(body), ensure_ascii=False, separators=(",", ":"), default=str))
        except (ValueError, RecursionError):
            return None

    def _opaque(self, content: bytes, media_type: str, limit: int) -> str:
        head = content[: 4 * limit]
        if b"\0" in head or media_type.startswith(("image/", "application/pdf", "application/zip")):
            return f"({len(content)} bytes of {media_type or 'data'})"
        return self.text(head.decode("utf-8", "replace"))

    def _form_value(self, name: str, value: str) -> str:
        plain = _plain(name)
        hidden = _FORM_SECRET.search(plain) or _SECRET.search(plain) or _PERSONAL.search(plain)
        return MASK if hidden else quote(value, safe="/:,T+")

    def _by_form(self, text: str) -> str:
        with self._lock:
            values = [*self._fixed, *self._learned]
        for value in sorted(values, key=len, reverse=True):
            text = text.replace(value, MASK)
        text = _JWT.sub(MASK, _BEARER.sub(rf"\1 {MASK}", text))
        return _EMAIL.sub(MASK, text)


def _forms_of(secrets: Iterable[str]) -> dict[str, None]:
    """The forms in which a value may turn up. Values under six characters would mask half of every text."""
    forms: dict[str, None] = {}
    for secret in secrets:
        if len(secret) >= 6:
            forms |= dict.fromkeys((secret, quote(secret, safe=""), json.dumps(secret)[1:-1]))
            forms[base64.b64encode(secret.encode()).decode().rstrip("=")] = None
    return forms


def _masked(value: Any, *, person: bool = False) -> Any:
    if isinstance(value, Mapping):
        return _masked_object(value, person=person)
    if isinstance(value, list):
        return [_masked(item, person=person) for item in value]
    if person and isinstance(value, str | int | float | Decimal) and not isinstance(value, bool) and value != "":
        return MASK
    return value


def _masked_object(value: Mapping[str, Any], *, person: bool) -> dict[str, Any]:
    # WooCommerce meta_data: {"key": "_billing_phone", "value": "..."}; the name stands beside the value.
    named = value.get("key")
    beside = _plain(named) if isinstance(named, str) and "value" in value else ""
    return {name: _masked_member(beside if name == "value" and beside else _plain(name), item, person)
            for name, item in value.items()}  # fmt: skip


def _masked_member(plain: str, value: Any, person: bool) -> Any:
    if _SECRET.search(plain) or _is_personal(plain):
        return value if value in (None, "", True, False) else MASK
    if _PERSON.search(plain):
        return _masked(value, person=True)
    return _masked(value, person=person and not _HARMLESS.search(plain))


def _is_personal(plain: str) -> bool:
    for prefix in ("billing", "shipping", "customer", "buyer", "delivery", "recipient"):
        if plain.startswith(prefix) and _PERSONAL.search(plain.removeprefix(prefix)):
            return True
    return bool(_PERSONAL.search(plain))


def _mask_pair(match: re.Match[str]) -> str:
    quoting, name, between, _ = match.groups()
    plain = _plain(unquote_plus(name))
    if not (_SECRET.search(plain) or _is_personal(plain)):
        return match.group()
    return f"{quoting}{name}{quoting}{between}{MASK}"
