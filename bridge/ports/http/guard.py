"""Which hosts may be called. A merchant types the address of a store: it must not lead into our own network."""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass

import httpx

from bridge.ports.errors import AskMerchant

log = logging.getLogger(__name__)
_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
PORTS = frozenset({80, 443})
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# What `is_global` alone does not refuse in every Python from 3.11 on: https://github.com/python/cpython/issues/113171
_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "168.63.129.16/32",  # Azure's host, reachable from every machine there, on a public address
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",
        "224.0.0.0/3",  # multicast and reserved
        "::/16",  # unspecified, loopback, IPv4-compatible; IPv4-mapped is unwrapped first
        "64:ff9b::/32",  # NAT64 reaches every IPv4 address, private ones too
        "100::/64",
        "2001::/23",  # Teredo and other tunnels
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/9",  # link-local and site-local
        "ff00::/8",
    )
)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host in the order in which the system wants them tried."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


@dataclass(frozen=True)
class GuardPolicy:
    """Hosts that may be called although they are private or on odd ports: ``host`` or ``host:port``, in lower
    case, as they stand in the URL (sandboxes, a store in the same network). ``resolve`` gives the addresses of
    a host and raises OSError when it has none."""

    allowed_hosts: frozenset[str] = frozenset()
    resolve: Callable[[str, int], list[str]] = resolve


_BY_NAME = "Whoever runs this installation can allow single hosts by name (STOREBRIDGE_PRIVATE_HOSTS)."


class Guard:
    """Decides for one transport. ``trusted`` are further hosts, which no merchant can change."""

    def __init__(self, policy: GuardPolicy, trusted: Collection[str] = ()) -> None:
        self._policy = policy
        self._allowed = policy.allowed_hosts | {host.lower() for host in trusted}

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses ``host`` may be called at, best first. Raises AskMerchant, or OSError when there is no
        such host."""
        allowed = self._is_allowed(host, port)
        if not allowed and port not in PORTS:
            raise AskMerchant(f"{host} cannot be called on port {port}: only 80 and 443 are allowed. {_BY_NAME}")
        found = self._policy.resolve(host, port)
        good = [address for address in found if allowed or is_public(address)]
        if not good:
            # The addresses are for whoever runs this, not for whoever tries out names.
            log.warning("refused to call %s: it resolves to %s", host, ", ".join(found))
            raise AskMerchant(
                f"{host} is an address inside a private network and cannot be called. Enter the public address. "
                f"{_BY_NAME}"
            )
        return good

    def _is_allowed(self, host: str, port: int) -> bool:
        bare = host.strip("[]").lower()
        return not self._allowed.isdisjoint((bare, f"{bare}:{port}", f"[{bare}]", f"[{bare}]:{port}"))


def check_url(url: httpx.URL) -> None:
    """What can be said without a look-up. Raises AskMerchant."""
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(url.raw_host):
        raise AskMerchant(f"{url} is no address that can be called: it must begin with https:// and name a host.")


def is_public(address: str) -> bool:
    """Whether an address, as getaddrinfo writes it, is out in the open."""
    try:
        parsed: IPAddress = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    refused = any(parsed.version == network.version and parsed in network for network in _REFUSED)
    return parsed.is_global and not refused
