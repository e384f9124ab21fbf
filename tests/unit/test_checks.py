"""Everything a marketplace demands of one listing, with the fix and the place where it is mended."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.checks import Checker, Demands, ImageFact, Limits, Pages, gtin_fault
from bridge.domain.checks.images import picture_check
from bridge.domain.checks.texts import fitted
from bridge.domain.listing import DesiredOffer, Finding
from bridge.domain.measure import Dimensions, Measure
from bridge.domain.money import Money
from bridge.domain.requirement import AttributeRequirement, CategoryRequirements, Need

EDIT = "https://shop.example/wp-admin/post.php?post=1&action=edit"
PAGES = Pages(categories="/c", mapping="/m", settings="/s")
PRODUCT = StoreProduct(external_id="1", title="Jersey", brand="Acme", edit_link=EDIT)
VARIANT = StoreVariant(
    external_id="1",
    product_id="1",
    title="Jersey",
    stock=StockReading(pool="1", managed=False),
    price=Money.of("10", "EUR"),
)
URL = "https://shop.example/1.jpg"


def check(limits: dict[str, Any], *, content: dict[str, Any] | None = None, product: dict[str, Any] | None = None,
          variant: dict[str, Any] | None = None, images: dict[str, ImageFact] | None = None, price: str = "10",
          gtin: str | None = "4006381333931", findings: tuple[Finding, ...] = (), doubles: tuple[str, ...] = (), **demands: Any) -> list[Finding]:  # fmt: skip
    checker = Checker(Demands(limits=Limits.model_validate(limits), pages=PAGES, **demands))
    offer = DesiredOffer("S", gtin, 1, Money.of(price, "EUR"), "Jersey", brand="Acme", findings=findings)
    product_, variant_ = PRODUCT.model_copy(update=product or {}), VARIANT.model_copy(update=variant or {})
    checked = checker(offer._replace(**content or {}), product_, variant_, images, doubles)
    return list(checked.findings[len(findings) :])


def rules(found: list[Finding]) -> list[tuple[str, bool, str]]:
    assert all(item.text.endswith(".") and item.fix for item in found)
    return [(item.rule, item.blocking, item.link) for item in found]


def test_without_demands_nothing_is_wrong():
    assert check({}) == []


WEIGHED = {
    "weight": Measure(amount=Decimal(1), unit="kg"),
    "dimensions": Dimensions(length=Decimal(1), width=Decimal(1), height=Decimal(1), unit="cm"),
    "origin": "NL",
}


@pytest.mark.parametrize(("limits", "given", "found"), [
    ({}, {"content": {"title": " "}}, [("title_missing", True, EDIT)]),
    ({"title": {"minimum": 10}}, {}, [("title_short", True, EDIT)]),
    ({"title": {"maximum": 4}}, {}, [("title_long", False, EDIT)]),
    ({"title": {"maximum": 4, "cut": False}}, {}, [("title_long", True, EDIT)]),
    ({"title": {"max_bytes": 4}}, {}, [("title_long", False, EDIT)]),
    ({"title": {"forbidden": ["url"]}}, {"content": {"title": "see www.x.example"}}, [("forbidden_content", False, EDIT)]),
    ({"title": {"forbidden": ["loud"], "forbidden_blocks": True}, "patterns": {"loud": {"regex": "!!", "name": "two marks"}}},
     {"content": {"title": "Buy!!"}}, [("forbidden_content", True, EDIT)]),
    ({"description": {"need": "required"}}, {"content": {"description": "<p> </p>"}}, [("description_missing", True, EDIT)]),
    ({"description": {"maximum": 6}}, {"content": {"description": "<p>short</p>"}}, []),
    ({"description": {"maximum": 6, "tags": ["p"]}}, {"content": {"description": "<p>short</p>"}}, [("description_long", False, EDIT)]),
    ({"description": {"forbidden": ["email"]}}, {"content": {"description": "<p>me<b>@</b>x.example</p>"}}, [("forbidden_content", False, EDIT)]),
    ({"bullets": {"need": "recommended"}}, {}, [("bullets_missing", False, "/m")]),
    ({"bullets": {"max_count": 1, "maximum": 3}}, {"content": {"bullets": ("abc", "abcd")}}, [("bullets_many", False, "/m"), ("bullet_long", False, "/m")]),
    ({"price": {"minimum": "10.01"}}, {}, [("price_low", True, EDIT)]),
    ({"price": {"maximum": "9.99"}}, {}, [("price_high", True, EDIT)]),
    ({}, {"price": "99.036"}, [("price_fine", True, EDIT)]),
    ({"price": {"decimals": {"EUR": 0}}}, {"price": "10.50"}, [("price_fine", True, EDIT)]),
    ({}, {"price": "0"}, [("price_low", True, EDIT)]),
    ({"price": {"parity": True}}, {"price": "9"}, [("price_parity", True, EDIT)]),
    ({"price": {"parity": True}}, {"price": "10.00"}, []),
    ({"brand": "required"}, {"content": {"brand": None}}, [("brand_missing", True, EDIT)]),
    ({"weight": "required", "dimensions": "recommended", "origin": "recommended"}, {},
     [("weight_missing", True, EDIT), ("dimensions_missing", False, EDIT), ("origin_missing", False, EDIT)]),
    ({"weight": "required", "dimensions": "required", "origin": "required"}, {"variant": WEIGHED}, []),
    ({"responsible": {"need": "required", "setting": "op"}}, {}, [("responsible_missing", True, "/s")]),
    ({"responsible": {"need": "required", "setting": "op"}}, {"settings": {"op": "7"}}, []),
    ({"responsible": {"need": "required", "fields": ["_gpsr"]}}, {"product": {"custom": {"_gpsr": "Acme BV"}}}, []),
    ({"responsible": {"need": "required", "setting": "op", "account": True}}, {}, []),
    ({"category": "required"}, {}, [("category_unmapped", True, "/c")]),
    ({"gtin": {"lengths": [8]}}, {}, [("gtin", True, EDIT)]),
    ({}, {"gtin": None}, [("gtin", True, EDIT)]),
    ({}, {"gtin": None, "gtin_required": False}, []),
    ({}, {"gtin": "123", "gtin_required": False}, [("gtin", True, EDIT)]),
    ({"gtin": {"exempt_setting": "no_gtin"}}, {"gtin": None, "settings": {"no_gtin": True}}, []),
    ({"gtin": {"exempt_setting": "no_gtin"}}, {"gtin": None, "settings": {"no_gtin": ["ACME"]}}, []),
    ({"gtin": {"exempt_setting": "no_gtin"}}, {"gtin": None, "settings": {"no_gtin": ["Other"]}}, [("gtin", True, EDIT)]),
    ({}, {"doubles": ("4006381333931",)}, [("gtin_double", True, EDIT)]),
])  # fmt: skip
def test_demands(limits, given, found):
    assert rules(check(limits, **given)) == found


def test_what_the_offer_says_of_itself_is_not_said_twice():
    [finding] = check({}, gtin=None)
    assert check({}, gtin=None, findings=(finding._replace(link=""),)) == []


def test_attributes_of_the_category_and_of_every_product():
    asked = {
        None: CategoryRequirements(category=None, version="1", attributes=(AttributeRequirement(id="Ean", name="EAN", need=Need.REQUIRED),)),
        "7": CategoryRequirements(category="7", version="1", attributes=(AttributeRequirement(id="C", name="Colour", need=Need.REQUIRED),)),
    }  # fmt: skip
    found = check({}, content={"category": "7"}, requirements=asked.get)
    assert [(item.rule, item.field, item.link) for item in found] == [
        ("attribute_missing", "Ean", "/m"),
        ("attribute_missing", "C", "/m"),
    ]
    assert [item.field for item in check({}, requirements=asked.get)] == ["Ean"]


@pytest.mark.parametrize(("limit", "fact", "found"), [
    ({}, None, []),
    ({"min_count": 2}, None, ["images_few"]),
    ({"min_count": 1}, ImageFact(error="cannot be loaded (404)"), ["image_unreachable", "images_few"]),
    ({"types": ["image/jpeg"]}, ImageFact(content_type="image/webp"), ["image_type"]),
    ({"min_width": 500, "min_height": 500}, ImageFact(width=400, height=900), ["image_small"]),
    ({"min_longest": 1000}, ImageFact(width=400, height=1000), []),
    ({"min_longest": 1000}, ImageFact(width=400, height=999), ["image_small"]),
    ({"max_width": 300}, ImageFact(width=400, height=900), ["image_large"]),
    ({"max_pixels": 100}, ImageFact(width=20, height=20), ["image_large"]),
    ({"max_bytes": 1000, "min_bytes": 10}, ImageFact(size=2000), ["image_large"]),
    ({"min_bytes": 10}, ImageFact(size=9), ["image_small"]),
    ({"aspect_min": "0.5", "aspect_max": "2"}, ImageFact(width=100, height=201), ["image_aspect"]),
    ({"aspect_min": "0.5", "aspect_max": "2"}, ImageFact(width=200, height=100), []),
])  # fmt: skip
def test_pictures(limit, fact, found):
    facts = {} if fact is None else {URL: fact}
    assert [item[0] for item in rules(check({"images": limit}, content={"images": (URL,)}, images=facts))] == found


def test_pictures_are_sent_as_far_as_they_are_good():
    urls = ("http://a.example/1.jpg", "https://a.example/2.jpg", "https://a.example/3.jpg", "https://a.example/4.jpg")
    limits = Limits.model_validate({"images": {"https": True, "max_count": 2, "min_width": 10}}).images
    facts = {urls[1]: ImageFact(width=5, height=5)}
    assert picture_check(limits)(urls, tuple(map(facts.get, urls))).sent == urls[2:]
    found = check({"images": limits.as_json()}, content={"images": urls}, product={"image_sizes": {urls[1]: (5, 5)}})
    assert [item.rule for item in found] == ["image_address", "image_small"]


@pytest.mark.parametrize(("limit", "text", "sent"), [
    ({"maximum": 8}, "one two three", "one two"),
    ({"maximum": 8, "cut": False}, "one two three", "one two three"),
    ({"max_bytes": 6}, "\u20ac\u20ac\u20ac", "\u20ac\u20ac"),
    ({"tags": ["p"], "maximum": 12}, "<p>one two three</p>", "<p>one t</p>"),
    ({}, "<b>a</b>", "a"),
])  # fmt: skip
def test_a_text_as_it_is_sent(limit, text, sent):
    assert fitted(text, Limits.model_validate({"title": limit}).title) == sent


@given(st.text(alphabet="a\u20ac ", max_size=40), st.integers(1, 20))
def test_a_text_fits_its_bytes(text, most):
    limit = Limits.model_validate({"title": {"max_bytes": most}}).title
    assert len(fitted(text, limit).encode()) <= max(most, 3)


@pytest.mark.parametrize(("gtin", "fault"), [
    ("4006381333931", None), ("73513537", None), ("036000291452", None), ("14006381333938", None), ("9780306406157", None),
    (None, "is missing"), ("", "is missing"), ("4006381333932", "check digit"), ("400638133393", "check digit"), ("12345", "wrong length"),
    ("40063813E3931", "other than digits"), ("2012345678903", "internal"), ("02345673", "prefix 0 or 2"), ("212345678909", "internal"),
    ("0000000000000", "no number"), ("9800000000007", "coupon"), ("9520000000004", "demonstration"), ("12012345678900", "internal"),
])  # fmt: skip
def test_gtins(gtin, fault):
    found = gtin_fault(gtin)
    assert (found is None) if fault is None else (found is not None and fault in found)


@given(st.integers(3_000_000_00000, 3_799_999_99999).map(str))
def test_a_good_number_is_good_and_every_other_check_digit_is_not(stem):
    right = ean.calc_check_digit(stem)
    assert gtin_fault(stem + right) is None
    assert all(gtin_fault(stem + digit) is not None for digit in "0123456789" if digit != right)
