"""The store's products in our words. Pure: JSON in, values out, nothing asked and nothing believed to be there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.measure import Measure
from bridge.domain.money import Money
from bridge.domain.reading import amount, moment
from bridge.domain.values import fingerprint
from bridge.ports.platform import ProductRef
from platform_adapters.shopify.reading import Json, dicts, nodes, number, settled, table, text

WEIGHT_UNITS = {"GRAMS": "g", "KILOGRAMS": "kg", "OUNCES": "oz", "POUNDS": "lb"}
ONLY_VARIANT = "Default Title"
# An unlisted product is sold like any other, to whoever has its address (Admin API, ProductStatus).
FOR_SALE = ("ACTIVE", "UNLISTED")


@dataclass(frozen=True)
class ShopFacts:
    """What must be known of a store to read its products. ``places``: the numbers of its locations; ``chosen``: of
    those whose stock is sold; ``lost``: chosen ones that nobody knows any more; ``vat``: percent to be added to prices
    that are kept without; ``keeps_returns``: the app may read and write returns."""

    currency: str
    admin: str
    chosen: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    vat: Decimal = Decimal(0)
    keeps_returns: bool = False
    lost: tuple[str, ...] = ()


def product(raw: Json, facts: ShopFacts) -> StoreProduct:
    """A product with all variants that were read of it."""
    found = number(raw.get("id"))
    pictures = _pictures(raw)
    images = tuple(address for address in pictures if address)
    published = raw.get("status") in FOR_SALE
    path = _category(raw)
    return StoreProduct(
        external_id=found,
        title=text(raw.get("title")),
        description=text(raw.get("descriptionHtml")),
        brand=text(raw.get("vendor")) or None,
        vendor=text(raw.get("vendor")) or None,
        categories=tuple(dict.fromkeys(name for name in (text(raw.get("productType")), *path[-1:]) if name)),
        category_paths=(path,) if path else (),
        tags=tuple(text(tag) for tag in raw.get("tags") or ()),
        images=images,
        image_sizes={address: size for address in images if (size := _size(pictures[address]))},
        published=published,
        link=text(raw.get("onlineStoreUrl")) or None,
        edit_link=f"{facts.admin}/products/{found}",
        custom=_custom(raw.get("metafields")),
        modified_at=moment(raw.get("updatedAt")),
        variants=tuple(variant(raw, item, facts) for item in sorted(nodes(raw.get("variants")), key=_position)),
    )


def variant(parent: Json, raw: Json, facts: ShopFacts) -> StoreVariant:
    options = {text(item.get("name")): text(item.get("value")) for item in dicts(raw.get("selectedOptions"))}
    if list(options.values()) == [ONLY_VARIANT]:
        options = {}
    title = " - ".join(part for part in (text(parent.get("title")), ", ".join(options.values())) if part)
    price, before = _price(raw, "price", facts), _price(raw, "compareAtPrice", facts)
    reduced = price is not None and before is not None and before.amount > price.amount
    item = table(raw.get("inventoryItem"))
    return StoreVariant(
        external_id=number(raw.get("id")),
        product_id=number(parent.get("id")),
        sku=text(raw.get("sku")) or None,
        gtin=re.sub(r"[\s-]", "", text(raw.get("barcode"))) or None,
        title=title,
        options=options,
        price=price,
        regular_price=before if reduced else price,
        sale_price=price if reduced else None,
        cost=_cost(item),
        weight=_weight(item),
        origin=text(item.get("countryCodeOfOrigin")) or None,
        stock=stock(raw, facts.chosen),
        image=text(table(raw.get("image")).get("url")) or None,
        published=parent.get("status") in FOR_SALE,
    )


def stock(raw: Json, chosen: Sequence[str]) -> StockReading:
    """Available units at the chosen locations; those of the others are told beside. An inventory item belongs to one
    variant, so that its number is the pool, and the map from one to the other."""
    item = table(raw.get("inventoryItem"))
    levels = available(item)
    tracked = bool(item.get("tracked"))
    return StockReading(
        pool=number(item.get("id")),
        managed=tracked,
        on_hand=sum(levels.get(place, 0) for place in chosen) if tracked else None,
        in_stock=bool(raw.get("availableForSale", True)),
        backorders=raw.get("inventoryPolicy") == "CONTINUE",
        locations=levels if tracked else {},
    )


def available(item: Json) -> dict[str, int]:
    """Units by the number of their location."""
    found: dict[str, int] = {}
    for level in nodes(item.get("inventoryLevels")):
        for quantity in dicts(level.get("quantities")):
            if quantity.get("name") == "available" and isinstance(units := quantity.get("quantity"), int):
                found[number(table(level.get("location")).get("id"))] = units
    return found


def product_ref(raw: Json, now: datetime) -> ProductRef:
    """``updatedAt`` moves with the product, its variants and their stock."""
    changed = raw.get("updatedAt")
    return ProductRef(external_id=number(raw.get("id")), modified_at=moment(changed), mark=settled(changed, now))


def variant_ref(raw: Json, now: datetime) -> ProductRef:
    return ProductRef(
        external_id=number(table(raw.get("product")).get("id")),
        variant_id=number(raw.get("id")),
        modified_at=moment(raw.get("updatedAt")),
        mark=fingerprint([settled(raw.get("updatedAt"), now), raw.get("inventoryQuantity")]),
    )


def active(rows: Sequence[Json]) -> list[Json]:
    return [row for row in rows if row.get("isActive", True)]


def locations(rows: Sequence[Json], wanted: Sequence[str]) -> tuple[str, ...]:
    """Numbers of the locations meant: by number or by name; without a wish those that fulfil online orders."""
    if not wanted:
        return tuple(number(row.get("id")) for row in rows if row.get("fulfillsOnlineOrders", True))
    names = {text(name).casefold() for name in wanted}
    return tuple(
        found for row in rows if (found := number(row.get("id"))) in names or text(row.get("name")).casefold() in names
    )


def renamed(rows: Sequence[Json], wanted: Sequence[str]) -> list[str]:
    """Chosen locations of which nobody can say how much they hold: a name that there is no more, and numbers where none
    of them is there. A number of a location that was deleted holds nothing."""
    lost = unknown_locations(rows, wanted)
    return [name for name in lost if len(lost) == len(wanted) or not name.isdigit()]


def unknown_locations(rows: Sequence[Json], wanted: Sequence[str]) -> list[str]:
    known = {number(row.get("id")) for row in rows} | {text(row.get("name")).casefold() for row in rows}
    return [name for name in wanted if text(name).casefold() not in known]


def _price(raw: Mapping[str, Any], name: str, facts: ShopFacts) -> Money | None:
    """What a shopper pays, VAT included; None without a price."""
    found = amount(raw.get(name))
    if found is None or found <= 0:
        return None
    if raw.get("taxable"):
        found = found * (100 + facts.vat) / 100
    return Money.of(found, facts.currency).quantised()


def _cost(item: Json) -> Money | None:
    cost = table(item.get("unitCost"))
    found, currency = amount(cost.get("amount")), text(cost.get("currencyCode"))
    return Money.of(found, currency) if found is not None and len(currency) == 3 else None


def _weight(item: Json) -> Measure | None:
    weight = table(table(item.get("measurement")).get("weight"))
    found, unit = amount(weight.get("value")), WEIGHT_UNITS.get(text(weight.get("unit")))
    return Measure(amount=found, unit=unit) if found is not None and found > 0 and unit else None


def _position(raw: Json) -> int:
    place = raw.get("position")
    return place if isinstance(place, int) else 0


def _pictures(raw: Json) -> dict[str, Json]:
    """By address, the one that the store shows first before all others."""
    first = table(raw.get("featuredMedia")).get("id")
    media = sorted(nodes(raw.get("media")), key=lambda item: bool(item.get("id") != first))
    return {text(image.get("url")): image for item in media if (image := table(item.get("image")))}


def _size(image: Json) -> tuple[int, int] | None:
    width, height = image.get("width"), image.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None


def _category(raw: Json) -> tuple[str, ...]:
    """Shopify's own taxonomy: ``Apparel & Accessories > Clothing > Shirts``."""
    full = text(table(raw.get("category")).get("fullName"))
    return tuple(part.strip() for part in full.split(">") if part.strip())


def _custom(metafields: Any) -> dict[str, str]:
    rows = nodes(metafields)
    return {f"{text(row.get('namespace'))}.{text(row.get('key'))}": text(row.get("value")) for row in rows}
