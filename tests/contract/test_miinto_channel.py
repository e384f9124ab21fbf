"""Miinto's order API over real HTTP: channel and signature, transfers and orders; and the feed as the sandbox takes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.money import Money
from bridge.domain.order import OrderPhase
from bridge.ports.channel import Outcome
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RejectItem, RetryLater, UnknownOutcome
from channel_adapters.miinto.sandbox.options import SHOP
from tests.support.kaufland import Serve, all_pages
from tests.support.miinto import GTINS, Account, content, item, opener
from tests.support.offers import named

Open = Callable[..., Account]
SHOPS = {SHOP: "Platform-NL", "1-m!i!s-045-2": "Platform-DK"}


@pytest.fixture
def open_account(serve: Serve) -> Open:
    return opener(serve)


def an_hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def listed(account: Account) -> list[str]:
    return [ref.external_id for ref in all_pages(lambda cursor: account.channel.list_orders(an_hour_ago(), cursor))]


# The account


def test_the_check_finds_shops_countries_and_currencies(open_account: Open) -> None:
    info = open_account({"shops": SHOPS}).channel.check()
    assert (info.name, info.countries, info.sites) == ("Sandbox boutique 1001", ("DK", "NL"), ("EUR", "DKK"))
    assert [choice.value for choice in info.choices["shops"]] == list(SHOPS)
    only = open_account({"shops": SHOPS}, settings={"shops": ["1-m!i!s-045-2"]}).channel
    assert only.check().sites == ("DKK",)
    with pytest.raises(AskMerchant, match="may not see the shop 9-x"):
        open_account(settings={"shops": ["9-x"]}).channel.check()


def test_a_user_without_shops_is_told_so(open_account: Open) -> None:
    with pytest.raises(AskMerchant, match="may see no shop"):
        open_account({"shops": {}}).channel.check()


@pytest.mark.parametrize("gentle", [False, True])
def test_a_channel_that_has_ended_is_made_anew_once(open_account: Open, gentle: bool) -> None:
    account = open_account({"gentle": gentle})
    assert listed(account) == []
    account.control("POST", "channels/end", {})
    account.recorder.exchanges.clear()
    assert listed(account) == []
    assert account.operations()[:3] == ["GetTransfers", "CreateChannel", "GetTransfers"]
    written = "\n".join(exchange.as_text() for exchange in account.recorder.exchanges)
    assert "Signature" not in written


def test_a_clock_that_is_wrong_ends_in_a_word_about_it(open_account: Open) -> None:
    late = open_account(clock=lambda: datetime.now(UTC) - timedelta(minutes=10))
    with pytest.raises(Reauthorise, match="clock"):
        listed(late)


# The feed


def test_the_feed_is_taken_and_later_only_stock_and_prices(open_account: Open) -> None:
    account = open_account()
    first = [item(), item("A-2", GTINS[1], 0, content=content(attributes={"size": "M"}))]
    assert account.offer(*first) == {"rows": 2, "faults": []}
    shown = {offer["sku"]: offer for offer in account.control("GET", "offers")}
    assert (shown["A-1"]["stock"], shown["A-1"]["price"], shown["A-1"]["ean"]) == (5, 412.1, GTINS[0])
    assert shown["A-1"]["title"] == "Chain shoulder bag"
    known = first[0].offers["EUR"].content
    account.offer(item(stock=2, price="399", content=content(title="Other", brand="New"), known=known))
    [now] = account.control("GET", "offers")  # the other has left
    assert (now["stock"], now["price"], now["title"], now["live"]) == (2, 399.0, "Chain shoulder bag", True)


def test_a_product_miinto_does_not_know_yet_is_told_so(open_account: Open) -> None:
    account = open_account()
    assert account.channel.sale_status(named("A-1")).reasons == ()  # no product map at all
    account = open_account()
    account.offer(item())
    assert (account.channel.sale_status(named("A-1")).for_sale, account.channel.sale_status(named("A-1")).reasons) == (
        None,
        (),
    )
    assert "does not have it" in account.channel.sale_status(named("B-1")).reasons[0]


# Orders


def test_a_transfer_waits_to_be_accepted_line_by_line_and_becomes_an_order(open_account: Open) -> None:
    account = open_account(settings={"acceptance_minutes": 30})
    account.offer(item(), item("A-2", GTINS[1], content=content(attributes={"size": "M"})))
    key = account.buy(("A-1", 2), ("A-2", 1), transfer=True)
    assert listed(account) == [key]
    order = account.channel.fetch_order(key)
    assert (order.phase, order.site, order.ship_to.city) == (OrderPhase.AWAITING_ACCEPTANCE, "EUR", "")
    assert order.accept_by == order.placed_at + timedelta(minutes=30)
    assert [(line.sku, line.gtin, line.quantity) for line in order.lines] == [
        ("A-1", GTINS[0], 2),
        ("A-2", GTINS[1], 1),
    ]
    assert order.total == Money(amount=Decimal("1236.30"), currency="EUR")
    result = account.channel.accept_order(order, [order.lines[1].external_id])
    assert (result.outcome, result.becomes) == (Outcome.APPLIED, f"{SHOP}/500001")
    with pytest.raises(NotFound):
        account.channel.fetch_order(key)
    became = account.channel.fetch_order(result.becomes or "")
    assert (became.phase, [line.sku for line in became.lines]) == (OrderPhase.READY, ["A-1"])
    assert (became.ship_to.country, bool(became.ship_to.street), became.note) != ("", False, "")
    assert listed(account) == [result.becomes]


def test_a_transfer_declined_whole_becomes_nothing(open_account: Open) -> None:
    account = open_account()
    account.offer(item())
    order = account.channel.fetch_order(account.buy(("A-1", 1), transfer=True))
    result = account.channel.accept_order(order, [line.external_id for line in order.lines])
    assert (result.outcome, result.becomes, listed(account)) == (Outcome.APPLIED, None, [])


def test_one_that_went_to_another_shop_is_gone_and_a_late_answer_is_refused(open_account: Open) -> None:
    account = open_account()
    account.offer(item())
    key = account.buy(("A-1", 1), transfer=True)
    order = account.channel.fetch_order(key)
    account.control("POST", f"orders/{key.rpartition('-')[2]}/withdraw", {})
    with pytest.raises(NotFound):
        account.channel.fetch_order(key)
    result = account.channel.accept_order(order, [])
    assert (result.outcome, "answered already" in result.message) == (Outcome.REJECTED, True)


def test_an_answer_without_an_answer_is_never_repeated_by_itself(open_account: Open) -> None:
    account = open_account()
    account.offer(item())
    order = account.channel.fetch_order(account.buy(("A-1", 1), transfer=True))
    account.fault("reset", "UpdateTransfer")
    with pytest.raises(UnknownOutcome):
        account.channel.accept_order(order, [])
    assert account.operations().count("UpdateTransfer") == 1
    assert len(listed(account)) == 1  # it did arrive: the order is there, the transfer is not


def test_positions_are_named_as_the_merchant_chose(open_account: Open) -> None:
    account = open_account(settings={"positions": "numbers"})
    account.offer(item())
    order = account.channel.fetch_order(account.buy(("A-1", 1), transfer=True))
    assert account.channel.accept_order(order, []).outcome is Outcome.REJECTED  # the sandbox takes objects
    sent = [entry for entry in account.control("GET", "requests") if entry["op"] == "UpdateTransfer"][-1]["body"]
    assert sent == '{"acceptedPositions":[1201]}'


def test_orders_of_all_shops_come_page_by_page_and_old_ones_end_the_reading(open_account: Open) -> None:
    account = open_account({"shops": SHOPS})
    for number in range(53):
        account.buy((f"X-{number}", 1), force=True)
    account.buy(("Y", 1), force=True, shop="1-m!i!s-045-2", currency="DKK")
    old = datetime.now(UTC) - timedelta(days=20)
    account.buy(("Z", 1), force=True, placed_at=old.isoformat())
    found = listed(account)
    assert len(set(found)) == 54
    opened = [ref.external_id for ref in all_pages(account.channel.list_open_orders)]
    assert len(set(opened)) == 55
    there = account.channel.fetch_order(next(key for key in found if key.startswith("1-m!i!s-045-2/")))
    assert (there.currency, there.site) == ("DKK", "DKK")
    account.fault("stuck_cursor", "GetOrders", times=None)
    assert account.channel.list_orders(an_hour_ago(), None).items == ()


def test_without_a_product_map_lines_are_known_by_gtin(open_account: Open) -> None:
    account = open_account({"mapped": False})
    account.offer(item())
    [line] = account.channel.fetch_order(account.buy(("A-1", 1), unmapped=True)).lines
    assert (line.sku, line.gtin) == (None, GTINS[0])


def test_refusals_and_odd_answers_have_words(open_account: Open) -> None:
    account = open_account()
    with pytest.raises(NotFound):
        account.channel.fetch_order(f"{SHOP}/1")
    account.fault("error", "GetOrder", params={"status": 400, "body": '{"meta":{"status":"failure","message":"No."}}'})
    with pytest.raises(RejectItem, match=r"No\."):
        account.channel.fetch_order(f"{SHOP}/1")
    account.fault("mutate", "GetOrders", params={"set": {"data": None}}, times=None)
    with pytest.raises(RetryLater, match="unexpected"):
        listed(account)


@pytest.mark.parametrize(
    ("setting", "value"), [("defaults", ["colour=Red"]), ("defaults", ["madein"])], ids=["no column", "no value"]
)
def test_defaults_name_columns(open_account: Open, setting: str, value: Any) -> None:
    with pytest.raises(AskMerchant, match="column=value"):
        open_account(settings={setting: value}).channel.feed()
