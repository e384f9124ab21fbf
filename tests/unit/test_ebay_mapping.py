"""eBay's JSON and our domain, and its signatures: literals in, literals out."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.order import FulfilledBy, OrderPhase
from bridge.domain.returns import ChannelRefund
from bridge.ports.channel import OfferDraft, Outcome, SubmissionState
from bridge.ports.errors import RejectItem
from bridge.ports.http import Response
from channel_adapters.ebay import mapping, orders, reading, returns, signature, standards, wire
from channel_adapters.ebay.account import MANIFEST
from channel_adapters.ebay.returns import Submission
from channel_adapters.ebay.vocabulary import LOCALES

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
DE = next(site for site in MANIFEST.sites if site.code == "EBAY_DE")


def euro(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


# Signatures

# The test key of RFC 9421, B.1.4, which eBay's own description uses, and the sample request of that description
# (github.com/eBay/digital-signature-verification-ebay-api, README).
SEED = "n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU="
JWE = (
    "eyJ6aXAiOiJERUYiLCJlbmMiOiJBMjU2R0NNIiwidGFnIjoiSGdLcjNSSWFlZll0Mkd4blBUUTEwUSIsImFsZyI6IkEyNTZHQ01LVyIsIml2IjoiQTVO"
    "QXFYUXlITkNIT01GVSJ9.z3JcS0vvxrYboqpySAq_Znww-3V6AllxmJP5JEMkuLY.K1f4MVMEc8ylbfSS.fASwJyMCk2tXZsNWk13IcuVgSWTOcynSdA"
    "oJrK4WApZANlxAP9J0qr0Jz_4aFldFDSZ5tfuxLGqzJmWU7CiZWwNjk2XoVy8q5ogMrFNFwFXP4SrX1XORhNLZPTyS5DEqLDPYn2NX944xendEwfcxxX"
    "sTSeNCUnmSyfitiscUC04GYOfn0UWQ2buSWx7Yod0IR2GtTGUsM9o3J-riuNDKhw.rRsWM1Sl_2stTnZLJkWVmQ"
)


def pkcs8(key: Any) -> str:
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


def test_the_published_signature() -> None:
    request = httpx.Request("POST", "http://localhost:8080/verifysignature", content=b'{"hello": "world"}')
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(SEED))
    signature.sign(request, key, JWE, 1659651955)
    assert request.headers["content-digest"] == "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    components = '("content-digest" "x-ebay-signature-key" "@method" "@path" "@authority")'
    assert request.headers["signature-input"] == f"sig1={components};created=1659651955"
    assert request.headers["signature"] == (
        "sig1=:uunxYrXKC8KaoupD5D1DKdmQmrOhz6b4Xbhb3o9d4x4xFIpg++XzEZztOyeOI59rMMjM3NIcFgxBH0c1ckpfBw==:"
    )


def test_without_a_body_there_is_no_digest_and_the_query_is_not_signed() -> None:
    request = httpx.Request("GET", "https://apiz.ebay.com/sell/finances/v1/payout?limit=1")
    key = rsa.generate_private_key(65537, 2048)
    signature.sign(request, key, "jwe", 7)
    assert "content-digest" not in request.headers
    params = '("x-ebay-signature-key" "@method" "@path" "@authority");created=7'
    base = signature.signature_base(request, signature.COMPONENTS[1:], params).decode()
    assert base.splitlines() == [
        '"x-ebay-signature-key": jwe',
        '"@method": GET',
        '"@path": /sell/finances/v1/payout',
        '"@authority": apiz.ebay.com',
        f'"@signature-params": {params}',
    ]


def test_keys_as_people_copy_them() -> None:
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(SEED))
    bare = pkcs8(key)
    forms = (
        bare,
        f" {bare}\n",
        f"-----BEGIN PRIVATE KEY-----\n{bare}\n-----END PRIVATE KEY-----\n",
        f"-----BEGIN PRIVATE KEY-----{bare}-----END PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\\n{bare}\\n-----END PRIVATE KEY-----",
    )
    for form in forms:
        read = signature.private_key(form)
        assert isinstance(read, Ed25519PrivateKey)
        assert read.private_bytes_raw() == key.private_bytes_raw()
    assert isinstance(signature.private_key(pkcs8(rsa.generate_private_key(65537, 2048))), rsa.RSAPrivateKey)
    for wrong in ("", "no key", "MTIz", pkcs8(ec.generate_private_key(ec.SECP256R1()))):
        with pytest.raises(ValueError, match=r"."):
            signature.private_key(wrong)


@pytest.mark.parametrize(("name", "digest"), [("SHA1", SHA1()), ("SHA256", SHA256()), ("sha-256", SHA256())])
def test_messages_of_ebay(name: str, digest: Any) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    public = f"-----BEGIN PUBLIC KEY-----{base64.b64encode(der).decode()}-----END PUBLIC KEY-----"
    body = '{"a":"ü"}'.encode()
    parts = {"signature": base64.b64encode(key.sign(body, ec.ECDSA(digest))).decode(), "digest": name}
    assert signature.is_genuine(parts, body, public)
    assert signature.is_genuine(parts, '{ "a": "ü" }'.encode(), public)  # as eBay's own SDK sees it
    assert not signature.is_genuine(parts, b'{"a":"u"}', public)
    assert not signature.is_genuine(parts | {"digest": "MD5"}, body, public)
    assert not signature.is_genuine(parts | {"signature": "?"}, body, public)
    assert not signature.is_genuine(parts, body, "no key")
    assert signature.parts_of("no base64") == signature.parts_of(base64.b64encode(b"[1]").decode()) == {}


def test_the_answer_to_a_challenge() -> None:
    """sha256 of code, token and address, in this order (developer.ebay.com, Marketplace account deletion)."""
    assert signature.challenge_response("a", "b", "c") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc", FIPS 180-2, B.1
    )


# Errors


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {
                "errors": [
                    {"errorId": 25709, "message": "Invalid", "parameters": [{"name": "fieldName", "value": "sku"}]}
                ]
            },
            ("Invalid sku", "sku", "25709"),
        ),
        ({"errors": [{"errorId": 25002, "longMessage": "Long", "message": "Short"}]}, ("Long", None, "25002")),
        ({"error": [{"errorId": 1651, "message": "Not now"}]}, ("Not now", None, "1651")),
        ({"errorMessage": {"error": [{"errorId": 7, "message": "Odd"}]}}, ("Odd", None, "7")),
        ({"errors": [{"errorId": 215114, "message": "Old"}]}, ("Old", None, "signature")),
        ({"error": "invalid_grant", "error_description": "Revoked"}, ("Revoked", None, "invalid_grant")),
        ({}, ("", None, None)),
        ([1], ("", None, None)),
    ],
)
def test_errors_in_all_their_envelopes(body: Any, said: tuple[str, str | None, str | None]) -> None:
    response = Response(400, httpx.Headers(), json.dumps(body).encode())
    assert tuple(wire.describe(response)) == said


# Items and offers


@pytest.mark.parametrize(("sku", "site", "made"), [("A", "EBAY_DE", "A"), ("A", "EBAY_FR", "A_EBAY_FR")])
def test_skus_by_marketplace(sku: str, site: str, made: str) -> None:
    assert mapping.ebay_sku(sku, site, "EBAY_DE") == made
    assert mapping.store_sku(made, site) == sku
    assert mapping.read_offer_key(mapping.offer_key("12", "a:b")) == ("12", "a:b")
    for wrong in ("", "12", ":A", "12:"):
        with pytest.raises(RejectItem):
            mapping.read_offer_key(wrong)


@pytest.mark.parametrize(
    ("gtin", "made"),
    [
        ("4006381333931", {"ean": ["4006381333931"]}),
        ("9780306406157", {"isbn": ["9780306406157"]}),
        ("012345678905", {"upc": ["012345678905"]}),
        ("96385074", {"ean": ["96385074"]}),
        (None, {"ean": ["Nicht zutreffend"]}),
    ],
)
def test_identifiers(gtin: str | None, made: dict[str, list[str]]) -> None:
    assert mapping.identifier(gtin, "Nicht zutreffend") == made
    assert mapping.identifier(None, "") == {}
    assert mapping.gtin_of({"product": made}) == gtin


def test_the_product_part() -> None:
    content = OfferContent(
        title="Mug",
        description="<p>Blue &amp; <b>round</b></p>",
        brand="P" * 70,
        images=("https://a.example/1.jpg",),
        attributes={"Marke": "Other", "Farbe": ("Blau", "Rot"), "mpn": "M-1", "Leer": ""},
    )
    made = mapping.product(content, None, "de", {})
    assert made == {
        "title": "Mug",
        "description": "Blue & round",
        "aspects": {"Marke": ["Other"], "Farbe": ["Blau", "Rot"]},
        "mpn": "M-1",
        "brand": "P" * 65,
        "imageUrls": ["https://a.example/1.jpg"],
    }
    long = mapping.product(OfferContent(title="Mug", description="word " * 2000), None, "de", {})
    assert len(long["description"]) <= 4000
    assert mapping.product(OfferContent(title="Mug", brand="X"), None, "pl", {})["aspects"] == {"Marka": ["X"]}
    assert set(LOCALES) == {site.code for site in MANIFEST.sites}


def test_an_offer_with_taxes_and_safety_contact() -> None:
    draft = OfferDraft(key="k", sku="A", gtin=None, stock=3, price=euro("9.999"), content=OfferContent(title="Mug"))
    contact = {"name": "B", "street": "S 1", "city": "C", "postcode": "1", "country": "DE"}
    settings = {f"safety_{name}": value for name, value in contact.items()} | {"vat_percent": 0}
    made = mapping.offer(draft, "A", DE, {"merchantLocationKey": "w"}, "99", settings)
    assert made["pricingSummary"] == {"price": {"value": "10.00", "currency": "EUR"}}
    assert (made["tax"], made["listingDescription"], made["format"]) == ({"vatPercentage": 0}, "Mug", "FIXED_PRICE")
    assert made["regulatory"]["responsiblePersons"][0] == {
        "companyName": "B",
        "addressLine1": "S 1",
        "city": "C",
        "postalCode": "1",
        "country": "DE",
        "types": ["EUResponsiblePerson"],
    }
    bare = mapping.offer(draft, "A", DE, {}, "99", {"vat_percent": "", "safety_name": "B"})
    assert not {"tax", "regulatory"} & set(bare)
    for wrong in (Money(amount=Decimal(1), currency="PLN"), euro("0.004")):
        with pytest.raises(RejectItem):
            mapping.price(wrong, DE)


@pytest.mark.parametrize(
    ("given", "sent"), [("5.5", Decimal("5.5")), ("20", Decimal(20)), (19, Decimal(19)), ("", None)]
)
def test_the_vat_rate_of_an_offer(given: Any, sent: Decimal | None) -> None:
    draft = OfferDraft(key="k", sku="A", gtin=None, stock=1, price=euro("5"), content=OfferContent(title="Mug"))
    made = mapping.offer(draft, "A", MANIFEST.sites[0], {}, "1", {"vat_percent": given})
    assert made.get("tax", {}).get("vatPercentage") == sent


def test_an_update_keeps_what_it_does_not_change() -> None:
    raw = {
        "offerId": "1",
        "sku": "A",
        "marketplaceId": "EBAY_DE",
        "format": "FIXED_PRICE",
        "status": "PUBLISHED",
        "listing": {"listingId": "2"},
        "quantityLimitPerBuyer": 2,
        "pricingSummary": {"price": {"value": "1", "currency": "EUR"}, "originalRetailPrice": {"value": "3"}},
        "listingPolicies": {"bestOfferTerms": {"bestOfferEnabled": True}, "paymentPolicyId": "7"},
    }
    made = mapping.changed_offer(raw, {"sku": "A", "categoryId": "9", "listingPolicies": {"paymentPolicyId": "8"}})
    assert made == {
        "quantityLimitPerBuyer": 2,
        "categoryId": "9",
        "pricingSummary": raw["pricingSummary"],
        "listingPolicies": {"bestOfferTerms": {"bestOfferEnabled": True}, "paymentPolicyId": "8"},
    }


@pytest.mark.parametrize(
    ("status", "errors", "outcome"),
    [
        (200, [], Outcome.APPLIED),
        (207, [{"errorId": 25002}], Outcome.REJECTED),
        (500, [{"errorId": 25001}], Outcome.RETRY),
        (400, [{"errorId": 25025}], Outcome.RETRY),
        (400, [{"errorId": 25019}], Outcome.RETRY),
        (400, [{"errorId": 25713}], Outcome.MISSING),
        (404, [], Outcome.MISSING),
        (429, [], Outcome.RETRY),
        (None, [], Outcome.RETRY),
        ("odd", [{"errorId": None}], Outcome.RETRY),
    ],
)
def test_results_of_bulk_calls(status: Any, errors: list[dict[str, Any]], outcome: Outcome) -> None:
    assert mapping.result("k", {"statusCode": status, "errors": errors}).outcome is outcome
    assert mapping.result("k", None).outcome is Outcome.RETRY


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"status": "PUBLISHED", "listing": {"listingStatus": "ACTIVE"}, "availableQuantity": 2}, True),
        ({"status": "PUBLISHED", "listing": {"listingStatus": "ACTIVE"}, "availableQuantity": 0}, False),
        ({"status": "PUBLISHED", "listing": {"listingStatus": "ACTIVE", "listingOnHold": True}}, False),
        ({"status": "PUBLISHED", "listing": {"listingStatus": "EBAY_ENDED"}}, False),
        ({"status": "PUBLISHED", "listing": {"listingStatus": "SOMETHING_NEW"}}, None),
        ({"status": "UNPUBLISHED"}, False),
    ],
)
def test_whether_it_can_be_bought(raw: dict[str, Any], expected: bool | None) -> None:
    assert mapping.for_sale(raw) is expected
    status = mapping.sale_status("1:A", raw)
    assert bool(status.reasons) is (expected is False)
    assert len(status.reasons) == len(status.fixes)


# Orders


def line(**more: Any) -> dict[str, Any]:
    cost = {"value": "20.00", "currency": "EUR"}
    return {"lineItemId": "1", "sku": "A", "quantity": 2, "lineItemCost": cost} | more


def an_order(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"orderId": "9", "creationDate": "2026-11-26T10:00:00.000Z", "lineItems": list(lines) or [line()]} | more


def test_an_order_of_nothing_but_what_is_needed() -> None:
    order = orders.order(an_order(), ())
    assert (order.total, order.currency, order.phase) == (euro("20.00"), "EUR", OrderPhase.PENDING)
    assert (order.lines[0].unit_price, order.lines[0].fulfilled_by) == (euro("10.00"), FulfilledBy.MERCHANT)
    assert (order.ship_to.name, order.bill_to, order.lines[0].tax) == ("", None, None)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (an_order(orderId=None), "orderId"),
        (an_order(creationDate="soon"), "creationDate"),
        (an_order(line(lineItemCost=None)), "lineItems[0].lineItemCost.currency"),
        (an_order(line(), line(lineItemCost={"value": "x", "currency": "EUR"})), "lineItems[1].lineItemCost"),
        (an_order(line(lineItemId="")), "lineItems[0].lineItemId"),
        (an_order(line(quantity=0)), "lineItems[0].quantity"),
        (an_order(lineItems=None), "lineItems[0].lineItemCost.currency"),
    ],
)
def test_an_order_that_cannot_be_read_names_the_field(raw: dict[str, Any], field: str) -> None:
    with pytest.raises(RejectItem) as refused:
        orders.order(raw, ())
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("item", "paid"),
    [
        ({}, "20.00"),
        ({"discountedLineItemCost": {"value": "18.50", "currency": "EUR"}}, "18.50"),
        (
            {
                "total": {"value": "25.00", "currency": "EUR"},
                "deliveryCost": {"shippingCost": {"value": "5", "currency": "EUR"}},
            },
            "20",
        ),
        (
            {
                "total": {"value": "3.00", "currency": "EUR"},
                "deliveryCost": {"shippingCost": {"value": "5", "currency": "EUR"}},
            },
            "3",
        ),
        ({"total": {"value": "30.00", "currency": "USD"}}, "20.00"),
    ],
)
def test_what_was_paid_for_a_line(item: dict[str, Any], paid: str) -> None:
    assert orders.order(an_order(line(**item)), ()).lines[0].total == euro(paid).model_copy(
        update={"amount": Decimal(paid)}
    )


def test_shipping_with_handling_less_its_discount() -> None:
    costs = {"shippingCost": "5.00", "handlingCost": "1.00", "discountAmount": "2.00"}
    delivery = {name: {"value": value, "currency": "EUR"} for name, value in costs.items()}
    assert orders.order(an_order(line(deliveryCost=delivery)), ()).shipping == euro("4.00")


@pytest.mark.parametrize(("whole", "goods", "shipping"), [("31.50", "20.00", "11.50"), ("25.00", "20.00", "5.00")])
def test_import_charges_are_of_the_delivery_where_the_buyer_paid_them_with_it(
    whole: str, goods: str, shipping: str
) -> None:
    costs = {"shippingCost": "5.00", "importCharges": "6.00", "shippingIntermediationFee": "0.50"}
    delivery = {name: {"value": value, "currency": "EUR"} for name, value in costs.items()}
    item = line(deliveryCost=delivery, total={"value": whole, "currency": "EUR"})
    order = orders.order(an_order(item), ())
    assert (order.lines[0].total, order.shipping) == (euro(goods), euro(shipping))


@pytest.mark.parametrize(
    ("told", "whole", "paid"),
    [("-10.00", "55.00", ["16.67", "33.33"]), ("10.00", "75.00", ["23.33", "46.67"]), ("10.00", "65.00", ["20", "40"])],
)
def test_what_was_agreed_after_the_purchase_is_in_the_lines(told: str, whole: str, paid: list[str]) -> None:
    delivery = {"shippingCost": {"value": "5.00", "currency": "EUR"}}
    other = {"lineItemId": "2", "lineItemCost": {"value": "40.00", "currency": "EUR"}}
    sums = {"total": {"value": whole, "currency": "EUR"}, "adjustment": {"value": told, "currency": "EUR"}}
    order = orders.order(an_order(line(deliveryCost=delivery), line(**other), pricingSummary=sums), ())
    assert order.total.amount == Decimal(whole)
    assert [part.total.amount for part in order.lines] == list(map(Decimal, paid))


@pytest.mark.parametrize(("site", "whole"), [("EBAY_IT", False), ("EBAY_ES", False), ("EBAY_DE", True)])
def test_tax_numbers_stand_in_the_order_only(site: str, whole: bool) -> None:
    raw = an_order(line(listingMarketplaceId=site, purchaseMarketplaceId=site))
    assert (orders.order_ref(raw).order is not None) is whole


def test_the_number_that_customs_want_stands_in_the_note() -> None:
    tax = {"amount": {"value": "3.80", "currency": "EUR"}, "ebayReference": {"name": "IOSS", "value": "IM2760000742"}}
    item = line(ebayCollectAndRemitTaxes=[tax])
    raw = an_order(item, item | {"lineItemId": "2"}, buyerCheckoutNotes="Ring twice")
    assert orders.order(raw, ()).note == "Ring twice\nIOSS number for the carrier: IM2760000742"


def test_units_by_parcels_and_by_state() -> None:
    parcels = [
        {"lineItems": [{"lineItemId": "1", "quantity": 1}, {"lineItemId": "2"}]},
        {"lineItems": [{"lineItemId": "1", "quantity": 5}]},
    ]
    states = ("NOT_STARTED", "IN_PROGRESS", "FULFILLED", "SOMETHING_NEW")
    found = [
        orders.order(an_order(line(lineItemFulfillmentStatus=state)), parcels).lines[0].shipped for state in states
    ]
    assert found == [0, 2, 2, 2]
    assert orders.shipped_units(parcels) == {"1": 6, "2": 1}


def test_cancelled_with_the_order_or_by_paying_back() -> None:
    whole = an_order(cancelStatus={"cancelState": "CANCELED"})
    assert orders.order(whole, ()).lines[0].cancelled == 2
    for amount, gone in (("20.00", 2), ("19.99", 0)):
        refund = {"amount": {"value": amount, "currency": "EUR"}}
        assert orders.order(an_order(line(refunds=[refund])), ()).lines[0].cancelled == gone
    paid_back = an_order(orderPaymentStatus="FULLY_REFUNDED", orderFulfillmentStatus="NOT_STARTED")
    assert orders.order(paid_back, ()).lines[0].cancelled == 2
    sent = an_order(line(lineItemFulfillmentStatus="FULFILLED"), orderPaymentStatus="FULLY_REFUNDED")
    assert orders.order(sent, ()).lines[0].cancelled == 0
    shipped = line(refunds=[{"amount": {"value": "20.00", "currency": "EUR"}}], lineItemFulfillmentStatus="FULFILLED")
    assert orders.order(an_order(shipped), ()).lines[0].cancelled == 0


@pytest.mark.parametrize(
    ("request_", "asked"),
    [
        ({"cancelRequestState": "REQUESTED", "cancelInitiator": "Buyer"}, True),
        ({"cancelRequestState": "REQUESTED", "cancelInitiator": "BUYER"}, True),
        ({"cancelRequestState": "REQUESTED", "cancelInitiator": "Seller"}, False),
        ({"cancelRequestState": "REJECTED", "cancelInitiator": "Buyer"}, False),
    ],
)
def test_who_wants_to_cancel(request_: dict[str, str], asked: bool) -> None:
    raw = an_order(cancelStatus={"cancelState": "IN_PROGRESS", "cancelRequests": [request_]})
    assert orders.order(raw, ()).lines[0].cancellation_requested is asked


def test_a_mark_changes_with_what_the_list_tells() -> None:
    base = an_order(lastModifiedDate="2026-11-26T10:00:00.000Z", orderPaymentStatus="PAID")
    variants = [
        base,
        base | {"orderPaymentStatus": "PARTIALLY_REFUNDED"},
        base | {"orderFulfillmentStatus": "IN_PROGRESS"},
        base | {"cancelStatus": {"cancelState": "IN_PROGRESS"}},
        base | {"lastModifiedDate": "2026-11-26T10:00:00.001Z"},
    ]
    assert len({orders.mark(raw) for raw in variants}) == 5
    with_requests = base | {"cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []}}
    assert orders.mark(with_requests) != orders.mark(base)  # an answer without a state is none we know


# After sales


def test_a_return_of_an_order_that_is_not_known_any_more() -> None:
    raw = {"returnId": "5", "creationInfo": {"item": {"itemId": "7", "transactionId": "8", "returnQuantity": None}}}
    made = returns.marketplace_return(raw, {}, NOW)
    only = made.lines[0]
    assert (made.registered_at, only.order_id, only.order_line_id, only.sku, only.quantity) == (NOW, None, "8", None, 1)
    with pytest.raises(RejectItem):
        returns.marketplace_return({}, {}, NOW)


def test_the_line_of_a_return_by_its_number_or_its_listing() -> None:
    raw = {"creationInfo": {"item": {"itemId": "L", "transactionId": "T"}}}
    by_number = {"lineItemId": "T", "legacyItemId": "X"}
    by_listing = {"lineItemId": "1", "legacyItemId": "L"}
    assert returns.sold_line(raw, {"lineItems": [by_listing, by_number]}) == by_number
    assert returns.sold_line(raw, {"lineItems": [by_listing]}) == by_listing
    assert returns.sold_line(raw, {"lineItems": [by_listing, by_listing]}) == {}


def test_a_refund_inside_a_return_adds_up() -> None:
    lines = [
        ChannelRefund(line_id="1", quantity=1, amount=euro("10.005"), shipping=euro("2.005")),
        ChannelRefund(line_id="1", quantity=1, amount=euro("5")),
    ]
    detail = returns.return_refund(lines)["refundDetail"]
    parts = [(part["refundFeeType"], part["refundAmount"]["value"]) for part in detail["itemizedRefundDetail"]]
    assert parts == [("PURCHASE_PRICE", Decimal("15.01")), ("ORIGINAL_SHIPPING", Decimal("2.01"))]
    assert detail["totalAmount"]["value"] == sum(value for _, value in parts)


def test_refunds_one_after_the_other_leave_out_just_the_tax_that_ebay_collects() -> None:
    tax = {"amount": {"value": "1.90", "currency": "EUR"}}
    item = line(total={"value": "11.90", "currency": "EUR"}, ebayCollectAndRemitTaxes=[tax])
    paid, before = Decimal(0), euro("0")
    for amount in ("3.97", "3.96", "3.97"):
        refund = ChannelRefund(line_id="1", quantity=1, amount=euro(amount), before=before)
        paid += returns.without_tax(an_order(item), refund).amount.amount
        before = before + euro(amount)
    assert paid == Decimal("10.00")


def test_refunds_are_of_lines_where_an_order_has_several() -> None:
    refund = ChannelRefund(line_id="1", quantity=1, amount=euro("5"))
    single = returns.refund(an_order(), [refund], "ref " * 50)
    assert (single["orderLevelRefundAmount"]["value"], len(single["comment"])) == ("5.00", 100)
    assert single["reasonForRefund"] == "BUYER_RETURN"
    chosen = refund.model_copy(update={"code": "ITEM_NOT_RECEIVED"})
    assert returns.refund(an_order(), [chosen], "")["reasonForRefund"] == "ITEM_NOT_RECEIVED", "the merchant's choice"
    several = returns.refund(an_order(line(), line(lineItemId="2")), [refund], "")
    assert several["refundItems"] == [{"lineItemId": "1", "refundAmount": {"value": "5.00", "currency": "EUR"}}]


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        ({"refundStatus": "PENDING"}, SubmissionState.PENDING),
        ({"refundStatus": "REFUNDED"}, SubmissionState.DONE),
        ({"refundStatus": "FAILED"}, SubmissionState.FAILED),
        ({"refundStatus": "SOMETHING_NEW"}, SubmissionState.PENDING),
    ],
)
def test_where_a_refund_stands(entry: dict[str, str], state: SubmissionState) -> None:
    given = Submission("refund", "9", "r")
    raw = an_order(paymentSummary={"refunds": [{"refundId": "r", **entry}]})
    assert returns.refund_status(given, raw).state is state
    assert Submission.read(str(given)) == given
    assert Submission.read("refund/9") is None


# Figures and reading


def test_figures_in_both_of_their_forms() -> None:
    metrics = [
        {
            "metricKey": "A",
            "name": "Rate",
            "type": "RATE",
            "value": {"value": "1.50"},
            "thresholdUpperBound": {"value": "2"},
        },
        {"metricKey": "B", "type": "COUNT", "value": "7"},
        {"metricKey": "C", "type": "RATE", "value": "n/a"},
    ]
    other = {"defaultProgram": False, "cycle": {"cycleType": "CURRENT"}, "metrics": []}
    future = {"defaultProgram": True, "cycle": {"cycleType": "PROJECTED"}, "metrics": []}
    own = {"defaultProgram": True, "cycle": {"cycleType": "CURRENT", "evaluationDate": "2026-11-20T00:00:00Z"}}
    rate, count = standards.figures([other, future, own | {"metrics": metrics}])
    assert (rate.value, rate.limit, rate.unit, rate.at) == (
        Decimal("0.015"),
        Decimal("0.02"),
        "share",
        NOW.replace(day=20, hour=0),
    )
    assert (count.value, count.title, count.unit, count.limit) == (7, "B", "", None)
    assert standards.figures([]) == ()


def test_times_and_money_in_all_their_forms() -> None:
    expected = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
    for given in ("2026-11-26T10:00:00.000Z", "2026-11-26T11:00:00+01:00", {"value": "2026-11-26T10:00:00.000Z"}):
        assert reading.moment(given) == expected
    assert reading.stamp(expected) == "2026-11-26T10:00:00.000Z"
    assert [reading.moment(odd) for odd in (None, "soon", {}, 7)] == [None] * 4
    assert reading.money({"value": 12.5, "currency": "EUR"}) == euro("12.5")
    assert [reading.money(odd) for odd in (None, {}, {"value": "x", "currency": "EUR"}, "12")] == [None] * 4
    assert orders.tracking_number(" JD-01.23 ") == "JD0123"
