"""Who may call: OAuth 1.0a as Magento checks it, or a bearer where the store takes one."""

from __future__ import annotations

import hmac
import re
import threading
from collections.abc import Callable
from urllib.parse import unquote

from flask import request

from platform_adapters.magento.oauth import signature
from platform_adapters.magento.sandbox.errors import MagentoError, unauthorised
from platform_adapters.magento.sandbox.options import SANDBOX_KEYS, Options

PAIR = re.compile(r'(\w+)="([^"]*)"')
AHEAD = 600


class Auth:
    """Nonces are taken once."""

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self._nonces: set[str] = set()
        self._lock = threading.Lock()

    def check(self, raw_path: str, resource: str) -> None:
        kind, _, rest = request.headers.get("Authorization", "").partition(" ")
        if resource.split("::", maxsplit=1)[0] in self._options.denied:
            raise unauthorised(resource)
        if kind == "Bearer" and self._options.bearer and rest == SANDBOX_KEYS["access_token"]:
            return
        if kind != "OAuth":
            raise unauthorised(resource)
        self._signed(raw_path, {name: unquote(value) for name, value in PAIR.findall(rest)})

    def check_handshake(self, given: dict[str, str], token: str, token_secret: str) -> None:
        """A step of the activation: signed with what has been agreed on so far."""
        self._verify(request.path, given, token, token_secret)

    def _signed(self, raw_path: str, given: dict[str, str]) -> None:
        self._verify(raw_path, given, SANDBOX_KEYS["access_token"], SANDBOX_KEYS["access_token_secret"])

    def _verify(self, raw_path: str, given: dict[str, str], token: str, token_secret: str) -> None:
        sent = given.pop("oauth_signature", "")
        if given.get("oauth_consumer_key") != SANDBOX_KEYS["consumer_key"]:
            raise MagentoError(401, "A consumer with the ID %1 doesn't exist", [given.get("oauth_consumer_key")])
        if given.get("oauth_token", "") != token:
            raise MagentoError(401, "Specified token does not exist")
        host = request.host if self._options.port_told else request.host.partition(":")[0]
        url = f"{request.scheme}://{host}{raw_path}"
        secrets = SANDBOX_KEYS["consumer_secret"], token_secret
        if not hmac.compare_digest(signature(request.method, url, given, *secrets), sent):
            raise MagentoError(401, "The signature is invalid. Verify and try again.")
        self._fresh(given)

    def _fresh(self, given: dict[str, str]) -> None:
        stamp, nonce = given.get("oauth_timestamp", ""), given.get("oauth_nonce", "")
        if not stamp.isdigit() or int(stamp) > self._clock() + AHEAD:
            raise MagentoError(401, "The oauth_timestamp value in the request is incorrect.")
        with self._lock:
            if not nonce or nonce in self._nonces:
                raise MagentoError(401, "The nonce is already being used by the consumer with ID %1.", ["1"])
            self._nonces.add(nonce)
