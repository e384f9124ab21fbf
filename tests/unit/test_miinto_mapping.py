"""Miinto's vocabulary: orders as public clients show them, and the rows of the feed."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain import checks
from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import OrderPhase
from bridge.ports.channel import FeedItem, FeedOffer
from bridge.ports.errors import RejectItem
from channel_adapters.miinto import columns, mapping
from channel_adapters.miinto.client import shops_of
from channel_adapters.miinto.feed import TsvWriter
from channel_adapters.miinto.mapping import Known
from tests.support.miinto import ATTRIBUTES, GTINS, PICTURE, content, item

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SHOP = "1-m!i!s-045-1234"
OLD = {  # as in the fixture of shwrm/miinto-api-php-sdk
    "id": 1245,
    "status": "pending",
    "createdAt": "2017-04-07 17:22:44.562101+02",
    "currency": "SEK",
    "billingInformation": {
        "name": "Example name",
        "email": "example@example.com",
        "phone": "+45 88 80 86 86",
        "address": {"street": "Example street", "postcode": "2300", "city": "Copenhagen", "country": "Denmark"},
    },
    "shippingInformation": {
        "name": "Example name",
        "address": {"street": "Example street", "postcode": "2300", "city": "Copenhagen", "country": "Denmark"},
    },
}


def position(**more: Any) -> dict[str, Any]:
    return {"id": 7, "quantity": 2, "price": 162400, "item": {"gtin": GTINS[0], "name": "Bag"}} | more


def test_an_order_of_the_older_kind_is_read_whole() -> None:
    raw = OLD | {"acceptedPositions": [position()], "parentOrder": {"id": 34248}}
    order = mapping.order(raw, SHOP, "SE", {}, NOW)
    assert (order.external_id, order.currency, order.site) == (f"{SHOP}/1245", "SEK", "SEK")
    assert order.placed_at == datetime(2017, 4, 7, 15, 22, 44, 562101, tzinfo=UTC)
    assert order.total == Money(amount=Decimal("3248.00"), currency="SEK")
    assert (order.ship_to.first_name, order.ship_to.last_name) == ("Example", "name")
    assert (order.ship_to.country, order.ship_to.extra, order.ship_to.email) == (
        "",
        {"country": "Denmark"},
        "example@example.com",
    )
    chosen = raw | {"shippingInformation": {"type": "PICKUP", "deliveryOptions": {"initial": {"providerId": "dhl"}}}}
    assert (order.shipping_method, mapping.order(chosen, SHOP, "SE", {}, NOW).shipping_method) == ("", "PICKUP dhl")
    assert (order.note, order.raw) == ("Miinto order 34248", raw)


def test_a_line_is_known_by_whatever_field_names_the_item() -> None:
    items = mapping.known_items([["77", "A-1", GTINS[0], "c209-46be"], ["78", "", "", "x"]])
    assert items == {"c209-46be": Known("A-1", GTINS[0])}
    for told in ({"miintoItemID": "c209-46be"}, {"product": {"uuid": "c209-46be"}}):
        raw = OLD | {"pendingPositions": [position(item=told)]}
        order = mapping.transfer(raw, SHOP, "SE", items, NOW, 30)
        assert (order.lines[0].sku, order.lines[0].gtin) == ("A-1", GTINS[0])
    assert order.phase is OrderPhase.AWAITING_ACCEPTANCE
    assert order.external_id == f"{SHOP}/transfer-1245"
    assert mapping.split_id(order.external_id) == (SHOP, "1245", True)


@pytest.mark.parametrize(
    "raw",
    [{}, {"id": 1, "acceptedPositions": [None], "billingInformation": []},
     {"id": 1, "acceptedPositions": None, "parentOrder": "x", "shippingInformation": {"deliveryAddress": None}}],
)  # fmt: skip
def test_what_is_missing_or_odd_breaks_nothing(raw: dict[str, Any]) -> None:
    order = mapping.order(raw, SHOP, "DK", {}, NOW)
    assert (order.lines, order.currency, order.placed_at) == ((), "DKK", NOW)


@pytest.mark.parametrize(
    ("odd", "field"),
    [({"id": None}, "id"), ({"price": None}, "price"), ({"price": "free"}, "price"), ({"price": -1}, "price")],
)
def test_no_position_is_left_out_of_an_order(odd: dict[str, Any], field: str) -> None:
    for name, read in (("acceptedPositions", mapping.order), ("pendingPositions", mapping.transfer)):
        raw = OLD | {name: [position(), position() | odd]}
        more = () if read is mapping.order else (None,)
        with pytest.raises(RejectItem) as refused:
            read(raw, SHOP, "DK", {}, NOW, *more)  # type: ignore[operator]
        assert refused.value.field == f"{name}[1].{field}"


def test_a_declined_order_has_nothing_left() -> None:
    order = mapping.order(OLD | {"status": "declined", "acceptedPositions": [position()]}, SHOP, "SE", {}, NOW)
    assert order.lines[0].open == 0


def test_shops_are_found_in_the_rights_of_the_user() -> None:
    rights = {"__GLOBAL__": {"Store": {SHOP: {}, "x": {}}}, "Platform-DK": {"ShopAdmin": {SHOP: {}}}}
    assert shops_of({"privileges": rights}) == {SHOP: "DK", "x": ""}


# The feed


def rows(*items: FeedItem, language: str = "", currencies: tuple[str, ...] = ("EUR",), **defaults: str) -> Any:
    writer = TsvWriter(currencies, language, defaults)
    text = writer.head() + "".join(writer.entry(entry).text for entry in items) + writer.tail()
    assert "\r" not in text
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))


def test_a_row_has_what_miinto_asks_for() -> None:
    attributes = {
        "product_type": "Bags > Shoulder Bags",
        "gender": "F",
        columns.SEASON: "SS23",
        "hs_code": "4202.21.00.90",
    }
    images = ("https://a.example/b ag,1.jpg?v=1", PICTURE, "https://a.example/2.webp", "http://a.example/3.jpg")
    wanted = content(
        title="Maker chain bag brown",
        description='Two\nlines and a "quote"\tand a tab',
        images=images,
        attributes=attributes,
    )
    [row] = rows(item(content=wanted), language="DA")
    assert (row["id"], row["item_group_id"], row["c:style_id:string"]) == ("A-1", "77", "77-Brown")
    assert (row["title"], row["c:title_DA:string"], row["c:title_EN:string"]) == ("chain bag", "chain bag", "")
    assert row["description"] == row["c:description_DA:string"] == 'Two\nlines and a "quote"\tand a tab'
    assert (row["c:stock_level:integer"], row["c:retail_price_EUR:integer"]) == ("5", "41210")
    assert row["c:discount_retail_price_EUR:integer"] == ""  # empty, never 0
    assert row["image_link"] == "https://a.example/b%20ag%2C1.jpg?v=1"
    assert row["additional_image_link"] == PICTURE
    assert json.loads(row["material"]) == {"da_DK.utf8": "Leather"}
    assert (row["madein"], row["gtin"], row["gender"], row["hs_code"]) == ("IT", GTINS[0], "F", "4202.21.00.90")


def test_one_price_in_each_currency_and_the_lowest_stock_of_all() -> None:
    def offer(amount: str, currency: str, stock: int) -> FeedOffer:
        return FeedOffer(stock=stock, price=Money.of(amount, currency), content=content())

    both = FeedItem(
        sku="A-1", gtin=None, group="1", offers={"EUR": offer("10.005", "EUR", 5), "DKK": offer("75", "DKK", 3)}
    )
    [row] = rows(both, currencies=("EUR", "DKK", "SEK"))
    prices = {name: row[columns.retail(name)] for name in ("EUR", "DKK", "SEK")}
    assert prices == {"EUR": "1001", "DKK": "7500", "SEK": ""}
    assert (row["c:stock_level:integer"], row["gtin"]) == ("3", "")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"brand": None}, "brand is missing"),
        ({"attributes": {"color": ""}}, "color is missing"),
        ({"attributes": {"madein": "Italy"}}, "two letters"),
        ({"attributes": {columns.SEASON: "Spring 2023"}}, "11 characters, Miinto takes 8"),
        ({"attributes": {"material": "{broken"}}, "no table of texts"),
        ({"brand": "M" * 150}, "150 characters"),
        ({"title": "MAKER Brown"}, "nothing is left of its title"),
        ({"images": ()}, "it has no picture"),
        ({"images": ("https://a.example/x.png", "http://a.example/x.jpg")}, "no picture that Miinto takes"),
    ],
    ids=str,
)
def test_what_miinto_would_refuse_is_left_out_with_the_reason(change: dict[str, Any], why: str) -> None:
    with pytest.raises(RejectItem, match=why):
        rows(item(content=content(**change)))


def test_options_that_nobody_has_mapped_are_known_by_their_usual_names() -> None:
    own = {"Farbe": "Navy", "Taille": "S"}
    [row] = rows(item(content=content(attributes={"color": "", "size": "", **own})), color="Brown", size="M")
    assert (row["color"], row["size"]) == ("Navy", "S")


def test_defaults_fill_in_what_a_product_has_not() -> None:
    bare = item(content=OfferContent(title="Bag"))
    [row] = rows(bare, brand="Own", image_link=PICTURE, **ATTRIBUTES)
    assert (row["brand"], row["color"], row["image_link"]) == ("Own", "Brown", PICTURE)
    asked = columns.requirements({"color", "size", "material", "madein"})
    assert [found.rule for found in checks.missing(asked, {}) if found.blocking] == []
    assert len([found for found in checks.missing(columns.requirements(()), {}) if found.blocking]) == 4


def test_the_same_product_twice_is_left_out_and_the_same_gtin_twice_is_sent_once() -> None:
    writer = TsvWriter(("EUR",), "", {})
    writer.entry(item())
    with pytest.raises(RejectItem, match="the same size and colour"):
        writer.entry(item("A-2", GTINS[1]))
    other = writer.entry(item("A-3", GTINS[0], group="78"))
    assert "another product's too" in other.warning
    assert GTINS[0] not in other.text


def test_brand_colour_and_size_stay_as_miinto_has_them() -> None:
    changed = content(brand="New", attributes={"color": "Red"})
    entry = TsvWriter(("EUR",), "", {}).entry(item(content=changed, known=content()))
    assert "brand changed" in entry.warning
    assert "color changed" in entry.warning
    [row] = rows(item(content=changed, known=content()))
    assert (row["brand"], row["color"]) == ("Maker", "Brown")


@pytest.mark.parametrize(
    ("gtin", "sent"), [("08718526069334", "8718526069334"), ("18718526069331", ""), ("12345678", ""), (None, "")]
)
def test_a_gtin_has_nine_to_thirteen_digits(gtin: str | None, sent: str) -> None:
    [row] = rows(item(gtin=gtin))
    assert row["gtin"] == sent
