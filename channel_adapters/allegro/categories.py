"""Categories and what their parameters ask for, in our words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bridge.domain.reading import Json, table, tables, text, texts
from bridge.domain.requirement import (
    AllowedValue,
    AttributeKind,
    AttributeRequirement,
    Category,
    CategoryRequirements,
    Given,
    Need,
)
from bridge.domain.values import fingerprint
from bridge.ports.errors import RejectItem
from channel_adapters.allegro.reading import whole
from channel_adapters.allegro.vocabulary import ATTRIBUTE_KINDS

# CategoryParameter's own example: 11323, "Condition", with the dictionary value "Nowy" (new).
CONDITION = "11323"
NEW_LABELS = ("nowy", "new", "nový", "nové", "új")
NAMED = {
    "gtin": re.compile(r"\b(?:gtin|ean)\b", re.IGNORECASE),
    "brand": re.compile(r"^(?:marka|brand|značka|márka)$", re.IGNORECASE),
}
MANY = 20

# What can be said of every product, whatever its category: it is about the offer, and not a parameter of Allegro's.
GENERAL = (
    AttributeRequirement(
        id="product_id",
        name="Product at Allegro",
        help="Where Allegro has several products with one GTIN: the id of the right one.",
    ),
    AttributeRequirement(
        id="shipping_rates",
        name="Shipping rates",
        help="The id of a price list of delivery, for products that need another one than the setting says.",
    ),
    AttributeRequirement(
        id="return_policy", name="Return policy", help="The id of other conditions than the setting says."
    ),
    AttributeRequirement(
        id="implied_warranty", name="Complaint conditions", help="The id of other conditions than the setting says."
    ),
    AttributeRequirement(id="warranty", name="Warranty", help="The id of another warranty than the setting says."),
    AttributeRequirement(
        id="responsible_producer",
        name="Producer (GPSR)",
        help="The id of the producer in your Allegro account, for goods of another one than the setting says.",
    ),
    AttributeRequirement(
        id="responsible_person",
        name="Responsible person (GPSR)",
        help="The id of the person in your Allegro account who answers for goods from outside of the EU.",
    ),
    AttributeRequirement(
        id="safety_information",
        name="Safety information (GPSR)",
        max_length=5000,
        help="Warnings and instructions in plain text.",
    ),
    AttributeRequirement(
        id="before_gpsr",
        name="Marketed before 13 December 2024",
        kind=AttributeKind.FLAG,
        help="Such goods need no GPSR data.",
    ),
    AttributeRequirement(
        id="tax_rate",
        name="VAT",
        max_values=4,
        help="Country and rate, e.g. PL:23.00; left empty, invoices follow the settings of your account.",
    ),
    AttributeRequirement(
        id="tax_exemption", name="VAT exemption", help="Allegro's word for it, e.g. MONEY_EQUIVALENT."
    ),
)
OF_THE_OFFER = frozenset(item.id for item in GENERAL)


def meaning(raw: Json) -> str:
    """``gtin`` or ``brand`` for the product's parameters that are those. Allegro marks the first on products only
    (``isGTIN``), and the second nowhere: in a category both are known by their names."""
    if table(raw, "options").get("describesProduct") is not True:
        return ""
    return next((kind for kind, named in NAMED.items() if named.search(text(raw.get("name")))), "")


def category(raw: Json, above: Category | None) -> Category:
    path = above.path if above else ()
    key = text(raw.get("id"))
    return Category(
        id=key,
        parent=above.id if above else None,
        path=(*path, text(raw.get("name")) or key),
        leaf=raw.get("leaf") is True,
    )


def general_requirements() -> CategoryRequirements:
    return _of(None, GENERAL)


def category_requirements(key: str, parameters: Sequence[Json]) -> CategoryRequirements:
    return _of(key, tuple(_requirement(item, parameters) for item in parameters if text(item.get("id"))))


def _of(key: str | None, attributes: tuple[AttributeRequirement, ...]) -> CategoryRequirements:
    version = fingerprint([item.as_json() for item in attributes])
    return CategoryRequirements(category=key, version=version, attributes=attributes)


def _requirement(raw: Json, others: Sequence[Json]) -> AttributeRequirement:
    restrictions, options = table(raw, "restrictions"), table(raw, "options")
    unit, is_range = text(raw.get("unit")), restrictions.get("range") is True
    kind = ATTRIBUTE_KINDS.get(text(raw.get("type")), AttributeKind.TEXT)
    allowed = tuple(
        AllowedValue(value=text(entry.get("id")), label=text(entry.get("value")))
        for entry in tables(raw, "dictionary")
        if text(entry.get("id"))
    )
    number = kind in (AttributeKind.NUMBER, AttributeKind.INTEGER) and not is_range
    return AttributeRequirement(
        id=text(raw.get("id")),
        name=text(raw.get("name")) or text(raw.get("id")),
        kind=AttributeKind.TEXT if is_range else AttributeKind.MEASURE if number and unit else kind,
        need=_need(raw),
        required_if=_required_if(raw),
        allowed=allowed,
        open_list=options.get("customValuesEnabled") is True,
        units=(unit,) if unit and not is_range else (),
        minimum=_decimal(restrictions.get("min")) if number else None,
        maximum=_decimal(restrictions.get("max")) if number else None,
        max_length=whole(restrictions.get("maxLength")),
        max_values=_most(restrictions),
        help=_help(raw, others, unit, is_range=is_range),
    )


def _need(raw: Json) -> Need:
    """Required of the offer, or of the product, which is made with the offer where Allegro has none. Condition, GTIN
    and brand are filled by us."""
    if text(raw.get("id")) == CONDITION or meaning(raw):
        return Need.OPTIONAL
    if raw.get("required") is True:
        return Need.REQUIRED
    return Need.RECOMMENDED if raw.get("requiredForProduct") is True else Need.OPTIONAL


def _required_if(raw: Json) -> tuple[Given, ...]:
    """Ours hold when any one holds, Allegro's when all do: only a single condition says the same in both. "Without a
    value" cannot be said by ours; what is left over stands in the help."""
    conditions = table(raw, "requiredIf")
    given = tables(conditions, "parametersWithValue")
    if len(given) != 1 or tables(conditions, "parametersWithoutValue"):
        return ()
    return (Given(attribute=text(given[0].get("id")), values=tuple(texts(given[0], "oneOfValueIds"))),)


def _help(raw: Json, others: Sequence[Json], unit: str, *, is_range: bool) -> str:
    names = {text(item.get("id")): text(item.get("name")) for item in others}
    options, conditions = table(raw, "options"), table(raw, "requiredIf")
    told = ["Describes the product." if options.get("describesProduct") is True else "Describes the offer."]
    if is_range:
        told.append(f"A range, written as from-to{f' in {unit}' if unit else ''}.")
    if depends := text(options.get("dependsOnParameterId")):
        told.append(f"Its values depend on {names.get(depends) or depends}.")
    with_value = [text(item.get("id")) for item in tables(conditions, "parametersWithValue")]
    without = [text(item.get("id")) for item in tables(conditions, "parametersWithoutValue")]
    if len(with_value) + len(without) > 1 or without:
        said = [f"{names.get(key) or key} has one of certain values" for key in with_value]
        said += [f"{names.get(key) or key} is empty" for key in without]
        told.append(f"Required where {' and '.join(said)}.")
    if raw.get("requiredForProduct") is True and raw.get("required") is not True:
        told.append("Required where Allegro's catalogue does not have the product yet.")
    return " ".join(told)


def _most(restrictions: Mapping[str, Any]) -> int:
    if restrictions.get("multipleChoices") is True:
        return MANY
    return max(1, whole(restrictions.get("allowedNumberOfValues")) or 1)


def _decimal(value: Any) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else None


def condition_parameter(condition: str, parameters: Sequence[Json], given: Mapping[str, Any]) -> list[Json]:
    """The condition in the words of this category, unless the merchant has mapped it. Raises RejectItem when it is not
    new: which of Allegro's other conditions is meant only a person can say."""
    definition = next((item for item in parameters if text(item.get("id")) == CONDITION), None)
    if definition is None or given.get(CONDITION):
        return []
    entries = tables(definition, "dictionary")
    fresh = next((item for item in entries if text(item.get("value")).casefold() in NEW_LABELS), None)
    if condition != "new" or fresh is None:
        labels = ", ".join(text(item.get("value")) for item in entries)
        words = f"Map the condition of this product to one of Allegro's: {labels}."
        raise RejectItem(words, field=CONDITION)
    return [{"id": CONDITION, "valuesIds": [text(fresh.get("id"))]}]
