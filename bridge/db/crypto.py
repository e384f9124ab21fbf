"""Encryption at rest: a key ring of Fernet keys, newest first. Old keys still read; ``rotate`` re-encrypts.

Credentials and personal data are columns of type :class:`Secret`; the ring is installed once per process by
the bootstrap. A database without its key tells nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

REMEMBERED = 500


class KeyRing:
    """Encrypts with the first key, decrypts with any. Keys are urlsafe base64 of 32 bytes (Fernet)."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("the key ring needs at least one key")
        self._fernet = MultiFernet([Fernet(key.encode()) for key in keys])
        self._remembered = lru_cache(REMEMBERED)(self._decrypt)

    def seal(self, content: Any) -> str:
        """Encrypt JSON content; Decimals (amounts in raw answers) are kept exactly, as text."""
        return self._fernet.encrypt(json.dumps(content, separators=(",", ":"), default=_plain).encode()).decode()

    def open(self, sealed: str) -> Any:
        """Raises ValueError when no key of the ring fits."""
        return json.loads(self._decrypt(sealed))

    def recall(self, sealed: str) -> Any:
        """The same of what is read with each step of work (a connection's credentials): opened once."""
        return json.loads(self._remembered(sealed))

    def _decrypt(self, sealed: str) -> bytes:
        try:
            return self._fernet.decrypt(sealed.encode())
        except InvalidToken as error:
            raise ValueError("no key of the key ring opens this value; is an old key missing?") from error

    def rotate(self, sealed: str) -> str:
        """The same content under the newest key."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken as error:
            raise ValueError("no key of the key ring opens this value; is an old key missing?") from error


def _plain(value: Any) -> str:
    """An amount in an answer kept whole is a Decimal: kept as the text it came as."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sealed")


class _Holder:
    ring: KeyRing | None = None


def install(ring: KeyRing) -> None:
    """Make ``ring`` the one this process reads and writes secrets with."""
    _Holder.ring = ring


def installed() -> KeyRing:
    if _Holder.ring is None:
        raise RuntimeError("no key ring installed: bridge.app.bootstrap does this")
    return _Holder.ring


class Secret(TypeDecorator[Any]):
    """A JSON value that is only ever stored encrypted. ``recalled``: opened once by each process."""

    impl = Text
    cache_ok = True

    def __init__(self, *, recalled: bool = False) -> None:
        super().__init__()
        self.recalled = recalled

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else installed().seal(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        ring = installed()
        return ring.recall(value) if self.recalled else ring.open(value)
