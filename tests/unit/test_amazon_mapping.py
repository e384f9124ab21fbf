"""Amazon's JSON, reports and feeds to our domain and back: payload, parsed value, and what is sent, as literals."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bridge.domain.listing import LiveOffer, OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Address, OrderPhase, Parcel, ParcelLine, SoldLine
from bridge.domain.requirement import AttributeKind, Given, Need
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnCause, ReturnLine
from bridge.ports.channel import OfferDraft, SubmissionState
from bridge.ports.errors import AskMerchant, RejectItem, RetryLater
from channel_adapters.amazon import cursors, feeds, mapping, orders, returns, submissions
from channel_adapters.amazon.account import CURRENCIES, MANIFEST, SITES
from channel_adapters.amazon.sandbox.definitions import schema_of
from channel_adapters.amazon.schemas import Definition
from channel_adapters.amazon.submissions import Submission
from channel_adapters.amazon.vocabulary import PHASES

Json = dict[str, Any]
DE, FR, US = "A1PA6795UKMFR9", "A13V1IB3VIYZZH", "ATVPDKIKX0DER"
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def told(amount: str, currency: str = "EUR") -> Json:
    return {"amount": amount, "currencyCode": currency}


def changed(payload: Json, **changes: Any) -> Json:
    """A copy with values at ``a__0__b`` replaced."""
    copied = copy.deepcopy(payload)
    for path, value in changes.items():
        *way, last = [int(part) if part.isdigit() else part for part in path.split("__")]
        target: Any = copied
        for part in way:
            target = target[part]
        target[last] = value
    return copied


def exact(product_type: str) -> Json:
    """A definition as it comes from the wire: numbers with a fraction are Decimal."""
    schema: Json = json.loads(json.dumps(schema_of(product_type, DE)), parse_float=Decimal)
    return schema


# Orders


def test_an_order_is_read_whole() -> None:
    order = orders.order(ORDER, CURRENCIES)
    assert order.lines == LINES
    assert order.ship_to == SHIP_TO
    assert (order.placed_at, order.changed_at) == (
        datetime(2026, 11, 20, 9, 30, 15, 250000, tzinfo=UTC), datetime(2026, 11, 20, 10, 0, tzinfo=UTC),
    )  # fmt: skip
    assert (order.site, order.phase, order.total) == (DE, OrderPhase.READY, money("45.88"))
    assert (order.shipping, order.shipping_tax, order.tax_by_channel) == (money("3.90"), money("0.62"), False)
    assert order.note == "Side door\nRing twice\nHappy birthday!\nGift wrap: STANDARD"
    chosen = ORDER | {"fulfillment": {"fulfillmentServiceLevel": "NEXT_DAY"}}
    assert (order.shipping_method, orders.order(chosen, CURRENCIES).shipping_method) == ("", "NEXT_DAY")
    assert order.bill_to is not None
    assert (order.bill_to.company, order.bill_to.vat_number, order.bill_to.city) == (
        "Beispiel GmbH", "DE999999999", "Köln",
    )  # fmt: skip
    assert order.raw == ORDER


def test_what_whoever_packs_an_order_has_to_know() -> None:
    shipping = {
        "shippingConstraints": {"signatureConfirmation": "MANDATORY", "recipientAgeVerification": "MANDATORY"},
        "internationalShipping": {"iossNumber": "IM2760000742"},
    }
    packing = {"giftOption": {"giftWrapLevel": "Classic"}}
    raw = changed(
        ORDER,
        recipient=None,
        orderItems__0__product__customization={"customizedUrl": "https://example.com/1"},
        orderItems__0__fulfillment__packing=packing,
        orderItems__0__fulfillment__shipping=shipping,
        orderItems__1__fulfillment={},
    )
    assert orders.order(raw, CURRENCIES).note.splitlines() == [
        "Gift wrap: Classic",
        "Made to the buyer's wish (Amazon Custom): the order in Seller Central shows it.",
        "A signature on delivery is required.",
        "The carrier has to check the age of who receives it.",
        "IOSS number for the carrier: IM2760000742",
    ]


@pytest.mark.parametrize("discount", ["-3.00", "3.00"], ids=["discounts below zero", "discounts above zero"])
def test_without_a_total_it_is_the_sum(discount: str) -> None:
    raw = changed(
        ORDER,
        orderItems__0__proceeds__proceedsTotal=None,
        orderItems__0__proceeds__breakdowns__2__subtotal=told(discount),
    )
    assert orders.order(raw, CURRENCIES).lines[0] == LINES[0]


def test_tax_on_top_is_part_of_what_the_buyer_pays() -> None:
    parts = [
        {"type": "ITEM", "subtotal": told("20.00", "USD")},
        {"type": "SHIPPING", "subtotal": told("5.00", "USD")},
        {"type": "DISCOUNT", "subtotal": told("2.00", "USD"), "detailedBreakdowns": [{"subtype": "ITEM", "value": told("2.00", "USD")}]},
        {"type": "TAX", "subtotal": told("2.30", "USD"), "detailedBreakdowns": [
            {"subtype": "ITEM", "value": told("1.80", "USD")}, {"subtype": "SHIPPING", "value": told("0.50", "USD")}]},
    ]  # fmt: skip
    item = {"orderItemId": "1", "quantityOrdered": 2, "product": {"sellerSku": "U-1", "price": {"unitPrice": told("10.00", "USD")}},
            "proceeds": {"proceedsTotal": told("25.30", "USD"), "breakdowns": parts}}  # fmt: skip
    order = orders.order(changed(ORDER, orderItems=[item], proceeds={}, salesChannel__marketplaceId=US), CURRENCIES)
    line = order.lines[0]
    assert (order.total, order.shipping, order.shipping_tax) == (
        money("25.30", "USD"),
        money("5.50", "USD"),
        money("0.50", "USD"),
    )
    assert (line.total, line.tax, line.discount, line.unit_price) == tuple(
        money(amount, "USD") for amount in ("19.80", "1.80", "2.00", "10.90")
    )


@pytest.mark.parametrize(
    ("status", "more", "units"),
    [
        ("SHIPPED", {}, (0, 2)),
        ("SHIPPED", {"cancellation": {"cancellationExecution": {"cancelledBy": "BUYER"}}}, (2, 0)),
        ("UNSHIPPED", {"cancellation": {"cancellationExecution": {"cancelledBy": "AMAZON"}}}, (2, 0)),
        ("UNSHIPPED", {}, (0, 0)),
    ],
)
def test_what_is_cancelled_and_shipped_where_no_quantities_are_told(
    status: str, more: Json, units: tuple[int, int]
) -> None:
    item = {"orderItemId": "1", "quantityOrdered": 2, "product": {"sellerSku": "A-1"}} | more
    line = orders.order(changed(ORDER, orderItems=[item], fulfillment__fulfillmentStatus=status), CURRENCIES).lines[0]
    assert (line.cancelled, line.shipped) == units


def test_a_tax_that_nobody_tells_is_not_known() -> None:
    raw = changed(ORDER, orderItems=[GIFT])
    order = orders.order(raw, CURRENCIES)
    assert (order.lines[0].tax, order.shipping_tax) == (None, None)
    collected = GIFT | {"tax": {"taxCollections": [{"model": "MARKETPLACE_FACILITATOR"}]}}
    assert orders.order(changed(raw, orderItems=[collected]), CURRENCIES).lines[0].tax == money("0")


def test_a_pending_order_has_no_prices_yet() -> None:
    item = {"orderItemId": "1", "quantityOrdered": 3, "product": {"sellerSku": "A-1"}}
    bare = {"orderId": "1", "createdTime": "2026-11-20T09:30:15Z", "lastUpdatedTime": "2026-11-20T09:30:15Z",
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": DE}, "orderItems": [item],
            "fulfillment": {"fulfillmentStatus": "PENDING", "fulfilledBy": "MERCHANT"}}  # fmt: skip
    order = orders.order(bare, CURRENCIES)
    assert (order.phase, order.currency, order.total, order.lines[0].open) == (OrderPhase.PENDING, "EUR", money("0"), 3)
    with pytest.raises(RejectItem) as caught:
        orders.order(bare | {"salesChannel": {"channelName": "X"}}, {})
    assert caught.value.field == "proceeds.grandTotal.currencyCode"


@pytest.mark.parametrize(
    ("status", "ordered", "sent", "left", "expected"),
    [
        ("UNSHIPPED", 3, 0, 3, (3, 0, 0)),
        ("PARTIALLY_SHIPPED", 3, 1, 1, (3, 1, 1)),
        ("PARTIALLY_SHIPPED", 3, 1, None, (3, 0, 1)),
        ("SHIPPED", 3, 3, 0, (3, 0, 3)),
        ("CANCELLED", 3, 0, 0, (3, 3, 0)),
        ("CANCELLED", 3, 0, 3, (3, 3, 0)),
        ("CANCELLED", 0, 0, 0, (1, 1, 0)),
        ("UNSHIPPED", 0, 0, 0, (1, 1, 0)),
    ],
)
def test_units_sold_cancelled_and_shipped(
    status: str, ordered: int, sent: int, left: int | None, expected: Any
) -> None:
    raw = changed(
        ORDER,
        fulfillment__fulfillmentStatus=status,
        orderItems__0__quantityOrdered=ordered,
        orderItems__0__fulfillment={"quantityFulfilled": sent, "quantityUnfulfilled": left},
    )
    line = orders.order(raw, CURRENCIES).lines[0]
    assert (line.quantity, line.cancelled, line.shipped) == expected


def test_every_status_has_a_phase_and_unknown_ones_are_not_shipped() -> None:
    pending = [name for name in ("PENDING_AVAILABILITY", "PENDING", "INVOICE_UNCONFIRMED", "") if name not in PHASES]
    for name in pending:
        order = orders.order(changed(ORDER, fulfillment__fulfillmentStatus=name), CURRENCIES)
        assert order.phase is OrderPhase.PENDING
    assert len(pending) == 4


def test_the_mark_follows_whatever_changes() -> None:
    mark = orders.order_ref(ORDER, CURRENCIES).mark
    assert mark == orders.order(ORDER, CURRENCIES).list_mark
    for changes in (
        {"lastUpdatedTime": "2026-11-20T10:00:01Z"},
        {"fulfillment__fulfillmentStatus": "SHIPPED"},
        {"orderItems__0__fulfillment__quantityFulfilled": 2},
        {"orderItems__0__cancellation": {}},
    ):
        assert orders.mark(changed(ORDER, **changes)) != mark


@pytest.mark.parametrize("part", ["fulfillment", "proceeds", "cancellation", "tax"])
@pytest.mark.parametrize("value", [None, "?", 7, []])
def test_an_odd_part_of_a_line_loses_no_order(part: str, value: Any) -> None:
    line = orders.order(changed(ORDER, **{f"orderItems__0__{part}": value}), CURRENCIES).lines[0]
    assert (line.external_id, line.quantity, line.sku) == ("20276543210987", 3, "A-1")


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("orderId", None, "orderId"),
        ("createdTime", "yesterday", "createdTime"),
        ("orderItems__0__quantityOrdered", "many", "orderItems[0].quantityOrdered"),
    ],
)
def test_an_order_that_cannot_be_handled_names_the_field(path: str, value: Any, field: str) -> None:
    with pytest.raises(RejectItem) as caught:
        orders.order(changed(ORDER, **{path: value}), CURRENCIES)
    assert caught.value.field == field
    assert "Müller" not in str(caught.value)


def test_a_parcel() -> None:
    sold = orders.order(ORDER, CURRENCIES)
    lines = (ParcelLine(external_id="20276543210987", quantity=2),)
    parcel = Parcel(reference="SB-17", carrier="DHL", tracking="0034", lines=lines)
    body = orders.shipment_body(sold, parcel, NOW)
    assert body == {
        "marketplaceId": DE,
        "packageDetail": {
            "packageReferenceId": orders.package_reference("SB-17"), "carrierCode": "DHL", "trackingNumber": "0034",
            "shipDate": "2026-11-26T12:00:00.000Z", "orderItems": [{"orderItemId": "20276543210987", "quantity": 2}],
        },
    }  # fmt: skip
    other = orders.shipment_body(sold, parcel.model_copy(update={"carrier": "Other: Bote"}), NOW)["packageDetail"]
    assert (other["carrierCode"], other["carrierName"]) == ("Other", "Bote")
    early = parcel.model_copy(update={"shipped_at": datetime(2020, 1, 1, tzinfo=UTC)})
    assert orders.shipment_body(sold, early, NOW)["packageDetail"]["shipDate"] == "2026-11-20T09:30:15.250Z"


def test_a_package_has_a_positive_number_of_its_own() -> None:
    numbers = {orders.package_reference(f"SB-{number}") for number in range(500)}
    assert len(numbers) == 500
    assert all(number.isdigit() and int(number) > 0 for number in numbers)


# Returns


def test_returns_are_read_by_their_headings_in_any_order() -> None:
    found = returns.read("\n".join(["\t".join(row) for row in RETURNS]).encode(), NOW)
    assert [item.external_id for item in found] == ["D1RRMA", "303-2:2026-09-29", "D3RRMA"]
    assert found[0].registered_at == datetime(2026, 7, 14, tzinfo=UTC)
    assert found[0].lines == (
        ReturnLine(external_id="D1RRMA:111", order_id="303-1", order_line_id="111", sku="A-1", title="Mug", quantity=2,
                   reason="TOO-SMALL", cause=ReturnCause.TOO_SMALL, handled=False),
        ReturnLine(external_id="D1RRMA:112", order_id="303-1", order_line_id="112", sku="A-2", title="Cup", quantity=1,
                   reason="DEFECTIVE", cause=ReturnCause.DEFECTIVE, handled=True, received=True),
    )  # fmt: skip
    assert (found[1].registered_at.month, found[1].lines[0].external_id) == (9, "303-2:2026-09-29:A-3")
    assert (found[2].registered_at, found[2].lines[0].quantity, found[2].lines[0].handled) == (NOW, 1, True)
    assert found[0].raw["rows"][0]["moon phase"] == "full"


def test_rows_of_one_item_are_one_line_with_all_their_units() -> None:
    rows = (
        RETURNS[1],
        ("full", "303-1", "14-Jul-2026", "Approved", "D1RRMA", "A-1", "Mug", "1", "DEFECTIVE", "", "", "111"),
    )
    line = returns.read("\n".join("\t".join(row) for row in (HEADINGS, *rows, rows[1])).encode(), NOW)[0].lines
    assert [(part.external_id, part.quantity, part.reason) for part in line] == [
        ("D1RRMA:111", 3, "TOO-SMALL, DEFECTIVE")
    ]


def test_a_report_in_an_older_encoding() -> None:
    row = [word.replace("Mug", "Müslischale") for word in RETURNS[1]]
    document = "\n".join("\t".join(part) for part in (HEADINGS, row)).encode("cp1252")
    assert returns.read(document, NOW)[0].lines[0].title == "Müslischale"


@pytest.mark.parametrize("document", [b"", b"Order ID\n", "Order ID\tReturn quantity\n\t\n".encode("utf-8-sig")])
def test_a_report_without_returns_is_empty(document: bytes) -> None:
    assert returns.read(document, NOW) == []


# Feeds


def test_a_cancellation_is_an_acknowledgement_of_failure() -> None:
    root = ET.fromstring(feeds.cancellation("A1&<", "303-1", "20276543210987", "BuyerCanceled"))
    found = {
        name: root.findtext(f".//{name}")
        for name in ("MerchantIdentifier", "MessageType", "StatusCode", "CancelReason")
    }
    assert found == {"MerchantIdentifier": "A1&<", "MessageType": "OrderAcknowledgement", "StatusCode": "Failure",
                     "CancelReason": "BuyerCanceled"}  # fmt: skip


def test_a_refund_names_lines_amounts_and_reasons() -> None:
    lines = [
        ChannelRefund(line_id="1", quantity=1, amount=money("12.9"), reason=RefundReason.RETURNED),
        ChannelRefund(line_id="2", quantity=1, amount=money("5"), shipping=money("1.5"), reason=RefundReason.GOODWILL),
        ChannelRefund(line_id="3", quantity=1, amount=money("1"), reason=RefundReason.GOODWILL, code="CouldNotShip"),
    ]
    root = ET.fromstring(feeds.refund("S", "303-1", lines, "R-7", partial(orders.refund_parts, {})))
    items = [
        (item.findtext("AmazonOrderItemCode"), item.findtext("MerchantAdjustmentItemID"), item.findtext("AdjustmentReason"),
         [(part.findtext("Type"), part.findtext("Amount")) for part in item.iter("Component")])
        for item in root.iter("AdjustedItem")
    ]  # fmt: skip
    assert items == [
        ("1", "R-7-1", "CustomerReturn", [("Principal", "12.90")]),
        ("2", "R-7-2", "GeneralAdjustment", [("Principal", "5.00"), ("Shipping", "1.50")]),
        ("3", "R-7-3", "CouldNotShip", [("Principal", "1.00")]),
    ]
    assert {amount.get("currency") for amount in root.iter("Amount")} == {"EUR"}


def test_the_parts_of_refunds_one_after_the_other_come_to_what_was_paid() -> None:
    parts = [("ITEM", "20.00"), ("GIFT_WRAP", "1.01"), ("TAX", "2.11")]
    breakdowns = [{"type": kind, "subtotal": told(amount)} for kind, amount in parts]
    breakdowns[2]["detailedBreakdowns"] = [{"subtype": "GIFT_WRAP", "value": told("0.11")}]
    raw = {"orderItems": [{"orderItemId": "1", "proceeds": {"proceedsTotal": told("23.12"), "breakdowns": breakdowns}}]}
    whole: dict[str, Decimal] = {}
    before = Decimal(0)
    for amount in ("7.71", "7.70", "7.71"):
        wish = ChannelRefund(line_id="1", quantity=1, amount=money(amount), before=money(str(before)))
        for kind, part in orders.refund_parts(raw, wish):
            whole[kind] = whole.get(kind, Decimal(0)) + part.amount
        before += Decimal(amount)
    assert whole == {name: Decimal(value) for name, value in (
        ("Principal", "20.00"), ("GiftWrap", "1.01"), ("Tax", "2.00"), ("GiftWrapTax", "0.11"))}  # fmt: skip


def test_reports_tell_who_failed() -> None:
    xml = """<?xml version="1.0"?><AmazonEnvelope><Message><ProcessingReport><Result><MessageID>2</MessageID>
    <ResultCode>Error</ResultCode><ResultDescription> too late </ResultDescription></Result><Result><MessageID>3</MessageID>
    <ResultCode>Warning</ResultCode></Result></ProcessingReport></Message></AmazonEnvelope>"""
    assert feeds.failures(xml.encode()) == {2: "too late"}
    older = """<?xml version="1.0" encoding="ISO-8859-1"?><R><Result><MessageID>1</MessageID><ResultCode>Error</ResultCode>
    <ResultDescription>zu spät</ResultDescription></Result></R>"""
    assert feeds.failures(older.encode("latin-1")) == {1: "zu spät"}
    report = b'{"issues": [{"severity": "ERROR", "message": "bad feed"}, {"messageId": 4, "severity": "WARNING"}]}'
    assert feeds.failures(report) == {0: "bad feed"}
    for damaged in (b"{", b"<a>", b"plain", b'<!DOCTYPE x [<!ENTITY y "z">]><x>&y;</x>', b""):
        with pytest.raises(RetryLater):
            feeds.failures(damaged)


# Listings


def test_a_listing_is_read_for_its_marketplace() -> None:
    assert mapping.live_offer(LISTED, SITES[DE]) == LiveOffer(
        offer_id=f"{DE}/A/1", site=DE, sku="A/1", gtin="8718526069334", stock=3, price=money("12.99"), title="Becher",
        for_sale=True,
    )  # fmt: skip
    french = mapping.live_offer(LISTED, SITES[FR])
    assert french is not None
    assert (french.price, french.title, french.for_sale) == (None, "Tasse", False)
    assert mapping.live_offer(LISTED, SITES[US]) is None
    some = {"marketplaceId": DE, "offerType": "B2C", "price": told("9.99"), "audience": {"value": "PRIME"}}
    for_all = some | {"price": told("12.99"), "audience": {"value": "ALL"}}
    priced = mapping.live_offer(changed(LISTED, offers=[some, for_all]), SITES[DE])
    assert priced is not None
    assert priced.price == money("12.99")
    assert mapping.read_offer_id(f"{DE}/A/1") == (DE, "A/1")


def test_why_a_listing_cannot_be_bought() -> None:
    found = mapping.sale_status(LISTED, FR, "x")
    assert (found.for_sale, found.reasons) == (False, ("Size is missing (size)", "The page is suppressed."))
    assert found.fixes == ("Give the attribute named a value in the product's mapping.",)
    assert mapping.sale_status(LISTED, DE, "x").for_sale is True
    assert mapping.sale_status(changed(LISTED, issues=[]), FR, "x").for_sale is None


@pytest.mark.parametrize("part", ["summaries", "offers", "fulfillmentAvailability", "issues", "attributes"])
@pytest.mark.parametrize("value", [None, "?", 7, [None]])
def test_an_odd_part_of_a_listing_harms_nothing(part: str, value: Any) -> None:
    raw = changed(LISTED, **{part: value})
    mapping.live_offer(raw, SITES[DE])
    mapping.sale_status(raw, DE, "x")
    assert mapping.is_amazons(raw) is False


def test_stock_and_price_patches() -> None:
    assert mapping.stock_patch(3) == {
        "op": "merge", "path": "/attributes/fulfillment_availability",
        "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}],
    }  # fmt: skip
    value = mapping.price_value(money("9.5"), SITES[DE])
    assert value == {
        "marketplace_id": DE, "currency": "EUR", "audience": "ALL",
        "our_price": [{"schedule": [{"value_with_tax": Decimal("9.50")}]}],
    }  # fmt: skip
    for wrong, error in ((money("9.5", "GBP"), AskMerchant), (money("0"), RejectItem)):
        with pytest.raises(error):
            mapping.price_value(wrong, SITES[DE])


@pytest.mark.parametrize(
    ("gtin", "kind"), [("8718526069334", "ean"), ("036000291452", "upc"), ("10012345678902", "gtin")]
)
def test_the_kind_of_an_identifier(gtin: str, kind: str) -> None:
    assert mapping.identifier(gtin, SITES[DE])["externally_assigned_product_identifier"][0]["type"] == kind


def test_a_full_listing_passes_its_own_definition() -> None:
    definition = Definition(product_type="LUGGAGE", site=DE, version="1", schema=exact("LUGGAGE"))
    content = OfferContent(
        title="A suitcase", bullets=("Light", "Strong"), images=tuple(f"https://a.example/{n}.jpg" for n in range(12)),
        attributes={"color": "Blue", "item_weight": "2.5 Kilograms", "item_dimensions.length": "55 centimeters",
                    "item_dimensions.width": "40 centimeters", "list_price": '{"value": 99.95, "currency": "EUR"}'},
    )  # fmt: skip
    draft = OfferDraft(key="1", sku="A-1", gtin="8718526069334", stock=5, price=money("12.90"), content=content)
    attributes = mapping.offer_attributes(draft, SITES[DE], 2) | mapping.identifier(draft.gtin, SITES[DE])
    attributes |= mapping.content_attributes(content, definition, {"country_of_origin": "DE"}, "de_DE")
    assert definition.faults(attributes, whole_item=True) == []
    place = {"marketplace_id": DE}
    assert attributes["bullet_point"] == [
        {"value": word, "language_tag": "de_DE"} | place for word in ("Light", "Strong")
    ]
    assert attributes["item_weight"] == [{"value": Decimal("2.5"), "unit": "kilograms"} | place]
    side = {"unit": "centimeters"}
    assert attributes["item_dimensions"] == [{"length": {"value": 55} | side, "width": {"value": 40} | side} | place]
    assert attributes["brand"][0]["value"] == "Generic"
    assert attributes["country_of_origin"] == [{"value": "DE"} | place]
    assert attributes["fulfillment_availability"][0]["lead_time_to_ship_max_days"] == 2
    # What the type does not know of (pictures beyond the second) is left out.
    assert sum(name.startswith("other_product") for name in attributes) == 2


def test_long_texts_are_cut_and_parts_have_their_language() -> None:
    schema = exact("SHIRT")
    inner = {
        "type": "object",
        "properties": {"value": {"type": "string"}, "language_tag": {"$ref": "#/$defs/language_tag"}},
    }
    parts = {"size": {"type": "array", "items": inner}, "marketplace_id": {"$ref": "#/$defs/marketplace_id"}}
    schema["properties"]["ring"] = {"type": "array", "items": {"type": "object", "properties": parts}}
    definition = Definition(product_type="SHIRT", site=DE, version="1", schema=schema)
    content = OfferContent(title="A shirt", description="x" * 3000, attributes={"ring.size": "7", "size": "L"})
    found = mapping.content_attributes(content, definition, {}, "de_DE")
    assert len(found["product_description"][0]["value"]) == 2000
    assert found["ring"] == [{"size": [{"value": "7", "language_tag": "de_DE"}], "marketplace_id": DE}]
    assert definition.faults(found, whole_item=False) == []
    asked = {item.id: item.need for item in definition.requirements(frozenset({"color"})).attributes}
    assert (asked["color"], asked["brand"], "item_name" in asked, "ring.size" in asked) == (
        Need.OPTIONAL, Need.OPTIONAL, False, True,
    )  # fmt: skip


def test_faults_name_the_attribute() -> None:
    definition = Definition(product_type="DRINKING_CUP", site=DE, version="1", schema=exact("DRINKING_CUP"))
    place = {"marketplace_id": DE, "language_tag": "de_DE"}
    bullets = [{"value": f"Bullet {number}"} | place for number in range(11)]
    wrong = {
        "bullet_point": bullets, "item_name": [{"value": "x" * 201} | place], "country_of_origin": [{"value": "MOON"}],
        "merchant_suggested_asin": [{"value": "B0"}], "number_of_items": [{"value": 3}], "capacity": [{"value": 1, "unit": "liters"}],
        "colour": [{"value": "red"}],
    }  # fmt: skip
    parts = dict(definition.faults(wrong, whole_item=False))
    assert set(parts) == {"bullet_point", "item_name", "country_of_origin", "merchant_suggested_asin"}
    assert parts["bullet_point"] == "at most 10 values are allowed"
    whole = dict(definition.faults(wrong, whole_item=True))
    assert whole["is_dishwasher_safe"] == "is_dishwasher_safe is required but not supplied"
    assert {"material", "brand", "condition_type"} <= set(whole)


def test_a_schema_that_points_outside_is_never_followed() -> None:
    schema = {"type": "object", "properties": {"brand": {"$ref": "http://127.0.0.1:9/evil"}}}
    definition = Definition(product_type="X", site=DE, version="1", schema=schema)
    with pytest.raises(Exception, match=r"127\.0\.0\.1:9/evil"):
        definition.faults({"brand": []}, whole_item=True)


def test_conditions_that_are_one_attributes_value_are_told() -> None:
    schema = {
        "properties": {name: {"type": "array", "items": {"properties": {"value": {"type": "string"}}}} for name in "abcde"},
        "allOf": [
            _rule({"required": ["a"]}, "b"),
            _rule({"allOf": [{"required": ["a"]}, {"properties": {"a": {"contains": {"properties": {"value": {"enum": ["x", "y"]}}}}}}]}, "c"),
            _rule({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, "d"),
            _rule({"not": {"required": ["a"]}}, "e"),
        ],
    }  # fmt: skip
    found = {
        item.id: item
        for item in Definition(product_type="X", site=DE, version="1", schema=schema).requirements().attributes
    }
    assert found["b"].required_if == (Given(attribute="a"),)
    assert found["c"].required_if == (Given(attribute="a", values=("x", "y")),)
    assert found["d"].required_if == (Given(attribute="a"), Given(attribute="b"))
    assert (found["e"].required_if, found["e"].need) == ((), Need.RECOMMENDED)
    assert found["a"].kind is AttributeKind.TEXT


def _rule(condition: Json, *names: str) -> Json:
    return {"if": condition, "then": {"required": list(names)}}


# Submissions and cursors


def test_a_submission_survives_as_text_whatever_the_sku() -> None:
    sent = Submission("stock", NOW, DE, "3", "50001", 7, "A|B|C,ß/1")
    assert submissions.read(str(sent)) == sent
    for wrong in ("", "nonsense", "stock|x|y|z|1|2|A", "a|b|99999999999999999999|c|d|1|e"):
        assert submissions.read(wrong) is None


@pytest.mark.parametrize(
    ("kind", "expected", "age", "state"),
    [
        ("stock", "3", 1, SubmissionState.DONE),
        ("stock", "4", 1, SubmissionState.PENDING),
        ("stock", "4", 3600, SubmissionState.GONE),
        ("price", "12.99 EUR", 1, SubmissionState.DONE),
        ("price", "13.00 EUR", 1, SubmissionState.PENDING),
        ("create", "", 1, SubmissionState.DONE),
        ("content", submissions.title_mark("Becher"), 1, SubmissionState.DONE),
        ("content", submissions.title_mark("Tasse"), 1, SubmissionState.PENDING),
    ],
)
def test_what_shows_is_done(kind: str, expected: str, age: int, state: SubmissionState) -> None:
    sent = Submission(kind, NOW - timedelta(seconds=age), DE, expected, sku="A/1")
    found = submissions.judged("k", sent, changed(LISTED, issues=[]), NOW)
    assert (found.submission, found.state) == ("k", state)


def test_an_issue_is_the_answer_only_after_a_while() -> None:
    for age, state in ((1, SubmissionState.PENDING), (120, SubmissionState.FAILED)):
        sent = Submission("create", NOW - timedelta(seconds=age), FR, sku="A/1")
        assert submissions.judged("k", sent, LISTED, NOW).state is state
    fba = changed(LISTED, fulfillmentAvailability=[{"fulfillmentChannelCode": "AMAZON_EU"}])
    assert (
        submissions.judged("k", Submission("stock", NOW, DE, "3", sku="A/1"), fba, NOW).state is SubmissionState.FAILED
    )


def test_cursors_go_on_beyond_the_cap_and_over_marketplaces() -> None:
    assert cursors.following(0, None, 20, "t", "2026-01-01T00:00:00Z", 2) == "0||20|t"
    assert cursors.read("0||20|t") == (0, None, 20, "t")
    # At the cap the question begins anew with the youngest that was seen; a moment that is full is left behind.
    assert cursors.following(0, None, 1000, "t", "2026-01-01T00:00:00Z", 2) == "0|2026-01-01T00:00:00Z|0|"
    stuck = cursors.following(0, "2026-01-01T00:00:00Z", 1000, "t", "2026-01-01T00:00:00Z", 2)
    assert stuck == "0|2026-01-01T00:00:01.000Z|0|"
    assert cursors.following(0, None, 5, None, "x", 2) == "1||0|"
    assert cursors.following(1, None, 5, None, "x", 2) is None


def test_every_marketplace_has_its_place() -> None:
    assert {site.country for site in MANIFEST.sites} == set(MANIFEST.countries)
    assert len(SITES) == len(MANIFEST.sites)
    assert all(site.language for site in MANIFEST.sites)


# Payloads

ITEM: Json = {
    "orderItemId": "20276543210987",
    "quantityOrdered": 3,
    "product": {"asin": "B08C1W5N87", "title": "A mug", "sellerSku": "A-1", "price": {"unitPrice": told("12.99")}},
    "proceeds": {
        "proceedsTotal": told("39.88"),
        "breakdowns": [
            {"type": "ITEM", "subtotal": told("38.98")},
            {"type": "SHIPPING", "subtotal": told("3.90")},
            {
                "type": "DISCOUNT",
                "subtotal": told("3.00"),
                "detailedBreakdowns": [{"subtype": "ITEM", "value": told("3.00")}],
            },
            {
                "type": "TAX",
                "subtotal": told("6.37"),
                "detailedBreakdowns": [
                    {"subtype": "ITEM", "value": told("5.75")},
                    {"subtype": "SHIPPING", "value": told("0.62")},
                ],
            },
        ],
    },
    "cancellation": {"cancellationRequest": {"requester": "BUYER", "cancelReason": "no longer needed"}},
    "fulfillment": {
        "quantityFulfilled": 1,
        "quantityUnfulfilled": 1,
        "packing": {"giftOption": {"giftMessage": "Happy birthday!", "giftWrapLevel": "STANDARD"}},
    },
    "tax": {"taxCollections": []},
}
GIFT: Json = {
    "orderItemId": "20276543210988",
    "quantityOrdered": 1,
    "product": {"title": "A pen", "sellerSku": "B-1"},
    "proceeds": {"proceedsTotal": told("6.00"), "breakdowns": [{"type": "ITEM", "subtotal": told("5.00")}, {"type": "GIFT_WRAP", "subtotal": told("1.00")}]},
    "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 1},
}  # fmt: skip
ORDER: Json = {
    "orderId": "303-1234567-1234567",
    "createdTime": "2026-11-20T09:30:15.250Z",
    "lastUpdatedTime": "2026-11-20T10:00:00Z",
    "programs": ["AMAZON_BUSINESS", "SOMETHING_NEW"],
    "salesChannel": {"channelName": "AMAZON", "marketplaceId": DE, "marketplaceName": "Amazon.de"},
    "buyer": {
        "buyerName": "Billie Müller",
        "buyerEmail": "x1@marketplace.amazon.de",
        "buyerPurchaseOrderNumber": "PO-7",
    },
    "recipient": {
        "deliveryAddress": {
            "name": "Billie Jo Müller",
            "addressLine1": "Dorfstraße 1b",
            "addressLine2": "2. Stock",
            "addressLine3": "bei Meier",
            "postalCode": "10115",
            "city": "Berlin",
            "countryCode": "DE",
            "phone": "+49 30 1",
            "addressType": "RESIDENTIAL",
        },
        "deliveryPreference": {"dropOffLocation": "Side door", "addressInstruction": "Ring twice"},
    },
    "proceeds": {"grandTotal": told("45.88")},
    "fulfillment": {
        "fulfillmentStatus": "PARTIALLY_SHIPPED",
        "fulfilledBy": "MERCHANT",
        "shipByWindow": {"earliestDateTime": "2026-11-20T10:00:00Z", "latestDateTime": "2026-11-23T22:59:59Z"},
    },
    "tax": {
        "taxRegistrations": [
            {"entityType": "MERCHANT", "legalName": "Us"},
            {
                "entityType": "BUYER",
                "legalName": "Beispiel GmbH",
                "taxRegistrationType": "VAT",
                "taxRegistrationNumber": "DE999999999",
                "taxRegistrationAddress": {"name": "Buchhaltung", "addressLine1": "Ring 5", "city": "Köln"},
            },
        ]
    },
    "orderItems": [ITEM, GIFT],
}
LINES = (
    SoldLine(
        external_id="20276543210987", offer_id=f"{DE}/A-1", sku="A-1", title="A mug", quantity=3, cancelled=1, shipped=1,
        unit_price=money("12.99"), total=money("35.98"), tax=money("5.75"), discount=money("3.00"),
        cancellation_requested=True, ship_by=datetime(2026, 11, 23, 22, 59, 59, tzinfo=UTC),
    ),
    SoldLine(
        external_id="20276543210988", offer_id=f"{DE}/B-1", sku="B-1", title="A pen", quantity=1, unit_price=money("6.00"),
        total=money("6.00"), tax=money("0"), discount=money("0"), ship_by=datetime(2026, 11, 23, 22, 59, 59, tzinfo=UTC),
    ),
)  # fmt: skip
SHIP_TO = Address(
    first_name="Billie Jo", last_name="Müller", street="Dorfstraße 1b", addition="2. Stock, bei Meier", postcode="10115",
    city="Berlin", country="DE", email="x1@marketplace.amazon.de", phone="+49 30 1", vat_number="DE999999999",
    extra={"purchase_order": "PO-7", "address_type": "RESIDENTIAL"},
)  # fmt: skip
LISTED: Json = {
    "sku": "A/1",
    "summaries": [
        {"marketplaceId": DE, "asin": "B0", "productType": "HOME", "status": ["BUYABLE", "DISCOVERABLE"], "itemName": "Becher"},
        {"marketplaceId": FR, "asin": "B0", "productType": "HOME", "status": ["DISCOVERABLE"], "itemName": "Tasse"},
    ],
    "attributes": {
        "externally_assigned_product_identifier": [{"type": "ean", "value": "8718526069334", "marketplace_id": DE}],
        "item_name": [{"value": "Tasse", "marketplace_id": FR}, {"value": "Becher ", "marketplace_id": DE}],
    },
    "issues": [
        {"code": "1", "message": "Size is missing", "severity": "ERROR", "attributeNames": ["size"],
         "categories": ["MISSING_ATTRIBUTE"], "marketplaceIds": [FR]},
        {"code": "2", "message": "The page is suppressed.", "severity": "WARNING", "categories": ["NEW_KIND"],
         "marketplaceIds": [FR], "enforcements": {"actions": [{"action": "LISTING_SUPPRESSED"}], "exemption": {"status": "NOT_EXEMPT"}}},
        {"code": "3", "message": "Could be better", "severity": "WARNING", "categories": [], "marketplaceIds": [DE, FR]},
    ],
    "offers": [
        {"marketplaceId": DE, "offerType": "B2B", "price": told("11.00")},
        {"marketplaceId": DE, "offerType": "B2C", "price": told("12.99")},
    ],
    "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 3}],
}  # fmt: skip
HEADINGS = ("Moon phase", "Order ID", "Return request date", "Return request status", "Amazon RMA ID", "Merchant SKU",
            "Item Name", "Return quantity", "Return Reason", "Return delivery date", "Refunded Amount", "Order Item ID")  # fmt: skip
RETURNS = (
    HEADINGS,
    ("full", "303-1", "14-Jul-2026", "Approved", "D1RRMA", "A-1", "Mug", "2", "TOO-SMALL", "", "", "111"),
    (
        "full",
        "303-1",
        "14-Jul-2026",
        "Approved",
        "D1RRMA",
        "A-2",
        "Cup",
        "1",
        "DEFECTIVE",
        "20-Jul-2026",
        "5.00",
        "112",
    ),
    ("", "303-2", "2026-09-29", "Approved", "", "A-3", "", "1", "", "", "0.00", ""),
    ("", "303-3", "someday", "Completed", "D3RRMA", "A-4", "", "x", "", "", "n/a", ""),
)
