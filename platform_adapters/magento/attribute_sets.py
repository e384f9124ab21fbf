"""What a new product has to have in this store: an attribute set that shows the EAN, and a value for whatever is
required. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from platform_adapters.magento.reading import Json, dicts, text

# Fields of a product of their own, or filled by Magento itself.
GIVEN = frozenset(
    {"sku", "name", "price", "weight", "status", "visibility", "description", "short_description", "url_key"}
    | {"category_ids", "quantity_and_stock_status", "price_type", "price_view", "sku_type", "weight_type"}
)
NO_VALUE = ("media_image", "gallery", "image")
DIGITS = ("validate-digits", "validate-number", "validate-greater-than-zero", "validate-zero-or-greater")
KIND = "simple"


class Template(NamedTuple):
    """What a product is made from: its attribute set, the attribute that holds the EAN, and values by attribute."""

    set_id: int
    gtin: str
    required: Mapping[str, str]


def template(set_id: int, attributes: Sequence[Json], gtins: Sequence[str], sku: str, day: str) -> Template | None:
    """None where none of ``gtins`` is in the set. ``sku`` stands for any text, since no other product has it;
    ``day`` (2026-11-30) for any date."""
    known = {text(row.get("attribute_code")) for row in attributes}
    gtin = next((code for code in gtins if code in known), "")
    if not gtin:
        return None
    wanted = [row for row in attributes if _is_required(row, {*GIVEN, gtin})]
    values = {text(row.get("attribute_code")): _value(row, sku, day) for row in wanted}
    return Template(set_id, gtin, {code: value for code, value in values.items() if value})


def _is_required(row: Json, given: Collection[str]) -> bool:
    kinds = row.get("apply_to") or [KIND]
    return bool(row.get("is_required")) and text(row.get("attribute_code")) not in given and KIND in kinds


def _value(row: Json, sku: str, day: str) -> str:
    """Its default, else the first of its values, else one of its kind. Empty where it has to be chosen by a person."""
    if given := text(row.get("default_value")):
        return given
    kind = text(row.get("frontend_input"))
    if kind in ("select", "multiselect"):
        return next(_filled(row.get("options")), "")
    if kind in NO_VALUE:
        return ""
    plain = {"boolean": "1", "price": "1", "weight": "1", "date": day, "datetime": day}
    return plain.get(kind) or ("1" if text(row.get("frontend_class")) in DIGITS else sku)


def _filled(options: object) -> Iterator[str]:
    return (value for option in dicts(options) if (value := text(option.get("value"))))
