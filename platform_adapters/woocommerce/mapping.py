"""Their products in our words. Pure: JSON in, values out, nothing asked and nothing believed to be there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.money import Money
from bridge.domain.values import fingerprint
from bridge.ports.platform import ProductRef
from platform_adapters.woocommerce.taxes import NO_RATES, Rates

Json = dict[str, Any]

# Types that are a heading or a link, or are sold over time: nothing a marketplace could take.
NOT_SOLD = ("grouped", "external", "subscription", "variable-subscription", "subscription_variation")
BIN = "trash"
# What changes without the product changing.
VOLATILE = ("related_ids", "price_html", "total_sales", "average_rating", "rating_count", "permalink", "_links")
DATES = ("date_modified", "date_modified_gmt")


@dataclass(frozen=True)
class ShopFacts:
    """What must be known of the store to read its products. ``rates`` add VAT where prices are kept without."""

    currency: str
    country: str = ""
    rates: Rates = NO_RATES
    gtin_fields: tuple[str, ...] = ()


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
        title=_text(raw.get("name")),
        description=_text(raw.get("description")) or _text(raw.get("short_description")),
        brand=_brand(raw),
        categories=_names(raw.get("categories")),
        tags=_names(raw.get("tags")),
        images=images,
        attributes=_attributes(raw),
        tax_class=_text(raw.get("tax_class")) or None,
        published=raw.get("status") == "publish",
        link=_text(raw.get("permalink")) or None,
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


def moment(value: Any) -> datetime | None:
    """``*_gmt`` fields are UTC without saying so."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def gmt(when: datetime) -> str:
    """As the store's filters want it, together with dates_are_gmt."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def whole(value: Any) -> int:
    """Units. Plugins allow fractions, and half a piece is not sold; what is no number is none."""
    try:
        return int(Decimal(str(value)).to_integral_value(rounding=ROUND_FLOOR))
    except (InvalidOperation, ValueError, OverflowError):
        return 0


def meta(raw: Json, key: str) -> Any:
    """The value of a custom field; None where there is none."""
    rows = raw.get("meta_data")
    found = (row for row in rows if isinstance(row, dict) and row.get("key") == key) if isinstance(rows, list) else ()
    return next((row.get("value") for row in found), None)


def _simple(raw: Json, images: tuple[str, ...], facts: ShopFacts) -> StoreVariant:
    number = str(raw["id"])
    return StoreVariant(
        external_id=number,
        product_id=number,
        sku=_text(raw.get("sku")) or None,
        gtin=_gtin(raw, facts.gtin_fields),
        title=_text(raw.get("name")),
        price=_price(raw, raw.get("tax_class"), facts),
        stock=_stock(raw, number, number),
        image=images[0] if images else None,
        published=raw.get("status") == "publish",
    )


def _variation(parent: Json, raw: Json, images: tuple[str, ...], facts: ShopFacts) -> StoreVariant:
    options = _options(raw)
    own = _pictures([raw.get("image")])
    name = " - ".join(part for part in (_text(parent.get("name")), ", ".join(options.values())) if part)
    # A variation says "parent" where it has the tax class of its product.
    tax_class = parent.get("tax_class") if raw.get("tax_class") == "parent" else raw.get("tax_class")
    return StoreVariant(
        external_id=str(raw["id"]),
        product_id=str(parent["id"]),
        sku=_text(raw.get("sku")) or None,
        gtin=_gtin(raw, facts.gtin_fields),
        title=name,
        options=options,
        price=_price(raw, tax_class, facts),
        stock=_stock(raw, str(raw["id"]), str(parent["id"])),
        image=(own or images or (None,))[0],
        # A variation that is switched off is "private".
        published=parent.get("status") == "publish" and raw.get("status") == "publish",
    )


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


def _price(raw: Json, tax_class: Any, facts: ShopFacts) -> Money | None:
    """What a shopper pays, VAT included; None without a price."""
    try:
        amount = Decimal(_text(raw.get("price")))
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount <= 0:
        return None
    if raw.get("tax_status") == "taxable":
        amount = facts.rates.gross(amount, facts.country, _text(tax_class))
    return Money.of(amount, facts.currency).quantised()


def _gtin(raw: Json, fields: Sequence[str]) -> str | None:
    """The store's own field, else the first plugin's that is filled. Spaces and hyphens mean nothing in a GTIN."""
    for value in (raw.get("global_unique_id"), *(meta(raw, field) for field in fields)):
        plain = re.sub(r"[\s-]", "", _text(value))
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
    for item in _dicts(raw.get("attributes")):
        options = item.get("options")
        if not item.get("variation") and isinstance(options, list):
            found[_text(item.get("name"))] = ", ".join(_text(option) for option in options)
    return found


def _options(raw: Json) -> dict[str, str]:
    pairs = ((_text(item.get("name")), _text(item.get("option"))) for item in _dicts(raw.get("attributes")))
    return {name: option for name, option in pairs if name and option}


def _names(value: Any) -> tuple[str, ...]:
    return tuple(name for item in _dicts(value) if (name := _text(item.get("name"))))


def _pictures(value: Any) -> tuple[str, ...]:
    return tuple(address for item in _dicts(value) if (address := _text(item.get("src"))))


def _dicts(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
