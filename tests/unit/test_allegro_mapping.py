"""What Allegro's JSON means here and the other way round: literals in, literals out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import FulfilledBy, OrderPhase
from bridge.domain.requirement import Given, Need
from bridge.ports.channel import OfferDraft, SubmissionState
from bridge.ports.errors import RejectItem
from channel_adapters.allegro import ADAPTER, categories, commands, content, forms, mapping
from channel_adapters.allegro.account import SITES
from channel_adapters.allegro.client import agent
from channel_adapters.allegro.commands import Change
from channel_adapters.allegro.refusals import words

POLAND, CZECHIA = SITES["allegro-pl"], SITES["allegro-cz"]
AT = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def zloty(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "PLN"}


def form(**more: Any) -> dict[str, Any]:
    line = {
        "id": "line-1",
        "offer": {"id": "7680001001", "name": "Kubek", "external": {"id": "A-1"}},
        "quantity": 2,
        "originalPrice": zloty("10.00"),
        "price": zloty("10.00"),
        "boughtAt": "2026-11-26T10:00:00.123Z",
    }
    raw = {
        "id": "form-1",
        "status": "READY_FOR_PROCESSING",
        "buyer": {"id": "1", "email": "x@y.example", "login": "buyer", "firstName": "Anna", "lastName": "Nowak"},
        "lineItems": [line],
        "surcharges": [],
        "summary": {"totalToPay": zloty("20.00")},
        "updatedAt": "2026-11-26T11:00:00Z",
        "revision": "abc",
    }
    return raw | more


# Orders


def test_a_word_we_do_not_know_keeps_an_order_waiting_and_crashes_nothing() -> None:
    odd = form(status="FROZEN", fulfillment={"status": "TELEPORTED", "provider": {"id": "DRONES"}}, lineItems=[
        form()["lineItems"][0] | {"tax": {"rate": "n/a"}, "deposit": [], "selectedAdditionalServices": None, "quantity": 2.0}
    ])  # fmt: skip
    order = forms.order(odd)
    assert (order.phase, order.site, order.raw["status"]) == (OrderPhase.PENDING, "", "FROZEN")
    assert (order.lines[0].tax, order.lines[0].fulfilled_by, order.lines[0].open) == (None, FulfilledBy.MERCHANT, 2)
    assert order.ship_to.name == "Anna Nowak"


@pytest.mark.parametrize("status", ["SENT", "PICKED_UP", "RETURNED"])
def test_what_is_sent_is_shipped_whole_but_for_what_was_cancelled(status: str) -> None:
    refunds = [
        {
            "reason": "PRODUCT_NOT_AVAILABLE",
            "status": "SUCCESS",
            "lineItems": [{"id": "line-1", "type": "QUANTITY", "quantity": 1}],
        },
        {
            "reason": "PRODUCT_NOT_AVAILABLE",
            "status": "CANCELED",
            "lineItems": [{"id": "line-1", "type": "QUANTITY", "quantity": 1}],
        },
        {"reason": "REFUND", "status": "SUCCESS", "lineItems": [{"id": "line-1", "type": "QUANTITY", "quantity": 1}]},
        {"reason": "CANCELLED_BY_BUYER", "status": "NEW", "lineItems": [{"id": "line-1", "type": "AMOUNT"}]},
    ]
    [line] = forms.order(form(fulfillment={"status": status}), (), refunds).lines
    assert (line.cancelled, line.shipped) == (1, 1)


def test_parcels_count_at_least_one_unit_each_and_a_cancelled_order_has_the_rest_cancelled() -> None:
    shipments = [{"waybill": "1", "lineItems": [{"id": "line-1"}]}, {"waybill": "2", "lineItems": [{"id": "other"}]}]
    [line] = forms.order(form(), shipments).lines
    assert (line.shipped, line.open) == (1, 1)
    [line] = forms.order(form(fulfillment={"status": "CANCELLED"}), shipments).lines
    assert (line.shipped, line.cancelled, line.open) == (1, 1, 0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": None}, "id"),
        ({"lineItems": [form()["lineItems"][0] | {"price": {"amount": "x"}}]}, "lineItems[0].price"),
        ({"lineItems": [form()["lineItems"][0] | {"quantity": 0}]}, "lineItems[0].quantity"),
        ({"lineItems": [{}], "summary": {}, "updatedAt": None}, "lineItems[0].boughtAt"),
        ({"lineItems": [], "summary": {}}, "lineItems[0].price.currency"),
    ],
)
def test_an_order_that_cannot_be_handled_names_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(RejectItem) as refused:
        forms.order(form(**change))
    assert refused.value.field == field
    assert "Anna" not in refused.value.merchant + refused.value.developer


def test_events_point_at_orders_and_returns_at_their_lines() -> None:
    event = {"id": "7", "order": {"checkoutForm": {"id": "form-1", "revision": "1"}}, "type": "NEWS"}
    assert forms.event_order(event) == "form-1"
    assert forms.event_order({"id": "8"}) == ""
    back = {
        "id": "r-1",
        "orderId": "form-1",
        "status": "LOST",
        "items": [{"offerId": "7680001001", "quantity": 1}] * 2 + [{}],
    }
    found = mapping.marketplace_return(back, form(), AT)
    [line] = found.lines
    assert (line.external_id, line.order_line_id, line.sku) == ("r-1:7680001001", "line-1", "A-1")
    assert line.quantity == 2
    assert (line.handled, line.received, found.registered_at) == (False, True, AT)
    assert mapping.return_of(line.external_id) == "r-1"


# Offers


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("7680001001", ("", "7680001001")),
        ("allegro-cz:7680001001", ("allegro-cz", "7680001001")),
        (":7680001001", ("", "")),
        ("allegro-cz:", ("", "")),
        ("A-1", ("", "")),
    ],
)
def test_an_offers_id_tells_its_marketplace(given: str, place: tuple[str, str]) -> None:
    assert mapping.place_of(given) == place


def test_an_offer_is_told_for_each_marketplace_it_is_on() -> None:
    raw = {
        "id": "1",
        "name": "Kubek",
        "external": {"id": "A-1"},
        "stock": {"available": 3},
        "sellingMode": {"price": zloty("9.90")},
        "publication": {"status": "ACTIVE"},
        "additionalMarketplaces": {
            "allegro-cz": {
                "publication": {"state": "REFUSED"},
                "sellingMode": {"price": {"amount": "59", "currency": "CZK"}},
            },
            "allegro-sk": {"publication": {"state": "NOT_REQUESTED"}, "sellingMode": None},
        },
    }
    base, czech = mapping.live_offers(raw, (POLAND, CZECHIA, SITES["allegro-sk"]))
    assert (base.stock, base.for_sale, czech.stock, czech.for_sale) == (3, True, None, False)
    ended = mapping.live_offers(raw | {"publication": {"status": "ENDED"}}, (POLAND,))[0]
    assert (ended.stock, ended.for_sale) == (0, False)
    assert mapping.live_offers(raw | {"publication": {"status": "DREAMING"}}, (POLAND,))[0].for_sale is None


def test_why_an_offer_is_not_for_sale_is_said() -> None:
    refusal = {"state": "REFUSED", "refusalReasons": [{"code": "X", "userMessage": "Not allowed in Czechia."}]}
    raw = {
        "publication": {"status": "ENDED", "endedBy": "ALIENS"},
        "validation": {"errors": [{"userMessage": "The picture is too small."}]},
        "additionalMarketplaces": {"allegro-cz": {"publication": refusal}},
    }
    assert mapping.sale_status("1", "", raw).reasons == ("The picture is too small.", "The offer has ended (ALIENS)")
    assert "Not allowed in Czechia." in mapping.sale_status("allegro-cz:1", "allegro-cz", raw).reasons


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("", ""),
        ("Jedno zdanie.\nDrugie.", "<p>Jedno zdanie.</p><p>Drugie.</p>"),
        ("a <strong>b</strong> &amp; c", "<p>a <b>b</b> &amp; c</p>"),
        ("<p>x</p>luz<ul><li>1</li><li>2 <i>3</i></li></ul>", "<p>x</p><p>luz</p><ul><li>1</li><li>2 3</li></ul>"),
        ("<p> </p><p>x<br>y</p>", "<p>x y</p>"),
        ("<div><h3>T</h3><span>s</span></div>", "<h2>T</h2><p>s</p>"),
        ('<p onclick="x()">a<a href="https://x.example">b</a></p><script>c</script>', "<p>ab</p>"),
    ],
)
def test_descriptions_stand_in_blocks(given: str, sent: str) -> None:
    assert content.blocks(given) == sent
    assert content.blocks(sent) == sent


DICTIONARY = {
    "id": "1",
    "name": "Marka",
    "type": "dictionary",
    "dictionary": [{"id": "1_1", "value": "Kubkowo"}, {"id": "1_9", "value": "inna"}],
    "options": {"describesProduct": True},
}
SIZE = DICTIONARY | {"name": "Rozmiar"}
FREE = DICTIONARY | {"options": {"describesProduct": True, "customValuesEnabled": True, "ambiguousValueId": "1_9"}}


@pytest.mark.parametrize(
    ("value", "definition", "sent"),
    [
        ("kubkowo", DICTIONARY, {"valuesIds": ["1_1"]}),
        (("1_1", "inna"), DICTIONARY, {"valuesIds": ["1_1", "1_9"]}),
        ("Ceramika", FREE, {"valuesIds": ["1_9"], "values": ["Ceramika"]}),
        ("2.5 kg", {"type": "float", "unit": "kg"}, {"values": ["2.5"]}),
        ("5-10", {"type": "integer", "restrictions": {"range": True}}, {"rangeValue": {"from": "5", "to": "10"}}),
        ("-20 - -5", {"type": "integer", "restrictions": {"range": True}}, {"rangeValue": {"from": "-20", "to": "-5"}}),
        ("-20-100", {"type": "integer", "restrictions": {"range": True}}, {"rangeValue": {"from": "-20", "to": "100"}}),
        ("7", {"type": "integer", "restrictions": {"range": True}}, {"rangeValue": {"from": "7", "to": "7"}}),
        ("x", {}, {"values": ["x"]}),
    ],
)
def test_a_value_becomes_what_its_parameter_takes(value: Any, definition: dict[str, Any], sent: dict[str, Any]) -> None:
    assert content.parameter("1", value, definition) == {"id": "1"} | sent


def test_requirements_say_what_ours_can_and_the_rest_in_words() -> None:
    other = {"id": "2", "name": "Kolor"}
    both = {"parametersWithValue": [{"id": "2", "oneOfValueIds": ["2_1"]}], "parametersWithoutValue": [{"id": "3"}]}
    needs = categories.category_requirements("9", [SIZE | {"requiredForProduct": True, "requiredIf": both}, other])
    brand, colour = needs.attributes
    assert (brand.need, brand.required_if, colour.need) == (Need.RECOMMENDED, (), Need.OPTIONAL)
    assert "Required where Kolor has one of certain values and 3 is empty." in brand.help
    single = {"parametersWithValue": [{"id": "2", "oneOfValueIds": ["2_1"]}], "parametersWithoutValue": []}
    [one] = categories.category_requirements("9", [SIZE | {"required": True, "requiredIf": single}]).attributes
    assert (one.need, one.required_if) == (Need.REQUIRED, (Given(attribute="2", values=("2_1",)),))
    assert needs.version != categories.category_requirements("9", [other]).version


@pytest.mark.parametrize(
    ("settings", "more", "field"),
    [
        ({"city": "Kraków"}, {}, "province"),
        ({}, {"handling_days": 61}, "handling_time"),
        ({"handling_days": 61}, {}, "handling_days"),
        ({}, {"sku": "S" * 101}, "sku"),
        ({}, {"price": Money(amount=Decimal(0), currency="PLN")}, "price"),
        ({}, {"price": Money(amount=Decimal(5), currency="EUR")}, "currency"),
        ({}, {"content": OfferContent(title="x", attributes={"tax_rate": "23"})}, "tax_rate"),
        ({}, {"content": OfferContent(title="x", description="<p>" + "ż" * 20000 + "</p>")}, "description"),
    ],
)
def test_what_allegro_would_refuse_is_refused_here_by_its_name(
    settings: dict[str, Any], more: dict[str, Any], field: str
) -> None:
    given = {"key": "1", "sku": "A", "gtin": None, "stock": 1, "price": Money(amount=Decimal(5), currency="PLN")}
    draft = OfferDraft.model_validate(given | {"content": OfferContent(title="x")} | more)
    with pytest.raises(RejectItem) as refused:
        content.new_offer(draft, POLAND, settings, {"id": "p"}, ())
    assert refused.value.field == field


def test_forint_has_no_fillers() -> None:
    offer = Change(0, "1", "allegro-hu", Money(amount=Decimal("1999.6"), currency="HUF"))
    assert offer.modification["prices"]["allegro-hu"]["value"] == {"amount": "2000", "currency": "HUF"}


def test_a_stores_own_name_is_told_where_the_category_has_a_parameter_of_it() -> None:
    parameters = [{"id": "17", "name": "Kolor", "type": "string", "options": {"describesProduct": True}}]
    given = {"Size": "S", "kolor": "Navy", "99": "x"}
    assert content.split(given, parameters) == (
        [{"id": "17", "values": ["Navy"]}],
        [{"id": "99", "values": ["x"]}],
    )


def test_gtin_and_brand_of_a_new_product_are_known_already() -> None:
    gtin = {"id": "2", "name": "EAN (GTIN)", "type": "string", "options": {"describesProduct": True}}
    given = {
        "key": "1",
        "sku": "A",
        "gtin": "5901234123457",
        "stock": 1,
        "price": Money(amount=Decimal(5), currency="PLN"),
    }
    product = OfferContent(title="x", brand="Kubkowo", category="9")
    draft = OfferDraft.model_validate(given | {"content": product})
    told = [{"id": "1", "valuesIds": ["1_1"]}, {"id": "2", "values": ["5901234123457"]}]
    assert content.known_already(draft, [DICTIONARY, gtin]) == told
    stranger = OfferDraft.model_validate(given | {"content": product.model_copy(update={"brand": "Nobody"})})
    assert content.known_already(stranger, [DICTIONARY]) == []
    assert content.known_already(stranger, [FREE]) == [{"id": "1", "valuesIds": ["1_9"], "values": ["Nobody"]}]


@pytest.mark.parametrize(
    ("title", "is_short"), [("Kubek biały", True), ("Kubek  biały 2", False), (" Kubek ", True), ("a b c d", False)]
)
def test_a_title_of_fewer_than_three_words_is_told_apart(title: str, is_short: bool) -> None:
    regex = ADAPTER.manifest.checks.pattern("few_words").regex
    assert bool(re.search(regex, title, re.IGNORECASE)) is is_short


def test_a_refusal_says_what_to_do_with_what_it_names() -> None:
    said = {"code": "CATEGORY_MISMATCH", "userMessage": "The category differs."}
    named = said | {"metadata": {"existingCategoryName": "Kubki", "existingCategoryId": "257930"}}
    assert words(named) == "The category differs. Allegro has this product in Kubki (257930): map it there."
    assert words(said) == "The category differs."
    assert words({"code": "GallerySizeException", "metadata": {"x": "1"}}).endswith(
        "Allegro takes ? pictures at most here."
    )
    assert words({"code": "X", "message": "no", "details": "because"}) == "no (because)"


# Commands


def test_a_plan_shares_equal_values_and_names_no_offer_twice() -> None:
    changes = [Change(place, str(place), "", 5) for place in range(1005)]
    changes += [Change(2000, "1", "", 7), Change(2001, "1", "", 8), Change(2002, "2", "", 9)]
    planned = commands.plan(changes)
    assert [(item.kind, len(item.changes)) for item in planned] == [
        ("quantity", 1000),
        ("quantity", 5),
        ("bulk", 1),
        ("bulk", 2),
    ]
    assert planned[0].body["modification"] == {"changeType": "FIXED", "value": 5}


@pytest.mark.parametrize(
    ("tasks", "state", "said"),
    [
        ([], "pending", ""),
        ([{"offer": {"id": "2"}, "status": "SUCCESS"}], "pending", ""),
        ([{"offer": {"id": "1"}, "status": "SUCCESS"}], "done", ""),
        ([{"subject": {"offerId": "1"}, "status": "SUCCESS"}, {"offer": {"id": "1"}, "status": "NEW"}], "pending", ""),
        ([{"offer": {"id": "1"}, "status": "FAIL", "message": "no"}], "failed", "no"),
        ([{"offer": {"id": "1"}, "status": "FAIL"}], "failed", "Allegro refused the change and gives no reason."),
        (
            [{"offer": {"id": "1"}, "status": "FAIL", "errors": [{"userMessage": "Too low", "details": "min 1"}]}],
            "failed",
            "Too low (min 1)",
        ),
        ([{"offer": {"id": "1"}, "status": "ODD"}], "pending", ""),
    ],
)
def test_a_task_tells_what_became_of_its_offer(tasks: list[dict[str, Any]], state: str, said: str) -> None:
    found = commands.outcome("k", "1", tasks)
    assert (found.state.value, found.message) == (state, said)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("SUCCESS", SubmissionState.DONE),
        ("IN_PROGRESS", SubmissionState.PENDING),
        ("VALIDATE_FAILED", SubmissionState.FAILED),
        ("PARTIAL", SubmissionState.FAILED),
        ("ODD", SubmissionState.PENDING),
    ],
)
def test_a_refund_ends_by_its_state(word: str, state: SubmissionState) -> None:
    assert forms.refund_status("refund/1", [{"id": "1", "status": word}]).state is state
    assert forms.refund_status("refund/1", []).state is SubmissionState.GONE


def test_the_application_is_named_in_the_demanded_form() -> None:
    name, _, rest = agent("MugBridge", "https://mugs.example/").partition("/")
    assert (name, rest.endswith(" (+https://mugs.example/)")) == ("MugBridge", True)
    assert agent("", "").startswith("Storebridge/")
