"""Signing requests as Magento wants it: OAuth 1.0a, HMAC-SHA256. No I/O.

The address is signed with its query as pairs of decoded names and values, and without the body. An own port (neither 80
for http nor 443 for https) belongs to it (RFC 5849, 3.4.1.2), and Magento signs the host that its web server tells PHP
(``Magento\\Framework\\Oauth\\Helper\\Request``): with the port behind most servers, without it where only the name
is told, as Debian's nginx does (``fastcgi_params``: ``HTTP_HOST $host``). Both were measured, on 2.4.7-p7 and 2.4.8-p2.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

import httpx


class Keys(NamedTuple):
    """The four values of an integration. While they are being agreed on, there is no token yet."""

    consumer_key: str
    consumer_secret: str
    token: str = ""
    token_secret: str = ""


DEFAULT_PORTS = {"http": 80, "https": 443}


def has_own_port(url: str) -> bool:
    """Then there are two ways to sign it."""
    parts = urlsplit(url)
    return parts.port not in (None, DEFAULT_PORTS.get(parts.scheme))


def authorization(
    method: str, url: str, keys: Keys, *, nonce: str, timestamp: int, verifier: str = "", ported: bool = True
) -> str:
    """The header ``Authorization`` of one request. Nonces are single-use per consumer; ``verifier`` is for the exchange
    of a request token; ``ported``: an own port is signed too."""
    given = {
        "oauth_consumer_key": keys.consumer_key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(timestamp),
        **({"oauth_token": keys.token} if keys.token else {}),
        **({"oauth_verifier": verifier} if verifier else {}),
        "oauth_version": "1.0",
    }
    place = url if ported else without_port(url)
    given["oauth_signature"] = signature(method, place, given, keys.consumer_secret, keys.token_secret)
    return "OAuth " + ", ".join(f'{name}="{encoded(value)}"' for name, value in given.items())


def signer(
    keys: Keys, clock: Callable[[], datetime], verifier: str = "", *, ported: bool = True
) -> Callable[[httpx.Request], None]:
    """For ``auth=`` of a call. Signs last of all and each attempt anew: a nonce is taken once."""

    def sign(request: httpx.Request) -> None:
        nonce, now = secrets.token_hex(16), int(clock().timestamp())
        request.headers["Authorization"] = authorization(
            request.method, str(request.url), keys, nonce=nonce, timestamp=now, verifier=verifier, ported=ported
        )

    return sign


def signature(method: str, url: str, given: Mapping[str, str], consumer_secret: str, token_secret: str) -> str:
    """``given`` are the OAuth parameters without the signature."""
    parts = urlsplit(url)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *given.items()]
    listed = sorted((encoded(name), encoded(value)) for name, value in pairs)
    port = f":{parts.port}" if has_own_port(url) else ""
    place = f"{parts.scheme}://{(parts.hostname or '').lower()}{port}{parts.path}"
    query = "&".join(f"{name}={value}" for name, value in listed)
    base = "&".join((method.upper(), encoded(place), encoded(query)))
    key = f"{encoded(consumer_secret)}&{encoded(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()


def without_port(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.hostname or "").geturl()


def encoded(value: str) -> str:
    """RFC 3986: a space is %20, never +."""
    return quote(value, safe="~")
