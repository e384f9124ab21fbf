"""Mirakl's JSON and files to our domain and back: payloads, parsed values and what is sent, as literals."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.listing import LiveOffer, OfferContent
from bridge.domain.money import Money
from bridge.domain.order import Address, CancelReason, FulfilledBy, OrderPhase, SoldLine
from bridge.domain.requirement import AllowedValue, AttributeKind, AttributeRequirement, Category, Need
from bridge.domain.returns import ChannelRefund, RefundReason, ReturnCause, ReturnLine
from bridge.flows.wish import store_host
from bridge.ports.channel import OfferDraft
from bridge.ports.errors import AskMerchant, BridgeError, RejectItem
from channel_adapters.mirakl import ADAPTER, catalogue, mapping, prices, sending
from channel_adapters.mirakl.channel import MANIFEST
from channel_adapters.mirakl.client import multipart
from channel_adapters.mirakl.countries import TWO_LETTERS, country
from channel_adapters.mirakl.operators import base_url, operators
from channel_adapters.mirakl.platform import Platform, platform
from channel_adapters.mirakl.reading import csv_file, read_csv
from channel_adapters.mirakl.submissions import errors_of, read_submission, submission
from channel_adapters.mirakl.vocabulary import CANCEL_WORDS, PHASES, REFUND_WORDS

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


PLATFORM = Platform(currency="EUR", price_decimals=2)

# Made by hand after the example of OR11, with taxes in the prices.
ORDER: Json = {
    "order_id": "Order_00010-A",
    "commercial_id": "Order_00010",
    "created_date": "2026-11-20T08:00:00Z",
    "last_updated_date": "2026-11-20T09:30:00.250Z",
    "order_state": "SHIPPING",
    "order_tax_mode": "TAX_INCLUDED",
    "currency_iso_code": "EUR",
    "customer_notification_email": "notification+1@notification.mirakl.net",
    "fulfillment": {"center": {"code": "DEFAULT"}},
    "shipping_deadline": "2026-11-22T22:59:59.999Z",
    "shipping_pudo_id": "C1039",
    "shipping_type_code": "PUDO",
    "shipping_type_label": "Pick-up point",
    "channel": {"code": "FR", "label": "Website FR"},
    "references": {"order_reference_for_customer": "PO-77"},
    "customer": {
        "customer_id": "C1",
        "firstname": "Élodie",
        "lastname": "Dupont",
        "organization": {"organization_id": "O1", "tax_identification_number": "FR123"},
        "shipping_address": {
            "civility": "Mrs",
            "firstname": "Élodie",
            "lastname": "Dupont",
            "company": "Dupont SARL",
            "street_1": "12 rue de l'Église",
            "street_2": "Bât. C",
            "zip_code": "75011",
            "city": "Paris",
            "country": "France",
            "country_iso_code": "FRA",
            "phone": "0102030405",
            "additional_info": "Ring twice",
        },
        "billing_address": {
            "lastname": "Dupont",
            "street_1": "BP 1",
            "city": "Bruxelles",
            "country": "Belgique",
            "country_iso_code": "BEL",
        },
    },
    "order_lines": [
        {
            "order_line_id": "Order_00010-A-1",
            "order_line_state": "SHIPPING",
            "offer_sku": "A-1",
            "product_title": "A mug",
            "quantity": 3,
            "price_unit": Decimal("12.10"),
            "price": Decimal("33.88"),
            "taxes": [{"amount": Decimal("5.88"), "code": "VAT", "tax_calculation_rule": "NONE"}],
            "fees": [{"amount": Decimal("0.65"), "code": "fee1"}],
            "promotions": [{"deduced_amount": Decimal("2.42")}],
            "shipping_price": Decimal("4.84"),
            "shipping_taxes": [{"amount": Decimal("0.84"), "code": "VAT", "tax_calculation_rule": "NONE"}],
            "cancelations": [{"quantity": 1, "amount": Decimal("11.29")}],
            "refunds": [],
        }
    ],
}
LINE = SoldLine(
    external_id="Order_00010-A-1",
    offer_id="A-1",
    sku="A-1",
    title="A mug",
    quantity=3,
    cancelled=1,
    unit_price=euro("12.10"),
    total=euro("34.53"),
    tax=euro("5.88"),
    discount=euro("1.77"),
    ship_by=datetime(2026, 11, 22, 22, 59, 59, 999000, tzinfo=UTC),
)


# Orders


def test_an_order_is_read_whole() -> None:
    order = mapping.order(ORDER, PLATFORM)
    assert order.lines == (LINE,)
    assert (order.shipping, order.shipping_tax, order.total) == (euro("4.84"), euro("0.84"), euro("39.37"))
    assert (order.placed_at, order.changed_at) == (
        datetime(2026, 11, 20, 8, tzinfo=UTC),
        datetime(2026, 11, 20, 9, 30, 0, 250000, tzinfo=UTC),
    )
    assert (order.phase, order.currency, order.tax_by_channel) == (OrderPhase.READY, "EUR", False)
    assert order.raw == ORDER


def test_addresses_keep_what_has_no_field_of_its_own() -> None:
    order = mapping.order(ORDER, PLATFORM)
    assert order.ship_to == Address(
        first_name="Élodie",
        last_name="Dupont",
        company="Dupont SARL",
        street="12 rue de l'Église",
        addition="Bât. C",
        postcode="75011",
        city="Paris",
        country="FR",
        email="notification+1@notification.mirakl.net",
        phone="0102030405",
        vat_number="FR123",
        extra={
            "note": "Ring twice",
            "salutation": "Mrs",
            "pickup_point": "C1039",
            "shipping_method": "Pick-up point",
            "customer_order": "Order_00010",
            "channel": "FR",
            "reference": "PO-77",
        },
    )
    assert order.bill_to is not None
    assert (order.bill_to.street, order.bill_to.country) == ("BP 1", "BE")


def test_prices_without_taxes_get_them() -> None:
    """30 units of money for three, 6.30 of tax on top: 36.30 in all, 12.10 each."""
    line = {"price_unit": Decimal(10), "price": Decimal(30), "shipping_price": Decimal(4), "fees": []}
    line |= {"taxes": [{"amount": Decimal("6.30"), "code": "VAT"}], "shipping_taxes": [{"amount": "0.84", "code": "V"}]}
    raw = changed(ORDER, order_tax_mode="TAX_EXCLUDED", order_lines=[ORDER["order_lines"][0] | line])
    order = mapping.order(raw, PLATFORM)
    assert (order.lines[0].total, order.lines[0].tax, order.lines[0].unit_price) == (
        euro("36.30"),
        euro("6.30"),
        euro("12.10"),
    )
    assert (order.lines[0].discount, order.shipping, order.shipping_tax) == (None, euro("4.84"), euro("0.84"))


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("STAGING", OrderPhase.PENDING),
        ("WAITING_ACCEPTANCE", OrderPhase.AWAITING_ACCEPTANCE),
        ("WAITING_DEBIT", OrderPhase.PENDING),
        ("WAITING_DEBIT_PAYMENT", OrderPhase.PENDING),
        ("SHIPPING", OrderPhase.READY),
        ("CANCELED", OrderPhase.READY),
        ("A_STATE_OF_TOMORROW", OrderPhase.PENDING),
        (None, OrderPhase.PENDING),
    ],
)
def test_states_are_phases_and_unknown_ones_are_not_shipped(state: str | None, phase: OrderPhase) -> None:
    order = mapping.order(changed(ORDER, order_state=state), PLATFORM)
    assert (order.phase, order.raw["order_state"]) == (phase, state)


def test_an_order_paid_after_delivery_is_ready_while_it_waits_for_its_debit() -> None:
    raw = changed(ORDER, order_state="WAITING_DEBIT", order_lines__0__shipped_date="2026-11-21T08:00:00Z")
    assert mapping.order(raw, PLATFORM).phase is OrderPhase.READY


def test_without_addresses_an_order_is_read_all_the_same() -> None:
    raw = changed(ORDER, order_state="WAITING_ACCEPTANCE", customer={"customer_id": "C1"})
    order = mapping.order(raw, PLATFORM)
    assert (order.ship_to.street, order.ship_to.country, order.bill_to) == ("", "", None)
    assert order.shipping_method == order.ship_to.extra["shipping_method"]
    assert order.ship_to.extra["pickup_point"] == "C1039"


@pytest.mark.parametrize(
    ("changes", "cancelled", "shipped"),
    [
        ({}, 1, 0),
        ({"order_line_state": "SHIPPED"}, 1, 2),
        ({"order_line_state": "RECEIVED", "cancelations": []}, 0, 3),
        ({"order_line_state": "CANCELED"}, 3, 0),
        ({"order_line_state": "REFUSED", "cancelations": []}, 3, 0),
        ({"order_line_state": "REFUNDED", "cancelations": []}, 3, 0),
        ({"order_line_state": "REFUNDED", "cancelations": [], "shipped_date": "2026-11-21T08:00:00Z"}, 0, 3),
        ({"order_line_state": "INCIDENT_OPEN", "shipped_date": "2026-11-21T08:00:00Z"}, 1, 2),
        ({"order_line_state": "A_STATE_OF_TOMORROW"}, 1, 0),
        ({"cancelations": [{"quantity": 9}]}, 3, 0),
    ],
)
def test_units_are_told_by_state_cancellations_and_dates(changes: Json, cancelled: int, shipped: int) -> None:
    raw = changed(ORDER, order_lines=[ORDER["order_lines"][0] | changes])
    line = mapping.order(raw, PLATFORM).lines[0]
    assert (line.cancelled, line.shipped) == (cancelled, shipped)


def test_shipments_tell_what_of_an_order_has_left() -> None:
    lines = [{"order_line_id": "Order_00010-A-1", "quantity": 1}]
    gone = [{"status": "SHIPPED", "shipment_lines": lines}, {"status": "SHIPPING", "shipment_lines": lines}]
    assert mapping.order(ORDER, PLATFORM, gone).lines[0].shipped == 1


def test_an_order_the_operator_ships_itself() -> None:
    raw = changed(ORDER, fulfillment={"center": {"code": "OPERATOR_FR"}})
    assert mapping.order(raw, PLATFORM).lines[0].fulfilled_by is FulfilledBy.CHANNEL


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"order_id": ""}, "order_id"),
        ({"created_date": "soon"}, "created_date"),
        ({"order_lines__0__quantity": 0}, "order_lines[0].quantity"),
        ({"order_lines__0__price": None}, "order_lines[0].price"),
    ],
)
def test_what_cannot_be_handled_names_its_field(changes: Json, field: str) -> None:
    with pytest.raises(RejectItem) as refused:
        mapping.order(changed(ORDER, **changes), PLATFORM)
    assert refused.value.field == field


def test_the_mark_changes_with_the_order_and_with_nothing_else() -> None:
    mark = mapping.mark(ORDER)
    assert mapping.order(ORDER, PLATFORM).list_mark == mapping.order_ref(ORDER, None).mark == mark
    assert mapping.mark(changed(ORDER, customer={}, total_price=1)) == mark
    for changes in ({"order_state": "SHIPPED"}, {"order_lines__0__refunds": [{}]}, {"last_updated_date": "later"}):
        assert mapping.mark(changed(ORDER, **changes)) != mark


@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, [None, 3], [{"a": {}}]])
@pytest.mark.parametrize("name", ["customer", "order_lines", "fulfillment", "references", "channel", "order_tax_mode"])
def test_junk_in_a_field_is_an_answer_or_a_clear_error(name: str, junk: Any) -> None:
    try:
        told = mapping.order(changed(ORDER, **{name: junk}), PLATFORM).external_id
    except BridgeError as error:
        told = error.field or ""
    assert told


# Offers


OFFER: Json = {
    "offer_id": 3001,
    "shop_sku": "A-1",
    "active": False,
    "inactivity_reasons": ["ZERO_QUANTITY", "A_REASON_OF_TOMORROW"],
    "currency_iso_code": "EUR",
    "quantity": 0,
    "price": Decimal("9.99"),
    "state_code": "11",
    "description": "Boxed",
    "internal_description": "Shelf 7",
    "price_additional_info": "",
    "leadtime_to_ship": 2,
    "logistic_class": {"code": "S", "label": "Small"},
    "min_quantity_alert": 3,
    "min_order_quantity": 0,
    "max_order_quantity": 5,
    "package_quantity": 1,
    "available_start_date": "2026-01-01T00:00:00Z",
    "product_tax_code": "T1",
    "msrp": Decimal("19.90"),
    "allow_quote_requests": True,
    "offer_additional_fields": [{"code": "origin", "type": "STRING", "value": "FR"}],
    "eco_contributions": [{"epr_category_code": "FR-DEEE", "producer_id": "P1", "eco_contribution_amount": 1}],
    "product_sku": "MKP1",
    "product_title": "A mug",
    "product_references": [
        {"reference": "012345678905", "reference_type": "UPC"},
        {"reference": "8718526069334", "reference_type": "EAN"},
    ],
    "discount": {
        "origin_price": Decimal("12.99"),
        "discount_price": Decimal("9.99"),
        "end_date": "2026-12-31T00:00:00Z",
    },
    "all_prices": [
        {
            "price": Decimal("9.99"),
            "unit_origin_price": Decimal("12.99"),
            "unit_discount_price": Decimal("9.99"),
            "volume_prices": [
                {"quantity_threshold": 1, "unit_origin_price": Decimal("12.99")},
                {"quantity_threshold": 10, "unit_origin_price": Decimal(11), "price": Decimal(11)},
            ],
        },
        {
            "channel_code": "US",
            "context": {"channel_codes": ["US"]},
            "price": Decimal(15),
            "unit_origin_price": Decimal(15),
            "volume_prices": [{"quantity_threshold": 1, "unit_origin_price": Decimal(15)}],
        },
    ],
}


def test_an_offer_is_read_by_the_price_we_set() -> None:
    assert mapping.live_offer(OFFER, "EAN") == LiveOffer(
        offer_id="A-1", sku="A-1", gtin="8718526069334", stock=0, price=euro("12.99"), title="A mug", for_sale=False
    )


def test_an_offer_is_written_back_whole() -> None:
    """All that OF24 would reset is sent again, in its own names."""
    assert sending.same_offer(OFFER, "EAN") == {
        "shop_sku": "A-1",
        "product_id": "8718526069334",
        "product_id_type": "EAN",
        "state_code": "11",
        "price": Decimal("12.99"),
        "quantity": 0,
        "update_delete": "update",
        "description": "Boxed",
        "internal_description": "Shelf 7",
        "product_tax_code": "T1",
        "min_quantity_alert": 3,
        "max_order_quantity": 5,
        "package_quantity": 1,
        "available_started": "2026-01-01T00:00:00Z",
        "leadtime_to_ship": 2,
        "logistic_class": "S",
        "allow_quote_requests": True,
        "msrp": Decimal("19.90"),
        "offer_additional_fields": [{"code": "origin", "type": "STRING", "value": "FR"}],
        "eco_contributions": [{"epr_category_code": "FR-DEEE", "producer_id": "P1", "eco_contribution_amount": 1}],
        "discount": {"price": Decimal("9.99"), "end_date": "2026-12-31T00:00:00Z"},
        "all_prices": [
            {
                "unit_origin_price": Decimal("12.99"),
                "unit_discount_price": Decimal("9.99"),
                "volume_prices": [{"quantity_threshold": 10, "unit_origin_price": Decimal(11)}],
            },
            {"channel_code": "US", "unit_origin_price": Decimal(15)},
        ],
    }


def test_an_offer_with_prices_of_customers_or_days_is_not_rewritten() -> None:
    for context in ({"customer_group_ids": ["G"]}, {"start_date": "2026-12-01T00:00:00Z"}):
        with pytest.raises(RejectItem, match="customers or days"):
            sending.same_offer(changed(OFFER, all_prices__1__context=context), "EAN")


def test_why_an_offer_is_not_for_sale() -> None:
    found = mapping.sale_status("A-1", OFFER)
    assert (found.for_sale, found.reasons) == (False, ("ZERO_QUANTITY", "A_REASON_OF_TOMORROW"))
    assert found.fixes == ("Nothing to do when it is sold out; otherwise check the stock in the store.",)


def draft(**more: Any) -> OfferDraft:
    given = {"key": "1", "sku": "A-1", "gtin": "8718526069334", "stock": 5, "price": euro("12.99")} | more
    return OfferDraft.model_validate(given | {"content": OfferContent(title="A mug")})


def test_a_new_offer() -> None:
    settings = {"conditions": ["new=11", "as_new=10"], "leadtime_to_ship": 3, "offer_fields": ["origin=FR"]}
    assert sending.new_offer(draft(condition="as_new", handling_days=1), settings, PLATFORM) == {
        "shop_sku": "A-1",
        "product_id": "8718526069334",
        "product_id_type": "EAN",
        "state_code": "10",
        "price": Decimal("12.99"),
        "quantity": 5,
        "update_delete": "update",
        "leadtime_to_ship": 1,
        "offer_additional_fields": [{"code": "origin", "value": "FR"}],
    }
    silent = PLATFORM.model_copy(update={"leadtime_allowed": False})
    assert "leadtime_to_ship" not in sending.new_offer(draft(), settings, silent)


@pytest.mark.parametrize(
    ("more", "platform_", "field"),
    [
        ({"gtin": None}, PLATFORM, "gtin"),
        ({"condition": "broken"}, PLATFORM, "condition"),
        ({"sku": "S" * 101}, PLATFORM, "sku"),
        ({"price": euro("12.99")}, Platform(currency="EUR", price_decimals=0), "price"),
        ({"price": Money(amount=Decimal(5), currency="GBP")}, PLATFORM, "currency"),
    ],
)
def test_an_offer_the_operator_would_refuse_is_not_sent(more: Json, platform_: Platform, field: str) -> None:
    with pytest.raises(BridgeError) as refused:
        sending.new_offer(draft(**more), {}, platform_)
    assert refused.value.field == field


def test_files_are_as_the_specification_says() -> None:
    assert prices.price_file(
        prices.rows_of('A"1', euro("12.90"), None, datetime(2026, 11, 20, tzinfo=UTC))
    ).decode() == (
        '"offer-sku";"price";"discount-price";"discount-start-date";"discount-end-date"\n"A""1";"12.90";"";"";""\n'
    )
    content = csv_file(("a", "b"), [("1;2", "é\n3")], ",")
    assert read_csv(content.decode()) == [{"a": "1;2", "b": "é\n3"}]
    kind, body = multipart(b"x", {"operator_format": "true"})
    assert kind.partition("boundary=")[2].encode() in body


# Imports


@pytest.mark.parametrize(
    "report",
    [
        "error-line;error-message;offer-sku;quantity\n2;does not exist;A-1;3\n",
        '"offer-sku","quantity","error-line","error-message"\n"A-1","3","2","does not exist"\n',
        "\ufeffline;reason;sku;price\n2;does not exist;A-1;3\n",
    ],
)
def test_a_report_is_read_by_its_columns_wherever_they_are(report: str) -> None:
    assert errors_of(report) == {"A-1": "does not exist"}


def test_a_report_without_skus_says_nothing_and_several_lines_are_joined() -> None:
    assert errors_of("<html>no</html>") == errors_of("") == {}
    products = "cat;gencod;error-line;error-message\nMUGS;871;1;1000|required\n"
    assert errors_of(products) == {"MUGS": "1000|required", "871": "1000|required"}
    told = errors_of("sku;error-message\nA-1;one\nA-1;two\nB-1;\n")
    assert told == {"A-1": "one; two", "B-1": "refused without a reason"}


@pytest.mark.parametrize("sku", ["A-1", "A|1", "a:b+c", "ü 1"])
def test_a_submission_says_which_imports_and_which_sku(sku: str) -> None:
    name = submission(sku, [("offer", "12"), ("product", "7")], datetime(2026, 11, 20, tzinfo=UTC), "871")
    found = read_submission(name)
    assert found is not None
    assert (found.sku, found.gtin, found.imports) == (sku, "871", (("offer", "12"), ("product", "7")))
    assert read_submission("12345") is None
    assert read_submission("offer|A|1") is None


# Cancellations and refunds


def test_a_part_of_a_line_is_cancelled_by_its_share() -> None:
    """One of three, one cancelled before: half of what is left of price, fee and taxes, no shipping."""
    taxes = [{"code": "VAT", "amount": 1.96}]
    line = changed(ORDER["order_lines"][0], cancelations__0__taxes=taxes)
    assert sending.cancellation(line, 1, 2, "15", "EUR") == {
        "order_line_id": "Order_00010-A-1",
        "quantity": 1,
        "amount": Decimal("11.30"),
        "shipping_amount": Decimal(0),
        "reason_code": "15",
        "currency_iso_code": "EUR",
        "fees": [{"code": "fee1", "amount": Decimal("0.33")}],
        "taxes": [{"code": "VAT", "amount": Decimal("1.96")}],
        "shipping_taxes": [{"code": "VAT", "amount": Decimal("0.00")}],
    }


def test_the_last_units_of_a_line_take_all_that_is_left_along() -> None:
    line = changed(ORDER["order_lines"][0], taxes__0__tax_calculation_rule="PROPORTIONAL_TO_AMOUNT")
    body = sending.cancellation(line, 2, 2, "15", "EUR")
    assert (body["amount"], body["shipping_amount"]) == (Decimal("22.59"), Decimal("4.84"))
    assert body["fees"] == [{"code": "fee1", "amount": Decimal("0.65")}]
    assert "taxes" not in body


def test_a_refund_and_whether_it_was_made() -> None:
    """A third of 33.88 and of the fee of 0.65."""
    line = changed(ORDER["order_lines"][0], cancelations=[])
    wish = ChannelRefund(line_id="Order_00010-A-1", quantity=1, amount=euro("11.51"), shipping=euro("1"))
    body = sending.refund(line, wish, "19")
    assert (body["amount"], body["shipping_amount"], body["quantity"]) == (Decimal("11.29"), Decimal(1), 1)
    assert body["taxes"] == [{"code": "VAT", "amount": Decimal("1.96")}]
    assert body["fees"] == [{"code": "fee1", "amount": Decimal("0.22")}]
    paid = {"quantity": 1, "amount": Decimal("11.29"), "shipping_amount": 1, "fees": body["fees"]}
    assert sending.is_paid_back(line | {"refunds": [paid]}, wish)
    assert not sending.is_paid_back(line | {"refunds": [paid | {"quantity": 2}]}, wish)
    second = wish.model_copy(update={"alike": 1})  # another unit for the same money is another refund
    assert not sending.is_paid_back(line | {"refunds": [paid]}, second)
    assert sending.is_paid_back(line | {"refunds": [paid, paid]}, second)


RETURN: Json = {
    "id": "r1",
    "date_created": "2026-11-25T10:00:00Z",
    "order_id": "O-A",
    "state": "WAITING_ACCEPTANCE",
    "return_lines": [{"order_line_id": "O-A-1", "quantity": 2, "reason_code": "RETURN_DEFECTIVE_ITEM"}],
}


def test_a_return_is_read_by_line() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    line = ReturnLine(
        external_id="r1/O-A-1",
        order_id="O-A",
        order_line_id="O-A-1",
        quantity=2,
        reason="defective item",
        cause=ReturnCause.DEFECTIVE,
        received=False,
    )
    assert mapping.marketplace_return(RETURN, now).lines == (line,)
    judged = changed(RETURN, state="RECEIVED", return_lines__0__compliance=[{"compliant": True}])
    found = mapping.marketplace_return(judged, now).lines[0]
    assert (found.handled, found.received) == (True, True)
    assert mapping.marketplace_return({"id": "r2"}, now).registered_at == now


# The platform


def test_the_operators_settings_are_read_and_unknown_ones_do_no_harm() -> None:
    features = {
        "order_workflows": {"order_acceptance": "NOT_AUTOMATIC"},
        "shipment": {"multi_shipment": True},
        "returns": {"marketplace": False, "drop_ship": True},
        "offer_prices_decimals": "1",
        "operator_csv_delimiter": "COMMA",
        "lead_time_to_ship_by_sellers_enabled": "NO",
        "disable_seller_alternative_carrier": True,
        "tax_collection": {"activated": "YES", "tax_collection_by_operator": True},
        "new_thing": {"on": True},
    }
    found = platform({"currency_iso_code": "PLN", "shop_id": 7}, {"features": features})
    assert found == Platform(
        shop_id="7",
        currency="PLN",
        manual_acceptance=True,
        multi_shipment=True,
        returns=True,
        price_decimals=1,
        delimiter=",",
        leadtime_allowed=False,
        own_carriers=False,
        tax_by_operator=True,
    )
    assert platform({"currency_iso_code": "EUR"}, {}, [{}], [{"code": "1"}]) == Platform(currency="EUR")
    with pytest.raises(AskMerchant) as refused:
        platform({}, {})
    assert refused.value.field == "currency"


REASONS = [
    {"code": "15", "label": "Rupture de stock", "type": "CANCELATION", "is_shop_right": True},
    {"code": "36", "label": "Autre motif", "type": "CANCELATION", "is_shop_right": True},
    {"code": "9", "label": "Client", "type": "CANCELATION", "is_shop_right": False},
    {"code": "19", "label": "Retour du client", "type": "REFUND", "is_shop_right": True},
    {"code": "20", "label": "Article cassé", "type": "REFUND", "is_shop_right": True},
]


def test_reasons_are_known_by_setting_by_label_or_not_at_all() -> None:
    found = platform({"currency_iso_code": "EUR"}, {}, [], REASONS)
    assert found.cancel_reason(CancelReason.OUT_OF_STOCK, {}) == "15"
    assert found.cancel_reason(CancelReason.BUYER_REQUEST, {}) == "36"
    assert found.cancel_reason(CancelReason.BUYER_REQUEST, {"buyer_request": "7"}) == "7"
    assert found.refund_reason(RefundReason.RETURNED) == "19"
    with pytest.raises(AskMerchant, match="20 Article cassé") as refused:
        found.refund_reason(RefundReason.GOODWILL)
    assert refused.value.field == "refund_reasons"
    assert platform({"currency_iso_code": "EUR"}, {}).cancel_reason(CancelReason.OTHER, {}) is None


def test_every_reason_of_ours_has_words() -> None:
    assert set(CANCEL_WORDS) == set(CancelReason)
    assert set(REFUND_WORDS) == set(RefundReason)


# The catalogue


def test_categories_come_parents_first_whatever_their_order() -> None:
    raw = [
        {"code": "M", "label": "Mugs", "parent_code": "K"},
        {"code": "K", "label": "Kitchen", "parent_code": "H"},
        {"code": "H", "label": "Home", "parent_code": ""},
        {"code": "X", "label": "", "parent_code": "GONE"},
    ]
    assert list(catalogue.categories(raw)) == [
        Category(id="H", path=("Home",), leaf=False),
        Category(id="K", parent="H", path=("Home", "Kitchen"), leaf=False),
        Category(id="M", parent="K", path=("Home", "Kitchen", "Mugs"), leaf=True),
        Category(id="X", path=("X",), leaf=True),
    ]
    assert list(catalogue.categories([{"code": "A", "parent_code": "B"}, {"code": "B", "parent_code": "A"}])) == []


def test_what_a_category_asks_for() -> None:
    attributes = [
        {
            "code": "colour",
            "label": "Colour",
            "type": "LIST",
            "requirement_level": "REQUIRED",
            "variant": True,
            "type_parameters": [{"name": "LIST_CODE", "value": "colours"}],
        },
        {
            "code": "name",
            "type": "TEXT",
            "requirement_level": "RECOMMENDED",
            "validations": "MIN_LENGTH|3,MAX_LENGTH|120",
            "description": "The name",
            "hierarchy_code": "M",
        },
        {"code": "old", "type": "TEXT", "requirement_level": "DISABLED"},
        {"code": "odd", "type": "A_TYPE_OF_TOMORROW", "requirement_level": "?", "validations": "MIN|1,MAX|9.5"},
        {"code": "size", "type": "LIST_MULTIPLE_VALUES", "type_parameters": [{"name": "LIST_CODE", "value": "none"}]},
        {"code": "vol", "type": "MEASUREMENT", "type_parameters": [{"name": "UNITS", "value": "ml,l"}]},
    ]
    lists = {"colours": (AllowedValue(value="BLU", label="Blue"),)}
    found = catalogue.requirements("M", attributes, lists)
    by_id = {item.id: item for item in found.attributes}
    assert list(by_id) == ["colour", "name", "odd", "size", "vol"]
    assert by_id["colour"] == AttributeRequirement(
        id="colour",
        name="Colour",
        kind=AttributeKind.CHOICE,
        need=Need.REQUIRED,
        allowed=lists["colours"],
        axis=True,
    )
    assert (by_id["name"].max_length, by_id["name"].need, by_id["name"].help) == (
        120,
        Need.RECOMMENDED,
        "The name MIN_LENGTH|3",
    )
    assert (by_id["odd"].kind, by_id["odd"].need, by_id["odd"].minimum, by_id["odd"].maximum) == (
        AttributeKind.TEXT,
        Need.OPTIONAL,
        Decimal(1),
        Decimal("9.5"),
    )
    assert (by_id["size"].open_list, by_id["size"].max_values > 1) == (True, True)
    assert by_id["vol"].units == ("ml", "l")
    assert found.version != catalogue.requirements("M", attributes[1:], lists).version
    assert [item.id for item in catalogue.requirements(None, attributes, lists).attributes] == [
        "colour",
        "odd",
        "size",
        "vol",
        "offer:logistic_class",
        "offer:product_tax_code",
    ]


def test_a_product_row_goes_into_the_operators_columns() -> None:
    attributes = [
        {"code": "cat", "roles": [{"type": "CATEGORY"}]},
        {"code": "nom", "roles": [{"type": "TITLE"}]},
        {"code": "gencod", "roles": [{"type": "UNIQUE_IDENTIFIER"}]},
        {"code": "odd", "roles": [{"type": "A_ROLE_OF_TOMORROW"}]},
    ]
    columns = catalogue.Columns(attributes, {"product_fields": ["photo2=image2", "titre=title"]})
    columns.check()
    images = ("https://s.example/1.jpg", "https://s.example/2.jpg")
    content = OfferContent(title="A mug", images=images, attributes={"colour": "BLU", "care": ("DW", "HW")})
    row = catalogue.Product("A-1", "8718526069334", "M", content).row(columns, "|")
    assert row == {
        "cat": "M",
        "titre": "A mug",
        "gencod": "8718526069334",
        "photo2": "https://s.example/2.jpg",
        "colour": "BLU",
        "care": "DW|HW",
    }
    assert catalogue.product_file([row, {"cat": "L", "watts": "5"}], ";").decode().count("\n") == 3
    with pytest.raises(AskMerchant, match="title and the gtin") as refused:
        catalogue.Columns(attributes[:1], {}).check()
    assert refused.value.field == "product_fields"
    with pytest.raises(RejectItem) as unplaced:
        catalogue.Product("A-1", "8718526069334", "", content).row(columns, "|")
    assert unplaced.value.field == "category"


# The operators


def test_operators_are_told_by_name_and_addresses_are_never_made_up() -> None:
    known = operators()
    assert len(known) >= 40
    choices = next(field.choices for field in MANIFEST.credentials if field.name == "operator")
    assert set(choices) == {"Other", *known}
    for operator in known.values():
        assert operator.source
        assert operator.url == "" or operator.url.startswith("https://"), operator.name
        assert all(len(code) == 2 and code.isupper() for code in operator.countries), operator.name


def test_the_address_is_the_one_given_else_the_known_one() -> None:
    assert base_url({"operator": "Worten"}) == "https://marketplace.worten.pt"
    given = {"operator": "Worten", "url": "https://worten-test.example/mmp/shop/"}
    assert base_url(given) == "https://worten-test.example"
    for nothing in ({}, {"operator": "Other"}, {"operator": "Darty"}):
        with pytest.raises(AskMerchant, match="back office") as refused:
            base_url(nothing)
        assert refused.value.field == "url"


def test_each_marketplace_is_an_account_of_its_own() -> None:
    given = ({"operator": "Worten"}, {"operator": "Best Buy Canada"}, {"url": "https://x.example/"}, {}, {"url": ""})
    assert [store_host(ADAPTER, credentials) for credentials in given] == [
        "worten",
        "best-buy-canada",
        "x.example",
        None,
        None,
    ]


def test_countries_become_two_letters_and_unknown_ones_stay() -> None:
    assert (country("FRA"), country("gbr"), country("XKX"), country("")) == ("FR", "GB", "XKX", "")


def test_every_country_and_state_of_the_specification_is_known(specs_dir: Path) -> None:
    spec = json.loads((specs_dir / "mirakl" / "mirakl-mmp-seller-openapi.json").read_text(encoding="utf-8"))
    words = spec["components"]["schemas"]
    address = next(
        value for name, value in words.items() if name.endswith("OR11_Response_200_Orders_Customer_ShippingAddress")
    )
    codes = named_in(address["properties"]["country_iso_code"])
    assert [code for code in codes if code not in TWO_LETTERS] == []
    states = named_in(words["OR11_Response_200_Orders"]["properties"]["order_state"])
    assert len(codes) > 200
    assert set(states) == set(PHASES)


def named_in(field: Json) -> list[str]:
    """The values that a field's description names, without those it calls deprecated."""
    return re.findall(r'`"([A-Z_]+)"`', field["description"].partition("Deprecated")[0])
