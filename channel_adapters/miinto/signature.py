"""The signature on every request: MNT-HMAC-SHA256-1-0, as Miinto's own client makes it.

Of method, host, path and query (as they are on the wire), of channel, time, seed and type, and of the body a SHA-256 is
made each, in lower-case hex; their three lines are signed with the token of the channel
(github.com/miinto/miinto_api_client, src/Middleware/Hmac.php).
"""

from __future__ import annotations

import hashlib
import hmac

AUTH_TYPE = "MNT-HMAC-SHA256-1-0"
FLAVOUR = "Miinto-Generic"


def sign(
    token: str, channel: str, timestamp: str, seed: str, *, method: str, host: str, path: str, query: str, body: bytes
) -> str:
    """``host`` without its port, as a PSR-7 URI gives it."""
    resource = _digest(f"{method.upper()}\n{host}\n{path}\n{query}".encode())
    header = _digest(f"{channel}\n{timestamp}\n{seed}\n{AUTH_TYPE}".encode())
    message = "\n".join((resource, header, _digest(body)))
    return hmac.new(token.encode(), message.encode(), hashlib.sha256).hexdigest()


def is_genuine(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
