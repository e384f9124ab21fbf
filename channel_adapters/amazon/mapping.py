"""Listings: their JSON to our domain and back. Pure: no I/O, no clock. Unknown fields and words are left alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.domain.listing import LiveOffer, OfferContent
from bridge.domain.money import Money
from bridge.domain.reading import Json, table, tables, text, texts, whole
from bridge.domain.requirement import Category
from bridge.ports.channel import AccountInfo, OfferDraft, SaleStatus
from bridge.ports.errors import AskMerchant, RejectItem
from bridge.ports.manifest import Site
from channel_adapters.amazon.reading import money
from channel_adapters.amazon.schemas import Definition
from channel_adapters.amazon.vocabulary import CONDITIONS, FIXES, TRACKING_OF

# "1 character minimum in length and 40 characters maximum" (definitions of the Inventory Loader template).
LONGEST_SKU = 40
BULLETS = 5
PICTURES = 8
# For an offer alone the general type serves: patches of price and stock need no other.
GENERAL = "PRODUCT"
DEFAULT_CHANNEL = "DEFAULT"


def offer_id(site: str, sku: str) -> str:
    """Amazon knows a listing by marketplace and SKU."""
    return f"{site}/{sku}"


def read_offer_id(value: str) -> tuple[str, str]:
    site, _, sku = value.partition("/")
    return site, sku


def checked_sku(sku: str) -> str:
    if len(sku) > LONGEST_SKU:
        words = f"Amazon keeps SKUs of up to {LONGEST_SKU} characters; {sku[:30]}... has {len(sku)}."
        raise RejectItem(words, field="sku")
    return sku


def account(participations: Sequence[Json], sites: Sequence[Site]) -> AccountInfo:
    """What the seller takes part in, of the marketplaces we know."""
    taking_part = {text(table(item, "marketplace").get("id")): item for item in participations if _takes_part(item)}
    known = [site for site in sites if site.code in taking_part]
    names = [text(item.get("storeName")) for item in taking_part.values()]
    suspended = [
        site.country for site in known if table(taking_part[site.code], "participation").get("hasSuspendedListings")
    ]
    return AccountInfo(
        name=next((name for name in names if name), "Amazon"),
        countries=tuple(dict.fromkeys(site.country for site in known)),
        sites=tuple(site.code for site in known),
        details={"suspended_listings": suspended} if suspended else {},
    )


def _takes_part(item: Json) -> bool:
    return table(item, "participation").get("isParticipating") is True


def categories(product_types: Sequence[Json]) -> list[Category]:
    """Product types are a flat list of leaves."""
    return [
        Category(id=text(item.get("name")), path=(text(item.get("displayName")) or text(item.get("name")),), leaf=True)
        for item in product_types
        if text(item.get("name"))
    ]


# What is sent


def price_value(price: Money, site: Site) -> Json:
    """``value_with_tax``: what the buyer pays. Raises AskMerchant when the currency is not the marketplace's."""
    if price.currency != site.currency:
        words = f"Amazon {site.country} sells in {site.currency}, the price is in {price.currency}."
        raise AskMerchant(words, field="currency")
    amount = price.quantised().amount
    if amount <= 0:
        raise RejectItem(f"Amazon accepts no price of {price.text()}.", field="price")
    schedule = [{"schedule": [{"value_with_tax": amount}]}]
    return {"marketplace_id": site.code, "currency": price.currency, "audience": "ALL", "our_price": schedule}


def stock_value(units: int) -> Json:
    """Absolute, of the SKU on all marketplaces of the region: Amazon's availability has no marketplace."""
    return {"fulfillment_channel_code": DEFAULT_CHANNEL, "quantity": units}


def stock_patch(units: int) -> Json:
    """``merge``: a replacement would drop the handling time beside it (selling-partner-api-models #4406)."""
    return {"op": "merge", "path": "/attributes/fulfillment_availability", "value": [stock_value(units)]}


def price_patch(values: Sequence[Json]) -> Json:
    """``merge`` leaves sale prices and those of other audiences and marketplaces alone."""
    return {"op": "merge", "path": "/attributes/purchasable_offer", "value": list(values)}


def patch_body(patches: Sequence[Json], product_type: str = GENERAL) -> Json:
    return {"productType": product_type, "patches": list(patches)}


def content_patches(attributes: Json) -> list[Json]:
    return [{"op": "replace", "path": f"/attributes/{name}", "value": value} for name, value in attributes.items()]


def offer_attributes(draft: OfferDraft, site: Site, handling_days: int | None) -> Json:
    """Condition, price and stock. Raises RejectItem naming the field Amazon would refuse."""
    if draft.condition not in CONDITIONS:
        known = ", ".join(CONDITIONS)
        raise RejectItem(f"Amazon knows no condition {draft.condition!r} (only {known}).", field="condition")
    available = stock_value(draft.stock)
    if handling_days is not None:
        available["lead_time_to_ship_max_days"] = handling_days
    return {
        "condition_type": [{"value": CONDITIONS[draft.condition], "marketplace_id": site.code}],
        "purchasable_offer": [price_value(draft.price, site)],
        "fulfillment_availability": [available],
    }


def identifier(gtin: str | None, site: Site) -> Json:
    if not gtin:
        raise RejectItem("Amazon wants an EAN: enter the product's GTIN in the store.", field="gtin")
    return {
        "externally_assigned_product_identifier": [
            {"type": gtin_kind(gtin), "value": gtin, "marketplace_id": site.code}
        ],
    }


def gtin_kind(gtin: str) -> str:
    """Amazon keeps a number under its own kind, and finds it under no other."""
    return {12: "upc", 14: "gtin"}.get(len(gtin), "ean")


def suggested_asin(asin: str, site: Site) -> Json:
    return {"merchant_suggested_asin": [{"value": asin, "marketplace_id": site.code}]}


def content_attributes(content: OfferContent, definition: Definition, settings: Mapping[str, Any], tag: str) -> Json:
    """Title, texts, pictures and mapped attributes, each in the shape the definition wants; what it does not know of
    is left out, except what the merchant mapped by name."""
    language = definition.language or tag
    given = {name: _cut(definition, name, values) for name, values in _texts(content, settings).items()}
    wanted = {name: values for name, values in given.items() if name.partition(".")[0] in definition.properties}
    mapped = {name: value if isinstance(value, tuple) else (value,) for name, value in content.attributes.items()}
    shaped: Json = {}
    for name, values in (wanted | mapped).items():
        attribute, found = definition.shaped(name, tuple(value for value in values if value), language)
        shaped[attribute] = _joined(shaped.get(attribute), found, nested="." in name)
    return {name: values for name, values in shaped.items() if values}


def _cut(definition: Definition, name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Long texts as long as this product type takes them; a title that is too long is the merchant's to mend."""
    limit = definition.longest(name) if name in ("product_description", "bullet_point") else None
    return values if limit is None else tuple(value[:limit].rstrip() for value in values)


def _joined(known: list[Json] | None, found: list[Json], *, nested: bool) -> list[Json]:
    """Parts of one attribute (length, width) are one value."""
    if not nested or not known or not found:
        return found
    return [{**known[0], **found[0]}]


def _texts(content: OfferContent, settings: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    title = content.title.strip()
    bullets = tuple(bullet for bullet in content.bullets if bullet.strip())[:BULLETS]
    named: dict[str, tuple[str, ...]] = {
        "item_name": (title,),
        "brand": (content.brand or str(settings.get("unbranded") or "Generic"),),
        "product_description": (content.description.strip() or title,),
        "bullet_point": bullets or (title,),
        "country_of_origin": (str(settings.get("country_of_origin") or ""),),
    }
    if content.images:
        named["main_product_image_locator"] = (content.images[0],)
    for number, image in enumerate(content.images[1 : PICTURES + 1], start=1):
        named[f"other_product_image_locator_{number}"] = (image,)
    return {name: values for name, values in named.items() if any(values)}


def language_tag(site: Site) -> str:
    return f"{site.language}_{site.country}"


# What is read


def live_offer(raw: Json, site: Site) -> LiveOffer | None:
    """One listing on one marketplace; None where it has none there."""
    summary = summary_of(raw, site.code)
    if not summary and not _offers(raw, site.code):
        return None
    sku = text(raw.get("sku"))
    return LiveOffer(
        offer_id=offer_id(site.code, sku),
        site=site.code,
        sku=sku or None,
        gtin=gtin_of(raw),
        stock=stock_of(raw),
        price=price_of(raw, site.code),
        title=text(summary.get("itemName")) or None,
        for_sale="BUYABLE" in texts(summary, "status") if summary else None,
    )


def summary_of(raw: Json, site: str) -> Json:
    return next((item for item in tables(raw, "summaries") if item.get("marketplaceId") == site), {})


def _offers(raw: Json, site: str) -> list[Json]:
    return [item for item in tables(raw, "offers") if item.get("marketplaceId") == site]


def price_of(raw: Json, site: str) -> Money | None:
    """The price for everyone (B2C)."""
    plain = [item for item in _offers(raw, site) if text(item.get("offerType")) in ("B2C", "")]
    named = [text(table(item, "audience").get("value")) for item in plain]
    for_all = [item for item, audience in zip(plain, named, strict=True) if audience in ("ALL", "")]
    return next((money(item.get("price")) for item in for_all or plain), None)


def stock_of(raw: Json) -> int | None:
    """What can be bought, which may differ from what was sent last (selling-partner-api-models #5327)."""
    own = [item for item in tables(raw, "fulfillmentAvailability") if _is_own(item)]
    return whole(own[0].get("quantity")) if own else None


def is_amazons(raw: Json) -> bool:
    """Amazon ships it: its stock is none of ours. A patch would make a second channel of it (#2061)."""
    channels = tables(raw, "fulfillmentAvailability")
    return bool(channels) and not any(_is_own(item) for item in channels)


def _is_own(item: Json) -> bool:
    return text(item.get("fulfillmentChannelCode")) in (DEFAULT_CHANNEL, "")


def gtin_of(raw: Json) -> str | None:
    found = tables(table(raw, "attributes"), "externally_assigned_product_identifier")
    return next((text(item.get("value")) for item in found if text(item.get("value"))), None)


def title_sent(raw: Json, site: str) -> str:
    """The title as it was sent last for this marketplace; Amazon may show another."""
    titles = tables(table(raw, "attributes"), "item_name")
    return next((text(item.get("value")) for item in titles if item.get("marketplace_id") in (site, None)), "")


def errors_of(raw: Json, site: str) -> list[Json]:
    """Issues that keep the listing from being as it should, on this marketplace."""
    found = [item for item in tables(raw, "issues") if not texts(item, "marketplaceIds") or _concerns(item, site)]
    return [item for item in found if item.get("severity") == "ERROR" or _suppresses(item)]


def _concerns(issue: Json, site: str) -> bool:
    return site in texts(issue, "marketplaceIds")


def _suppresses(issue: Json) -> bool:
    actions = tables(table(issue, "enforcements"), "actions")
    exempt = text(table(issue, "enforcements", "exemption").get("status")).startswith("EXEMPT")
    return not exempt and any(text(item.get("action")) == "LISTING_SUPPRESSED" for item in actions)


def issue_text(issue: Json) -> str:
    words = text(issue.get("message")) or f"issue {text(issue.get('code'))}"
    names = [name for name in texts(issue, "attributeNames") if name not in words]
    return f"{words} ({', '.join(names)})" if names else words


def sale_status(raw: Json, site: str, identity: str) -> SaleStatus:
    """Amazon's reasons, each once. A listing that cannot be bought and has no issue yet is being looked at."""
    errors = errors_of(raw, site)
    buyable = "BUYABLE" in texts(summary_of(raw, site), "status")
    kinds = dict.fromkeys(kind for issue in errors for kind in texts(issue, "categories"))
    reasons = tuple(dict.fromkeys(issue_text(issue) for issue in errors))
    if not buyable and not reasons and stock_of(raw) == 0:
        reasons = ("Sold out.",)
    return SaleStatus(
        offer_id=identity,
        for_sale=True if buyable else False if reasons else None,
        reasons=() if buyable else reasons,
        fixes=() if buyable else tuple(FIXES[kind] for kind in kinds if kind in FIXES),
    )


def refusal(answer: Json) -> RejectItem | None:
    """A submission that is INVALID comes with status 200."""
    if answer.get("status") != "INVALID":
        return None
    issues = [issue for issue in tables(answer, "issues") if issue.get("severity") == "ERROR"] or tables(
        answer, "issues"
    )
    names = [name for issue in issues for name in texts(issue, "attributeNames")]
    words = "; ".join(dict.fromkeys(issue_text(issue) for issue in issues[:3])) or "no reason is given"
    return RejectItem(f"Amazon refuses the listing: {words}", field=names[0] if names else None)


def asin_of(items: Iterable[Json], site: str, gtin: str) -> str | None:
    """The catalogue item that has this EAN."""
    for item in items:
        for place in tables(item, "identifiers"):
            if place.get("marketplaceId") == site and _has(place, gtin):
                return text(item.get("asin")) or None
    return None


def _has(place: Json, gtin: str) -> bool:
    return any(text(one.get("identifier")).lstrip("0") == gtin.lstrip("0") for one in tables(place, "identifiers"))


# Carriers


def carrier_code(carriers: Mapping[str, str], carrier: str, tracking: str) -> str:
    """By the carrier's name, which may be Amazon's own code; else by the look of the number; else by its name, which
    Amazon wants beside the code Other."""
    name = plain_name(carrier)
    by_code = {plain_name(code): code for code in carriers.values()}
    if code := by_code.get(name) or carriers.get(name):
        return code
    number = re.sub(r"\s", "", tracking.upper())
    found = next((code for shape, code in TRACKING_OF if re.fullmatch(shape, number)), None)
    return found or f"Other: {carrier.strip() or 'Other'}"


def plain_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
