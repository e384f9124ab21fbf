"""Their products in our words. Pure: JSON in, values out, nothing asked and nothing believed to be there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.measure import Measure
from bridge.domain.money import Money
from bridge.domain.reading import amount, moment
from bridge.domain.values import fingerprint
from bridge.ports.platform import ProductRef
from platform_adapters.magento.reading import Json, ShopFacts, custom, dicts, extension, number, text

CONFIGURABLE = "configurable"
SIMPLE = "simple"
NOT_ALONE = 1  # visibility: "Not Visible Individually"
# Their own business: keys of pages and pictures, and what is read elsewhere.
_INTERNAL = (
    "category_ids",
    "options_container",
    "required_options",
    "has_options",
    "url_key",
    "tax_class_id",
    "image",
    "msrp_display_actual_price_type",
    "small_image",
    "thumbnail",
    "swatch_image",
    "image_label",
    "small_image_label",
    "thumbnail_label",
    "description",
    "short_description",
    "gift_message_available",
    "page_layout",
    "custom_layout",
    "custom_design",
    "special_price",
    "special_from_date",
    "special_to_date",
    "meta_title",
    "meta_keyword",
    "meta_description",
)
_LONGEST, _MOST = 500, 150
# What a mark is made of.
_MARKED = ("sku", "name", "price", "status", "visibility", "type_id", "weight", "custom_attributes")
_BESIDE = ("website_ids", "category_links", "configurable_product_links")
_PICTURE = ("file", "disabled", "position")

Stock = Mapping[str, StockReading]  # by SKU


def product(raw: Json, children: Sequence[Json], stock: Stock, facts: ShopFacts, now: datetime) -> StoreProduct:
    """A product with its variants: itself when it is simple, its children when it is configurable. Bundles, groups,
    downloads and services are nothing a marketplace could take as it is."""
    kind, own = text(raw.get("type_id")), custom(raw)
    images = _pictures(raw, facts)
    if kind == CONFIGURABLE:
        variants = tuple(_child(raw, item, images, stock, facts, now) for item in children)
    else:
        variants = (_simple(raw, images, stock, facts, now),) if kind == SIMPLE else ()
    paths = _category_paths(raw, facts)
    return StoreProduct(
        external_id=text(raw.get("id")),
        title=text(raw.get("name")),
        description=text(own.get("description")) or text(own.get("short_description")),
        brand=_first(own, facts.brand_attributes, facts),
        categories=tuple(path[-1] for path in paths),
        images=images,
        attributes=_attributes(own, facts, _told_apart(raw, facts)),
        tax_class=text(own.get("tax_class_id")) or None,
        published=_is_published(raw, facts),
        link=f"{facts.link_base}catalog/product/view/id/{raw.get('id')}" if facts.link_base else None,
        category_paths=paths,
        custom=_custom_fields(own, facts),
        modified_at=moment(raw.get("updated_at")),
        variants=variants,
    )


def product_ref(raw: Json, children: Iterable[Json], stock: Mapping[str, str]) -> ProductRef:
    """``stock`` are marks by SKU. Imports and price files change a product without moving its date, so that its content
    counts, and its children's."""
    rows = [[_content(row), stock.get(text(row.get("sku")), "")] for row in (raw, *children)]
    return ProductRef(
        external_id=text(raw.get("id")), modified_at=moment(raw.get("updated_at")), mark=fingerprint(rows)
    )


def variant_ref(raw: Json, product_id: str, stock: Mapping[str, str]) -> ProductRef:
    return ProductRef(
        external_id=product_id,
        variant_id=text(raw.get("id")),
        modified_at=moment(raw.get("updated_at")),
        mark=fingerprint([_content(raw), stock.get(text(raw.get("sku")), "")]),
    )


def links(raw: Json) -> list[int]:
    """Ids of the children of a configurable product."""
    found = extension(raw, "configurable_product_links")
    return [number(item) for item in found if number(item)] if isinstance(found, list) else []


def price(raw: Json, facts: ShopFacts, now: datetime) -> tuple[Money | None, Money | None, Money | None]:
    """What a shopper pays now, the regular price, and the reduced one while it holds; VAT included."""
    own = custom(raw)
    tax_class = text(own.get("tax_class_id"))
    regular = _money(raw.get("price"), tax_class, facts)
    reduced = _money(own.get("special_price"), tax_class, facts)
    if reduced is None or regular is None or reduced.amount >= regular.amount or not _holds(own, facts, now):
        return regular, regular, None
    return reduced, regular, reduced


def _simple(raw: Json, images: tuple[str, ...], stock: Stock, facts: ShopFacts, now: datetime) -> StoreVariant:
    return StoreVariant(title=text(raw.get("name")), image=images[0] if images else None,
                        published=_is_published(raw, facts), **_sold(raw, raw, stock, facts, now))  # fmt: skip


def _child(
    parent: Json, raw: Json, images: tuple[str, ...], stock: Stock, facts: ShopFacts, now: datetime
) -> StoreVariant:
    own, options = _pictures(raw, facts), _options(parent, raw, facts)
    name = " - ".join(part for part in (text(parent.get("name")), ", ".join(options.values())) if part)
    return StoreVariant(
        title=name,
        options=options,
        image=(own or images or (None,))[0],
        images=own,
        published=_is_published(parent, facts) and _is_on(raw, facts),
        custom=_custom_fields(custom(raw), facts),
        **_sold(raw, parent, stock, facts, now),
    )


def _sold(raw: Json, parent: Json, stock: Stock, facts: ShopFacts, now: datetime) -> dict[str, Any]:
    sku, number_, own = text(raw.get("sku")), text(raw.get("id")), custom(raw)
    now_, regular, reduced = price(raw, facts, now)
    weight = _amount(raw.get("weight"))
    cost = _amount(own.get(facts.cost_attribute))
    return {
        "external_id": number_,
        "product_id": text(parent.get("id")),
        "sku": sku or None,
        "gtin": _gtin(own, facts),
        "price": now_,
        "regular_price": regular,
        "sale_price": reduced,
        "cost": Money.of(cost, facts.currency) if cost else None,
        "weight": Measure(amount=weight, unit=facts.weight_unit) if weight else None,
        "stock": stock.get(sku) or StockReading(pool=number_, managed=True, on_hand=0, in_stock=False),
    }


def _content(raw: Json) -> list[Any]:
    """The same of a product in every list, whatever fields were asked for; the date of its last save left out."""
    pictures = [[row.get(name) for name in _PICTURE] for row in dicts(raw.get("media_gallery_entries"))]
    beside = [extension(raw, name) for name in _BESIDE]
    return [*(raw.get(name) for name in _MARKED), *beside, pictures]


def _is_on(raw: Json, facts: ShopFacts) -> bool:
    """Switched on, and sold on this website."""
    websites = extension(raw, "website_ids")
    here = not isinstance(websites, list) or facts.website_id in {number(item) for item in websites}
    return number(raw.get("status")) == 1 and here


def _is_published(raw: Json, facts: ShopFacts) -> bool:
    return _is_on(raw, facts) and number(raw.get("visibility")) != NOT_ALONE


def _holds(own: Mapping[str, Any], facts: ShopFacts, now: datetime) -> bool:
    """Whether a reduction holds today. Its days are the store's own; the last one is included."""
    try:
        zone = ZoneInfo(facts.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    today = now.astimezone(zone).date().isoformat()
    first, last = text(own.get("special_from_date"))[:10], text(own.get("special_to_date"))[:10]
    return (not first or first <= today) and (not last or today <= last)


def _money(value: Any, tax_class: str, facts: ShopFacts) -> Money | None:
    found = _amount(value)
    return Money.of(facts.vat.gross(found, tax_class), facts.currency).quantised() if found else None


def _amount(value: Any) -> Decimal | None:
    found = amount(value)
    return found if found is not None and found > 0 else None


def _gtin(own: Mapping[str, Any], facts: ShopFacts) -> str | None:
    """Spaces and hyphens mean nothing in a GTIN."""
    for code in facts.gtin_attributes:
        if plain := re.sub(r"[\s-]", "", text(own.get(code))):
            return plain
    return None


def _first(own: Mapping[str, Any], codes: Iterable[str], facts: ShopFacts) -> str | None:
    return next((words for code in codes if (words := _shown(code, own.get(code), facts))), None)


def _shown(code: str, value: Any, facts: ShopFacts) -> str:
    """A value as a shopper reads it: Magento keeps ids of options, several of them with commas."""
    attribute = facts.by_code(code)
    if isinstance(value, list):
        value = ",".join(text(item) for item in value if not isinstance(item, dict | list))
    if attribute is None or isinstance(value, dict):
        return text(value) if not isinstance(value, dict) else ""
    parts = (text(part) for part in text(value).split(","))
    return ", ".join(attribute.options.get(part, part) for part in parts if part)


def _told_apart(raw: Json, facts: ShopFacts) -> set[str]:
    """Codes of the attributes by which the children of a configurable product differ."""
    rows = dicts(extension(raw, "configurable_product_options"))
    found = (facts.attributes.get(text(row.get("attribute_id"))) for row in rows)
    return {item.code for item in found if item is not None}


def _options(parent: Json, raw: Json, facts: ShopFacts) -> dict[str, str]:
    own = custom(raw)
    found: dict[str, str] = {}
    rows = dicts(extension(parent, "configurable_product_options"))
    for row in sorted(rows, key=lambda row: number(row.get("position"))):
        attribute = facts.attributes.get(text(row.get("attribute_id")))
        value = _shown(attribute.code, own.get(attribute.code), facts) if attribute is not None else ""
        if attribute is not None and value:
            found[text(row.get("label")) or attribute.label] = value
    return found


def _attributes(own: Mapping[str, Any], facts: ShopFacts, without: set[str]) -> dict[str, str]:
    """What describes the product, by the labels shoppers see."""
    found: dict[str, str] = {}
    for code, value in own.items():
        attribute = facts.by_code(code)
        words = _shown(code, value, facts)
        if code not in _INTERNAL and code not in without and words and len(words) <= _LONGEST:
            found[attribute.label if attribute else code] = words
    return found


def _custom_fields(own: Mapping[str, Any], facts: ShopFacts) -> dict[str, str]:
    """Attributes by their codes, which never change, for mappings."""
    pairs = ((code, _shown(code, value, facts)) for code, value in own.items() if code not in _INTERNAL)
    return dict([(code, words) for code, words in pairs if words and len(words) <= _LONGEST][:_MOST])


def _category_paths(raw: Json, facts: ShopFacts) -> tuple[tuple[str, ...], ...]:
    rows = dicts(extension(raw, "category_links"))
    found = (facts.categories.get(text(row.get("category_id"))) for row in rows)
    return tuple(path for path in found if path)


def _pictures(raw: Json, facts: ShopFacts) -> tuple[str, ...]:
    """In the order of the gallery, hidden ones and videos left out."""
    rows = [row for row in dicts(raw.get("media_gallery_entries")) if not row.get("disabled") and text(row.get("file"))]
    shown = [row for row in rows if text(row.get("media_type")) in ("image", "")]
    shown.sort(key=lambda row: number(row.get("position")))
    return tuple(f"{facts.media_base}catalog/product{row['file']}" for row in shown) if facts.media_base else ()
