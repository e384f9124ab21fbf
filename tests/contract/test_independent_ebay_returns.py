"""Returns of the independent eBay, and listings of which some go wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.order import FulfilledBy
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnDecision
from bridge.ports.channel import Outcome, StockUpdate, SubmissionState
from bridge.ports.errors import BridgeError
from tests.support.independent import Json
from tests.support.independent_ebay_life import amount, draft, euro, line, ordered, ref
from tests.support.independent_ebay_returns import Returning
from tests.support.played import Clock, connecting, ebay_keys, everything


@pytest.fixture
def ebay(specs_dir: Path) -> Returning:
    return Returning(specs_dir / "ebay", *ebay_keys())


@pytest.fixture
def connect(ebay: Returning, serve: Callable[..., str]) -> Any:
    with connecting("ebay", serve(ebay.app()), Clock()) as connect:
        yield connect


@pytest.fixture
def channel(connect: Any) -> Any:
    return connect()


def _sold(ebay: Returning, number: str = "1", quantity: int = 2) -> Json:
    total = f"{20 * quantity}.0"
    summary = {"priceSubtotal": amount(total), "deliveryCost": amount("4.0"), "total": amount(f"{20 * quantity + 4}.0")}
    one = line(f"{number}1", "SKU-1", quantity, total, "4.0", f"{20 * quantity + 4}.0")
    ebay.sold(ordered(number, [one], summary))
    return one


def _back(
    line_id: str, units: int = 1, money: str = "20.00", shipping: str | None = None, **more: Any
) -> ChannelRefund:
    return ChannelRefund(
        line_id=line_id, quantity=units, amount=euro(money), shipping=euro(shipping) if shipping else None, **more
    )


def test_a_return_from_its_first_day_to_its_last(ebay: Returning, channel: Any) -> None:
    key = ebay.asks_back("1", _sold(ebay), ago=timedelta(days=2))
    [found] = everything(channel.list_returns)
    [told] = found.lines
    assert (told.external_id, told.order_id, told.order_line_id, told.sku) == (key, "1", "11", "SKU-1")
    assert (told.quantity, told.reason, told.comment) == (1, "WRONG_SIZE", "Zu klein")
    assert not told.handled
    assert told.respond_by is not None
    assert channel.decide_return(key, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED
    assert ebay.said == [(key, {"decision": "APPROVE"})]
    ebay.moves_on(key, "ITEM_SHIPPED")
    assert channel.decide_return(key, ReturnDecision.ACCEPTED, 1).outcome is Outcome.APPLIED
    assert ebay.returns[key]["state"] == "ITEM_DELIVERED"
    assert everything(channel.list_returns)[0].lines[0].received is True
    paid = channel.refund("1", [_back("11", shipping="4.00")], "r-1")
    assert paid.outcome is Outcome.APPLIED, paid
    [refund] = ebay.refunds[key]
    assert refund["refundDetail"]["totalAmount"] == {"value": 24.0, "currency": "EUR"}
    assert everything(channel.list_returns)[0].lines[0].handled


def test_a_return_that_is_refused(ebay: Returning, channel: Any) -> None:
    key = ebay.asks_back("1", _sold(ebay))
    assert channel.decide_return(key, ReturnDecision.REFUSED, 1, note="Getragen").outcome is Outcome.APPLIED
    assert ebay.said[0][1]["comments"]["content"] == "Getragen"
    late = ebay.asks_back("1", ebay.orders["1"]["lineItems"][0])
    ebay.moves_on(late, "ITEM_DELIVERED")
    assert channel.decide_return(late, ReturnDecision.REFUSED, 1).outcome is Outcome.REJECTED
    assert channel.decide_return("5", ReturnDecision.ACCEPTED, 1).outcome is Outcome.MISSING


def test_every_return_however_many_pages(ebay: Returning, channel: Any) -> None:
    sold = _sold(ebay)
    keys = {ebay.asks_back("1", sold, ago=timedelta(hours=number)) for number in range(450)}
    ebay.asks_back("1", sold, ago=timedelta(days=300))
    assert {one.external_id for one in everything(channel.list_returns)} == keys


def test_only_what_came_back_is_paid_inside_its_return(ebay: Returning, channel: Any) -> None:
    """Of two lines one comes back: the other is paid back beside the return, each once, and to the cent."""
    lines = [line("11", "SKU-1", 1, "20.0", "0.0", "20.0"), line("12", "SKU-2", 1, "30.0", "0.0", "30.0")]
    lines[1]["legacyItemId"] = "111"
    summary = {"priceSubtotal": amount("50.0"), "deliveryCost": amount("0.0"), "total": amount("50.0")}
    ebay.sold(ordered("1", lines, summary))
    key = ebay.asks_back("1", lines[0])
    ebay.moves_on(key, "ITEM_DELIVERED")
    back = [_back("11"), _back("12", money="30.00")]
    done = channel.refund("1", back, "r-1")
    inside = sum(one["refundDetail"]["totalAmount"]["value"] for one in ebay.refunds.get(key, ()))
    beside = sum(float(one["amount"]["value"]) for one in ebay.orders["1"]["paymentSummary"]["refunds"])
    assert (inside, beside) in ((20.0, 30.0), (0, 0)), (inside, beside, done)
    assert (done.outcome is Outcome.REJECTED) == (inside == 0)


def test_parts_of_one_kind_are_one_part(ebay: Returning, channel: Any) -> None:
    """Two amounts for units of one line that came back: eBay takes one part for each type of refund."""
    key = ebay.asks_back("1", _sold(ebay), 2)
    ebay.moves_on(key, "ITEM_DELIVERED")
    back = [_back("11", money="19.99", shipping="2.00"), _back("11", money="20.01", shipping="2.00")]
    done = channel.refund("1", back, "r-1")
    assert done.outcome is Outcome.APPLIED, done
    parts = {part["refundFeeType"]: part["refundAmount"]["value"] for part in ebay.refunds[key][0]["refundDetail"]["itemizedRefundDetail"]}  # fmt: skip
    assert parts == {"PURCHASE_PRICE": 40.0, "ORIGINAL_SHIPPING": 4.0}


def test_shipping_alone_is_paid_inside_a_return(ebay: Returning, channel: Any) -> None:
    key = ebay.asks_back("1", _sold(ebay))
    ebay.moves_on(key, "ITEM_DELIVERED")
    done = channel.refund("1", [_back("11", units=0, money="0", shipping="4.00")], "r-1")
    assert done.outcome is Outcome.APPLIED, done
    assert [part["refundFeeType"] for part in ebay.refunds[key][0]["refundDetail"]["itemizedRefundDetail"]] == [
        "ORIGINAL_SHIPPING"
    ]


@pytest.mark.parametrize(("ends", "state"), [("CLOSED", SubmissionState.DONE), ("", SubmissionState.PENDING)])
def test_a_refund_inside_a_return_that_takes_a_while(
    ebay: Returning, channel: Any, ends: str, state: SubmissionState
) -> None:
    key = ebay.asks_back("1", _sold(ebay))
    ebay.moves_on(key, "ITEM_DELIVERED")
    ebay.pending = True
    paid = channel.refund("1", [_back("11")], "r-1")
    assert paid.outcome is Outcome.SUBMITTED
    if ends:
        ebay.returns[key]["sellerTotalRefund"]["actualRefundAmount"] = {"value": 20.0, "currency": "EUR"}
        ebay.moves_on(key, ends)
    assert [status.state for status in channel.follow([paid.submission])] == [state]


def test_a_refund_that_has_nothing_to_do_with_the_return(ebay: Returning, channel: Any) -> None:
    """eBay refuses it while a return is open (34916): the merchant is told where to pay."""
    ebay.asks_back("1", _sold(ebay))
    done = channel.refund("1", [_back("11", reason=RefundReason.GOODWILL, money="5.00")], "r-1")
    assert done.outcome is Outcome.REJECTED
    assert "return" in done.message


def test_what_ebay_ships_itself_is_told_apart(ebay: Returning, connect: Any) -> None:
    for number in ("1", "2"):
        _sold(ebay, number)
    warehouse = [{"fulfillmentInstructionsType": "FULFILLED_BY_EBAY"}]
    ebay.orders["2"]["fulfillmentStartInstructions"] = warehouse
    own, all_of_them = connect(), connect(import_fbe=True)
    assert {one.external_id for one in everything(own.list_open_orders)} == {"1"}
    assert {one.external_id for one in everything(all_of_them.list_open_orders)} == {"1", "2"}
    told = {number: all_of_them.fetch_order(number).lines[0].fulfilled_by for number in ("1", "2")}
    assert told == {"1": FulfilledBy.MERCHANT, "2": FulfilledBy.CHANNEL}


# Listings that go wrong on the way.


def test_an_offer_that_is_there_already_is_not_made_twice(ebay: Returning, channel: Any) -> None:
    """The answer to its creation was lost."""
    ebay.loses.append("bulk_create_offer")
    try:
        first = channel.create_offers([draft(1)])
    except BridgeError:
        first = []
    assert all(result.outcome is not Outcome.APPLIED for result in first)
    [again] = channel.create_offers([draft(1)])
    assert again.outcome is Outcome.APPLIED, again
    assert len(ebay.offers) == 1
    assert ebay.shown("SKU-1") == (11, "21.00")


def test_an_offer_that_appears_between_the_look_and_the_call(ebay: Returning, channel: Any) -> None:
    """25002, with the offer's number: it is looked up, and then published."""
    ebay.hidden = True
    ebay.named = True
    assert channel.create_offers([draft(1)])[0].outcome is Outcome.APPLIED
    [offer] = ebay.offers.values()
    offer["status"] = "UNPUBLISHED"
    offer.pop("listing")
    [late] = channel.create_offers([draft(1)])
    assert late.outcome is Outcome.RETRY
    ebay.hidden = False
    assert channel.create_offers([draft(1)])[0].outcome is Outcome.APPLIED
    assert len(ebay.offers) == 1


def test_publication_that_is_lost_is_found(ebay: Returning, channel: Any) -> None:
    ebay.loses.append("bulk_publish_offer")
    try:
        channel.create_offers([draft(1)])
    except BridgeError:
        assert ebay.offers
    [again] = channel.create_offers([draft(1)])
    assert again.outcome is Outcome.APPLIED
    assert len({offer["listing"]["listingId"] for offer in ebay.offers.values()}) == 1


def test_warnings_are_no_errors(ebay: Returning, channel: Any) -> None:
    ebay.warns = True
    made = channel.create_offers([draft(1), draft(2)])
    assert [result.outcome for result in made] == [Outcome.APPLIED] * 2
    done = channel.update_stock([StockUpdate(**ref(n, made[n - 1].offer_id), stock=9) for n in (1, 2)])
    assert [result.outcome for result in done] == [Outcome.APPLIED] * 2


def test_what_keeps_a_listing_from_being_published_is_said_in_ebays_words(ebay: Returning, channel: Any) -> None:
    """ "Field {fieldName} is required": eBay puts what is meant into the parameters."""
    ebay.unfit["SKU-2"] = (25604, "Input error. {1}", [("fieldName", "aspects.Farbe"), ("1", "Farbe fehlt.")])
    made = channel.create_offers([draft(1), draft(2), draft(3)])
    assert [result.outcome for result in made] == [Outcome.APPLIED, Outcome.REJECTED, Outcome.APPLIED]
    assert (made[1].field, "Farbe fehlt." in made[1].message) == ("aspects.Farbe", True)


@pytest.mark.parametrize("number", [25001, 25025])
def test_what_passes_is_tried_again(ebay: Returning, channel: Any, number: int) -> None:
    ebay.unfit["SKU-2"] = (number, "A system error has occurred.", [])
    made = channel.create_offers([draft(1), draft(2)])
    assert [result.outcome for result in made] == [Outcome.APPLIED, Outcome.RETRY]
    ebay.unfit.clear()
    assert channel.create_offers([draft(2)])[0].outcome is Outcome.APPLIED
