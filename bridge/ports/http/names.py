"""Which names stand for secrets and which for people. When in doubt a name is private: an excerpt is for
finding faults, not for reading orders."""

from __future__ import annotations

import re
from functools import lru_cache

_SECRET = re.compile(
    r"secret|passw|authorization|credential|apikey|accesskey|consumerkey|privatekey|signature|cookie|assertion"
    r"|jwt|^oauth|^(x?auth|access|refresh|id|csrf|session|bearer|api|restricteddata)?tokens?$|^(hmac|sig|pwd|nonce)$",
    re.IGNORECASE,
)
# An OAuth code is a secret in a query or a form; in JSON, "code" is what tells one error from another.
_FORM_SECRET = re.compile(r"^code$")
_WHO = re.compile(r"^(billing|shipping|shipment|delivery|invoice|customer|buyer|recipient|contact)")
_PERSONAL = re.compile(
    r"^(first|last|middle|full|family|given|sur)name$|^initials$|^company(name)?$"
    r"|e?mail(address)?$|phone(number)?$|^(tele)?fax|^mobile|^street|^house(number|no|nr)|^zip|postcode|^postal"
    r"|^address(line)?\d?$|^extraaddress|^city$|^(vat|kvk|tax)(id|number)$|^iban|^bic$|birth|note$|^ip(address)?$"
    r"|^pickuppointname$"
)
# Everything under such a name is about a person, except what says where and how.
_PERSON = re.compile(
    r"^(billing|shipping|shipment|delivery|invoice|customer|buyer|recipient|shipto|billto|contact)"
    r"(address|details|info|person)?$|^address(es)?$"
)
_HARMLESS = re.compile(
    r"^(country|id$|\w+id$|language|currency|salutation|quantity|sku|ean|status|type$|carrier|method|transport)"
)


@lru_cache(4096)
def plain(name: str) -> str:
    """A name without case and punctuation: ``X-Auth-Token`` and ``x_auth_token`` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@lru_cache(4096)
def is_secret(name: str, *, form: bool = False) -> bool:
    """Whether values of this (plain) name are secrets; in queries and forms, ``form``, a few more are."""
    return bool(_SECRET.search(name) or (form and _FORM_SECRET.search(name)))


@lru_cache(4096)
def is_personal(name: str) -> bool:
    """Whether values of this (plain) name are personal data."""
    return bool(_PERSONAL.search(name) or _PERSONAL.search(_WHO.sub("", name)))


@lru_cache(4096)
def is_person(name: str) -> bool:
    """Whether what stands under this (plain) name is about a person."""
    return bool(_PERSON.search(name))


@lru_cache(4096)
def is_harmless(name: str) -> bool:
    """Whether a value may be shown although it is part of a person."""
    return bool(_HARMLESS.search(name))
