"""The signature on every request to Kaufland, and on every message from it.

``HMAC-SHA256(secret as text, "METHOD\\nURL\\nBODY\\nTIMESTAMP")`` in lower-case hex, over the URL and the bytes as they
are on the wire (seller API documentation, signing a request).
"""

from __future__ import annotations

import hashlib
import hmac


def sign(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    message = b"\n".join((method.upper().encode(), url.encode(), body, timestamp.encode()))
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def is_genuine(given: str, secret: str, method: str, url: str, body: bytes, timestamp: str) -> bool:
    expected = sign(secret, method, url, body, timestamp)
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
