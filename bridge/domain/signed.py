"""How a store module and the bridge sign what they say to each other (docs/store-modules.md). No clock, no I/O.

The message is ``t + "\\n" + n + "\\n" + act + "\\n" + body``, the key is the secret as text, the header reads
``t=<unix seconds>,n=<32 hex digits>,v1=<hex HMAC-SHA256>``. An answer is signed with the question's ``n`` and an act
of its own, so that no question can be given back as its own answer.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from bridge.domain.values import Value

HEADER = "X-Storebridge-Signature"
WINDOW = timedelta(seconds=300)
LONGEST = 400
_TIME, _NONCE, _MAC = re.compile(r"[0-9]{1,12}"), re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{64}")


class BadSignature(ValueError):
    """Not signed, signed by somebody else, or too long ago. The text says which, and gives nothing away."""


class Signature(Value):
    """A header, taken apart. ``at`` in unix seconds."""

    at: int
    nonce: str
    mac: str

    def __str__(self) -> str:
        return f"t={self.at},n={self.nonce},v1={self.mac}"


def sign(secret: str, act: str, body: bytes, now: datetime, nonce: str) -> Signature:
    """``str()`` of it is the header. ``nonce``: 32 hex digits, new for each question, the question's for its answer."""
    at = int(now.timestamp())
    return Signature(at=at, nonce=nonce, mac=_mac(secret, at, nonce, act, body))


def answer_act(act: str) -> str:
    """What the answer to ``act`` is signed as."""
    return f"{act}.answer"


def read(header: str | None) -> Signature:
    """The parts of a header; parts nobody knows are left alone. Raises BadSignature."""
    parts = dict(part.strip().partition("=")[::2] for part in (header or "")[:LONGEST].split(","))
    at, nonce, mac = (parts.get(name, "") for name in ("t", "n", "v1"))
    if not (_TIME.fullmatch(at) and _NONCE.fullmatch(nonce) and _MAC.fullmatch(mac)):
        raise BadSignature(f"The header {HEADER} is missing or malformed.")
    return Signature(at=int(at), nonce=nonce, mac=mac)


def verify(header: str | None, act: str, body: bytes, secrets: Iterable[str], now: datetime) -> Signature:
    """Whether one of ``secrets`` has signed this, within WINDOW of ``now``. That ``nonce`` is new is for the caller to
    see to. Raises BadSignature."""
    found = read(header)
    fits = [
        hmac.compare_digest(_mac(secret, found.at, found.nonce, act, body), found.mac) for secret in secrets if secret
    ]
    if not any(fits):
        raise BadSignature("The signature does not fit: it was made with another secret, or for another text.")
    if abs(now.timestamp() - found.at) > WINDOW.total_seconds():
        raise BadSignature("The signature is too old or too new: the clocks differ by more than five minutes.")
    return found


def _mac(secret: str, at: int, nonce: str, act: str, body: bytes) -> str:
    message = f"{at}\n{nonce}\n{act}\n".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
