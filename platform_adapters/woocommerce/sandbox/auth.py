"""Who asks: Basic over TLS, OAuth 1.0a with HMAC-SHA256 over plain http, exactly as WooCommerce checks them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
import time
from typing import Any
from urllib.parse import quote

from flask import Request

from platform_adapters.woocommerce.sandbox.errors import WooError
from platform_adapters.woocommerce.sandbox.options import ApiKey, Options

WINDOW = 15 * 60
OAUTH_NAMES = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
READING = ("GET", "HEAD", "OPTIONS")
# What an unauthenticated caller is told depends on what was asked for.
REFUSALS = {
    "GET": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "POST": ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
    "PUT": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "PATCH": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "DELETE": ("woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."),
}


class Door:
    """The keys of the store and the nonces already used."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.keys = {key.key: key for key in options.keys}
        self._nonces: dict[str, dict[int, str]] = {}
        self._lock = threading.Lock()

    def authenticate(self, request: Request) -> None:
        """Raise the 401 the store would answer, or return."""
        user = (self._basic(request) if self._secure(request) else None) or self._oauth(request)
        if user is None:
            code, message = REFUSALS.get(request.method, REFUSALS["GET"])
            raise WooError(code, message, 401)
        self._may(user, request.method)

    def _secure(self, request: Request) -> bool:
        forwarded = self.options.trust_forwarded_proto and request.headers.get("X-Forwarded-Proto") == "https"
        return request.is_secure or forwarded or self.options.trust_basic_over_http

    def _basic(self, request: Request) -> ApiKey | None:
        name, secret = request.args.get("consumer_key"), request.args.get("consumer_secret")
        given = request.authorization
        if not (name and secret) and given is not None and given.type == "basic":
            name, secret = given.username, given.password
        if not name or not secret:
            return None
        key = self.keys.get(name)
        if key is not None and not hmac.compare_digest(key.secret.encode(), secret.encode()):
            raise _denied("Consumer secret is invalid.")
        return key

    def _oauth(self, request: Request) -> ApiKey | None:
        params = {name: values[-1] for name, values in request.args.lists()}
        missing = [name for name in OAUTH_NAMES if not params.get(name)]
        if len(missing) == len(OAUTH_NAMES):
            return None
        if missing:
            plural = "s" if len(missing) > 1 else ""
            text = f"Missing OAuth parameter{plural} {', '.join(missing)}"
            raise WooError("woocommerce_rest_authentication_missing_parameter", text, 401)
        key = self.keys.get(params["oauth_consumer_key"])
        if key is None:
            raise _denied("Consumer key is invalid.")
        self._check_signature(request, key, params)
        self._check_nonce(key, params["oauth_timestamp"], params["oauth_nonce"])
        return key

    def _check_signature(self, request: Request, key: ApiKey, params: dict[str, str]) -> None:
        method = params["oauth_signature_method"]
        if method not in ("HMAC-SHA1", "HMAC-SHA256"):
            raise _denied("Invalid signature - signature method is invalid.")
        home = (self.options.url or request.host_url).rstrip("/")
        nested = _as_php({name: values for name, values in request.args.lists() if name != "oauth_signature"})
        text = f"{request.method}&{_rfc3986(home + request.path)}&{'%26'.join(_joined(nested))}"
        algorithm = hashlib.sha1 if method == "HMAC-SHA1" else hashlib.sha256
        digest = hmac.new(f"{key.secret}&".encode(), text.encode(), algorithm).digest()
        given = params["oauth_signature"].replace(" ", "+")
        if not hmac.compare_digest(base64.b64encode(digest), given.encode()):
            raise _denied("Invalid signature - provided signature does not match.")

    def _check_nonce(self, key: ApiKey, timestamp: str, nonce: str) -> None:
        now = int(time.time())
        stamp = int(timestamp) if timestamp.isdigit() else 0
        if abs(now - stamp) > WINDOW:
            raise _denied("Invalid timestamp.")
        with self._lock:
            used = self._nonces.setdefault(key.key, {})
            if nonce in used.values():
                raise _denied("Invalid nonce - nonce has already been used.")
            # One nonce per second is remembered: the store keys them by timestamp.
            used[stamp] = nonce
            for old in [stamp for stamp in used if stamp < now - WINDOW]:
                del used[old]

    def _may(self, key: ApiKey, method: str) -> None:
        reading = method in READING
        if key.permissions == "read_write" or method == "OPTIONS":
            return
        if key.permissions != ("read" if reading else "write"):
            raise _denied(f"The API key provided does not have {'read' if reading else 'write'} permissions.")


def _denied(message: str) -> WooError:
    return WooError("woocommerce_rest_authentication_error", message, 401)


def _rfc3986(text: str) -> str:
    return quote(text, safe="~")


def _as_php(params: dict[str, list[str]]) -> dict[str, Any]:
    """$_GET: of a repeated name the last value counts, ``a[]`` and ``a[3]`` become arrays."""
    result: dict[str, Any] = {}
    for name, values in params.items():
        match = re.fullmatch(r"([^\[]+)\[([^\]]*)\]", name)
        if match is None:
            result[name] = values[-1]
            continue
        array = result.setdefault(match[1], {})
        for value in values:
            array[match[2] or str(len(array))] = value
    return result


def _joined(params: dict[str, Any], outer: str = "") -> list[str]:
    """``key%3Dvalue`` pairs, sorted by name at the top level, keys and values encoded twice."""
    pairs: list[str] = []
    for name, value in sorted(params.items()) if not outer else params.items():
        key = f"{outer}%5B{name}%5D" if outer else _rfc3986(name)
        if isinstance(value, dict):
            pairs.extend(_joined(value, key))
        else:
            pairs.append(_rfc3986(f"{key}={_rfc3986(value)}"))
    return pairs
