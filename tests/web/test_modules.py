"""The door of the modules inside stores: being connected, events, heartbeats, and everything that is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import dropwhile, islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from bridge.db.tables import (
    ActivationRow,
    Connection,
    Delivery,
    Journal,
    ModuleRow,
    NonceRow,
    Poll,
    Problem,
    Work,
)
from bridge.db.tables import Shop as ShopRow
from bridge.domain import signed
from bridge.flows import admin, doctor_connections, module_calls, module_state, overview
from bridge.flows.watching import Watching
from platform_adapters.woocommerce.sandbox import SANDBOX_KEY, SANDBOX_SECRET
from tests.support.modules import URL, Place, open_place
from tests.support.procs import wait_until
from tests.support.redis_server import flush

EVENT = {"id": 811, "kind": "product", "external_id": "75", "topic": "product.updated", "at": "2026-11-26T20:00:00Z"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path, f"sqlite:///{tmp_path / 'storebridge.db'}") as found:
        yield found


@pytest.fixture
def joined(place: Place) -> Place:
    place.connect()
    return place


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[Place]:
    """On each database, for tests of statements."""
    with open_place(tmp_path, database_url) as found:
        found.connect()
        yield found


def events(*numbers: int, epoch: str = "one", **more: Any) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "events": [{**EVENT, "id": number, "external_id": f"{number}"} for number in numbers],
        **more,
    }


class TestConnecting:
    def test_one_click_connects_a_store_that_proves_itself(self, place: Place) -> None:
        found = place.connect()
        row = place.row()
        assert (row.id, row.title) == (found["connection"], found["title"])
        assert (row.account, row.state, row.credentials["consumer_secret"]) == (
            "shop.example",
            "active",
            SANDBOX_SECRET,
        )
        [module] = place.rows(ModuleRow)
        assert (module.secrets, module.version) == ([place.shop.secret], "1.2.0")
        answer = place.tell("heartbeat", {})
        assert answer.json == {"ok": True, "latest": "1.2.0"}

    def test_a_known_store_gets_its_keys_and_its_secret_renewed(self, both: Place) -> None:
        before, old = both.at, both.shop.secret
        both.connect()
        assert both.at == before
        assert (both.count(Connection), both.count(ShopRow), both.count(ModuleRow)) == (1, 1, 1)
        assert [both.tell("heartbeat", {}, secret=secret).status_code for secret in (old, both.shop.secret)] == [
            200
        ] * 2
        both.shift = timedelta(hours=25)
        assert [both.tell("heartbeat", {}, secret=secret).status_code for secret in (old, both.shop.secret)] == [
            401,
            200,
        ]

    def test_a_store_connected_by_hand_is_known_by_its_address(self, place: Place) -> None:
        shop = admin.ensure_shop(place.engine, "By hand")
        keys = {"url": f"{URL}/", "consumer_key": SANDBOX_KEY, "consumer_secret": SANDBOX_SECRET}
        kept = {"order_status": "on-hold"}
        by_hand = admin.connect(place.engine, shop.id, "platform", "woocommerce", "the-shop", keys, kept, {})
        assert place.connect()["connection"] == by_hand.id
        assert (place.row().account, place.row().settings["order_status"]) == ("the-shop", "on-hold")

    def test_two_clicks_at_once_connect_once(self, place: Place) -> None:
        asked = [place.shop.click() for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(place.ask, asked))
        assert [answer.status_code for answer in answers] == [200] * 3
        assert len({answer.json["connection"] for answer in answers}) == 1
        assert (place.count(Connection), place.count(ShopRow)) == (1, 1)

    def test_a_code_is_good_once_and_a_made_up_one_never(self, place: Place) -> None:
        asked = place.shop.click()
        assert place.ask(asked).status_code == 200
        again = place.ask(asked)
        assert (again.status_code, "Click Connect again" in again.text) == (403, True)
        german = place.ask({**asked, "locale": "de_AT"})
        assert (german.status_code, "Der Shop kennt diesen Verbindungscode nicht" in german.text) == (403, True)
        assert place.ask({**asked, "code": "0" * 64}).status_code == 403
        assert place.count(Connection) == 1

    def test_a_store_speaks_for_itself_only(self, place: Place) -> None:
        victim = "https://victim.example"
        assert place.ask({**place.shop.click(), "store_url": victim}).status_code == 400
        keys = {"url": victim, "consumer_key": SANDBOX_KEY, "consumer_secret": SANDBOX_SECRET}
        for says in ({"store_url": victim}, {"credentials": keys}):
            place.shop.says = says
            answer = place.ask()
            assert (answer.status_code, "same host" in answer.text) == (409, True)
        assert (place.count(Connection), place.count(ShopRow)) == (0, 0)

    def test_stores_in_folders_of_one_host_are_several(self, joined: Place) -> None:
        joined.shop.url = f"{URL}/other"
        assert joined.ask().status_code == 200
        first, second = joined.rows(Connection, Connection.id)
        assert (first.credentials["url"], second.credentials["url"]) == (URL, f"{URL}/other")
        assert first.shop_id != second.shop_id

    def test_a_proof_that_is_none_leaves_nothing_behind(self, place: Place) -> None:
        for says, status in (
            ({"challenge": "another"}, 403),
            ({"challenge": None}, 403),
            ({"secret": "short"}, 400),
            ({"credentials": None}, 400),
            ({"credentials": {"url": URL, "consumer_key": "ck_wrong", "consumer_secret": "cs_wrong"}}, 403),
        ):
            place.shop.says = says
            assert place.ask().status_code == status, says
        assert (place.count(Connection), place.count(ShopRow), place.count(ModuleRow)) == (0, 0, 0)

    def test_what_makes_no_sense_is_named(self, place: Place) -> None:
        for wrong, field in (
            ({"platform": "shopware"}, "platform"),
            ({"code": ""}, "code"),
            ({"code": 5}, "code"),
            ({"api_url": "ftp://shop.example/"}, "api_url"),
            ({"api_url": "http://shop.example/wp-json/", "store_url": "http://shop.example"}, "api_url"),
            ({"api_url": "https://user:pass@shop.example/"}, "api_url"),
            ({"api_url": "https://[::1/"}, "api_url"),
            ({"api_url": f"{URL}/index.php?rest_route=/"}, "api_url"),
            ({"api_url": f"https://{'a' * 64}.example/"}, "api_url"),
            ({"user": "a" * 81}, "user"),
        ):
            answer = place.ask({**place.shop.click(), **wrong})
            assert (answer.status_code, answer.text.split(":")[0]) == (400, field)
        assert place.shop.proofs == 0

    def test_private_addresses_are_not_called(self, place: Place) -> None:
        place.engine.make_transport.wire = None  # type: ignore[attr-defined]
        for host in ("127.0.0.1", "169.254.169.254", "[::1]", "localhost"):
            answer = place.ask({**place.shop.click(), "store_url": f"https://{host}", "api_url": f"https://{host}/"})
            assert (answer.status_code, "private network" in answer.text) == (400, True), host

    def test_an_install_key_is_asked_for_before_anything_is_called(self, tmp_path: Path) -> None:
        key = "a key of sixteen or more"
        with open_place(tmp_path, f"sqlite:///{tmp_path / 'keyed.db'}", install_key=key) as place:
            waiting = admin.ensure_shop(place.engine, admin.FIRST)
            for given in ({}, {"install_key": "another key of sixteen"}):
                answer = place.ask({**place.shop.click(), **given})
                assert (answer.status_code, place.shop.proofs) == (403, 0)
            answer = place.ask({**place.shop.click(), "install_key": key})
            assert (answer.status_code, place.row().shop_id) == (200, waiting.id)

    def test_a_platforms_own_handshake_is_kept_sealed_and_used_once(self, place: Place) -> None:
        form = {"consumer_key": "the-key-of-the-handshake", "consumer_secret": SANDBOX_SECRET, "base": URL}
        assert place.web.post("/modules/activate/woocommerce", data={}).status_code == 400
        assert place.web.post("/modules/activate/woocommerce", data=form).status_code == 200
        with place.engine.db.engine.connect() as connection:
            kept = str(connection.execute(text("SELECT * FROM module_activations")).all())
        assert not any(value in kept for value in form.values())
        place.shop.leaves_out = ("consumer_secret",)
        asked = {**place.shop.click(), "activation": form["consumer_key"]}
        assert place.ask({**asked, "activation": "another"}).status_code == 403
        assert place.ask(asked).status_code == 200
        assert place.row().credentials["consumer_secret"] == SANDBOX_SECRET
        assert place.ask({**place.shop.click(), "activation": form["consumer_key"]}).status_code == 403
        place.web.post("/modules/activate/woocommerce", data=form)
        place.shift = timedelta(seconds=301)
        assert place.ask({**place.shop.click(), "activation": form["consumer_key"]}).status_code == 403
        module_calls.forget_old(place.engine)
        assert place.count(ActivationRow) == 0

    def test_who_asks_too_often_waits_and_the_others_do_not(self, place: Place) -> None:
        statuses = [place.ask({}).status_code for _ in range(21)]
        assert statuses == [400] * 20 + [429]
        refused = place.ask({})
        assert 0 < int(refused.headers["Retry-After"]) <= 600
        assert place.ask(address="192.0.2.8").status_code == 200

    def test_slow_stores_do_not_hold_up_the_door(self, joined: Place) -> None:
        shop = joined.shop
        before, secret = shop.proofs, shop.secret
        shop.open.clear()
        with ThreadPoolExecutor(3) as pool:
            slow = [pool.submit(joined.ask, shop.click()) for _ in range(3)]
            try:
                wait_until(lambda: shop.proofs == before + 3, 20, "three stores are being called")
                refused = joined.ask(shop.click())
                assert (refused.status_code, int(refused.headers["Retry-After"])) == (429, 15)
                assert joined.tell("heartbeat", {}, secret=secret).status_code == 200
            finally:
                shop.open.set()
        assert [answer.result().status_code for answer in slow] == [200] * 3
        assert joined.ask().status_code == 200

    def test_a_store_is_not_called_without_end(self, place: Place) -> None:
        asked = {**place.shop.click(), "code": "0" * 64}
        statuses = [place.ask(asked, address=f"192.0.2.{number}").status_code for number in range(11)]
        assert statuses == [403] * 10 + [429]
        assert place.shop.proofs == 10


class TestSignatures:
    def test_the_answer_is_signed_with_the_number_of_the_question(self, joined: Place) -> None:
        answer = joined.tell("events", events(1), nonce="ab" * 16)
        found = signed.verify(
            answer.headers[signed.HEADER], "events.answer", answer.data, [joined.shop.secret], joined.engine.clock()
        )
        assert (answer.json, found.nonce) == ({"taken": 1}, "ab" * 16)

    def test_forged_ones_are_401_and_leave_nothing(self, joined: Place) -> None:
        body = json.dumps(events(1)).encode()
        good = joined.headers("events", body)
        odd = [
            {},
            {signed.HEADER: ""},
            {signed.HEADER: "t=1,n=2,v1=3"},
            {signed.HEADER: "t=ÿ"},
            joined.headers("events", body, secret="f" * 64),
            joined.headers("heartbeat", body),
            joined.headers("events", body + b" "),
            joined.headers("events", body, age=330),
            joined.headers("events", body, age=-330),
        ]
        for headers in odd:
            answer = joined.web.post(joined.at + "events", data=body, headers=headers)
            assert (answer.status_code, signed.HEADER in answer.headers) == (401, False)
        assert (joined.count(Delivery), joined.count(NonceRow)) == (0, 0)
        assert joined.web.post(joined.at + "events", data=body, headers=good).status_code == 200

    @pytest.mark.both_databases
    def test_the_same_call_is_taken_once(self, both: Place) -> None:
        body = json.dumps(events(1)).encode()
        headers = both.headers("events", body)
        with ThreadPoolExecutor(4) as pool:
            posts = pool.map(lambda _: both.web.post(both.at + "events", data=body, headers=headers), range(4))
        assert sorted(answer.status_code for answer in posts) == [200, 401, 401, 401]
        assert [row.seen for row in both.rows(Delivery)] == [1]
        both.shift = timedelta(seconds=290)
        assert module_calls.forget_old(both.engine) == 0
        assert both.web.post(both.at + "events", data=body, headers=headers).status_code == 401
        both.shift = timedelta(seconds=400)
        assert module_calls.forget_old(both.engine) == 1
        assert both.web.post(both.at + "events", data=body, headers=headers).status_code == 401

    def test_who_signs_wrongly_too_often_is_not_looked_at_and_nobody_else_suffers(self, joined: Place) -> None:
        wrong = [joined.tell("heartbeat", {}, secret="f" * 64).status_code for _ in range(33)]
        assert (wrong[:30], wrong[-1]) == ([401] * 30, 429)
        assert joined.tell("heartbeat", {}).status_code == 429
        assert joined.tell("heartbeat", {}, address="192.0.2.9").status_code == 200

    def test_a_connection_that_is_gone_is_410(self, joined: Place) -> None:
        number = joined.row().id
        assert joined.web.post(f"/modules/another/{number}/heartbeat").status_code == 410
        admin.disconnect(joined.engine, joined.row().shop_id, number, zero_listings=False)
        assert joined.tell("heartbeat", {}).status_code == 410
        assert (joined.count(ModuleRow), joined.count(NonceRow)) == (0, 0)

    def test_too_long_compressed_and_deep_bodies(self, joined: Place) -> None:
        assert joined.tell("heartbeat", b"x" * (64 * 1024 + 1)).status_code == 413
        body = b"{}"
        headers = joined.headers("heartbeat", body) | {"Content-Encoding": "gzip"}
        assert joined.web.post(joined.at + "heartbeat", data=body, headers=headers).status_code == 415
        for odd in (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", b"[]", b"{", b"\xff", b'{"a":"\\u0000"}'):
            assert joined.tell("events", odd).status_code == 400
        assert joined.web.get(joined.at + "events").status_code == 405
        assert joined.web.post(joined.at + "nothing").status_code == 404


def test_limits_hold_over_processes_and_an_emptied_redis_takes_nothing_twice(redis_url: str, tmp_path: Path) -> None:
    with open_place(tmp_path, f"sqlite:///{tmp_path / 'two.db'}", redis_url=redis_url) as place:
        place.connect()
        with place.beside() as second:
            tries = (web.tell("heartbeat", {}, secret="f" * 64).status_code for web in [place, second] * 100)
            # Thirty a minute over both; on a slow machine some come back while they are used up.
            answers = [next(tries) for _ in range(30)]
            answers += list(islice(dropwhile((401).__eq__, islice(tries, 30)), 1))
            assert answers == [401] * 30 + [429]
            body = json.dumps(events(1)).encode()
            headers = place.headers("events", body)
            assert place.web.post(place.at + "events", data=body, headers=headers).status_code == 200
            flush(redis_url)
            again = [
                web.web.post(place.at + "events", data=body, headers=headers).status_code for web in (second, place)
            ]
            assert again == [401, 401]
        assert [row.seen for row in place.rows(Delivery)] == [1]


def test_while_redis_is_away_everything_is_taken(tmp_path: Path) -> None:
    with open_place(
        tmp_path, f"sqlite:///{tmp_path / 'away.db'}", redis_url="redis://127.0.0.1:1/0", ring=None
    ) as place:
        place.connect()
        assert [place.tell("events", events(number)).status_code for number in (1, 2)] == [200, 200]
        assert {row.key for row in place.rows(Work) if row.kind == "product.read"} == {"1", "2"}


class TestEvents:
    def test_what_is_told_is_kept_and_marked(self, both: Place) -> None:
        batch = [
            EVENT,
            {**EVENT, "id": 812, "kind": "order", "external_id": "9", "topic": "order.updated"},
            {**EVENT, "id": 813, "kind": "pool", "external_id": "SKU ü"},
            {**EVENT, "id": 814, "kind": "weather", "external_id": ""},
        ]
        answer = both.tell("events", {"epoch": "one", "events": batch, "new": 1})
        assert (answer.status_code, answer.json) == (200, {"taken": 814})
        kept = both.rows(Delivery, Delivery.id)
        assert [row.body for row in kept] == batch
        marked = {(row.kind, row.key) for row in both.rows(Work) if "read" in row.kind}
        assert marked == {("product.read", "75"), ("store_order.read", "9"), ("pool.read", "SKU ü")}

    def test_the_same_again_and_older_ones_do_no_harm(self, both: Place) -> None:
        for batch in (events(5), events(5), events(3), events(6)):
            assert both.tell("events", batch).status_code == 200
        assert [(row.external_id, row.seen) for row in both.rows(Delivery, Delivery.id)] == [
            ("5", 2),
            ("3", 1),
            ("6", 1),
        ]
        assert both.rows(ModuleRow)[0].last_event == 6
        assert _gaps(both) == []

    @pytest.mark.both_databases
    def test_a_gap_has_the_store_read_at_once(self, both: Place) -> None:
        _asked_just_now(both)
        both.tell("events", events(1, 2))
        both.tell("events", events(6, merged=[3, 4, 5]))
        both.tell("events", events())
        assert (_gaps(both), _due(both)) == ([], set())
        both.tell("events", events(9, merged=[8]))
        assert _gaps(both) == [
            "The store's module: 1 of its numbers up to 9 did not come; the store is asked for what changed."
        ]
        assert _due(both) == {"poll.products", "poll.variants", "poll.store_orders"}
        _asked_just_now(both)
        both.tell("events", events(11))
        assert _due(both) == set()
        both.shift = timedelta(seconds=61)
        assert _due(both) == {"poll.products", "poll.variants", "poll.store_orders"}

    def test_a_row_that_was_committed_late_is_taken(self, joined: Place) -> None:
        joined.tell("events", events(1, 3))
        assert joined.tell("events", events(2)).json == {"taken": 2}
        assert {row.external_id for row in joined.rows(Delivery)} == {"1", "2", "3"}

    def test_an_outbox_made_anew_begins_again(self, joined: Place) -> None:
        joined.tell("events", events(900))
        _asked_just_now(joined)
        joined.tell("events", events(1, epoch="two"))
        joined.tell("events", events(2, epoch="two"))
        assert len(_gaps(joined)) == 1
        assert (joined.rows(ModuleRow)[0].epoch, joined.rows(ModuleRow)[0].last_event) == ("two", 2)

    def test_what_makes_no_sense_is_named_and_nothing_of_it_is_kept(self, joined: Place) -> None:
        for wrong, field in (
            ({"events": None}, "events"),
            ({"events": [EVENT] * 101}, "events"),
            ({"events": [7]}, "events[0]"),
            ({"events": [{**EVENT, "id": "811"}]}, "events[0].id"),
            ({"events": [{**EVENT, "id": 2**63}]}, "events[0].id"),
            ({"events": [EVENT, {**EVENT, "external_id": ""}]}, "events[1].external_id"),
            ({"events": [{**EVENT, "external_id": "a" * 101}]}, "events[0].external_id"),
            ({"events": [EVENT], "merged": "1"}, "merged"),
            ({"events": [EVENT], "epoch": ["x"]}, "epoch"),
        ):
            answer = joined.tell("events", wrong)
            assert (answer.status_code, answer.text.split(":")[0]) == (400, field)
        assert joined.count(Delivery) == 0

    def test_a_database_that_does_not_answer_is_503(self, joined: Place) -> None:
        with joined.engine.db.write(None) as session:
            session.execute(text("ALTER TABLE deliveries RENAME TO gone"))
        answer = joined.tell("events", events(1))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        with joined.engine.db.write(None) as session:
            session.execute(text("ALTER TABLE gone RENAME TO deliveries"))
        assert (joined.count(NonceRow), joined.rows(ModuleRow)[0].last_event) == (0, None)


def _asked_just_now(place: Place) -> None:
    with place.engine.db.write(None) as session:
        session.execute(update(Poll).values(next_at=place.engine.clock() + timedelta(hours=1)))


def _due(place: Place) -> set[str]:
    return {poll.flow for poll in place.rows(Poll) if poll.next_at <= place.engine.clock()}


def _gaps(place: Place) -> list[str]:
    return [row.text for row in place.rows(Journal, Journal.id) if row.kind == "gap"]


class TestHealth:
    BEAT = {  # noqa: RUF012 - never changed
        "version": "1.2.0", "platform_version": "10.5.0", "php": "8.2.20", "epoch": "one",
        "outbox": {"depth": 0, "oldest_at": None, "last_id": 812},
        "cron": {"last_run": "2026-11-26T20:00:00Z", "healthy": True, "note": ""},
    }  # fmt: skip

    @pytest.mark.both_databases
    def test_problems_open_and_close_by_themselves(self, both: Place) -> None:
        watch = Watching(both.engine)
        assert _open_problems(both, watch) == {}
        old = (both.engine.clock() - timedelta(minutes=40)).isoformat()
        sick = {
            **self.BEAT,
            "version": "1.1",
            "outbox": {"depth": 7, "oldest_at": old},
            "cron": {"healthy": False, "note": "late"},
        }
        both.tell("heartbeat", sick)
        found = _open_problems(both, watch)
        assert set(found) == {"module_outbox", "module_cron", "module_version"}
        assert "(7 of them)" in found["module_outbox"]
        assert "late" in found["module_cron"]
        both.tell("heartbeat", {**self.BEAT, "outbox": {"depth": 1001}})
        assert set(_open_problems(both, watch)) == {"module_outbox"}
        both.shift = timedelta(minutes=31)
        assert set(_open_problems(both, watch)) == {"module_silent"}
        both.tell("heartbeat", self.BEAT)
        assert _open_problems(both, watch) == {}

    def test_an_older_heartbeat_that_comes_late_changes_nothing(self, joined: Place) -> None:
        joined.tell("heartbeat", self.BEAT)
        assert joined.tell("heartbeat", {**self.BEAT, "version": "0.9"}, age=60).status_code == 200
        assert joined.rows(ModuleRow)[0].version == "1.2.0"

    def test_it_is_shown_with_the_connection_and_by_the_doctor(self, joined: Place) -> None:
        joined.tell("heartbeat", {**self.BEAT, "outbox": {"depth": 3}})
        with joined.engine.db.read(joined.row().shop_id) as session:
            [card] = overview.connections(session, joined.engine.clock())
        assert (card["module"]["version"], card["module"]["depth"]) == ("1.2.0", 3)
        told = doctor_connections.examine_connection(joined.engine, joined.row(), mend=False)
        [detail] = [item.detail for item in told if item.name.endswith("module")]
        assert detail.endswith("3 changes wait in the store")

    def test_a_field_that_makes_no_sense_is_named(self, joined: Place) -> None:
        for wrong, field in (
            ({"outbox": {"depth": "many"}}, "outbox.depth"),
            ({"outbox": {"oldest_at": "yesterday"}}, "outbox.oldest_at"),
            ({"cron": [1]}, "cron"),
            ({"cron": {"healthy": "yes"}}, "cron.healthy"),
            ({"version": 1}, "version"),
        ):
            answer = joined.tell("heartbeat", wrong)
            assert (answer.status_code, answer.text.split(":")[0]) == (400, field)

    @pytest.mark.parametrize(
        ("mine", "newest", "older"),
        [
            ("1.9.0", "1.10.0", True),
            ("1.2", "1.2.0", False),
            ("2.0", "1.9", False),
            ("", "1.0", False),
            ("dev", "1", False),
        ],
    )
    def test_versions_are_compared_by_number(self, mine: str, newest: str, older: bool) -> None:
        assert module_state.is_older(mine, newest) is older


def _open_problems(place: Place, watch: Watching) -> dict[str, str]:
    watch.look()
    with place.engine.db.read(None) as session:
        rows = session.scalars(select(Problem).where(Problem.closed_at.is_(None), Problem.kind.startswith("module")))
        return {row.kind: row.text for row in rows}


class TestGone:
    @pytest.mark.both_databases
    def test_a_module_that_leaves_is_let_go_and_may_come_back(self, both: Place) -> None:
        number, shop = both.row().id, both.row().shop_id
        answer = both.tell("gone", {"reason": "removed", "user": "anna"})
        assert (answer.json, signed.HEADER in answer.headers) == ({"ok": True}, True)
        assert (both.row().state, both.row().credentials, both.count(ModuleRow)) == ("disconnected", {}, 0)
        assert both.tell("heartbeat", {}).status_code == 410
        [problem] = [row for row in both.rows(Problem) if row.closed_at is None]
        assert (problem.kind, "has removed Storebridge" in problem.text) == ("store_left", True)
        assert [row.author for row in both.rows(Journal) if row.text.endswith(": disconnected")] == [
            "anna, in the store's admin"
        ]
        assert both.connect()["connection"] == number
        assert (both.row().shop_id, both.row().state) == (shop, "active")
        assert [row.kind for row in both.rows(Problem) if row.closed_at is None] == []


def test_no_secret_is_readable_in_the_database(joined: Place) -> None:
    joined.tell("events", events(1))
    with joined.engine.db.engine.connect() as connection:
        for table in ("modules", "connections", "journal", "deliveries"):
            found = str(connection.execute(text(f"SELECT * FROM {table}")).all())
            assert joined.shop.secret not in found
            assert SANDBOX_SECRET not in found
