"""A merchant's address must not lead into our own network."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.ports.errors import AskMerchant, RetryLater
from bridge.ports.http import Guard, GuardPolicy, HttpServices, MemoryRecorder, Transport
from bridge.ports.http.guard import is_public
from bridge.ports.http.network import GuardedTransport
from tests.support.rogue import Rogue, rogue


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.1.2",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "100::1",
        "2001:0:1::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "nonsense",
        "",
    ],
)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "185.14.168.1", "2a00:1450:400e:80c::200e", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


def guard(*allowed: str, **names: list[str]) -> Guard:
    def resolve(host: str, port: int) -> list[str]:
        if host in names:
            return names[host]
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(info[4][0]) for info in found]

    return Guard(GuardPolicy(frozenset(allowed), resolve))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "::1",
        "[::1]".strip("[]"),
        "localhost",
        "0",
    ],
)
def test_every_way_to_write_loopback_is_refused(host: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AskMerchant, match="private network") as caught:
        guard().addresses(host, 443)
    assert f"refused to call {host}: it resolves to" in caplog.text
    assert "resolves" not in str(caught.value)  # no telephone book of our network


def test_only_public_ones_of_several_addresses_are_used() -> None:
    mixed = guard(shop=["10.0.0.1", "8.8.8.8", "::1"])
    assert mixed.addresses("shop", 443) == ["8.8.8.8"]


@pytest.mark.parametrize("port", [22, 25, 6379, 8080])
def test_only_web_ports(port: int) -> None:
    with pytest.raises(AskMerchant, match=f"port {port}"):
        guard(shop=["8.8.8.8"]).addresses("shop", port)


@pytest.mark.parametrize(
    ("allowed", "host", "port", "good"),
    [
        ("127.0.0.1:8100", "127.0.0.1", 8100, True),
        ("127.0.0.1:8100", "127.0.0.1", 8101, False),
        ("127.0.0.1", "127.0.0.1", 8101, True),
        ("[::1]:8100", "::1", 8100, True),
        ("::1", "::1", 8100, True),
        ("127.0.0.1", "127.0.0.2", 80, False),
        ("127.0.0.1", "2130706433", 80, False),
        ("localhost", "localhost", 8100, True),
        ("localhost", "localhost.", 8100, False),
    ],
)
def test_allowed_by_name_only(allowed: str, host: str, port: int, good: bool) -> None:
    if good:
        assert guard(allowed).addresses(host, port)
    else:
        with pytest.raises(AskMerchant):
            guard(allowed).addresses(host, port)


def transport(*allowed: str, names: dict[str, list[str]] | None = None, **kwargs: object) -> Transport:
    given = names or {}

    def resolve(host: str, port: int) -> list[str]:
        if host not in given:
            raise socket.gaierror(-2, "Name or service not known")
        return given[host]

    services = HttpServices(guard_policy=GuardPolicy(frozenset(allowed), resolve), recorder=MemoryRecorder(), **kwargs)  # type: ignore[arg-type]
    return Transport(account="shop:1", services=services, title="My shop")


@pytest.fixture
def server() -> Iterator[Rogue]:
    with rogue() as running:
        yield running


def test_a_private_name_is_never_connected_to(server: Rogue) -> None:
    port = httpx.URL(server.url).port
    shop = transport(names={"shop.example": ["127.0.0.1"]})
    with pytest.raises(AskMerchant) as caught:
        shop.request("GET", f"http://shop.example:{port}/", operation="x")
    assert caught.value.merchant.startswith("My shop: shop.example cannot be called on port")
    with pytest.raises(AskMerchant, match="private network"):
        shop.request("GET", "http://shop.example/", operation="x")
    assert server.connections == 0


def test_the_checked_address_is_the_one_that_is_called(server: Rogue) -> None:
    """No second look-up: a name that changes its mind (DNS rebinding) is asked once for each connection."""
    port = httpx.URL(server.url).port
    server.answers("/", 200, {})
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    policy = GuardPolicy(frozenset({f"shop.example:{port}"}), resolve)
    shop = Transport(account="shop:1", services=HttpServices(guard_policy=policy))
    shop.request("GET", f"http://shop.example:{port}/", operation="x")
    shop.request("GET", f"http://shop.example:{port}/", operation="x")
    assert asked == ["shop.example"]
    assert server.connections == 1
    assert server.calls[0].headers["host"] == f"shop.example:{port}"


def test_the_next_address_is_tried(server: Rogue) -> None:
    port = httpx.URL(server.url).port
    server.answers("/", 200, {})
    shop = transport("shop.example", names={"shop.example": ["127.0.0.3", "127.0.0.1"]})
    assert shop.request("GET", f"http://shop.example:{port}/", operation="x").ok


def test_an_unknown_host_may_work_later() -> None:
    with pytest.raises(RetryLater, match=r"nowhere.example cannot be found; check how it is spelled"):
        transport().request("POST", "https://nowhere.example/", operation="x", max_wait=0)


@pytest.mark.parametrize(
    "url", ["ftp://shop.example/", "file:///etc/passwd", "shop.example", "https://", "http://[::1", "", "https://a b/"]
)
def test_odd_addresses(url: str) -> None:
    with pytest.raises(AskMerchant):
        transport().request("GET", url, operation="x")


def test_a_changed_httpx_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard sits inside httpx; were it not asked any more, nothing may work."""

    def without_pool(self: httpx.HTTPTransport, *args: object, **kwargs: object) -> None:
        self._pool = object()  # type: ignore[assignment]

    monkeypatch.setattr(httpx.HTTPTransport, "__init__", without_pool)
    with pytest.raises(TypeError, match="guard"):
        GuardedTransport(guard(), ssl.create_default_context())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


class Authority:
    """A certificate authority of our own, and a server's certificate by it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.certificate = self._sign(self.name, self.key.public_key(), days=10, authority=True)

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.certificate.public_bytes(serialization.Encoding.PEM).decode())
        return context

    def server(self, host: str, *, days: int = 5) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._sign(name, key.public_key(), days=days, host=host)
        path = self.folder / f"{host}-{days}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        days: int,
        host: str = "",
        authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=20))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if host:
            alternative = x509.SubjectAlternativeName(
                [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
            )
            builder = builder.add_extension(alternative, critical=False)
        return builder.sign(self.key, hashes.SHA256())


def test_tls_checks_the_name_and_not_the_address(authority: Authority) -> None:
    with rogue(authority.server("shop.example")) as server:
        port = httpx.URL(server.url).port
        server.answers("/", 200, {"hello": 1})
        names = {"shop.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}
        shop = transport("shop.example", "other.example", names=names, ssl_context=authority.client)
        assert shop.request("GET", f"https://shop.example:{port}/", operation="x").json == {"hello": 1}
        with pytest.raises(AskMerchant, match=r"no valid certificate .*other\.example"):
            shop.request("GET", f"https://other.example:{port}/", operation="x")


def test_an_expired_certificate_is_named(authority: Authority) -> None:
    with rogue(authority.server("shop.example", days=-1)) as server:
        port = httpx.URL(server.url).port
        shop = transport("shop.example", names={"shop.example": ["127.0.0.1"]}, ssl_context=authority.client)
        with pytest.raises(AskMerchant, match="certificate has expired") as caught:
            shop.request("POST", f"https://shop.example:{port}/", operation="x")
        assert caught.value.merchant.startswith("My shop: ")


def test_an_unknown_authority_is_refused(authority: Authority) -> None:
    with rogue(authority.server("shop.example")) as server:
        port = httpx.URL(server.url).port
        shop = transport("shop.example", names={"shop.example": ["127.0.0.1"]})
        with pytest.raises(AskMerchant, match="no valid certificate"):
            shop.request("GET", f"https://shop.example:{port}/", operation="x")
        assert server.calls == []


def test_plain_text_where_tls_is_spoken(server: Rogue) -> None:
    port = httpx.URL(server.url).port
    shop = transport("shop.example", names={"shop.example": ["127.0.0.1"]})
    with pytest.raises(RetryLater, match="cannot be reached"):
        shop.request("POST", f"https://shop.example:{port}/", operation="x", timeout=1)
