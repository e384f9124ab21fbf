"""Mirakl's adapter and the independent Mirakl's catalogue, its operators' settings, and offers sent whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.listing import Facet, OfferContent
from bridge.domain.money import Money
from bridge.domain.order import OrderPhase
from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.channel import ContentUpdate, OfferDraft, OfferRef, Outcome, PriceUpdate, StockUpdate, SubmissionState
from bridge.ports.errors import AskMerchant, NotFound, SlowDown
from bridge.registry import discover
from tests.support.independent import Json, Refusal
from tests.support.independent_mirakl import Mirakl, mirakl
from tests.support.played import Clock, connecting, everything

EAN, OTHER = "4006381333931", "8711577236533"
LAMP = OfferContent(
    title="Lampe & abat-jour", description="<p>Une lampe; \"belle\"\nDeux lignes</p>", brand="Maker", category="lamp",
    images=("https://shop.example/1.jpg",), attributes={"colour": "R", "rooms": ("K", "S")},
)  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def market(specs_dir: Path, clock: Clock) -> Iterator[Mirakl]:
    key = str(discover().channels["mirakl"].sandbox_credentials["api_key"])
    made = mirakl(specs_dir, key=key, now=clock)
    yield made
    assert not made.refused, "\n".join(made.refused)


@pytest.fixture
def connect(market: Mirakl, clock: Clock, serve: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with connecting("mirakl", serve(market.app()), clock) as connect:
        yield connect


def draft(sku: str = "SKU-1", ean: str = EAN, content: OfferContent = LAMP) -> OfferDraft:
    return OfferDraft(key=sku, sku=sku, gtin=ean, stock=5, price=Money.of("19.95", "EUR"), content=content)


def ends(market: Mirakl, channel: Any, results: list[Any]) -> dict[str, tuple[SubmissionState, str]]:
    """How each ended, by its key."""
    found: dict[str, Any] = {}
    for _ in range(market.pending + 6 * market.lasting + 2):
        found |= {status.submission: status for status in channel.follow([one.submission for one in results])}
    return {one.key: (found[one.submission].state, found[one.submission].message) for one in results}


def content(market: Mirakl, channel: Any, given: OfferContent = LAMP, sku: str = "SKU-1", ean: str = EAN) -> Any:
    [result] = channel.update_content([ContentUpdate(key=sku, offer_id=sku, sku=sku, gtin=ean, content=given)])
    assert result.outcome is Outcome.SUBMITTED, result
    return ends(market, channel, [result])[sku]


@pytest.mark.parametrize("reports", [";", ","])
@pytest.mark.parametrize("delimiter", ["COMMA", "SEMICOLON"])
def test_products_go_first(market: Mirakl, connect: Callable[..., Any], delimiter: str, reports: str) -> None:
    """What the operator does not know is sent as a product, in one file for several categories; then the offers."""
    market.settings, market.reports = {"operator_csv_delimiter": delimiter}, reports
    channel = connect()
    hose = OfferContent(title="Tuyau", category="garden", images=("https://shop.example/2.jpg",))
    drafts = [draft(), draft("SKU-2", OTHER, hose)]
    made = channel.create_offers(drafts)
    assert {one.outcome for one in made} == {Outcome.SUBMITTED}, made
    assert made[0].unsent == (Facet.CONTENT,)
    told = ends(market, channel, made)
    assert told["SKU-1"][0] is SubmissionState.GONE  # there now: the offer is made next
    assert told["SKU-2"][0] is SubmissionState.FAILED
    assert "hose" in told["SKU-2"][1]
    row = market.products[EAN]
    assert (row["category"], row["title_fr"], row["rooms"], row["shop_sku"]) == (
        "lamp",
        "Lampe & abat-jour",
        "K|S",
        "SKU-1",
    )
    assert row["description_fr"] == '<p>Une lampe; "belle"\nDeux lignes</p>'
    offered = channel.create_offers(drafts[:1])
    assert ends(market, channel, offered)["SKU-1"][0] is SubmissionState.DONE
    assert market.offers["SKU-1"]["quantity"] == 5
    assert channel.update_stock([StockUpdate(key="k", offer_id="SKU-1", sku="SKU-1", stock=3)])
    assert content(market, channel)[0] is SubmissionState.DONE


def test_what_is_only_warned_of_is_taken(market: Mirakl, connect: Callable[..., Any]) -> None:
    """It stands in the report of errors as well, with nothing under errors."""
    channel = connect()
    market.catalogue.add(EAN)
    ends(market, channel, channel.create_offers([draft()]))
    market.warns = "2004|The picture is small"
    assert content(market, channel)[0] is SubmissionState.DONE


@pytest.mark.parametrize("report", ["<products><p sku='SKU-1'/></products>", "PK\x03\x04 zipped"])
def test_a_report_in_a_form_of_the_operators_own(market: Mirakl, connect: Callable[..., Any], report: str) -> None:
    """It says nothing that can be read; how many were refused is told beside it."""
    market.form = report
    channel = connect()
    bare = LAMP.model_copy(update={"attributes": {}})
    alone = ends(market, channel, channel.create_offers([draft(content=bare)]))
    assert alone["SKU-1"][0] is SubmissionState.FAILED
    assert "back office" in alone["SKU-1"][1]
    market.catalogue.update({EAN, OTHER})
    ends(market, channel, channel.create_offers([draft(), draft("SKU-2", OTHER)]))
    updates = [
        ContentUpdate(key=sku, offer_id=sku, sku=sku, gtin=ean, content=given)
        for sku, ean, given in (("SKU-1", EAN, bare), ("SKU-2", OTHER, LAMP))
    ]
    both = ends(market, channel, channel.update_content(updates))
    assert {state for state, _ in both.values()} == {SubmissionState.GONE}


def test_a_product_stays_with_the_operator(market: Mirakl, connect: Callable[..., Any]) -> None:
    """For as long as it likes."""
    channel, market.lasting = connect(), 30
    [made] = channel.create_offers([draft()])
    for _ in range(80):
        [status] = channel.follow([made.submission])
    assert status.state is SubmissionState.PENDING
    assert status.message


def test_a_file_that_cannot_be_read(market: Mirakl, connect: Callable[..., Any]) -> None:
    channel, market.broken = connect(), "The file has no heading"
    state, message = ends(market, channel, channel.create_offers([draft()]))["SKU-1"]
    assert state in (SubmissionState.FAILED, SubmissionState.GONE)
    assert "no heading" in message


def test_what_a_category_wants(market: Mirakl, connect: Callable[..., Any]) -> None:
    channel = connect()
    found = {one.id: one for one in channel.list_categories()}
    assert (found["lamp"].path, found["lamp"].leaf, found["home"].leaf) == (
        ("Maison", "Luminaires", "Lampes"),
        True,
        False,
    )
    asked = {one.id: one for one in channel.requirements("lamp").attributes}
    assert {"category", "ean", "title_fr", "shop_sku", "hose", "old"}.isdisjoint(asked)
    colour, rooms = asked["colour"], asked["rooms"]
    assert (colour.kind, colour.need, colour.axis) == (AttributeKind.CHOICE, Need.REQUIRED, True)
    assert [(one.value, one.label) for one in colour.allowed] == [("R", "Rouge"), ("B", "Bleu")]
    assert rooms.max_values > 1
    with pytest.raises(NotFound):
        channel.requirements("none")
    market.refused.clear()


FIELD: Json = {
    "code": "origin", "label": "Origine", "required": True, "editable": True, "type": "LIST", "entity": "OFFER",
    "accepted_values": ["FR", "DE"],
}  # fmt: skip


def test_fields_of_the_operator(market: Mirakl, connect: Callable[..., Any]) -> None:
    market.own = [FIELD, FIELD | {"code": "note", "required": False, "type": "STRING", "accepted_values": []}]
    market.catalogue.add(EAN)
    with pytest.raises(AskMerchant) as unset:
        connect().check()
    assert unset.value.field == "offer_fields"
    channel = connect(offer_fields=["origin=FR"])
    assert channel.check().details["currency"] == "EUR"
    made = ends(market, channel, channel.create_offers([draft()]))
    assert made["SKU-1"][0] is SubmissionState.DONE, made
    assert market.offers["SKU-1"]["offer_additional_fields"] == [{"code": "origin", "value": "FR"}]


WHOLE: Json = {
    "description": "Emballage abîmé", "internal_description": "Étagère 7", "price_additional_info": "Prix net",
    "product_tax_code": "T1", "min_quantity_alert": 2, "min_order_quantity": 1, "max_order_quantity": 5,
    "package_quantity": 1, "leadtime_to_ship": 4, "logistic_class": "S", "allow_quote_requests": True,
    "available_started": "2026-01-01T00:00:00Z", "available_ended": "2027-01-01T00:00:00Z",
    "discount": {"price": 15.5, "start_date": "2026-01-01T00:00:00Z", "end_date": "2027-01-01T00:00:00Z"},
    "eco_contributions": [{"epr_category_code": "FR-DEEE", "producer_id": "P1", "eco_contribution_amount": 0.5}],
    "offer_additional_fields": [{"code": "note", "value": "A"}, {"code": "origin", "value": "FR"}],
}  # fmt: skip
STEPS: Json = {
    "channel_code": "US", "unit_origin_price": 25, "unit_discount_price": 20, "discount_start_date": "2026-01-01T00:00:00Z",
    "volume_prices": [{"quantity_threshold": 5, "unit_origin_price": 22, "unit_discount_price": 18}],
}  # fmt: skip


def stored(market: Mirakl, connect: Callable[..., Any], **settings: Any) -> Json:
    """An offer on which everything is set that the operator's back office has."""
    market.settings = {"pricing": {"channel_pricing": "SINGLE"}} | settings
    market.own = [FIELD | {"required": False}, FIELD | {"code": "note", "required": False, "type": "STRING"}]
    market.catalogue.add(EAN)
    channel = connect()
    ends(market, channel, channel.create_offers([draft()]))
    offer = market.offers["SKU-1"]
    default = {"unit_origin_price": 19.95, "unit_discount_price": 15.5}
    dates = {"discount_start_date": "2026-01-01T00:00:00Z", "discount_end_date": "2027-01-01T00:00:00Z"}
    offer |= WHOLE | {"all_prices": [default | dates, STEPS]}
    return offer


@pytest.mark.parametrize("allowed", ["YES", "NO"])
def test_an_offer_that_is_written_anew_keeps_what_it_has(
    market: Mirakl, connect: Callable[..., Any], allowed: str
) -> None:
    """Whatever is not sent is reset; what may not be sent is not sent."""
    stored(market, connect, lead_time_to_ship_by_sellers_enabled=allowed)
    before = dict(market.offers["SKU-1"])
    channel = connect(offer_fields=["origin=DE"])
    assert content(market, channel)[0] is SubmissionState.DONE
    after = market.offers["SKU-1"]
    fields = {one["code"]: one["value"] for one in after["offer_additional_fields"]}
    assert fields == {"note": "A", "origin": "DE"}
    changed = {"offer_additional_fields", "all_prices", "update_delete"} | (
        {"leadtime_to_ship"} if allowed == "NO" else set()
    )
    kept = {name: value for name, value in before.items() if name not in changed}
    assert {name: after.get(name) for name in kept} == kept
    [_, particular] = after["all_prices"]
    assert particular == STEPS


def test_an_offer_that_has_everything_is_deleted(market: Mirakl, connect: Callable[..., Any]) -> None:
    stored(market, connect)
    channel = connect()
    made = channel.end_offers([OfferRef(key="SKU-1", offer_id="SKU-1", sku="SKU-1", gtin=EAN)])
    assert ends(market, channel, made)["SKU-1"][0] is SubmissionState.DONE
    assert market.offers == {}


def test_prices_of_an_operator_without_cents(market: Mirakl, connect: Callable[..., Any]) -> None:
    market.settings = {"offer_prices_decimals": "0"}
    market.catalogue.add(EAN)
    channel = connect()
    price = Money.of("20", "EUR")
    made = channel.create_offers([draft(), draft("SKU-2").model_copy(update={"price": price})])
    assert (made[0].outcome, made[0].field) == (Outcome.REJECTED, "price")
    assert ends(market, channel, made[1:])["SKU-2"][0] is SubmissionState.DONE
    [result] = channel.update_prices([PriceUpdate(key="k", offer_id="SKU-2", sku="SKU-2", price=price)])
    assert ends(market, channel, [result])["k"][0] is SubmissionState.DONE


def test_an_order_in_another_currency_and_channel(market: Mirakl, connect: Callable[..., Any]) -> None:
    market.settings, market.shop = {"multi_currency": True}, {"channels": ["FR", "UK"]}
    market.sell(
        "1-A", {"sku": "SKU-1", "quantity": 2, "price_unit": 9.99}, state="SHIPPING", currency_iso_code="GBP",
        channel={"code": "UK", "label": "United Kingdom"},
    )  # fmt: skip
    channel = connect()
    assert channel.check().details["channels"] == ["FR", "UK"]
    order = channel.fetch_order("1-A")
    assert (order.currency, order.total, order.phase) == ("GBP", Money.of("19.98", "GBP"), OrderPhase.READY)


def test_an_operator_that_accepts_by_itself(market: Mirakl, connect: Callable[..., Any]) -> None:
    market.settings = {"order_workflows": {"order_acceptance": "AUTOMATIC"}, "returns": {}}
    channel = connect()
    assert channel.check().details["orders are accepted"] == "by themselves"
    assert everything(channel.list_returns) == []


def test_the_figures_of_a_shop(market: Mirakl, connect: Callable[..., Any]) -> None:
    """Those of the last month that other marketplaces judge a seller by."""
    figures = {one.name: one for one in connect().score()}
    for name, value in (("cancelation_rate", "0.01"), ("late_shipment_rate", "0.03"), ("incident_rate", "0.02")):
        assert (str(figures[name].value), figures[name].unit, figures[name].good) == (value, "share", "below"), name
        assert figures[name].period_days == 30
    assert str(figures["approval_rate"].value) == "0.9"
    assert "approval_delay" in figures


def test_a_limit_of_an_import(market: Mirakl, connect: Callable[..., Any]) -> None:
    """What waits is still on its way; what could not be sent is told with its end."""
    market.catalogue.add(EAN)
    channel = connect()
    [made] = channel.create_offers([draft()])
    limit = Refusal(429, "too many requests in the last hour", headers={"Retry-After": "90"})
    market.trouble["OF02"] = [limit] * 9
    [status] = channel.follow([made.submission])
    assert status.state is SubmissionState.PENDING
    market.trouble["STO01"] = [limit] * 9
    with pytest.raises(SlowDown) as slow:
        channel.update_stock([StockUpdate(key="k", offer_id="SKU-1", sku="SKU-1", stock=3)])
    assert slow.value.after is not None
    assert slow.value.after > timedelta(seconds=89)


def test_everything_open_is_there_in_both_modes(market: Mirakl, connect: Callable[..., Any]) -> None:
    """An order says how its amounts are meant, whatever the platform says."""
    market.mode = "TAX_INCLUDED"
    tax = {"code": "V", "amount": 4, "rate": 20, "tax_calculation_rule": "PROPORTIONAL_TO_AMOUNT"}
    line = {"sku": "S", "quantity": 1, "price_unit": 20, "taxes": [tax]}
    market.sell("1-A", line, state="SHIPPING", order_tax_mode="TAX_EXCLUDED", at=datetime.now(UTC))
    [ref] = everything(connect().list_open_orders)
    assert connect().fetch_order(ref.external_id).total == Money.of("24", "EUR")


def test_what_a_product_has_of_its_own(market: Mirakl, connect: Callable[..., Any]) -> None:
    """Fields of the operator and the logistic class, where a product needs others than all the rest; none of it is product
    data."""
    market.own = [
        FIELD,
        FIELD | {"code": "eco", "label": "Éco", "required": False, "type": "NUMERIC", "accepted_values": []},
    ]
    market.catalogue.update({EAN, OTHER})
    channel = connect(offer_fields=["origin=FR"])
    asked = {one.id: one for one in channel.requirements(None).attributes}
    assert [one.value for one in asked["offer:origin"].allowed] == ["FR", "DE"]
    assert (asked["offer:eco"].kind, asked["offer:eco"].need) == (AttributeKind.NUMBER, Need.OPTIONAL)
    own = {"offer:origin": "DE", "offer:eco": "0.25", "offer:logistic_class": "S"} | dict(LAMP.attributes)
    given = LAMP.model_copy(update={"attributes": own})
    made = ends(market, channel, channel.create_offers([draft(content=given), draft("SKU-2", OTHER)]))
    assert {state for state, _ in made.values()} == {SubmissionState.DONE}, made
    fields = {
        sku: {one["code"]: one["value"] for one in offer["offer_additional_fields"]}
        for sku, offer in market.offers.items()
    }
    assert fields == {"SKU-1": {"origin": "DE", "eco": "0.25"}, "SKU-2": {"origin": "FR"}}
    assert (market.offers["SKU-1"]["logistic_class"], "logistic_class" in market.offers["SKU-2"]) == ("S", False)
    other = given.model_copy(update={"attributes": own | {"offer:eco": "0.5"}})
    assert content(market, channel, other)[0] is SubmissionState.DONE
    assert {"code": "eco", "value": "0.5"} in market.offers["SKU-1"]["offer_additional_fields"]
    assert not [name for name in market.products[EAN] if name.startswith("offer:")]
    wrong = given.model_copy(update={"attributes": own | {"offer:origin": "XX"}})
    [refused] = channel.create_offers([draft("SKU-3", content=wrong)])
    assert (refused.outcome, refused.field) == (Outcome.REJECTED, "offer:origin")


VOLUME: Json = {
    "unit_origin_price": 19.95, "unit_discount_price": 15.5, "discount_start_date": "2026-01-01T00:00:00Z",
    "volume_prices": [
        {"quantity_threshold": 5, "unit_origin_price": 18.5, "unit_discount_price": 14},
        {"quantity_threshold": 10, "unit_origin_price": 12, "unit_discount_price": 11},
    ],
}  # fmt: skip
CUSTOMERS: Json = {
    "unit_origin_price": 17, "volume_prices": [],
    "context": {"customer_organization_ids": ["ORG-1", "ORG-2"], "start_date": "2026-01-01T00:00:00Z"},
}  # fmt: skip
SEVERAL = {"unit_origin_price": 30, "volume_prices": [], "context": {"channel_codes": ["US", "CA"]}}


@pytest.mark.parametrize("many", [1, 30])
def test_a_price_leaves_the_others_as_they_are(market: Mirakl, connect: Callable[..., Any], many: int) -> None:
    """A price file deletes what it does not name. A discount that would be none any more goes."""
    first = stored(market, connect)
    first["all_prices"] = [VOLUME, STEPS, CUSTOMERS, SEVERAL]
    for number in range(1, 130):
        market.offers[f"X-{number}"] = {"number": 6000 + number, "quantity": 1, "product_id": OTHER, "price": 5} | {
            "all_prices": [{"unit_origin_price": 5}]
        }
    channel = connect()
    skus = ["SKU-1", *(f"X-{number}" for number in range(1, many))]
    for price in ("25", "16"):
        updates = [PriceUpdate(key=sku, offer_id=sku, sku=sku, price=Money.of(price, "EUR")) for sku in skus]
        told = ends(market, channel, channel.update_prices(updates))
        assert {state for state, _ in told.values()} == {SubmissionState.DONE}, told
        default, *others = market.offers["SKU-1"]["all_prices"]
        assert others == [STEPS, CUSTOMERS, SEVERAL]
        assert (default["unit_origin_price"], default["unit_discount_price"]) == (float(price), 15.5)
        kept = [one["quantity_threshold"] for one in default["volume_prices"]]
        assert kept == ([5, 10] if price == "25" else [10])
    [result] = channel.update_prices([PriceUpdate(key="k", offer_id="SKU-1", sku="SKU-1", price=Money.of("15", "EUR"))])
    assert ends(market, channel, [result])["k"][0] is SubmissionState.DONE
    default, *others = market.offers["SKU-1"]["all_prices"]
    assert "unit_discount_price" not in default
    assert len(others) == 3
    if many > 1:
        assert {market.offers[sku]["price"] for sku in skus[1:]} == {16.0}
