"""Kaufland's JSON and our domain: literals in, literals out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import FulfilledBy, OrderPhase
from bridge.domain.reading import moment
from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.channel import OfferDraft, SubmissionState
from bridge.ports.errors import RejectItem
from bridge.ports.manifest import Site
from channel_adapters.kaufland import categories, mapping, reading, vocabulary
from channel_adapters.kaufland.channel import MANIFEST
from channel_adapters.kaufland.signature import is_genuine, sign

DE, CZ, PL = (next(site for site in MANIFEST.sites if site.code == code) for code in ("de", "cz", "pl"))
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def euro(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


# The signature

SECRET = "a7d0cb1da1ddbc86c96ee5fedd341b7d8ebfbb2f5c83cfe0909f4e57f05dd403"
URL = "https://sellerapi.kaufland.com/v2/units/"


def test_the_published_signature() -> None:
    """The vector of the seller API documentation (signing a request)."""
    assert sign(SECRET, "POST", URL, b"", "1411055926") == (
        "da0b65f51c0716c1d3fa658b7eaf710583630a762a98c9af8e9b392bd9df2e2a"
    )


@pytest.mark.parametrize(
    ("method", "url", "body", "timestamp"),
    [
        ("GET", URL, b"", "1411055926"),
        ("POST", URL.rstrip("/"), b"", "1411055926"),
        ("POST", URL, b"{}", "1411055926"),
        ("POST", URL, b"", "1411055927"),
    ],
)
def test_every_part_is_signed(method: str, url: str, body: bytes, timestamp: str) -> None:
    signature = sign(SECRET, "POST", URL, b"", "1411055926")
    assert is_genuine(signature, SECRET, "POST", URL, b"", "1411055926")
    assert not is_genuine(signature, SECRET, method, url, body, timestamp)
    assert not is_genuine("nonsense ü", SECRET, "POST", URL, b"", "1411055926")


# Values


@pytest.mark.parametrize(
    ("cents", "expected"), [(1, "0.01"), (1999, "19.99"), ("100", "1.00"), (0, "0.00"), (123456789, "1234567.89")]
)
def test_money_is_whole_cents(cents: Any, expected: str) -> None:
    found = reading.money(cents, "CZK")
    assert found is not None
    assert (str(found.amount), found.currency) == (expected, "CZK")
    assert reading.cents(found) == int(cents)


@pytest.mark.parametrize("odd", [None, True, "", "1.5", 1.5, {}, "x"])
def test_money_that_is_none(odd: Any) -> None:
    assert reading.money(odd, "EUR") is None


@pytest.mark.parametrize(("amount", "cents"), [("19.99", 1999), ("0.285", 29), ("20", 2000), ("1.005", 101)])
def test_cents_are_exact(amount: str, cents: int) -> None:
    assert reading.cents(euro(amount)) == cents


def test_times_are_utc_with_and_without_a_z() -> None:
    expected = datetime(2016, 5, 6, 23, 7, 41, tzinfo=UTC)
    assert [moment(text) for text in ("2016-05-06T23:07:41Z", "2016-05-06 23:07:41", "soon", None)] == [
        expected,
        expected,
        None,
        None,
    ]


# Offers


def draft(**given: Any) -> OfferDraft:
    content = OfferContent(title="A mug")
    base = {"key": "1", "site": "de", "sku": "A-1", "gtin": "4009750243800", "stock": 3, "price": euro("19.99")}
    return OfferDraft(**base | {"content": content} | given)


def test_a_new_unit() -> None:
    assert mapping.unit_body(draft(), DE, {}) == {
        "ean": "4009750243800",
        "id_offer": "A-1",
        "condition": "NEW",
        "amount": 3,
        "listing_price": 1999,
        "handling_time": 1,
    }


def test_a_new_unit_with_everything_chosen() -> None:
    settings = {"handling_days": 2, "shipping_groups": ["at:7", "de:9"], "warehouse": "8", "vat_indicator": "zero_rate"}
    body = mapping.unit_body(draft(condition="as_new", handling_days=0), DE, settings)
    assert body["condition"] == "USED___AS_NEW"
    assert (body["handling_time"], body["id_shipping_group"], body["id_warehouse"]) == (0, 9, 8)
    assert body["vat_indicator"] == "zero_rate"
    assert "id_shipping_group" not in mapping.unit_body(draft(), DE, {"shipping_groups": ["at:7"]})


@pytest.mark.parametrize(
    ("given", "site", "field"),
    [
        ({"gtin": None}, DE, "gtin"),
        ({"gtin": "978030640615"}, DE, "gtin"),
        ({"condition": "broken"}, DE, "condition"),
        ({"price": euro("0")}, DE, "price"),
        ({"price": euro("1000000.01")}, DE, "price"),
        ({"price": euro("10")}, CZ, "currency"),
    ],
)
def test_what_kaufland_would_refuse_names_its_field(given: dict[str, Any], site: Site, field: str) -> None:
    with pytest.raises(RejectItem) as refused:
        mapping.unit_body(draft(**given), site, {})
    assert refused.value.field == field


def test_the_dearest_price_depends_on_the_currency() -> None:
    zloty = Money(amount=Decimal(4500000), currency="PLN")
    assert mapping.price(zloty, PL) == {"listing_price": 450_000_000}


def test_product_data() -> None:
    content = OfferContent(
        title="A mug",
        description="Blue.",
        brand="Potter",
        category="30021",
        images=("https://a.example/1.jpg", "https://a.example/2.jpg"),
        attributes={"colour": ("Blau", "Rot"), "width": "12", "manufacturer": "Potter AG", "empty": ""},
    )
    settings = {"safety_name": "Potter", "safety_address": "Street 1, 12345 City, DE", "safety_email": "a@b.example"}
    assert mapping.product_data("4009750243800", content, settings) == {
        "ean": ["4009750243800"],
        "attributes": {
            "title": ["A mug"],
            "description": ["Blue."],
            "manufacturer": ["Potter AG"],
            "category": ["30021"],
            "picture": ["https://a.example/1.jpg", "https://a.example/2.jpg"],
            "colour": ["Blau", "Rot"],
            "width": ["12"],
            "product_safety_contact": {
                "name": "Potter",
                "address": "Street 1, 12345 City, DE",
                "email_address": "a@b.example",
            },
        },
    }
    assert "product_safety_contact" not in mapping.product_data("1", content, {"safety_name": "Potter"})["attributes"]


def test_an_offer_is_named_by_storefront_and_number() -> None:
    assert mapping.place_of(mapping.offer_id("cz", 314)) == ("cz", "314")
    for wrong in ("314", "de:", "de:x", ""):
        with pytest.raises(RejectItem):
            mapping.place_of(wrong)


def test_a_unit_read_back() -> None:
    raw = {"id_unit": 314, "id_offer": "A-1", "amount": 4, "listing_price": 24900, "currency": "CZK", "new": {"a": 1}}
    raw |= {"status": "AVAILABLE", "product": {"eans": ["4009750243800"], "title": "Hrnek"}}
    offer = mapping.live_offer(raw, CZ)
    assert (offer.offer_id, offer.site, offer.sku, offer.gtin) == ("cz:314", "cz", "A-1", "4009750243800")
    assert (offer.stock, offer.price, offer.title, offer.for_sale) == (
        4,
        Money(amount=Decimal("249.00"), currency="CZK"),
        "Hrnek",
        True,
    )
    merged = raw | {"product": {"eans": ["1", "2"]}}
    assert (mapping.live_offer(merged, CZ).gtin, mapping.live_offer(merged, CZ, "2").gtin) == (None, "2")


@pytest.mark.parametrize(
    ("status", "amount", "for_sale"),
    [
        ("AVAILABLE", 1, True),
        ("AVAILABLE", 0, False),
        ("ONHOLD", 1, False),
        ("INCOMPLETE", 1, False),
        ("NEW_WORD", 1, None),
    ],
)
def test_whether_it_can_be_bought(status: str, amount: int, for_sale: bool | None) -> None:
    raw = {"status": status, "amount": amount}
    found = mapping.sale_status("de:1", raw, {})
    assert found.for_sale is for_sale
    assert bool(found.reasons) == bool(found.fixes) == (for_sale is False)


# Product data


def status(**given: Any) -> dict[str, Any]:
    empty = ("product_not_ready_reason", "update_fail_reason", "attribute_values", "missing_attributes")
    return dict.fromkeys(empty) | {"update_status": "SUCCESS", "product_ready": True} | given


def value(name: str, state: str, message: str = "") -> dict[str, Any]:
    return {"attribute": name, "original_value": "x", "state": state, "message": message}


@pytest.mark.parametrize(
    ("raw", "state", "message"),
    [
        (status(id_product=5), SubmissionState.DONE, ""),
        (status(update_status="PENDING"), SubmissionState.PENDING, ""),
        (status(update_status="QUEUED"), SubmissionState.PENDING, "QUEUED"),
        (status(update_status="FAIL", update_fail_reason="NO_CATEGORY"), SubmissionState.FAILED, "NO_CATEGORY"),
        (
            status(attribute_values=[value("title", "ACCEPTED"), value("picture", "DECLINED", "too small")]),
            SubmissionState.FAILED,
            "picture: too small",
        ),
        (status(attribute_values=[value("colour", "MODIFIED"), value("x", "IGNORED")]), SubmissionState.DONE, ""),
        (
            status(product_not_ready_reason="MISSING_ATTRIBUTES", missing_attributes=["picture", "category"]),
            SubmissionState.FAILED,
            "MISSING_ATTRIBUTES; missing: picture, category",
        ),
        (
            status(min_one_missing_attributes=["isbn", "mpn"]),
            SubmissionState.FAILED,
            "at least one is missing of: isbn, mpn",
        ),
    ],
)
def test_what_became_of_product_data(raw: dict[str, Any], state: SubmissionState, message: str) -> None:
    found = mapping.data_status(raw, "key")
    assert (found.submission, found.state, found.message) == ("key", state, message)


def test_a_failure_without_a_reason_still_says_something() -> None:
    assert "without a reason" in mapping.data_status(status(update_status="ABORTED"), "key").message


# Orders


def piece(number: int = 1, **given: Any) -> dict[str, Any]:
    product = {"title": "A mug", "eans": ["4009750243800"]}
    raw = {"id_order_unit": 314567 + number, "id_offer": "A-1", "price": 1999, "currency": "EUR", "product": product}
    raw |= {"status": "need_to_be_sent", "shipping_rate": 399, "vat": 19.0, "ts_updated_iso": "2026-11-26T10:00:00Z"}
    raw |= {"delivery_time_expires_iso": "2026-11-30T22:59:59Z", "tickets": None}
    return raw | given


def order_json(*pieces: dict[str, Any], **given: Any) -> dict[str, Any]:
    address = {"first_name": "Ayşe", "last_name": "Øster", "street": "Königsallee", "house_number": "7 a", "city": "D"}
    address |= {"postcode": "40212", "country": "de", "company_name": None, "additional_field": "2. OG", "phone": None}
    raw = {"id_order": "MHRYPC1", "ts_created_iso": "2026-11-26T09:00:00Z", "storefront": "de", "order_units": pieces}
    raw |= {"is_marketplace_deemed_supplier": False, "fulfillment_type": "fulfilled_by_merchant"}
    raw |= {"shipping_address": address, "billing_address": None, "buyer": {"id_buyer": 1, "email": "b@m.example"}}
    return raw | {"order_units": list(pieces)} | given


def read(*pieces: dict[str, Any], **given: Any) -> Any:
    return mapping.order(order_json(*pieces, **given), NOW, accept=True)


def test_each_piece_is_a_line() -> None:
    order = read(piece(1), piece(2, price=999, shipping_rate=0))
    assert [(line.external_id, line.quantity, line.unit_price.text()) for line in order.lines] == [
        ("314568", 1, "19.99 EUR"),
        ("314569", 1, "9.99 EUR"),
    ]
    assert (order.external_id, order.site, order.currency, order.phase) == ("MHRYPC1", "de", "EUR", OrderPhase.READY)
    assert (order.placed_at, order.changed_at) == (
        datetime(2026, 11, 26, 9, tzinfo=UTC),
        datetime(2026, 11, 26, 10, tzinfo=UTC),
    )
    assert order.lines[0].ship_by == datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC)
    assert (order.lines[0].sku, order.lines[0].gtin, order.lines[0].title) == ("A-1", "4009750243800", "A mug")


def test_money_of_an_order() -> None:
    order = read(piece(1), piece(2))
    assert order.total == euro("47.96")
    assert (order.shipping, order.shipping_tax) == (euro("7.98"), euro("1.28"))
    assert order.lines[0].tax == euro("3.19")
    czk = read(piece(currency="CZK", price=24900, shipping_rate=0, vat=None), storefront="cz")
    assert (czk.lines[0].total.text(), czk.lines[0].tax, czk.shipping_tax) == ("249.00 CZK", None, None)


def test_the_tax_that_kaufland_remits() -> None:
    assert read(piece(), is_marketplace_deemed_supplier=True).tax_by_channel is True
    assert read(piece()).tax_by_channel is False


@pytest.mark.parametrize(
    ("vat", "tax"), [(19.0, "3.19"), ("7", "1.31"), (0, "0.00"), (None, None), ("x", None), (True, None), (-1, None)]
)
def test_the_tax_in_a_price(vat: Any, tax: str | None) -> None:
    found = mapping.tax_in(euro("19.99"), vat)
    assert (None if found is None else str(found.amount)) == tax


@pytest.mark.parametrize(
    ("status", "cancelled", "shipped", "phase"),
    [
        ("open", 0, 0, OrderPhase.AWAITING_ACCEPTANCE),
        ("need_to_be_sent", 0, 0, OrderPhase.READY),
        ("sent", 0, 1, OrderPhase.READY),
        ("received", 0, 1, OrderPhase.READY),
        ("sent_and_autopaid", 0, 1, OrderPhase.READY),
        ("returned", 0, 1, OrderPhase.READY),
        ("returned_paid", 0, 1, OrderPhase.READY),
        ("cancelled", 1, 0, OrderPhase.READY),
        ("under_review", 0, 0, OrderPhase.PENDING),
    ],
)
def test_states_of_a_piece(status: str, cancelled: int, shipped: int, phase: OrderPhase) -> None:
    order = read(piece(1, status=status), piece(2))
    assert (order.lines[0].cancelled, order.lines[0].shipped, order.phase) == (cancelled, shipped, phase)


def test_open_pieces_are_waited_for_where_the_merchant_wants_it() -> None:
    order = mapping.order(order_json(piece(status="open")), NOW, accept=False)
    assert order.phase is OrderPhase.PENDING


def test_what_kaufland_ships_itself_is_told_apart() -> None:
    own = read(piece(fulfillment_type="fulfilled_by_kaufland"), piece(2))
    assert [line.fulfilled_by for line in own.lines] == [FulfilledBy.CHANNEL, FulfilledBy.MERCHANT]
    assert read(piece(), fulfillment_type="fulfilled_by_kaufland").lines[0].fulfilled_by is FulfilledBy.CHANNEL
    assert read(piece(), fulfillment_type="fulfilled_by_robots").lines[0].fulfilled_by is FulfilledBy.MERCHANT


def test_addresses() -> None:
    place = {"pickup_location_id": "DE-1", "provider": "DHL", "carrier": "DHL", "dhl_post_number": "123"}
    order = read(piece(), delivery={"pickup_location": place})
    assert (order.ship_to.name, order.ship_to.street, order.ship_to.house_number) == (
        "Ayşe Øster",
        "Königsallee",
        "7 a",
    )
    assert (order.ship_to.country, order.ship_to.email, order.bill_to) == ("DE", "b@m.example", None)
    assert order.ship_to.extra == {
        "note": "2. OG",
        "pickup_point": "DE-1",
        "pickup_provider": "DHL",
        "pickup_carrier": "DHL",
        "post_number": "123",
    }
    assert read(piece(), shipping_address=None).ship_to.name == ""


def ticket(**given: Any) -> dict[str, Any]:
    return {"id_ticket": "0017", "topic": "order_cancel", "status": "opened", "is_seller_responsible": True} | given


@pytest.mark.parametrize(
    ("given", "asked"),
    [({}, True), ({"status": "seller_closed"}, False), ({"topic": "invoice_needed"}, False),
     ({"is_seller_responsible": False}, False), ({"is_seller_responsible": None}, True)],
)  # fmt: skip
def test_a_buyer_asks_to_cancel_in_a_ticket(given: dict[str, Any], asked: bool) -> None:
    order = read(piece(1, tickets=[ticket(**given)]), piece(2))
    assert [line.cancellation_requested for line in order.lines] == [asked, False]
    assert order.list_mark.endswith("!0017") is asked


def test_list_and_detail_have_the_same_mark() -> None:
    listed = mapping.order_ref({"id_order": "MHRYPC1", "ts_units_updated_iso": "2026-11-26T10:00:00Z"}, NOW)
    swept = mapping.refs_of_units([{"id_order": "MHRYPC1", **piece(1)}, {"id_order": "MHRYPC1", **piece(2)}], NOW)
    assert {listed.mark, *(ref.mark for ref in swept)} == {read(piece(1), piece(2)).list_mark}


def test_a_mark_is_not_the_last_word_while_its_second_may_go_on() -> None:
    changed = "2026-11-26T11:59:50Z"
    assert mapping.mark(changed, NOW) != mapping.mark(changed, NOW + timedelta(minutes=1))
    assert mapping.mark("soon", NOW) != mapping.mark(None, NOW)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (order_json(piece(), id_order=None), "id_order"),
        (order_json(piece(ts_updated_iso=None), ts_created_iso="x"), "ts_created_iso"),
        (order_json(piece(currency=None)), "order_units[0].currency"),
        (order_json(piece(1), piece(2, price="free")), "order_units[1].price"),
        (order_json(piece(id_order_unit=None)), "order_units[0].id_order_unit"),
    ],
)
def test_an_unreadable_order_names_what_is_wrong(raw: dict[str, Any], field: str) -> None:
    with pytest.raises(RejectItem) as caught:
        mapping.order(raw, NOW, accept=True)
    assert caught.value.field == field


def test_unknown_fields_are_kept() -> None:
    assert read(piece(), loyalty={"points": 3}).raw["loyalty"] == {"points": 3}


# Returns


def test_return_units_are_lines_of_their_return() -> None:
    unit = {"id_return_unit": 51, "id_return": 41, "id_order_unit": 314568, "reason": "defect", "note": "kaputt"}
    unit |= {"ts_created_iso": "2026-11-26T10:00:00Z", "status": "return_arrived"}
    pairs = [(unit, {"id_order": "MHRYPC1", **piece()}), (unit | {"id_return_unit": 52, "status": "odd"}, {})]
    found = mapping.marketplace_returns(pairs, NOW)
    assert [(back.external_id, len(back.lines)) for back in found] == [("41", 2)]
    line = found[0].lines[0]
    assert (line.external_id, line.order_id, line.order_line_id, line.sku) == ("51", "MHRYPC1", "314568", "A-1")
    assert (line.quantity, line.reason, line.comment, line.handled, line.received) == (
        1,
        "defect",
        "kaputt",
        False,
        True,
    )
    assert found[0].lines[1].handled is False


@pytest.mark.parametrize(
    ("status", "handled", "received"),
    [
        ("need_to_be_returned", False, False),
        ("return_in_clarification", False, True),
        ("return_accepted", True, True),
        ("return_rejected", True, True),
        ("return_in_repair", True, True),
        ("return_closed", True, True),
    ],
)
def test_states_of_a_return(status: str, handled: bool, received: bool) -> None:
    line = mapping.return_line({"id_return_unit": 1, "status": status}, {})
    assert (line.handled, line.received) == (handled, received)


# Categories


def test_categories_come_parents_first_and_without_the_root() -> None:
    leaf = {"id_category": 3, "title_plural": "Mugs", "children": []}
    tree = {"id_category": 1, "children": [{"id_category": 2, "title_plural": "Kitchen", "children": [leaf]}]}
    found = list(categories.categories(tree))
    assert [(item.id, item.parent, item.path, item.leaf) for item in found] == [
        ("2", None, ("Kitchen",), False),
        ("3", "2", ("Kitchen", "Mugs"), True),
    ]
    assert list(categories.categories({})) == []


def test_what_a_category_asks_for() -> None:
    colour = {"id": 45, "name": "colour", "title": "Colour", "type": "ShortText", "is_sharedset": True}
    colour |= {"is_multiple": True, "explanation": "Which", "seller_instructions": "one"}
    width = {"id": 46, "name": "width", "title": "Width", "type": "Number", "is_multiple": False, "is_sharedset": False}
    own = [{"id": 1, "name": "title"}, {"id": 21, "name": "manufacturer"}]
    raw = {"required_attributes": [colour, *own], "optional_attributes": [width, colour, {"name": None}]}
    values = {"45": ([{"label": "Schwarz", "value": "black"}], False)}
    found = categories.category_requirements("30021", raw, values)
    assert [(item.id, item.need, item.kind) for item in found.attributes] == [
        ("colour", Need.REQUIRED, AttributeKind.CHOICE),
        ("manufacturer", Need.OPTIONAL, AttributeKind.TEXT),
        ("width", Need.OPTIONAL, AttributeKind.NUMBER),
    ]
    assert (found.attributes[0].allowed[0].value, found.attributes[0].open_list) == ("black", True)
    assert (found.attributes[0].max_values, found.attributes[0].help) == (20, "Which one")
    assert found.version != categories.category_requirements("30021", raw, {}).version


# Vocabulary


def test_every_site_has_its_words() -> None:
    texts = (vocabulary.CANCELLATION_GRANTED, vocabulary.CANCELLATION_REFUSED, vocabulary.RETURN_REFUSED)
    texts += (vocabulary.RETURN_REPLACED, vocabulary.RETURN_KEPT)
    assert {site.code for site in MANIFEST.sites} == set(vocabulary.LOCALES)
    assert all(set(words) == {site.language for site in MANIFEST.sites} for words in texts)
    assert {site.currency for site in MANIFEST.sites} == set(vocabulary.HIGHEST_PRICE)


def test_the_wire_url_is_what_is_signed() -> None:
    """httpx keeps what it was given: nothing is decoded and encoded again."""
    url = httpx.URL("https://sellerapi.kaufland.com/v2/units/?id_offer=A%2F1%20x&b=ü")
    assert url.raw_path == b"/v2/units/?id_offer=A%2F1%20x&b=%C3%BC"
