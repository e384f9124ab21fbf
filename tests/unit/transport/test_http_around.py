"""What goes along with a call: the last check, lane and subject, the log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import httpx
import pytest

from bridge.ports.errors import (
    RejectItem,
    Superseded,
)
from bridge.ports.http import (
    Exchange,
    HttpServices,
    MemoryRecorder,
    Transport,
    about,
    basic_auth,
    before_write,
    lane,
)
from bridge.ports.http.transport import KEPT
from bridge.ports.manifest import Limit
from tests.support.calls import SECRET, fine, first_then, get, post, transport, trouble
from tests.support.rogue import Rogue


def test_before_write(server: Rogue, recorder: MemoryRecorder) -> None:
    url = server.answers("/x", 200, {})
    shop = transport(recorder, write=Limit(calls=2, seconds=200))
    checks = []

    def lost() -> None:
        checks.append(len(server.calls))
        raise Superseded("a newer value exists")

    for _ in range(5):  # more often than the bucket holds: the tokens come back
        with shop.before_write(lost), pytest.raises(Superseded):
            post(shop, url)
    assert (checks, server.calls, recorder.exchanges) == ([0] * 5, [], [])
    with before_write(lambda: checks.append(-1)):
        get(shop, url)
        post(shop, url)
    assert checks[5:] == [-1]
    with before_write(lost), before_write(None):
        post(shop, url)
    assert len(checks) == 6
    shop.close()


def test_the_check_runs_again_before_each_attempt(server: Rogue, shop: Transport) -> None:
    checks = []

    def check() -> None:
        checks.append(1)
        if len(checks) == 2:
            raise Superseded("the lease was lost meanwhile")

    url = server.on("/x", first_then(trouble, fine))
    with before_write(check), pytest.raises(Superseded):
        post(shop, url, idempotent=True)
    assert len(server.calls) == 1


def test_each(server: Rogue, shop: Transport, recorder: MemoryRecorder) -> None:
    server.on("/x", lambda caller: caller.answer(422 if caller.path.endswith("=3") else 200, {"path": caller.path}))

    def act(number: int) -> object:
        with about(sku=f"A-{number}"):
            return post(shop, server.url + "/x", params={"n": number})

    with lane("stock"), about(delivery="9"):
        results = shop.each(act, range(8), workers=4)
    assert isinstance(results[3], RejectItem)
    assert [result for number, result in enumerate(results) if number != 3] == [
        {"path": f"/x?n={number}"} for number in range(8) if number != 3
    ]
    assert {exchange.lane for exchange in recorder.exchanges} == {"stock"}
    assert sorted(exchange.subject["sku"] for exchange in recorder.exchanges) == [f"A-{n}" for n in range(8)]
    assert {exchange.subject["delivery"] for exchange in recorder.exchanges} == {"9"}
    assert shop.each(act, []) == []


def test_exchanges(server: Rogue, shop: Transport, recorder: MemoryRecorder) -> None:
    url = server.on("/x", first_then(trouble, fine))
    with lane("orders"), about(order="A-1", sku="S"), about(sku="T"):
        get(shop, url + "?page=1")
    first, second = recorder.exchanges
    assert (first.account, first.operation, first.method, first.status) == ("1:7", "read", "GET", 503)
    assert first.error.startswith("RetryLater: My shop: ")
    assert (first.attempt, second.attempt, second.error) == (1, 2, "")
    assert dict(second.subject) == {"order": "A-1", "sku": "T"}
    assert (second.lane, second.url, second.response_excerpt) == ("orders", url + "?page=1", '{"done":true}')
    assert 0 <= second.seconds < 1
    assert second.at.tzinfo is not None


@pytest.mark.parametrize("length", [10, KEPT + 1])
def test_what_went_well_is_told_later_and_as_it_was(server: Rogue, length: int) -> None:
    """Unless its body is too long to be kept for that."""

    class Patient(MemoryRecorder):
        def __init__(self) -> None:
            super().__init__()
            self.waiting: list[Callable[[], Exchange]] = []

        def later(self, make: Callable[[], Exchange]) -> None:
            self.waiting.append(make)

    patient = Patient()
    shop = Transport(account="1:7", services=HttpServices.build(recorder=patient, allowed_hosts=["127.0.0.1"]))
    url = server.answers("/x", 200, {"price": 12.90, "text": "x" * length})
    with lane("stock"), about(sku="A-1"):
        answer = shop.request("GET", url, operation="read").json
    answer["price"] = "changed by whoever asked"
    assert len(patient.exchanges) == (length > KEPT)
    [told] = [*patient.exchanges, *(make() for make in patient.waiting)]
    assert (told.lane, dict(told.subject), told.status, told.attempt) == ("stock", {"sku": "A-1"}, 200, 1)
    assert told.response_excerpt.startswith('{"price":12.9')
    shop.close()


def test_no_secret_anywhere(
    server: Rogue, shop: Transport, recorder: MemoryRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"message": f"your key {SECRET} is odd", "email": "jan@example.com", "billing": {"phone": "0612345678"}}
    url = server.answers("/x", 422, echo)
    errors = []
    for _ in range(2):
        with pytest.raises(RejectItem) as caught:
            post(
                shop,
                url + f"?consumer_secret={SECRET}",
                json={"client_secret": "hush-hush", "first_name": "Jantje", "note": SECRET},
                auth=basic_auth("ck_1", SECRET),
                headers={"X-Token": "hush-hush"},
            )
        errors += [str(caught.value), repr(caught.value), caught.value.developer]
    written = "\n".join([*errors, *map(repr, recorder.exchanges), caplog.text])
    assert "POST" in written
    for private in (SECRET, "hush-hush", "Jantje", "jan@example", "0612345678", "Y2tfMTpjc19z"):
        assert private not in written


def test_a_log_that_fails_does_no_harm(server: Rogue, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def record(self, exchange: object) -> None:
            raise OSError("disk full")

        def later(self, make: object) -> None:
            raise OSError("disk full")

    services = HttpServices.build(recorder=Broken(), allowed_hosts=["127.0.0.1"])
    shop = Transport(account="1:7", services=services)
    assert get(shop, server.answers("/x", 200, {})) == {}
    assert "could not be recorded" in caplog.text
    shop.close()


def test_a_forked_child_opens_its_own_connection(server: Rogue, shop: Transport) -> None:
    import os

    url = server.answers("/x", 200, {})
    get(shop, url)
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            get(shop, url)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    get(shop, url)
    assert server.connections == 2
    assert len(server.calls) == 3


def test_other_wires(shop: Transport) -> None:
    """Without a network: an httpx.MockTransport, or a WSGI app."""

    def app(environ: dict[str, object], start: object) -> list[bytes]:
        start("200 OK", [("Content-Type", "application/json")])  # type: ignore[operator]
        return [json.dumps({"path": environ["PATH_INFO"]}).encode()]

    mock = httpx.MockTransport(lambda request: httpx.Response(200, json={"path": request.url.path}))
    for wire in (mock, httpx.WSGITransport(app=app)):
        services = HttpServices.build()
        inside = Transport(account="1:7", services=services, wire=wire)
        assert inside.request("GET", "https://api.example/x", operation="read").json == {"path": "/x"}
        inside.close()
        assert inside.request("GET", "https://api.example/y", operation="read").json == {"path": "/y"}
