"""Alerts, from the problem to a real mail server and a real web server: once each, in order, at their time, signed, and
with nothing of a buyer in them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import ipaddress
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select, update

from bridge.db import records
from bridge.db.tables import AlertRow, Connection, Problem, SendingRow
from bridge.domain.alerting import Alerting
from bridge.flows import alert_settings, alerts
from bridge.flows.forms import FieldErrors
from bridge.jobs.watch import Watch
from bridge.ports.errors import AskMerchant
from bridge.ports.http import HttpServices, Transport
from bridge.ports.mail import MailServer
from tests.support.receivers import HookSink, MailSink, mail_sink
from tests.support.world import World

TO = ["me@shop.example"]


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url, markets=1)
    yield world
    world.close()


@pytest.fixture
def mail(world: World) -> Iterator[MailSink]:
    with mail_sink() as sink:
        world.engine.mail = MailServer("127.0.0.1", sink.port, "none", sender="storebridge@shop.example")
        alert_settings.put(world.engine, 1, {"email": TO}, "test")
        yield sink


@pytest.fixture
def hook(world: World, serve: Callable[..., str]) -> tuple[HookSink, str, str]:
    """The sink, its address and the secret."""
    sink = HookSink()
    url = serve(sink.app())
    services = HttpServices.build(allowed_hosts=[url.removeprefix("http://")])
    services = HttpServices(
        guard_policy=services.guard_policy, sleep=lambda _: None, clock=world.clock
    )  # no waiting between the transport's own attempts
    world.engine.outside = lambda account, title: Transport(account=account, services=services, title=title)
    secret = alert_settings.put(world.engine, 1, {"webhook": f"{url}/alerts"}, "test")["secret"]
    return sink, f"{url}/alerts", secret


def opens(world: World, name: str, severity: str = "error", text: str = "It broke.", kind: str = "drift") -> None:
    with world.db.write(1) as session:
        records.open_problem(
            session, world.clock(), kind, name, text, "Mend it.", connection_id=2, severity=severity, detail="inside"
        )


def closes(world: World, name: str, kind: str = "drift") -> None:
    with world.db.write(1) as session:
        records.close_problem(session, world.clock(), kind, name)


def told(hook: tuple[HookSink, str, str]) -> list[tuple[str, str]]:
    """Type and subject of each call that was taken, in order."""
    found = [json.loads(body) for _, body in hook[0].calls]
    return [(item["type"], item["problem"]["subject"]) for item in found]


def states(world: World) -> list[tuple[str, str, int]]:
    with world.db.read(1) as session:
        query = select(SendingRow.route, SendingRow.state, SendingRow.attempts).order_by(SendingRow.id)
        return [(row[0], row[1], row[2]) for row in session.execute(query)]


def test_a_problem_is_told_once_when_it_opens_and_once_when_it_closes(world: World, mail: MailSink) -> None:
    opens(world, "A")
    opens(world, "A")
    assert alerts.send(world.engine) == 1
    assert alerts.send(world.engine) == 0
    closes(world, "A")
    closes(world, "A")
    opens(world, "A")
    assert alerts.send(world.engine) == 2
    subjects = [str(message["Subject"]) for message in mail.messages]
    assert subjects == ["[Storebridge] Shop: It broke.", "[Storebridge] Shop: New: 1, Over: 1"]
    assert mail.receivers == TO * 2
    first = mail.texts()[0]
    assert "New failure (Market 0): It broke." in first
    assert "What to do: Mend it." in first
    assert "/s/shop/problems" in first
    assert "inside" not in first, "the developer's text stays in the house"
    assert "23 Nov 2026, 08:00 (UTC)" in first
    assert mail.messages[0]["Message-ID"] != mail.messages[1]["Message-ID"]


def test_a_warning_that_becomes_an_error_is_told_at_once(world: World, mail: MailSink) -> None:
    opens(world, "A", "warning")
    assert alerts.send(world.engine) == 0, "warnings wait for the digest"
    opens(world, "A", "error", "It broke for good.")
    assert alerts.send(world.engine) == 1
    assert "Worse: failure (Market 0): It broke for good." in mail.texts()[0]
    world.clock.advance(86400)
    assert alerts.send(world.engine) == 1


def test_webhooks_are_signed_and_come_in_order(world: World, hook: tuple[HookSink, str, str]) -> None:
    sink, _, secret = hook
    for name in ("A", "B", "C"):
        opens(world, name)
    sink.refuse = [503] * 3  # the transport's own attempts
    assert alerts.send(world.engine) == 0
    tries = len(sink.calls)
    assert alerts.send(world.engine) == 0
    assert len(sink.calls) == tries, "B and C wait behind A"
    closes(world, "A")
    world.clock.advance(120)
    assert alerts.send(world.engine) == 4
    arrived = sink.calls[tries:]
    del sink.calls[:tries]
    kinds = [("problem.opened", "A"), ("problem.opened", "B"), ("problem.opened", "C"), ("problem.closed", "A")]
    assert told(hook) == kinds
    assert len({headers["Webhook-Id"] for headers, _ in arrived}) == 4
    headers, body = arrived[0]
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["Webhook-Signature"] == expected
    assert abs(int(headers["Webhook-Timestamp"]) - world.clock().timestamp()) < 5
    content = json.loads(body)
    assert content["id"] == headers["Webhook-Id"]
    assert content["shop"] == {"id": "shop", "name": "Shop"}
    assert content["problem"]["fix"] == "Mend it."


def test_a_new_secret_signs_beside_the_old_one_for_a_day(world: World, hook: tuple[HookSink, str, str]) -> None:
    sink, _, old = hook
    new = alert_settings.renew_secret(world.engine, 1, "test")["secret"]
    for expected in ([new, old], [new]):
        opens(world, f"with {len(expected)}")
        assert alerts.send(world.engine) == 1
        headers, body = sink.calls[-1]
        at = int(headers["Webhook-Timestamp"])
        signatures = [alerts.sign(secret, headers["Webhook-Id"], at, body) for secret in expected]
        assert headers["Webhook-Signature"].split() == signatures
        world.clock.advance(86400)
    with world.db.read(None) as session:
        stored = session.connection().exec_driver_sql("SELECT secrets FROM alerting").scalar()
    assert old not in str(stored)
    assert new not in str(stored)


class Killed(BaseException):
    """The end of the process."""


class Mortal(Transport):
    """Dies when the answer is there."""

    def close(self) -> None:
        raise Killed


def test_a_crash_between_sending_and_noting_sends_twice_under_the_same_id(
    world: World, hook: tuple[HookSink, str, str]
) -> None:
    opens(world, "A")
    lives, services = world.engine.outside, HttpServices.build(allowed_hosts=["127.0.0.1"], clock=world.clock)
    world.engine.outside = lambda account, title: Mortal(account=account, services=services, title=title)
    with pytest.raises(Killed):
        alerts.send(world.engine)
    world.engine.outside = lives
    assert alerts.send(world.engine) == 1
    first, second = hook[0].calls
    assert first[0]["Webhook-Id"] == second[0]["Webhook-Id"]
    assert first[1] == second[1]


def test_what_cannot_be_sent_is_tried_for_days_and_is_a_problem_told_the_other_way(
    world: World, mail: MailSink, hook: tuple[HookSink, str, str]
) -> None:
    alert_settings.put(world.engine, 1, {"email": TO, "webhook": hook[1]}, "test")
    opens(world, "A")
    mail.refuse = [451] * 3
    for _ in range(3):
        alerts.send(world.engine)
        world.clock.advance(300)
    assert states(world)[0] == ("email", "waiting", 3)
    alerts.send(world.engine)
    assert told(hook) == [("problem.opened", "A"), ("problem.opened", "email")]
    assert mail.messages, "and it recovers"
    assert "buyer@example.org" not in json.dumps([body.decode() for _, body in hook[0].calls])
    alerts.send(world.engine)
    assert told(hook)[-1] == ("problem.closed", "email")
    assert {state for _, state, _ in states(world)} == {"sent"}
    mail.refuse = [451] * 50
    opens(world, "B")
    for _ in range(40):
        alerts.send(world.engine)
        world.clock.advance(8 * 3600)
    assert ("email", "failed", len(alerts.WAITS) + 1) in states(world), "not for ever"
    assert alert_settings.shown(world.engine, 1)["ways"]["email"]["failed"] >= 1


@pytest.mark.both_databases
def test_private_addresses_and_redirects_are_refused(world: World, hook: tuple[HookSink, str, str]) -> None:
    sink, url, _ = hook
    opens(world, "A")
    sink.refuse, sink.headers = [302], {"Location": "http://169.254.169.254/"}
    alerts.send(world.engine)
    assert states(world) == [("webhook", "waiting", 1)]
    alert_settings.put(world.engine, 1, {"webhook": url.replace("127.0.0.1", "127.0.0.2")}, "test")
    result = alerts.try_out(world.engine, 1)["webhook"]
    assert result is not None
    assert "can" in result
    assert len(sink.calls) == 1
    for wrong in ("ftp://shop.example/x", "https://me:secret@shop.example/", "nowhere"):
        with pytest.raises(FieldErrors, match="Webhook"):
            alert_settings.put(world.engine, 1, {"webhook": wrong}, "test")


def test_nothing_of_a_buyer_leaves_the_house(world: World, mail: MailSink, hook: tuple[HookSink, str, str]) -> None:
    alert_settings.put(world.engine, 1, {"email": TO, "webhook": hook[1]}, "test")
    world.store.add("A", 5)
    world.settle(120)
    number = world.markets[0].buy(("A", 1))
    world.settle(400)
    buyer = world.markets[0].orders[number].ship_to
    words = [word for word in (buyer.name, buyer.street, buyer.email, buyer.phone) if word]
    assert words
    quoted = f"refused: {', '.join(words)}; token=abcdef123456"
    opens(world, f"mem0:{number}", text=quoted, kind="shipment_refused")
    opens(world, f"orders.create {number}", text=quoted, kind="parked.orders.create")
    opens(world, "return 7", text="1 x A comes back: I am Piet and it is ugly", kind="return_open")
    world.clock.advance(3)
    alerts.send(world.engine)
    sent = "\n".join([*mail.texts(), *(body.decode() for _, body in hook[0].calls)])
    assert "refused: " in sent
    assert "waits for your decision" in sent
    for word in (*words, *(part for whole in words for part in whole.split() if len(part) > 2), "Piet", "abcdef123456"):
        assert word not in sent
    assert number in sent, "the order's number is no name"


def test_a_flood_is_one_mail(world: World, mail: MailSink) -> None:
    with world.db.write(1) as session:
        for number in range(300):
            records.open_problem(session, world.clock(), "rejected.price", f"{number}", f"{number} refused", "Mend it.")
    assert alerts.send(world.engine) == 300
    [text] = mail.texts()
    assert "rejected.price: 250" in text
    assert str(mail.messages[0]["Subject"]) == "[Storebridge] Shop: New: 300"


AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.mark.parametrize(
    ("severity", "at", "due"),
    [
        ("error", "2026-07-01T12:00:00+02:00", "2026-07-01T12:00:00+02:00"),
        ("error", "2026-07-01T23:30:00+02:00", "2026-07-02T07:00:00+02:00"),
        ("error", "2026-07-01T06:59:59+02:00", "2026-07-01T07:00:00+02:00"),
        ("warning", "2026-07-01T12:00:00+02:00", "2026-07-02T08:00:00+02:00"),
        ("warning", "2026-07-01T08:00:00+02:00", "2026-07-01T08:00:00+02:00"),
        ("warning", "2026-03-28T12:00:00+01:00", "2026-03-29T08:00:00+02:00"),  # the clocks go forward
        ("error", "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"),  # the clocks go back
        ("unheard of", "2026-07-01T12:00:00+02:00", "2026-07-01T12:00:00+02:00"),
    ],
)
def test_quiet_hours_and_digests_follow_the_clock_on_the_wall(severity: str, at: str, due: str) -> None:
    settings = Alerting(quiet_from=22, quiet_until=7)
    moment = dt.datetime.fromisoformat(at)
    assert settings.due(severity, moment, AMSTERDAM) == dt.datetime.fromisoformat(due)
    assert Alerting(error="off", warning="off").due(severity, moment, AMSTERDAM) is None
    only_warnings = Alerting(quiet_from=22, quiet_until=7, quiet=("warning",), warning="now")
    if severity == "error":
        assert only_warnings.due(severity, moment, AMSTERDAM) == moment


def test_the_digest_gathers_by_the_clock_of_the_store(world: World, mail: MailSink) -> None:
    with world.db.write(1) as session:
        session.execute(update(Connection).where(Connection.id == 1).values(info={"timezone": "Europe/Amsterdam"}))
    for name in ("A", "B"):
        opens(world, name, "warning")
        world.clock.advance(60)
    closes(world, "B")
    world.clock.now = dt.datetime(2026, 11, 24, 6, 59, 59, tzinfo=dt.UTC)
    assert alerts.send(world.engine) == 0
    world.clock.now = dt.datetime(2026, 11, 24, 7, 0, 1, tzinfo=dt.UTC)
    assert alerts.send(world.engine) == 3
    assert str(mail.messages[0]["Subject"]) == "[Storebridge] Shop: New: 2, Over: 1"
    assert "23 Nov 2026, 09:00 (Europe/Amsterdam)" in mail.texts()[0]


def test_where_nobody_is_named_nothing_is_kept_for_later(world: World) -> None:
    opens(world, "A")
    with pytest.raises(AskMerchant, match="STOREBRIDGE_SMTP_HOST"):
        alerts.try_out(world.engine, 1)
    assert alerts.send(world.engine) == 0
    with mail_sink() as sink:
        world.engine.mail = MailServer(
            "127.0.0.1", sink.port, "none", sender="s@shop.example", receivers=("op@x.example",)
        )
        Watch(world.engine).round()
        assert sink.messages == []
        opens(world, "B")
        Watch(world.engine).round()  # another watch holds the lease
        assert sink.messages == []
        alerts.send(world.engine)
        assert sink.receivers == ["op@x.example"], "those of the installation"
        assert alerts.try_out(world.engine, 1) == {"email": None}
    assert "did not take the message" in str(alerts.try_out(world.engine, 1)["email"])


def test_old_alerts_go_with_the_problems(world: World, mail: MailSink) -> None:
    opens(world, "A")
    alerts.send(world.engine)
    closes(world, "A")
    alerts.send(world.engine)
    world.clock.advance(70 * 86400)
    world.mark("sweep", "poll.retention", "all")
    world.drain()
    with world.db.read(1) as session:
        assert session.scalars(select(AlertRow)).all() == []
        assert session.scalars(select(SendingRow)).all() == []
        assert session.scalars(select(Problem).where(Problem.kind == "drift")).all() == []


def test_mail_goes_out_encrypted_with_a_login(tmp_path: Path, world: World) -> None:
    pair, context = _certificate(tmp_path)
    with mail_sink(pair) as sink:
        given: dict[str, Any] = {"user": "me", "password": "a-mail-password", "sender": "s@shop.example"}
        server = MailServer("127.0.0.1", sink.port, "starttls", context=context, **given)
        world.engine.mail = server
        alert_settings.put(world.engine, 1, {"email": TO}, "test")
        assert alerts.try_out(world.engine, 1) == {"email": None}
        assert (sink.secured, len(sink.logins)) == (1, 1)
        world.engine.mail = MailServer("127.0.0.1", sink.port, "starttls", **given)
        fault = str(alerts.try_out(world.engine, 1)["email"])
        assert "cannot be spoken to safely" in fault
        assert len(sink.logins) == 1, "no password to a stranger"
        assert "a-mail-password" not in fault + repr(server)


def _certificate(folder: Path) -> tuple[Path, Callable[[], ssl.SSLContext]]:
    """A self-signed one for 127.0.0.1, and a context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "pair.pem"
    path.write_bytes(public + private)
    return path, lambda: ssl.create_default_context(cadata=public.decode())
