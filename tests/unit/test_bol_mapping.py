"""bol's JSON to our domain and back: payload, parsed value, and what is sent, as literals below the tests."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.listing import LiveOffer, OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Address, FulfilledBy, Parcel, ParcelLine, SoldLine
from bridge.domain.returns import MarketplaceReturn, ReturnCause, ReturnDecision, ReturnLine
from bridge.ports.channel import ContentUpdate, OfferDraft, PushHint, SaleStatus, SubmissionState, SubmissionStatus
from bridge.ports.errors import AskMerchant, BridgeError, RejectItem
from channel_adapters.bol import mapping
from channel_adapters.bol.channel import MANIFEST
from channel_adapters.bol.vocabulary import RETURN_RESULTS

Json = dict[str, Any]


def euro(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


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


# Orders


def test_an_order_is_read_whole() -> None:
    order = mapping.order(ORDER)
    assert order.lines == LINES
    assert (order.ship_to, order.bill_to) == (SHIP_TO, BILL_TO)
    assert (order.placed_at, order.changed_at) == (PLACED, datetime(2026, 11, 20, 10, 0, tzinfo=UTC))
    assert (order.total, order.currency) == (euro("41.47"), "EUR")
    assert order.raw == ORDER


def test_what_the_buyer_chose_with_the_goods_stands_in_the_note() -> None:
    raw = changed(
        ORDER,
        orderItems__0__additionalServices=[{"serviceType": "PLACEMENT_AND_INSTALLATION"}],
        orderItems__0__fulfilment__timeFrameType="EVENING",
        orderItems__0__fulfilment__exactDeliveryDate="2026-12-01",
    )
    words = [
        "Service bought with it: placement and installation",
        "Delivery: evening",
        "Delivery on 2026-12-01 exactly",
    ]
    assert (mapping.order(raw).note.splitlines(), mapping.order(ORDER).note) == (words, "")


def test_list_and_detail_agree_on_the_mark_of_an_order() -> None:
    ref = mapping.order_ref(REDUCED)
    assert (ref.external_id, ref.changed_at) == ("A2K8290LP8", datetime(2026, 11, 20, 10, 0, tzinfo=UTC))
    assert mapping.order(ORDER).shipping_method == "REGULAR"
    assert ref.mark == mapping.order(ORDER).list_mark
    assert mapping.order_ref(changed(REDUCED, orderItems__1__quantityShipped=1)).mark != ref.mark
    assert mapping.order_ref(changed(REDUCED, orderItems__1__cancellationRequest=True)).mark != ref.mark


def test_numbers_as_strings_are_numbers() -> None:
    text = changed(
        ORDER, orderItems__0__quantity="3", orderItems__0__unitPrice="12.99", orderItems__0__totalPrice="31.48"
    )
    assert mapping.order(text).lines == LINES


def test_unknown_fields_and_words_are_kept_raw() -> None:
    odd = changed(ORDER, orderItems__0__fulfilment__method="FBX", orderItems__0__gift={"wrap": True}, loyalty="GOLD")
    order = mapping.order(odd)
    assert order.lines[0].fulfilled_by is FulfilledBy.MERCHANT
    assert order.raw["orderItems"][0]["fulfilment"]["method"] == "FBX"
    assert (order.raw["orderItems"][0]["gift"], order.raw["loyalty"]) == ({"wrap": True}, "GOLD")


@pytest.mark.parametrize("part", ["fulfilment", "offer", "product", "discounts", "cancellationRequest"])
@pytest.mark.parametrize("value", [None, "?", 7, []])
def test_an_odd_part_of_a_line_loses_no_order(part: str, value: Any) -> None:
    line = mapping.order(changed(ORDER, **{f"orderItems__0__{part}": value})).lines[0]
    assert (line.external_id, line.quantity, line.total) == ("2012345678", 3, euro("31.48"))


def test_nulls_of_the_specification() -> None:
    nulls: Json = dict.fromkeys(("latestDeliveryDate", "exactDeliveryDate", "expiryDate", "distributionParty"))
    order = mapping.order(changed(ORDER, billingDetails=None, orderItems__0__fulfilment=nulls | {"method": "FBR"}))
    assert (order.bill_to, order.lines[0].ship_by, order.lines[0].expires_at) == (None, None, None)


def test_without_a_total_the_discounts_are_taken_off() -> None:
    without = changed(ORDER, orderItems__0__totalPrice=None)
    assert mapping.order(without).lines[0].total == euro("31.48")


def test_without_a_date_of_order_its_first_change_counts() -> None:
    order = mapping.order(changed(ORDER, orderPlacedDateTime=None))
    assert order.placed_at == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def test_an_exact_delivery_date_comes_first() -> None:
    exact = changed(ORDER, orderItems__0__fulfilment__exactDeliveryDate="2026-03-29")
    assert mapping.order(exact).lines[0].ship_by == datetime(2026, 3, 28, 23, 0, tzinfo=UTC)


def test_days_begin_in_amsterdam_also_in_summer() -> None:
    summer = changed(ORDER, orderItems__0__fulfilment__latestDeliveryDate="2026-07-01")
    assert mapping.order(summer).lines[0].ship_by == datetime(2026, 6, 30, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("orderId", None, "orderId"),
        ("orderItems__0__quantity", None, "orderItems[0].quantity"),
        ("orderItems__1__quantity", 0, "orderItems[1].quantity"),
        ("orderItems__1__unitPrice", "dear", "orderItems[1].unitPrice"),
        ("orderItems__0__unitPrice", float("inf"), "orderItems[0].unitPrice"),
    ],
)
def test_an_order_that_cannot_be_handled_names_the_field(path: str, value: Any, field: str) -> None:
    with pytest.raises(RejectItem) as caught:
        mapping.order(changed(ORDER, **{path: value}))
    assert caught.value.field == field
    assert field in caught.value.merchant
    assert "Jansen" not in str(caught.value)


# Shipments, cancellations


def test_a_parcel() -> None:
    lines = (ParcelLine(external_id="2012345678", quantity=2), ParcelLine(external_id="2012345679", quantity=1))
    parcel = Parcel(reference="SB-17", carrier="TNT", tracking="3SBOL0987654321", lines=lines)
    assert mapping.shipment_body(parcel) == SHIPMENT


def test_a_cancellation() -> None:
    body = {"orderItems": [{"orderItemId": "2012345678", "reasonCode": "OUT_OF_STOCK"}]}
    assert mapping.cancellation_body("2012345678", "OUT_OF_STOCK") == body


def test_every_decision_has_a_word() -> None:
    assert set(RETURN_RESULTS) == set(ReturnDecision)


@pytest.mark.parametrize(
    ("carrier", "tracking", "code"),
    [
        ("PostNL", "", "TNT"),
        ("postnl ", "", "TNT"),
        ("DHL Parcel", "", "DHLFORYOU"),
        ("DHL Express", "", "DHL"),
        ("dpd-be", "", "DPD-BE"),
        ("BPOST_BE", "", "BPOST_BE"),
        ("Red je pakketje", "", "RJP"),
        ("", "3SBOL0987654321", "TNT"),
        ("My own van", "JVGL 0612345", "DHLFORYOU"),
        ("My own van", "1Z999AA10123456784", "UPS"),
        ("My own van", "42", "OTHER"),
        ("", "", "OTHER"),
    ],
)
def test_carriers(carrier: str, tracking: str, code: str) -> None:
    assert mapping.carrier_code(MANIFEST.carriers, carrier, tracking) == code


# Offers


def test_a_new_offer() -> None:
    assert mapping.offer_body(DRAFT, SETTINGS, "0c6573a2") == OFFER


def test_own_delivery_promise_and_one_country() -> None:
    settings = {"schedule": "MY_DELIVERY_PROMISE", "minimum_days": "1", "maximum_days": 3, "countries": "BE"}
    body = mapping.offer_body(DRAFT, settings, None)
    promise = {"minimumDaysToCustomer": 1, "maximumDaysToCustomer": 3}
    assert body["fulfilment"] == {"method": "FBR", "schedule": "MY_DELIVERY_PROMISE", "deliveryPromise": promise}
    assert body["countryAvailabilities"] == [{"countryCode": "BE"}]
    assert "economicOperatorId" not in body


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"gtin": None}, RejectItem, "gtin"),
        ({"condition": "haunted"}, RejectItem, "condition"),
        ({"sku": "x" * 101}, RejectItem, "sku"),
        ({"price": euro("0.99")}, RejectItem, "price"),
        ({"price": euro("9999.01")}, RejectItem, "price"),
        ({"price": Money(amount=Decimal(10), currency="USD")}, AskMerchant, "currency"),
    ],
)
def test_what_bol_would_refuse_is_not_sent(change: Json, error: type[BridgeError], field: str) -> None:
    with pytest.raises(error) as caught:
        mapping.offer_body(DRAFT.model_copy(update=change), SETTINGS, None)
    assert caught.value.field == field


def test_stock_and_price() -> None:
    assert mapping.stock("A-1", 0) == {"stock": {"amount": 0, "managedByRetailer": True}, "reference": "A-1"}
    assert mapping.price(euro("99.036")) == {
        "pricing": {"bundlePrices": [{"quantity": 1, "unitPrice": Decimal("99.04")}]}
    }


def test_content() -> None:
    content = OfferContent(
        title="Mug", brand="Potter", images=("https://shop.example/1.jpg", "https://shop.example/2.jpg"),
        attributes={"Colour": "blue", "Width": ""},
    )  # fmt: skip
    update = ContentUpdate(key="1", offer_id="x", sku="A-1", gtin="8718526069334", content=content)
    assert mapping.content_body(update, "nl") == CONTENT
    with pytest.raises(RejectItem, match="EAN"):
        mapping.content_body(update.model_copy(update={"gtin": None}), "nl")


def test_an_offer_is_read() -> None:
    assert mapping.live_offer(LISTED) == LiveOffer(
        offer_id="6ff736b5-cdd0-4150-8c67-78269ee986f5",
        sku="A-1",
        gtin="8718526069334",
        stock=5,
        price=euro("12.99"),
        title="A mug",
        for_sale=True,
    )


def test_an_offer_with_nulls_and_strings_is_read() -> None:
    odd = changed(LISTED, stock={"amount": "5"}, pricing=None, reference=None, countryAvailabilities="?")
    read = mapping.live_offer(odd)
    assert (read.stock, read.price, read.sku, read.for_sale) == (5, None, None, None)


def test_why_an_offer_is_offline() -> None:
    offline = changed(LISTED, countryAvailabilities=[{"countryCode": "NL", "forSale": False}])
    assert mapping.sale_status("6ff7", offline, REASONS) == SaleStatus(
        offer_id="6ff7",
        for_sale=False,
        reasons=(
            "For this product essential product information is missing: Title, Brand",
            "Something new",
        ),
        fixes=("Complete the product's title, description, brand and attributes in the store.",),
    )


def test_offline_without_a_reason_is_not_known_yet() -> None:
    offline = changed(LISTED, countryAvailabilities=[{"countryCode": "NL", "forSale": False}])
    assert mapping.sale_status("6ff7", offline, {"offerId": "6ff7"}).for_sale is None


# Returns


def test_a_return_is_read() -> None:
    assert mapping.marketplace_return(RETURN, PLACED) == MarketplaceReturn(
        external_id="6001",
        registered_at=datetime(2026, 11, 14, 10, 6, 48, 423000, tzinfo=UTC),
        lines=(
            ReturnLine(
                external_id="31234567",
                order_id="A2K8290LP8",
                gtin="8718526069334",
                quantity=2,
                reason="Niet naar verwachting: Te klein",
                cause=ReturnCause.TOO_SMALL,
                comment="Lorem",
                handled=False,
            ),
        ),
        raw=RETURN,
    )


def test_an_odd_return_is_not_lost() -> None:
    odd = changed(RETURN, registrationDateTime="soon", returnItems__0__expectedQuantity=None)
    odd = changed(odd, returnItems__0__returnReason=None, returnItems__0__orderId=None)
    read = mapping.marketplace_return(odd, PLACED)
    assert (read.registered_at, read.lines[0].quantity, read.lines[0].order_id) == (PLACED, 1, None)


def test_a_decision() -> None:
    body = {"handlingResult": "RETURN_DOES_NOT_MEET_CONDITIONS", "quantityReturned": 1}
    assert mapping.decision_body(ReturnDecision.REFUSED, 1) == body


# Submissions and events


@pytest.mark.parametrize(
    ("raw", "state", "message"),
    [
        ({"status": "PENDING"}, SubmissionState.PENDING, ""),
        ({"status": "SUCCESS", "entityId": "77"}, SubmissionState.DONE, ""),
        ({"status": "FAILURE", "errorMessage": "No."}, SubmissionState.FAILED, "No."),
        ({"status": "TIMEOUT"}, SubmissionState.GONE, "bol.com says TIMEOUT"),
        ({"status": "PONDERING"}, SubmissionState.PENDING, "bol.com says PONDERING"),
        ({}, SubmissionState.PENDING, "bol.com says "),
    ],
)
def test_process_statuses(raw: Json, state: SubmissionState, message: str) -> None:
    read = mapping.submission(raw, "9")
    assert read == SubmissionStatus(submission="9", state=state, message=message, entity_id=raw.get("entityId"))


def test_upload_reports() -> None:
    assert mapping.upload_status(REPORT, "content:9") == SubmissionStatus(
        submission="content:9",
        state=SubmissionState.FAILED,
        entity_id="3f2cc9f9",
        message="Width: The numeric value is incorrect.; ftp://x: DOWNLOAD_FAILED_404",
    )
    assert mapping.upload_status(REPORT | {"status": "IN_PROGRESS"}, "9").state is SubmissionState.PENDING
    good = REPORT | {"attributes": REPORT["attributes"][:1], "assets": None}
    assert mapping.upload_status(good, "9").state is SubmissionState.DONE


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("ORDER", "order"),
        ("PROCESS_STATUS", "submission"),
        ("OFFER_FOR_SALE", "offer"),
        ("OFFER_NOT_FOR_SALE", "offer"),
        ("OFFERS", "offer"),
        ("SHIPMENT", None),
        ("COMPETING_OFFER", None),
        ("TEST", None),
    ],
)
def test_events(resource: str, kind: str | None) -> None:
    event = {"resource": resource, "type": "X", "resourceId": "7"}
    hint = mapping.push_hint({"retailerId": 1, "timestamp": "2026-11-20T11:00:00+01:00", "event": event})
    expected = PushHint(kind=kind, key="7", delivery_id=f"{resource}:X:7:2026-11-20T11:00:00+01:00") if kind else None
    assert hint == expected


@pytest.mark.parametrize(
    "raw", [{}, {"event": None}, {"event": {"resource": "ORDER"}}, {"event": {"resource": ["ORDER"]}}]
)
def test_events_without_a_point(raw: Json) -> None:
    assert mapping.push_hint(raw) is None


# Payloads

PLACED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

ORDER: Json = {
    "orderId": "A2K8290LP8",
    "pickupPoint": True,
    "orderPlacedDateTime": "2026-11-20T10:30:00+01:00",
    "shipmentDetails": {
        "pickupPointName": "Albert Heijn: UTRECHT",
        "salutation": "FEMALE",
        "firstName": "Billie",
        "surname": "Jansen",
        "streetName": "Dorpstraat",
        "houseNumber": "1",
        "houseNumberExtension": "B",
        "extraAddressInformation": "2e verdieping 🔔",
        "zipCode": "1111ZZ",
        "city": "Utrecht",
        "countryCode": "NL",
        "email": "billie@verkopen.bol.com",
        "language": "nl",
    },
    "billingDetails": {
        "salutation": "UNKNOWN",
        "firstName": "Billie",
        "surname": "Jansen",
        "streetName": "Postbus",
        "houseNumber": "12",
        "houseNumberExtension": None,
        "zipCode": "2000",
        "city": "Antwerpen",
        "countryCode": "BE",
        "email": "billie@verkopen.bol.com",
        "company": "Voorbeeld BV",
        "vatNumber": "BE0999999999",
        "kvkNumber": "99887766",
        "orderReference": "PO-7",
    },
    "orderItems": [
        {
            "orderItemId": "2012345678",
            "cancellationRequest": False,
            "fulfilment": {
                "method": "FBR",
                "distributionParty": "RETAILER",
                "latestDeliveryDate": "2026-11-24",
                "expiryDate": "2026-11-27",
                "timeFrameType": "REGULAR",
            },
            "offer": {"offerId": "6ff736b5-cdd0-4150-8c67-78269ee986f5", "reference": "A-1"},
            "product": {"ean": "8718526069334", "title": "A mug"},
            "quantity": 3,
            "quantityShipped": 0,
            "quantityCancelled": 1,
            "unitPrice": Decimal("12.99"),
            "totalPrice": Decimal("31.48"),
            "discounts": [{"title": "x + y", "amount": Decimal("7.49")}],
            "commission": Decimal("5.18"),
            "latestChangedDateTime": "2026-11-20T10:30:00+01:00",
        },
        {
            "orderItemId": "2012345679",
            "cancellationRequest": False,
            "fulfilment": {"method": "FBB", "timeFrameType": "REGULAR"},
            "offer": None,
            "product": {"ean": "4006381333931", "title": "A pen"},
            "quantity": 1,
            "quantityShipped": 1,
            "quantityCancelled": 0,
            "unitPrice": Decimal("9.99"),
            "totalPrice": Decimal("9.99"),
            "discounts": [],
            "commission": 1,
            "latestChangedDateTime": "2026-11-20T11:00:00+01:00",
        },
    ],
}

REDUCED: Json = {
    "orderId": "A2K8290LP8",
    "orderPlacedDateTime": "2026-11-20T10:30:00+01:00",
    "orderItems": [
        {
            "orderItemId": "2012345679",
            "ean": "4006381333931",
            "fulfilmentMethod": "FBB",
            "fulfilmentStatus": "HANDLED",
            "quantity": 1,
            "quantityShipped": 1,
            "quantityCancelled": 0,
            "cancellationRequest": False,
            "latestChangedDateTime": "2026-11-20T11:00:00+01:00",
        },
        {
            "orderItemId": "2012345678",
            "ean": "8718526069334",
            "fulfilmentMethod": "FBR",
            "fulfilmentStatus": "OPEN",
            "quantity": 3,
            "quantityShipped": 0,
            "quantityCancelled": 1,
            "cancellationRequest": False,
            "latestChangedDateTime": "2026-11-20T10:30:00+01:00",
        },
    ],
}

LINES = (
    SoldLine(
        external_id="2012345678",
        offer_id="6ff736b5-cdd0-4150-8c67-78269ee986f5",
        sku="A-1",
        gtin="8718526069334",
        title="A mug",
        quantity=3,
        cancelled=1,
        unit_price=euro("12.99"),
        total=euro("31.48"),
        discount=euro("7.49"),
        ship_by=datetime(2026, 11, 23, 23, 0, tzinfo=UTC),
        expires_at=datetime(2026, 11, 26, 23, 0, tzinfo=UTC),
    ),
    SoldLine(
        external_id="2012345679",
        gtin="4006381333931",
        title="A pen",
        quantity=1,
        shipped=1,
        unit_price=euro("9.99"),
        total=euro("9.99"),
        fulfilled_by=FulfilledBy.CHANNEL,
    ),
)

SHIP_TO = Address(
    first_name="Billie",
    last_name="Jansen",
    street="Dorpstraat",
    house_number="1",
    addition="B",
    postcode="1111ZZ",
    city="Utrecht",
    country="NL",
    email="billie@verkopen.bol.com",
    extra={
        "note": "2e verdieping 🔔",
        "pickup_point": "Albert Heijn: UTRECHT",
        "salutation": "FEMALE",
        "language": "nl",
    },
)

BILL_TO = Address(
    first_name="Billie",
    last_name="Jansen",
    company="Voorbeeld BV",
    street="Postbus",
    house_number="12",
    postcode="2000",
    city="Antwerpen",
    country="BE",
    email="billie@verkopen.bol.com",
    vat_number="BE0999999999",
    extra={"salutation": "UNKNOWN", "kvk_number": "99887766", "reference": "PO-7"},
)

SHIPMENT: Json = {
    "orderItems": [{"orderItemId": "2012345678", "quantity": 2}, {"orderItemId": "2012345679", "quantity": 1}],
    "shipmentReference": "SB-17",
    "transport": {"transporterCode": "TNT", "trackAndTrace": "3SBOL0987654321"},
}

DRAFT = OfferDraft(
    key="1", sku="A-1", gtin="8718526069334", stock=5, price=euro("12.90"), content=OfferContent(title="A mug ")
)
SETTINGS: Json = {"schedule": "BOL_DELIVERY_PROMISE", "countries": "NL and BE"}
OFFER: Json = {
    "ean": "8718526069334",
    "condition": {"category": "NEW"},
    "reference": "A-1",
    "unknownProductTitle": "A mug",
    "economicOperatorId": "0c6573a2",
    "pricing": {"bundlePrices": [{"quantity": 1, "unitPrice": Decimal("12.90")}]},
    "stock": {"amount": 5, "managedByRetailer": True},
    "fulfilment": {"method": "FBR", "schedule": "BOL_DELIVERY_PROMISE"},
    "countryAvailabilities": [{"countryCode": "NL"}, {"countryCode": "BE"}],
}

LISTED: Json = {
    "offerId": "6ff736b5-cdd0-4150-8c67-78269ee986f5",
    "ean": "8718526069334",
    "reference": "A-1",
    "unknownProductTitle": "A mug",
    "lastModifiedDateTime": "2026-11-20T10:30:00+01:00",
    "onHoldByRetailer": False,
    "condition": {"category": "NEW"},
    "pricing": {"bundlePrices": [{"quantity": 2, "unitPrice": 12.0}, {"quantity": 1, "unitPrice": 12.99}]},
    "stock": {"amount": 5, "correctedStock": 3, "managedByRetailer": True},
    "fulfilment": {"method": "FBR"},
    "countryAvailabilities": [{"countryCode": "NL", "forSale": False}, {"countryCode": "BE", "forSale": True}],
}

MISSING = {
    "category": "CONTENT",
    "code": "4004-2",
    "description": "For this product essential product information is missing",
    "missingAttributes": [{"name": "Title"}, {"name": "Brand"}],
}
NEW_REASON = {"category": "MOON_PHASE", "code": "9", "description": "Something new"}
REASONS: Json = {
    "offerId": "6ff7",
    "countries": [
        {"countryCode": "NL", "reasons": [MISSING, NEW_REASON]},
        {"countryCode": "BE", "reasons": [MISSING]},
    ],
}

RETURN: Json = {
    "returnId": "6001",
    "registrationDateTime": "2026-11-14T11:06:48.423+01:00",
    "fulfilmentMethod": "FBR",
    "returnItems": [
        {
            "rmaId": "31234567",
            "orderId": "A2K8290LP8",
            "ean": "8718526069334",
            "expectedQuantity": 2,
            "returnReason": {
                "mainReason": "Niet naar verwachting",
                "detailedReason": "Te klein",
                "customerComments": "Lorem",
            },
            "handled": False,
            "processingResults": [],
        }
    ],
}

CONTENT: Json = {
    "language": "nl",
    "attributes": [
        {"id": "EAN", "values": [{"value": "8718526069334"}]},
        {"id": "Name", "values": [{"value": "Mug"}]},
        {"id": "Brand", "values": [{"value": "Potter"}]},
        {"id": "Colour", "values": [{"value": "blue"}]},
    ],
    "assets": [{"url": "https://shop.example/1.jpg", "labels": ["FRONT"]}],
}

REPORT: Json = {
    "uploadId": "3f2cc9f9",
    "language": "nl",
    "status": "COMPLETED",
    "attributes": [
        {"id": "EAN", "values": [{"value": "0811571018314"}], "status": "PUBLISHED"},
        {
            "id": "Width",
            "values": [{"value": "q200", "unitId": "mm"}],
            "status": "DECLINED",
            "subStatus": "VALIDATION_FAILED_INVALID_NUMBER",
            "subStatusDescription": "The numeric value is incorrect.",
        },
    ],
    "assets": [{"url": "ftp://x", "labels": ["FRONT"], "status": "DECLINED", "subStatus": "DOWNLOAD_FAILED_404"}],
}
