"""Their products in our words. Pure: JSON in, values out, nothing asked and nothing believed to be there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.money import Money
from bridge.domain.reading import amount, moment
from bridge.domain.values import fingerprint
from bridge.ports.platform import ProductRef
from platform_adapters.woocommerce import details
from platform_adapters.woocommerce.reading import Json, ShopFacts, dicts, meta, name_of, text

# Types that are a heading or a link, or are sold over time: nothing a marketplace could take.
NOT_SOLD = ("grouped", "external", "subscription", "variable-subscription", "subscription_variation")
BIN = "trash"
# What changes without the product changing.
VOLATILE = ("related_ids", "price_html", "total_sales", "average_rating", "rating_count", "permalink", "_links")
DATES = ("date_modified", "date_modified_gmt")


def product(raw: Json, variations: Sequence[Json], facts: ShopFacts) -> StoreProduct:
    """A product with its variants: itself when it is simple, else its variations."""
    kind, images = raw.get("type"), _pictures(raw.get("images"))
    if kind in NOT_SOLD:
        variants: tuple[StoreVariant, ...] = ()
    elif kind == "variable":
        variants = tuple(_variation(raw, item, images, facts) for item in variations if item.get("status") != BIN)
    else:
        variants = (_simple(raw, images, facts),)
    return StoreProduct(
        external_id=str(raw["id"]),
        title=text(raw.get("name")),
        description=text(raw.get("description")) or text(raw.get("short_description")),
        brand=_brand(raw),
        categories=_names(raw.get("categories")),
        tags=_names(raw.get("tags")),
        images=images,
        attributes=_attributes(raw),
        tax_class=text(raw.get("tax_class")) or None,
        published=raw.get("status") == "publish",
        link=text(raw.get("permalink")) or None,
        edit_link=details.edit_link(raw, facts),
        category_paths=details.category_paths(raw, facts),
        custom=details.custom_fields(raw),
        modified_at=moment(raw.get("date_modified_gmt")),
        variants=variants,
    )


def product_ref(raw: Json) -> ProductRef:
    """A variation's change moves only the date of its parent; a simple product is judged by its content, so that a
    save that changes nothing is no change."""
    dull = VOLATILE if raw.get("type") == "variable" else (*VOLATILE, *DATES)
    return ProductRef(
        external_id=str(raw["id"]), modified_at=moment(raw.get("date_modified_gmt")), mark=mark(raw, dull)
    )


def variation_ref(raw: Json, product_id: str) -> ProductRef:
    return ProductRef(
        external_id=product_id,
        variant_id=str(raw["id"]),
        modified_at=moment(raw.get("date_modified_gmt")),
        mark=mark(raw, (*VOLATILE, *DATES)),
    )


def mark(raw: Json, without: Iterable[str]) -> str:
    dull = set(without)
    return fingerprint({key: value for key, value in raw.items() if key not in dull})


def gmt(when: datetime) -> str:
    """As the store's filters want it, together with dates_are_gmt."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def whole(value: Any) -> int:
    """Units. Plugins allow fractions, and half a piece is not sold; what is no number is none."""
    try:
        return int(Decimal(str(value)).to_integral_value(rounding=ROUND_FLOOR))
    except (InvalidOperation, ValueError, OverflowError):
        return 0


def _simple(raw: Json, images: tuple[str, ...], facts: ShopFacts) -> StoreVariant:
    number = str(raw["id"])
    return StoreVariant(
        external_id=number,
        product_id=number,
        sku=text(raw.get("sku")) or None,
        gtin=_gtin(raw, facts.gtin_fields),
        title=text(raw.get("name")),
        price=_price(raw, "price", raw.get("tax_class"), facts),
        stock=_stock(raw, number, number),
        image=images[0] if images else None,
        published=raw.get("status") == "publish",
        **_more(raw, None, facts),
    )


def _variation(parent: Json, raw: Json, images: tuple[str, ...], facts: ShopFacts) -> StoreVariant:
    options = _options(raw)
    own = _pictures([raw.get("image")])
    name = " - ".join(part for part in (text(parent.get("name")), ", ".join(options.values())) if part)
    return StoreVariant(
        external_id=str(raw["id"]),
        product_id=str(parent["id"]),
        sku=text(raw.get("sku")) or None,
        gtin=_gtin(raw, facts.gtin_fields),
        title=name,
        options=options,
        price=_price(raw, "price", _tax_class(raw, parent), facts),
        stock=_stock(raw, str(raw["id"]), str(parent["id"])),
        image=(own or images or (None,))[0],
        # A variation that is switched off is "private".
        published=parent.get("status") == "publish" and raw.get("status") == "publish",
        custom=details.custom_fields(raw),
        **_more(raw, parent, facts),
    )


def _more(raw: Json, parent: Json | None, facts: ShopFacts) -> dict[str, Any]:
    """What a variation leaves empty is that of its product: so the store sends it. A reduced price is told only while
    it holds."""
    tax_class = _tax_class(raw, parent)
    return {
        "regular_price": _price(raw, "regular_price", tax_class, facts),
        "sale_price": _price(raw, "sale_price", tax_class, facts) if raw.get("on_sale") is True else None,
        "cost": details.cost(raw, parent, facts),
        "weight": details.weight(raw, facts) or (details.weight(parent, facts) if parent else None),
        "dimensions": details.dimensions(raw, facts) or (details.dimensions(parent, facts) if parent else None),
    }


def _tax_class(raw: Json, parent: Json | None) -> Any:
    """A variation says "parent" where it has the tax class of its product."""
    return parent.get("tax_class") if parent and raw.get("tax_class") == "parent" else raw.get("tax_class")


def _stock(raw: Json, own: str, parent: str) -> StockReading:
    """``manage_stock`` is "parent" where the product counts for all its variations."""
    managed = raw.get("manage_stock")
    quantity = raw.get("stock_quantity")
    return StockReading(
        pool=parent if managed == "parent" else own,
        managed=bool(managed) and quantity is not None,
        on_hand=whole(quantity) if managed and quantity is not None else None,
        in_stock=raw.get("stock_status") != "outofstock",
        backorders=raw.get("backorders") in ("yes", "notify"),
    )


def _price(raw: Json, name: str, tax_class: Any, facts: ShopFacts) -> Money | None:
    """What a shopper pays, VAT included; None without a price."""
    price = amount(raw.get(name))
    if price is None or price <= 0:
        return None
    if raw.get("tax_status") == "taxable":
        price = facts.rates.gross(price, facts.country, text(tax_class))
    return Money.of(price, facts.currency).quantised()


def _gtin(raw: Json, fields: Sequence[str]) -> str | None:
    """The store's own field, else the first plugin's that is filled. Spaces and hyphens mean nothing in a GTIN."""
    for value in (raw.get("global_unique_id"), *(meta(raw, field) for field in fields)):
        plain = re.sub(r"[\s-]", "", text(value))
        if plain:
            return plain
    return None


def _brand(raw: Json) -> str | None:
    """The brand of the catalogue, else an attribute called so."""
    brands = _names(raw.get("brands"))
    if brands:
        return brands[0]
    named = {name.lower(): value for name, value in _attributes(raw).items()}
    return next((named[word] for word in ("brand", "merk", "marke", "marque") if named.get(word)), None)


def _attributes(raw: Json) -> dict[str, str]:
    """What describes the product; what tells its variations apart stands on them."""
    found: dict[str, str] = {}
    for item in dicts(raw.get("attributes")):
        options = item.get("options")
        if not item.get("variation") and isinstance(options, list):
            found[name_of(item)] = ", ".join(text(option) for option in options)
    return found


def _options(raw: Json) -> dict[str, str]:
    pairs = ((text(item.get("name")), text(item.get("option"))) for item in dicts(raw.get("attributes")))
    return {name: option for name, option in pairs if name and option}


def _names(value: Any) -> tuple[str, ...]:
    return tuple(name for item in dicts(value) if (name := name_of(item)))


def _pictures(value: Any) -> tuple[str, ...]:
    return tuple(address for item in dicts(value) if (address := text(item.get("src"))))
