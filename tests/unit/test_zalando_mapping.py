"""Zalando's JSON and our domain: literals in, literals out."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import FulfilledBy, OrderPhase
from bridge.domain.reading import moment, pairs
from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.channel import SubmissionState
from bridge.ports.errors import RejectItem
from channel_adapters.zalando import mapping, outlines, product, reading, report, submissions, vocabulary
from channel_adapters.zalando.account import merchant_ids
from channel_adapters.zalando.offers import ean_of
from channel_adapters.zalando.product import Article

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
DE = "01924c48-49bb-40c2-9c32-ab582e6db6f4"
ORDER = "bf48ba35-149d-4b76-8ac9-d08d126b517f"

DOCUMENT: dict[str, Any] = {
    "data": {
        "type": "Order",
        "id": ORDER,
        "attributes": {
            "order_number": "10101000502251",
            "order_date": "2026-11-25T23:00:00.000Z",
            "sales_channel_id": DE,
            "order_type": "PartnerFulfilled",
            "status": "approved",
            "customer_email": "buyer@example.com",
            "customer_phone": {"number": "9876543210"},
            "delivery_end_date": "2026-11-29T23:00:00Z",
            "modified_at": "2026-11-26T10:00:00Z",
            "shipping_costs": {"amount": Decimal("4.90"), "currency": "EUR"},
            "shipping_address": {
                "first_name": "Lena",
                "last_name": "Vogt",
                "address_line_1": "Packstation 145",
                "address_line_2": "c/o Brandt",
                "address_line_3": "left",
                "zip_code": "10178",
                "city": "Berlin",
                "country_code": "de",
                "address_type": "PACK_STATION",
                "service_point_details": {"service_point_id": "145", "service_point_member_id": "123456789"},
            },
        },
    },
    "included": [
        {
            "type": "OrderItem",
            "id": "i-1",
            "attributes": {"order_id": ORDER, "article_id": "SB1", "external_id": "A-1", "description": "A belt"},
        },
        {
            "type": "OrderLine",
            "id": "l-1",
            "attributes": {
                "order_item_id": "i-1",
                "status": "reserved",
                "price": {"amount": Decimal("99.95"), "currency": "EUR"},
            },
            "meta": {"copyright": "", "possible_status_transitions": ["shipped", "canceled"]},
        },
        {
            "type": "OrderLine",
            "id": "l-2",
            "attributes": {
                "order_item_id": "i-1",
                "status": "canceled",
                "price": {"amount": Decimal("99.95"), "currency": "EUR"},
            },
        },
    ],
}


def document(**attributes: Any) -> dict[str, Any]:
    found = deepcopy(DOCUMENT)
    found["data"]["attributes"] |= attributes
    return found


def site_of(channel: str) -> str:
    return "de" if channel == DE else ""


# Orders


def test_an_order() -> None:
    order = mapping.order(DOCUMENT, site_of)
    assert (order.external_id, order.site, order.phase, order.currency) == (ORDER, "de", OrderPhase.READY, "EUR")
    assert order.placed_at == datetime(2026, 11, 25, 23, 0, tzinfo=UTC)
    assert order.shipping == Money(amount=Decimal("4.90"), currency="EUR")
    first, second = order.lines
    assert (first.external_id, first.sku, first.gtin, first.title) == ("l-1", "A-1", None, "A belt")
    assert (first.open, second.open, second.cancelled) == (1, 0, 1)
    assert first.ship_by == datetime(2026, 11, 29, 23, 0, tzinfo=UTC)
    assert (first.fulfilled_by, first.unit_price.text()) == (FulfilledBy.MERCHANT, "99.95 EUR")


def test_an_address_with_a_pickup_point() -> None:
    to = mapping.order(DOCUMENT, site_of).ship_to
    assert (to.street, to.addition, to.country, to.phone) == ("Packstation 145", "c/o Brandt", "DE", "9876543210")
    assert to.extra == {
        "address_line_3": "left",
        "address_type": "PACK_STATION",
        "pickup_point": "145",
        "post_number": "123456789",
    }


@pytest.mark.parametrize(
    ("status", "line", "phase"),
    [
        ("initial", "initial", OrderPhase.PENDING),
        ("approved", "reserved", OrderPhase.READY),
        ("fulfilled", "shipped", OrderPhase.READY),
        ("frozen", "reserved", OrderPhase.PENDING),
        ("approved", "inspected", OrderPhase.PENDING),
    ],
)
def test_what_may_be_done_with_an_order(status: str, line: str, phase: OrderPhase) -> None:
    raw = document(status=status)
    raw["included"][1]["attributes"]["status"] = line
    assert mapping.order(raw, site_of).phase is phase


def test_lines_that_only_the_relationships_place() -> None:
    raw = deepcopy(DOCUMENT)
    item, first, second = raw["included"]
    del item["attributes"]["order_id"], first["attributes"]["order_item_id"], second["attributes"]["order_item_id"]
    item["relationships"] = {"order_lines": {"data": [{"type": "order_lines", "id": key} for key in ("l-1", "l-2")]}}
    item["type"], first["type"], second["type"] = "order_items", "order-lines", ""
    raw["data"]["relationships"] = {"order_items": {"data": [{"type": "order_items", "id": "i-1"}]}}
    (found,) = mapping.each_order({"data": [raw["data"]], "included": raw["included"]})
    assert [line.external_id for line in mapping.order(found, site_of).lines] == ["l-1", "l-2"]
    assert mapping.find_line(found, "l-2") == ("i-1", second)


def test_orders_of_a_list_have_their_own_lines() -> None:
    other = deepcopy(DOCUMENT)
    other["data"]["id"] = "o-2"
    other["included"][0] |= {"id": "i-2", "attributes": other["included"][0]["attributes"] | {"order_id": "o-2"}}
    line = deepcopy(other["included"][1])
    line |= {"id": "l-3", "attributes": line["attributes"] | {"order_item_id": "i-2"}}
    listed = {
        "data": [DOCUMENT["data"], other["data"]],
        "included": [*DOCUMENT["included"], other["included"][0], line],
    }
    counts = [len(mapping.order(found, site_of).lines) for found in mapping.each_order(listed)]
    assert counts == [2, 1]


@pytest.mark.parametrize("broken", ["price", "date", "lines", "id"])
def test_an_order_that_cannot_be_read_names_the_field(broken: str) -> None:
    raw = document(order_date=None if broken == "date" else "2026-11-25T23:00:00Z")
    if broken == "price":
        raw["included"][1]["attributes"]["price"] = {"amount": None}
    if broken == "lines":
        raw["included"] = []
    if broken == "id":
        raw["included"][1]["id"] = None
    with pytest.raises(RejectItem) as caught:
        mapping.order(raw, site_of)
    assert caught.value.field
    assert caught.value.field.rpartition(".")[2].removeprefix("order_") == broken
    assert "10101000502251" in caught.value.merchant
    assert mapping.order_ref(raw, site_of).order is None


def test_the_mark_follows_states_and_not_our_own_doing() -> None:
    before = mapping.mark(DOCUMENT)
    assert mapping.mark(document(exported=True, merchant_order_id="1", modified_at="x")) == before
    assert mapping.mark(document(status="fulfilled")) != before
    moved = deepcopy(DOCUMENT)
    moved["included"][1]["attributes"]["status"] = "shipped"
    assert mapping.mark(moved) != before


@pytest.mark.parametrize(
    ("status", "told", "wanted", "may"),
    [
        ("reserved", None, "shipped", True),
        ("reserved", ["canceled"], "shipped", False),
        ("shipped", None, "canceled", False),
        ("shipped", None, "returned", True),
        ("unheard", None, "shipped", False),
        ("unheard", ["shipped"], "shipped", True),
    ],
)
def test_what_a_line_may_become(status: str, told: Any, wanted: str, may: bool) -> None:
    line = {"attributes": {"status": status}, "meta": {"possible_status_transitions": told} if told else {}}
    assert mapping.may_become(line, wanted) is may


# Returns


def test_a_return_tells_what_the_order_knows() -> None:
    raw = {
        "announced_return_id": "r-1",
        "return_registered_at": "2026-11-26T11:00:00Z",
        "orders": [
            {
                "order_id": ORDER,
                "order_lines": [{"order_line_id": "l-1", "order_item_id": "i-1", "return_reason": "TOO_LARGE"}],
            },
            {"order_id": "old", "order_lines": [{"order_line_id": "x", "order_item_id": "y", "return_reason": ""}]},
            {"order_id": "bare"},
        ],
    }
    assert mapping.orders_in([raw]) == [ORDER, "old", "bare"]
    back = mapping.marketplace_return(raw, {ORDER: DOCUMENT}, NOW)
    assert [(line.external_id, line.sku, line.reason, line.handled) for line in back.lines] == [
        (f"{ORDER}/l-1/2", "A-1", "TOO_LARGE", False),
        ("old/x/0", None, "", False),
    ]
    assert back.registered_at == NOW - timedelta(hours=1)
    assert mapping.place_of_return("a/c/10") == ("a", "c", 10)
    for odd in ("a/b", "a//1", "a/b/c", ""):
        with pytest.raises(RejectItem):
            mapping.place_of_return(odd)


@pytest.mark.parametrize(
    ("words", "code"),
    [("TOO_LARGE", 2), ("TOO_SMALL", 3), ("DONT_LIKE", 1), ("defective item", 10), ("WRONG_ITEM", 9), ("", 0)],
)
def test_reasons_of_returns(words: str, code: int) -> None:
    assert vocabulary.return_reason(words) == code


# Articles

TYPES = {
    "name": outlines.Type("name"),
    "colours": outlines.Type("colours", many=True, by_label=True, values=[{"label": "802"}]),
    "size": outlines.Type("size", definition="StructuredDefinition", parts={
        "code": (outlines.Type("code"), False), "percent": (outlines.Type("percent", definition="DecimalDefinition"), True)
    }),
}  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "given", "value"),
    [
        ("StringDefinition", " x ", "x"),
        ("LocalizedStringDefinition", "x", {"de": "x"}),
        ("BooleanDefinition", "Ja", True),
        ("BooleanDefinition", "nein", False),
        ("IntegerDefinition", "12", 12),
        ("DecimalDefinition", "1,5", Decimal("1.5")),
        ("Unheard", "x", "x"),
    ],
)
def test_values_as_their_types_want_them(definition: str, given: str, value: object) -> None:
    assert product.value_of(outlines.Type("t", definition=definition), given, "de", "t") == value


def test_structured_values() -> None:
    size = TYPES["size"]
    assert product.value_of(size, "M", "de", "size") == {"code": "M"}
    assert product.value_of(size, "percent=80; code=M", "de", "size") == {"percent": Decimal(80), "code": "M"}
    for odd, words in (
        ("length=1", "no part"),
        ("percent=80", "lacks its part code"),
        ("code=M;percent=x", "a number"),
    ):
        with pytest.raises(RejectItem, match=words) as caught:
            product.value_of(size, odd, "de", "size")
        assert caught.value.field == "size"


def test_numbers_are_whole_where_they_have_to_be() -> None:
    for odd in ("1.5", "NaN", "many"):
        with pytest.raises(RejectItem, match="whole"):
            product.value_of(outlines.Type("n", definition="IntegerDefinition"), odd, "de", "n")


def test_an_article_is_a_model_of_its_own_unless_it_says_otherwise() -> None:
    alone = Article("A-1", "1", OfferContent(title="x"))
    assert (alone.model, alone.config, alone.identifiers()) == ("A-1", "A-1", {"merchant_product_simple_id": "A-1"})
    part = Article("A-1", "1", OfferContent(title="x", attributes={"merchant_product_model_id": "M"}))
    assert (part.model, part.config) == ("M", "M")


def test_requirements_of_an_outline() -> None:
    tier = {"mandatory_types": ["name", "colours"], "optional_types": ["size", "unknown"], "restricted_attributes": []}
    outline = {"label": "shoe", "tiers": {"model": tier, "config": None}}
    asked = {item.id: item for item in outlines.requirements(outline, TYPES, ["x"]).attributes}
    assert list(asked) == ["merchant_product_model_id", "merchant_product_config_id", "colours", "size"]
    assert (asked["colours"].kind, asked["colours"].need) == (AttributeKind.CHOICE, Need.REQUIRED)
    filled = outlines.requirements(outline, TYPES, ["colours"])
    assert {item.id: item.need for item in filled.attributes}["colours"] is Need.OPTIONAL
    assert filled.version != outlines.requirements(outline, TYPES, []).version


def test_problems_of_a_submission() -> None:
    body = {"body_errors": [{"attribute": "a", "message": "m"}, {"path": "p", "reason": "R"}, None]}
    assert product.problems(body) == [("a", "m"), ("p", "R")]


# Offers


@pytest.mark.parametrize(
    ("given", "ean"),
    [("4006381333931", "4006381333931"), ("036000291452", "0036000291452"), ("123", None), ("", None), (None, None)],
)
def test_an_ean_has_thirteen_digits(given: str | None, ean: str | None) -> None:
    assert ean_of(given) == ean


def test_the_question_is_graphql() -> None:
    asked = report.question("m", search='a"b', cursor="c")
    assert 'merchant_ids: ["m"]' in asked
    assert 'search_value: "a\\"b"' in asked
    assert 'cursor: "c"' in asked
    assert asked.count("{") == asked.count("}")


def test_the_report_is_read_whatever_is_missing() -> None:
    offer = {"country": {"code": "GB"}, "offer_status": {"status_cluster": "LIVE"}, "stock": None, "price": None}
    simple = {"ean": "1", "status": None, "offers": [offer, None]}
    models = {
        "items": [{"name": {"en": "Belt"}, "product_configs": [{"product_simples": [simple, {"ean": ""}]}]}, None]
    }
    (article,) = report.shown(models)
    live = report.live_offer(article, "gb", article.offers["gb"])
    assert (live.offer_id, live.title, live.stock, live.price, live.for_sale) == ("gb:1", "Belt", None, None, True)
    assert not report.is_refused(article)


def test_why_an_offer_is_not_for_sale() -> None:
    raw = {
        "offer_status": [{"status_cluster": "BLOCKED", "status_detail_code": "ZX-1", "short_description": {"en": "No"}}]
    }
    article = report.Shown("1", "A", "t", ("REJECTED",), {"de": raw})
    status = report.sale_status("de:1", article, raw | {"stock": {"amount": 0}})
    assert (status.for_sale, len(status.reasons)) == (False, 4)
    assert "No (ZX-1)" in status.reasons
    assert report.sale_status("de:1", article, {}).for_sale is None


# Submissions


def attempt(status: str, amount: str = "9.99", at: datetime = NOW, *messages: dict[str, str]) -> dict[str, Any]:
    moves = [{"from": None, "to": status, "timestamp": at.isoformat(), "messages": list(messages)}]
    price = {"regular_price": {"amount": Decimal(amount), "currency": "EUR"}, "status": status}
    return {"base_price": price | {"status_transitions": moves}}


@pytest.mark.parametrize(
    ("attempts", "state", "words"),
    [
        ([], SubmissionState.PENDING, ""),
        ([attempt("RECEIVED")], SubmissionState.PENDING, ""),
        ([attempt("SUBMITTED")], SubmissionState.DONE, ""),
        ([attempt("UNHEARD")], SubmissionState.PENDING, ""),
        ([attempt("SUBMITTED", "5.00")], SubmissionState.PENDING, ""),
        ([attempt("REJECTED", at=NOW - timedelta(days=1))], SubmissionState.PENDING, ""),
        ([attempt("REJECTED"), attempt("SUBMITTED", at=NOW + timedelta(minutes=1))], SubmissionState.DONE, ""),
        ([attempt("REJECTED")], SubmissionState.FAILED, "without a reason"),
        ([attempt("REJECTED", "9.99", NOW, {"severity": "ERROR", "message": "Bad"})], SubmissionState.FAILED, "Bad"),
        (
            [attempt("REJECTED", "9.99", NOW, {"severity": "WARNING", "code": "HIGH"})],
            SubmissionState.FAILED,
            "release",
        ),
        ([attempt("OVERRIDDEN")], SubmissionState.FAILED, "another price"),
    ],
)
def test_what_became_of_a_price(attempts: list[dict[str, Any]], state: SubmissionState, words: str) -> None:
    name = submissions.submission(submissions.PRICE, "de", "1", NOW, Decimal("9.99"))
    item = submissions.read_submission(name)
    assert item is not None
    status = submissions.price_status(name, item, attempts)
    assert (status.state, words in status.message) == (state, True)


@pytest.mark.parametrize("odd", ["", "x", "price|de|1|x|1", "price|de|1|1|x", "other|de|1||1", "price|de|1||1|2"])
def test_names_that_are_not_ours(odd: str) -> None:
    assert submissions.read_submission(odd) is None


# Reading


@pytest.mark.parametrize(
    ("given", "expected"),
    [(["a", "b", "a", None], ("a", "b")), ("a, b", ("a", "b")), ("a", ("a",)), (None, ()), ({}, ())],
)
def test_merchants(given: Any, expected: tuple[str, ...]) -> None:
    assert merchant_ids(given) == expected


@pytest.mark.parametrize(
    ("link", "cursor"),
    [("https://x.example/a?cursor=Y3%3D&limit=1", "Y3="), ("Y3=", "Y3="), ("https://x.example/a", None), (None, None)],
)
def test_cursors(link: Any, cursor: str | None) -> None:
    assert reading.cursor_in(link) == cursor


@pytest.mark.parametrize("odd", [None, {}, {"amount": "x"}, {"amount": 1}, "5"])
def test_money_that_is_none(odd: Any) -> None:
    assert reading.money(odd) is None


def test_times_and_lists() -> None:
    assert moment("2026-11-26T13:00:00+01:00") == NOW
    assert moment("2026-11-26T12:00:00") == NOW
    assert moment("soon") is None
    assert reading.stamp(NOW + timedelta(milliseconds=999)) == "2026-11-26T12:00:00Z"
    assert pairs(["a = b", "c", "=d", "e=f=g"]) == {"a": "b", "e": "f=g"}
    assert vocabulary.country("UK") == "gb"
