"""The operator's catalogue: its categories, what each asks for, and the file in which products are sent. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bridge.domain.listing import OfferContent
from bridge.domain.reading import Json, amount, pairs, tables, text, whole
from bridge.domain.requirement import AllowedValue, AttributeKind, AttributeRequirement, Category, CategoryRequirements
from bridge.domain.values import fingerprint
from bridge.ports.errors import AskMerchant, RejectItem
from channel_adapters.mirakl.platform import OF_THE_OFFER, OfferField
from channel_adapters.mirakl.reading import csv_file
from channel_adapters.mirakl.vocabulary import KINDS, NEEDS, ROLES, SEVERAL

Lists = Mapping[str, tuple[AllowedValue, ...]]
# Without these an operator cannot place a product.
NEEDED = ("category", "title", "gtin")
MANY = 20

OTHERWISE = "Of the offer: for products that need another value than the settings say."
GENERAL = (
    AttributeRequirement(id=f"{OF_THE_OFFER}logistic_class", name="Logistic class", help=OTHERWISE),
    AttributeRequirement(id=f"{OF_THE_OFFER}product_tax_code", name="Product tax code", help=OTHERWISE),
)
# Types of the operator's fields (AF01); all others are text.
OWN_KINDS = {"NUMERIC": AttributeKind.NUMBER, "BOOLEAN": AttributeKind.FLAG, "DATE": AttributeKind.DATE}


# Categories


def categories(raw: Iterable[Json]) -> Iterator[Category]:
    """Parents before their children; a parent that is not listed makes a root."""
    known = {text(item.get("code")): item for item in raw if text(item.get("code"))}
    parents = {code: text(item.get("parent_code")) for code, item in known.items()}
    children: dict[str, list[str]] = {}
    for code, parent in parents.items():
        children.setdefault(parent if parent in known else "", []).append(code)
    waiting: list[tuple[str, tuple[str, ...]]] = [(code, ()) for code in reversed(children.get("", []))]
    while waiting:
        code, above = waiting.pop()
        path = (*above, text(known[code].get("label")) or code)
        yield Category(id=code, parent=parents[code] if above else None, path=path, leaf=code not in children)
        waiting += [(child, path) for child in reversed(children.get(code, []))]


# What a category asks for


def values_lists(raw: Iterable[Json]) -> dict[str, tuple[AllowedValue, ...]]:
    return {text(item.get("code")): tuple(_allowed(item)) for item in raw}


def _allowed(item: Json) -> Iterator[AllowedValue]:
    for value in tables(item, "values"):
        if code := text(value.get("code")):
            yield AllowedValue(value=code, label=text(value.get("label")))


def requirements(
    category: str | None, attributes: Iterable[Json], lists: Lists, fields: Sequence[OfferField] = ()
) -> CategoryRequirements:
    """PM11 gives the attributes of a category with those of its parents and children; those without a category are
    of every product."""
    wanted = [raw for raw in attributes if raw.get("requirement_level") != "DISABLED" and text(raw.get("code"))]
    if category is None:
        wanted = [raw for raw in wanted if not text(raw.get("hierarchy_code"))]
    found = tuple(_requirement(raw, lists) for raw in wanted) + (of_the_offer(fields) if category is None else ())
    return CategoryRequirements(
        category=category, version=fingerprint([item.as_json() for item in found]), attributes=found
    )


def of_the_offer(fields: Sequence[OfferField]) -> tuple[AttributeRequirement, ...]:
    """What can be said of a product's offer, whatever its category: for those that need another value than the settings
    say. ``fields``: the operator's own."""
    return (*GENERAL, *map(_own, fields))


def _own(known: OfferField) -> AttributeRequirement:
    allowed = tuple(AllowedValue(value=value) for value in known.accepted)
    return AttributeRequirement(
        id=OF_THE_OFFER + known.code,
        name=known.label or known.code,
        kind=AttributeKind.CHOICE if allowed else OWN_KINDS.get(known.kind, AttributeKind.TEXT),
        allowed=allowed,
        pattern=known.pattern or None,
        max_values=MANY if known.several else 1,
        help=OTHERWISE,
    )


def _requirement(raw: Json, lists: Lists) -> AttributeRequirement:
    kind = text(raw.get("type"))
    parameters = {text(item.get("name")): text(item.get("value")) for item in tables(raw, "type_parameters")}
    rules, unread = _rules(text(raw.get("validations")))
    listed = parameters.get("LIST_CODE") or text(raw.get("values_list")) or text(raw.get("type_parameter"))
    help_ = [text(raw.get("description")), text(raw.get("example")), *unread]
    return AttributeRequirement.model_validate(
        {
            "id": text(raw.get("code")),
            "name": text(raw.get("label")) or text(raw.get("code")),
            "kind": KINDS.get(kind, AttributeKind.TEXT),
            "need": NEEDS.get(text(raw.get("requirement_level")), "optional"),
            "allowed": lists.get(listed, ()) if KINDS.get(kind) is AttributeKind.CHOICE else (),
            # A list that was not given: any value may be right.
            "open_list": KINDS.get(kind) is AttributeKind.CHOICE and listed not in lists,
            "units": _units(parameters) if KINDS.get(kind) is AttributeKind.MEASURE else (),
            "max_values": MANY if kind in SEVERAL else 1,
            "axis": raw.get("variant") is True,
            "help": " ".join(filter(None, help_)),
            **rules,
        }
    )


def _units(parameters: Mapping[str, str]) -> tuple[str, ...]:
    found = [value for name, value in parameters.items() if "UNIT" in name.upper()]
    return tuple(dict.fromkeys(part for value in found for part in re.split(r"[|,; ]+", value) if part))


def _rules(given: str) -> tuple[dict[str, Any], list[str]]:
    """``MIN_LENGTH|10,MAX_LENGTH|50`` and the like; rules that are not known here are left as words."""
    rules: dict[str, Any] = {}
    unread: list[str] = []
    for rule in filter(None, given.split(",")):
        name, _, value = rule.partition("|")
        if name == "MAX_LENGTH" and (most := whole(value)) is not None:
            rules["max_length"] = most
        elif name in ("MIN", "MAX") and (bound := amount(value)) is not None:
            rules["minimum" if name == "MIN" else "maximum"] = Decimal(bound)
        elif name in ("PATTERN", "REGEXP") and value:
            rules["pattern"] = value
        else:
            unread.append(rule)
    return rules, unread


# The product file


class Columns:
    """Which attribute of the operator takes what: by PM11's roles, overruled by the setting product_fields."""

    def __init__(self, attributes: Iterable[Json], settings: Mapping[str, Any]) -> None:
        self.by_source: dict[str, str] = {}
        for raw in attributes:
            for role in tables(raw, "roles"):
                if source := ROLES.get(text(role.get("type"))):
                    self.by_source.setdefault(source, text(raw.get("code")))
        for attribute, source in pairs(settings.get("product_fields")).items():
            self.by_source[source] = attribute

    def check(self) -> None:
        """Raises AskMerchant naming the setting when the marketplace does not tell where something belongs."""
        if missing := [source for source in NEEDED if source not in self.by_source]:
            text_ = f"The marketplace does not say which of its attributes takes the {' and the '.join(missing)}."
            raise AskMerchant(f"Mirakl: {text_} Name it in the setting product_fields.", field="product_fields")


class Product:
    """One product to send: what it is there, and its content."""

    def __init__(self, sku: str, gtin: str, category: str, content: OfferContent) -> None:
        self.sku = sku
        self.gtin = gtin
        self.category = category
        self.content = content

    def row(self, columns: Columns, separator: str) -> dict[str, str]:
        """By attribute. Raises RejectItem naming what is missing."""
        if not self.category:
            raise RejectItem("Choose a category of the marketplace for this product.", field="category")
        if not self.gtin:
            raise RejectItem("Enter the product's GTIN in the store: the marketplace knows it by it.", field="gtin")
        given = self.content
        sources = {"sku": self.sku, "gtin": self.gtin, "category": self.category, "title": given.title}
        sources |= {"description": given.description, "brand": given.brand or ""}
        sources |= {f"image{number}": url for number, url in enumerate(given.images[:9], 1)}
        row = {columns.by_source[name]: value for name, value in sources.items() if name in columns.by_source}
        about = {name: value for name, value in given.attributes.items() if not name.startswith(OF_THE_OFFER)}
        for name, value in about.items():
            row[name] = separator.join(value) if isinstance(value, tuple) else value
        return {name: value for name, value in row.items() if value}


def product_file(rows: Sequence[Mapping[str, str]], delimiter: str) -> bytes:
    """One file for products of several categories: a column for each attribute that any of them has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return csv_file(names, [[row.get(name, "") for name in names] for row in rows], delimiter)
