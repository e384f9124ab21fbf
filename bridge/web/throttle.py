"""How often somebody may knock: counted by address and by connection, in Redis where there is one.

Who is refused does not count: a bucket is filled by what was let in, or by what went wrong (a bad signature, a wrong
token), so that nobody can lock out somebody else by knocking in their name.
"""

from __future__ import annotations

import ipaddress
import math
from http import HTTPStatus

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from bridge.ports.http.limiter import Limiter
from bridge.ports.manifest import Limit

PAUSE = 60.0


class TooMany(HTTPException):
    """Said as it is, with how long to wait."""

    code = HTTPStatus.TOO_MANY_REQUESTS.value

    def __init__(self, seconds: float) -> None:
        wait = max(1, math.ceil(seconds))
        super().__init__(f"Too many calls; wait {wait} seconds.")
        self.headers = {"Retry-After": str(wait)}


class Throttle:
    """Buckets of one door. ``limit`` in calls of so many seconds; all may come at once."""

    def __init__(self, limiter: Limiter, door: str) -> None:
        self._limiter = limiter
        self._door = door

    def count(self, name: str, key: str, limit: Limit) -> None:
        """One more. Raises TooMany once the bucket is empty."""
        grant = self._limiter.take(self._key(name, key), limit, 1.0, reserve=0.0, patience=0.0)
        if not grant.granted:
            raise TooMany(grant.wait)

    def refuse_blocked(self, name: str, key: str, limit: Limit) -> None:
        """Raises TooMany while somebody has gone wrong too often."""
        if wait := self._limiter.blocked(self._key(name, key), limit):
            raise TooMany(wait)

    def wrong(self, name: str, key: str, limit: Limit) -> None:
        """It went wrong; beyond ``limit`` the key is refused for PAUSE seconds without being looked at."""
        if not self._limiter.take(self._key(name, key), limit, 1.0, reserve=0.0, patience=0.0).granted:
            self._limiter.block(self._key(name, key), limit, PAUSE)

    def _key(self, name: str, key: str) -> str:
        return f"door:{self._door}:{name}:{key}"


def caller(request: Request, proxies: int) -> str:
    """The address that is counted: behind ``proxies`` servers of ours the one that the outermost of them saw; with 0,
    what a server on this machine says, else whoever is on the line. An IPv6 customer has a whole /64."""
    said = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    route = [_address(part) for part in (*said, request.remote_addr or "")]
    if proxies == 0 and isinstance(route[-1], _ADDRESS) and route[-1].is_loopback:
        proxies = 1
    address = route[-1 - proxies] if proxies < len(route) else route[0]
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address or "unknown")


_ADDRESS = (ipaddress.IPv4Address, ipaddress.IPv6Address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0].strip("[]"))
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found
