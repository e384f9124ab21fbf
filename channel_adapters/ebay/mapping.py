"""Offers: eBay's JSON to our domain and back. Pure. Unknown fields are left alone, unknown words kept.

What eBay sells is an inventory item (SKU, product, quantity) and an offer of it (marketplace, price, quantity,
policies). Orders are in ``orders``, cancellations and returns in ``returns``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.domain.listing import LiveOffer, OfferContent
from bridge.domain.money import Money
from bridge.domain.reading import Json, table, tables, text, texts, whole
from bridge.domain.reading import amount as percentage
from bridge.domain.text import cut, plain_text
from bridge.ports.channel import ItemResult, OfferDraft, Outcome, SaleStatus
from bridge.ports.errors import RejectItem
from bridge.ports.manifest import Site
from channel_adapters.ebay.reading import amount, money
from channel_adapters.ebay.vocabulary import (
    BRAND_ASPECTS,
    CONDITIONS,
    LISTED,
    LISTING_STATES,
    NOT_LISTED,
    ON_SALE,
    OWN_FIELDS,
    SOLD_OUT,
)
from channel_adapters.ebay.wire import field_of, words_of

SKU_MAX, TITLE_MAX, PRODUCT_TEXT_MAX, BRAND_MAX = 50, 80, 4000, 65
# What getOffer tells and updateOffer does not take.
READ_ONLY = ("offerId", "sku", "marketplaceId", "format", "listing", "status")
# A system error, concurrent access, and "cannot revise the listing", which is also the limit of a day: a stock must not
# be given up for any of them.
PASSING = ("25001", "25025", "25019")
GONE = ("25702", "25710", "25713")


# Identity. The same SKU cannot be offered on several marketplaces (Inventory API 1.18.0, getOffers, marketplace_id), so
# only the main marketplace has it as it is. An offer's id carries its SKU: ``8209815010:A-1``.


def ebay_sku(sku: str, site: str, home: str) -> str:
    """Raises RejectItem when it is longer than eBay takes."""
    made = sku if site == home else marked(sku, site)
    if not made or len(made) > SKU_MAX:
        words = f"eBay takes SKUs of 1 to {SKU_MAX} characters; {made!r} has {len(made)}."
        raise RejectItem(words, field="sku")
    return made


def marked(sku: str, site: str) -> str:
    return f"{sku}_{site}"


def store_sku(sku: str, site: str) -> str:
    """The other way: without the mark of its marketplace."""
    return sku.removesuffix(f"_{site}")


def offer_key(offer_id: str, sku: str) -> str:
    return f"{offer_id}:{sku}"


def read_offer_key(given: str) -> tuple[str, str]:
    """Number and SKU. Raises RejectItem for an id that is not ours."""
    offer_id, _, sku = given.partition(":")
    if not offer_id or not sku:
        raise RejectItem(f"{given!r} is no offer of eBay: number:SKU is expected.", field="offer_id")
    return offer_id, sku


# Items


def item(sku: str, stock: int, condition: str, product: Json, locale: str, before: Json) -> Json:
    """An inventory item whole. ``before``: as it is at eBay, empty where it is new; what is not ours in it stays, as
    everything that is left out of a replacement is lost."""
    kept = {name: value for name, value in before.items() if name in KEPT}
    old = table(before, "product")
    merged = {**old, **product, "aspects": {**_aspects(old), **_aspects(product)}}
    descriptor = {name: merged.pop(name) for name in ("conditionDescription",) if name in merged}
    body = kept | {"sku": sku, "locale": locale.replace("-", "_"), "product": merged}
    return body | with_stock(before, stock) | {"condition": condition} | descriptor


KEPT = ("packageWeightAndSize", "conditionDescription", "conditionDescriptors")


def _aspects(product: Json) -> Json:
    return table(product, "aspects")


def with_stock(before: Json, stock: int) -> Json:
    availability = table(before, "availability")
    ship = table(availability, "shipToLocationAvailability")
    kept = {name: value for name, value in ship.items() if name != "allocationByFormat"}
    return {"availability": {**availability, "shipToLocationAvailability": {**kept, "quantity": stock}}}


def stock_of(raw: Json) -> int | None:
    return whole(table(raw, "availability", "shipToLocationAvailability").get("quantity"))


def condition(word: str) -> str:
    """Raises RejectItem."""
    if word not in CONDITIONS:
        known = ", ".join(CONDITIONS)
        raise RejectItem(f"eBay knows no condition {word!r} (only {known}).", field="condition")
    return CONDITIONS[word]


def product(content: OfferContent, gtin: str | None, language: str, settings: Mapping[str, Any]) -> Json:
    """The product part of an item: what the buyer reads. The merchant's own item specifics go before ours."""
    if len(content.title) > TITLE_MAX:
        words = f"eBay takes titles of at most {TITLE_MAX} characters; this one has {len(content.title)}."
        raise RejectItem(words, field="title")
    brand = (content.brand or "")[:BRAND_MAX]
    named = {BRAND_ASPECTS[language]: brand} if brand and language in BRAND_ASPECTS else {}
    given: dict[str, Any] = {**named, **content.attributes}
    aspects = {name: _values(value) for name, value in given.items() if value and name not in OWN_FIELDS}
    described = cut(plain_text(content.description or content.title), PRODUCT_TEXT_MAX)
    body: Json = {"title": content.title, "description": described, "aspects": aspects}
    body |= {name: str(given[name]) for name in OWN_FIELDS if given.get(name)}
    body |= {"brand": brand} if brand else {}
    body |= {"imageUrls": list(content.images)} if content.images else {}
    return body | identifier(gtin, text(settings.get("gtin_text")))


def identifier(gtin: str | None, otherwise: str) -> Json:
    if not gtin:
        return {"ean": [otherwise]} if otherwise else {}
    if len(gtin) == 13 and gtin.startswith(("978", "979")):
        return {"isbn": [gtin]}
    return {"upc": [gtin]} if len(gtin) == 12 else {"ean": [gtin]}


def _values(value: str | tuple[str, ...]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def gtin_of(raw: Json) -> str | None:
    """Digits only: ``Does not apply`` is no GTIN."""
    for name in ("ean", "upc", "isbn"):
        for value in texts(table(raw, "product"), name):
            if value.isdigit():
                return value
    return None


# Offers


def price(given: Money, site: Site) -> Json:
    if given.currency != site.currency:
        words = f"{site.code} sells in {site.currency}, this price is in {given.currency}."
        raise RejectItem(words, field="currency")
    if given.quantised().amount <= 0:
        raise RejectItem(f"eBay accepts no price of {given.text()}.", field="price")
    return amount(given)


def offer(draft: OfferDraft, sku: str, site: Site, terms: Json, category: str, settings: Mapping[str, Any]) -> Json:
    """An offer whole. ``terms`` are policies and location."""
    body: Json = {"sku": sku, "marketplaceId": site.code, "format": "FIXED_PRICE", "listingDuration": "GTC"}
    body |= {"availableQuantity": draft.stock, "categoryId": category} | description(draft.content) | terms
    body["pricingSummary"] = {"price": price(draft.price, site)}
    if (rate := percentage(settings.get("vat_percent"))) is not None:
        body["tax"] = {"vatPercentage": rate}
    if contact := _safety_contact(settings):
        body["regulatory"] = {"responsiblePersons": [contact]}
    return body


def description(content: OfferContent) -> Json:
    return {"listingDescription": content.description or content.title}


def _safety_contact(settings: Mapping[str, Any]) -> Json | None:
    names = {"companyName": "name", "addressLine1": "street", "city": "city", "postalCode": "postcode"}
    names |= {"country": "country"}
    found = {name: text(settings.get(f"safety_{ours}")) for name, ours in names.items()}
    if not all(found.values()):
        return None
    email = text(settings.get("safety_email"))
    return found | ({"email": email} if email else {}) | {"types": ["EUResponsiblePerson"]}


def changed_offer(raw: Json, changes: Json) -> Json:
    """The whole offer with these changes: what is left out of an update is lost."""
    kept = {name: value for name, value in raw.items() if name not in READ_ONLY}
    summary = {**table(raw, "pricingSummary"), **table(changes, "pricingSummary")}
    policies = {**table(raw, "listingPolicies"), **table(changes, "listingPolicies")}
    whole_offer = {**kept, **{name: value for name, value in changes.items() if name not in READ_ONLY}}
    return whole_offer | ({"pricingSummary": summary} if summary else {}) | {"listingPolicies": policies}


def is_listed(raw: Json) -> bool:
    """On the marketplace, if only with nothing in stock. A state we do not know counts: nothing is made twice."""
    status = text(table(raw, "listing").get("listingStatus"))
    return text(raw.get("status")) not in NOT_LISTED and (status == SOLD_OUT or status not in LISTING_STATES)


def live_offer(raw: Json, about: Json) -> LiveOffer:
    """``about`` is its inventory item, empty where it was not read. The listing shows the lesser of both quantities."""
    sku, site = text(raw.get("sku")), text(raw.get("marketplaceId"))
    counts = [count for count in (whole(raw.get("availableQuantity")), stock_of(about)) if count is not None]
    return LiveOffer(
        offer_id=offer_key(text(raw.get("offerId")), sku),
        site=site,
        sku=store_sku(sku, site),
        gtin=gtin_of(about),
        stock=min(counts, default=None),
        price=money(table(raw, "pricingSummary").get("price")),
        title=text(table(about, "product").get("title")) or None,
        for_sale=for_sale(raw),
    )


def for_sale(raw: Json) -> bool | None:
    """None for a state we do not know."""
    if text(raw.get("status")) != LISTED or table(raw, "listing").get("listingOnHold") is True:
        return False
    status = text(table(raw, "listing").get("listingStatus"))
    if status in ("", ON_SALE):
        return (whole(raw.get("availableQuantity")) or 0) > 0 if "availableQuantity" in raw else True
    return False if status in LISTING_STATES else None


def sale_status(key: str, raw: Json) -> SaleStatus:
    listing, sellable = table(raw, "listing"), for_sale(raw)
    reasons, fixes = [], []
    if listing.get("listingOnHold") is True:
        reasons.append("eBay has put the listing on hold.")
        fixes.append("Look in eBay's messages for the policy it names.")
    elif sellable is False:
        state = SOLD_OUT if is_listed(raw) else text(listing.get("listingStatus")) or "NOT_LISTED"
        reason, fix = LISTING_STATES.get(state, (f"eBay says {state}.", "Look at it in Seller Hub."))
        reasons.append(reason)
        fixes.append(fix)
    return SaleStatus(offer_id=key, for_sale=sellable, reasons=tuple(reasons), fixes=tuple(fixes))


# Results of bulk calls


def result(key: str, entry: Json | None, offer_id: str | None = None) -> ItemResult:
    """One entry of a bulk answer; None where the answer leaves the item out."""
    if entry is None:
        return ItemResult(key=key, outcome=Outcome.RETRY, message="eBay's answer leaves this item out.")
    status, errors = whole(entry.get("statusCode")), tables(entry, "errors")
    if status is not None and 200 <= status < 300 and not errors:
        return ItemResult(key=key, outcome=Outcome.APPLIED, offer_id=offer_id)
    words = words_of(errors) or f"eBay says {status} without a reason"
    return ItemResult(key=key, outcome=outcome_of(status, errors), message=f"eBay: {words}", field=field_of(errors))


def outcome_of(status: int | None, errors: Sequence[Json]) -> Outcome:
    codes = {text(error.get("errorId")) for error in errors}
    if status is None or status >= 500 or status == 429 or codes & set(PASSING):
        return Outcome.RETRY
    return Outcome.MISSING if status == 404 or codes & set(GONE) else Outcome.REJECTED


def refused_offer(key: str, entry: Json | None) -> ItemResult:
    """A new offer that got no number. One that exists already (made between our look and our call) is named in the
    refusal, and is found by the next look."""
    parameters = [item for error in tables(entry, "errors") for item in tables(error, "parameters")]
    if any(text(item.get("name")) == "offerId" for item in parameters):
        return ItemResult(key=key, outcome=Outcome.RETRY, message="eBay has this offer already; it is looked up.")
    return result(key, entry if tables(entry, "errors") else None)
