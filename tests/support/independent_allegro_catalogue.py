"""What Allegro wants of an offer: its categories with their parameters, and what the seller has set up for offers, from its
description alone (see independent_allegro.py).

An offer without what its category requires, or that names what is not there, is answered with 422 and each fault's path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Response, request

from tests.support.independent import Independent, Json, Operation

SHOES, LAMPS = "257931", "257932"
CURRENCIES = {"allegro-pl": "PLN", "allegro-cz": "CZK", "allegro-sk": "EUR", "allegro-hu": "HUF"}
HANDLING = ("PT0S", "PT24H", "P2D", "P3D", "P4D", "P5D", "P7D", "P10D", "P14D", "P21D", "P30D", "P60D")
TAGS = ("p", "h1", "h2", "ul", "ol", "li", "b")


def parameter(number: str, name: str, kind: str, restrictions: Json, *, product: bool, **given: Any) -> Json:
    options: Json = {
        "ambiguousValueId": None, "dependsOnParameterId": None, "describesProduct": product, "customValuesEnabled": False,
    }  # fmt: skip
    made: Json = {
        "id": number, "name": name, "type": kind, "required": False, "requiredForProduct": False, "unit": None,
        "options": options | given.pop("options", {}), "restrictions": restrictions,
    }  # fmt: skip
    return made | given


def choice(number: str, name: str, values: dict[str, str], *, product: bool, many: bool = False, **given: Any) -> Json:
    """``values``: what each depends on stands behind a dash."""
    entries: list[Json] = []
    for value, label in values.items():
        key, _, depends = value.partition("-")
        entries.append({"id": key, "value": label, "dependsOnValueIds": [depends] if depends else []})
    restrictions = {"multipleChoices": many}
    return parameter(number, name, "dictionary", restrictions, product=product, dictionary=entries, **given)


STATE = choice("11323", "Stan", {"11323_1": "Nowy", "11323_2": "Używany"}, product=False, required=True)
BRAND = choice(
    "248811", "Marka", {"248811_9": "inna", "248811_1": "Maker"}, product=True, required=True, requiredForProduct=True,
    options={"ambiguousValueId": "248811_9", "customValuesEnabled": True},
)  # fmt: skip
MODEL = choice(
    "250000", "Model", {"250000_1-248811_1": "One", "250000_2-248811_9": "Two"}, product=True,
    options={"dependsOnParameterId": "248811"},
)  # fmt: skip
WIDTH = parameter("223333", "Szerokość", "float", {"min": 0, "max": 100, "range": False, "precision": 1}, product=True)
SIZES = parameter("223334", "Rozmiary", "integer", {"min": 30, "max": 50, "range": True}, product=True)
CODE = parameter(
    "224017", "Kod producenta", "string",
    {"minLength": 1, "maxLength": 10, "allowedNumberOfValues": 1}, product=True,
)  # fmt: skip
MARKS = choice("225693", "Cechy", {"225693_1": "A", "225693_2": "B"}, product=True, many=True)
WHY_USED = parameter(
    "226000", "Opis stanu", "string", {"minLength": 1, "maxLength": 50, "allowedNumberOfValues": 1}, product=False,
    requiredIf={
        "parametersWithValue": [{"id": "11323", "oneOfValueIds": ["11323_2"]}], "parametersWithoutValue": [],
    },
)  # fmt: skip
GTIN = parameter(
    "225694", "EAN (GTIN)", "string", {"minLength": 1, "maxLength": 14, "allowedNumberOfValues": 5}, product=True
)
WANTED = [STATE, BRAND, MODEL, WIDTH, SIZES, CODE, MARKS, WHY_USED, GTIN]


def labelled(given: Json) -> Json:
    """A parameter as an offer tells it: with its labels beside the ids."""
    labels = {entry["id"]: entry["value"] for one in WANTED for entry in one.get("dictionary", [])}
    ids = given.get("valuesIds") or []
    told = given.get("values") or [labels[key] for key in ids]
    return {"id": given["id"], "values": told, "valuesIds": ids or None, "rangeValue": given.get("rangeValue")}


@dataclass
class Catalogue(Independent):
    """``strict``: offers are held against their category and what the seller has set up; ``rates`` and so on: what that
    is, by its id."""

    strict: bool = False
    catalogue: dict[str, Json] = field(default_factory=dict)
    rates: dict[str, Json] = field(default_factory=dict)
    policies: dict[str, Json] = field(default_factory=dict)
    implied: dict[str, Json] = field(default_factory=dict)
    warranties: dict[str, Json] = field(default_factory=dict)
    producers: dict[str, Json] = field(default_factory=dict)
    persons: dict[str, Json] = field(default_factory=dict)

    # Categories

    def _get_categories_using_get(self, operation: Operation) -> Response:
        parent = request.args.get("parent.id", "954b95b6-43cf-4104-8354-dea4d9b10ddf")
        tree = {
            "954b95b6-43cf-4104-8354-dea4d9b10ddf": [("11763", "Dom", False), ("1454", "Odzież", False)],
            "1454": [(SHOES, "Buty", True)], "11763": [(LAMPS, "Lampy", True)],
        }  # fmt: skip
        found = [{"id": key, "name": name, "leaf": leaf, "parent": {"id": parent}} for key, name, leaf in tree[parent]]
        return self.json(operation, 200, {"categories": found})

    def _get_flat_parameters_using_get_2(self, operation: Operation, category: str) -> Response:
        if category not in (SHOES, LAMPS):
            return Response(status=404)
        return self.json(operation, 200, {"parameters": WANTED if category == SHOES else []})

    def _get_sale_product(self, operation: Operation, product: str) -> Response:
        found = next((one for one in self.catalogue.values() if one["id"] == product), None)
        return self.json(operation, 200, found) if found else Response(status=404)

    # What the seller has set up

    def set_up(self, kind: dict[str, Json], name: str, **given: Any) -> str:
        every = (self.rates, self.policies, self.implied, self.warranties, self.producers, self.persons)
        key = str(UUID(int=900 + sum(map(len, every))))
        kind[key] = {"id": key, "name": name} | given
        return key

    def rate(self, name: str, *places: str, **features: bool) -> str:
        told = {"managedByAllegro": False, "isFulfillment": False} | features
        return self.set_up(self.rates, name, features=told, marketplaces=[{"id": place} for place in places])

    def policy(self, name: str, *, fulfilment: bool = False) -> str:
        more: Json = {"seller": {"id": "26453100"}, "availability": {"range": "FULL"}, "withdrawalPeriod": "P14D"}
        return self.set_up(self.policies, name, isFulfillment=fulfilment, **more)

    def _get_list_of_shipping_ratest_using_get(self, operation: Operation) -> Response:
        place = request.args.get("marketplace")
        found = [one for one in self.rates.values() if place is None or {"id": place} in one["marketplaces"]]
        return self.json(operation, 200, {"shippingRates": found})

    def _some(self, operation: Operation, name: str, kind: dict[str, Json], most: int, **more: Any) -> Response:
        begin, many = int(request.args.get("offset", 0)), int(request.args.get("limit", most))
        page = [*kind.values()][begin : begin + many]
        return self.json(operation, 200, {name: page, "count": len(page)} | more)

    def _get_public_seller_listing_using_get(self, operation: Operation) -> Response:
        return self._some(operation, "impliedWarranties", self.implied, 60)

    def _get_public_seller_listing_using_get_1(self, operation: Operation) -> Response:
        return self._some(operation, "returnPolicies", self.policies, 60)

    def _get_public_seller_listing_using_get_2(self, operation: Operation) -> Response:
        return self._some(operation, "warranties", self.warranties, 60)

    def _responsible_producers_get(self, operation: Operation) -> Response:
        return self._some(operation, "responsibleProducers", self.producers, 1000, totalCount=len(self.producers))

    def _responsible_persons_get(self, operation: Operation) -> Response:
        return self._some(operation, "responsiblePersons", self.persons, 1000, totalCount=len(self.persons))

    # What is wrong with an offer

    def wrong(self, given: Json) -> list[str]:
        """As ``path|words``."""
        return [*self._wrong(given)] if self.strict else []

    def _wrong(self, given: Json) -> Iterator[str]:
        name, active = given.get("name"), given.get("publication", {}).get("status") == "ACTIVE"
        if name is not None and len(name.split()) < 3:
            yield "name|Name must consist of at least 3 words"
        yield from self._of_products(given)
        yield from _of_price(given)
        yield from _of_description(given.get("description") or {}, "description")
        delivery = given.get("delivery", {})
        if delivery.get("handlingTime") not in HANDLING:
            yield f"delivery.handlingTime|{delivery.get('handlingTime')} is not allowed"
        if active:
            yield from self._known(delivery.get("shippingRates"), self.rates, "delivery.shippingRates")
            for part, kind in (("returnPolicy", self.policies), ("impliedWarranty", self.implied)):
                yield from self._known(
                    given.get("afterSalesServices", {}).get(part), kind, f"afterSalesServices.{part}"
                )
            if not given.get("location", {}).get("city"):
                yield "location|Location is required"
        if (warranty := given.get("afterSalesServices", {}).get("warranty")) is not None:
            yield from self._known(warranty, self.warranties, "afterSalesServices.warranty")

    def _known(self, given: Json | None, kind: dict[str, Json], path: str) -> Iterator[str]:
        """By id, or by name."""
        if not given:
            yield f"{path}|is required"
        elif given.get("id") not in kind and given.get("name") not in {one["name"] for one in kind.values()}:
            yield f"{path}|{given} does not exist"

    def _of_products(self, given: Json) -> Iterator[str]:
        offered = given.get("parameters") or []
        for number, part in enumerate(given.get("productSet") or [{}]):
            path, product = f"productSet[{number}]", part.get("product") or {}
            known = next((one for one in self.catalogue.values() if one["id"] == product.get("id")), None)
            category = (known or product).get("category", {}).get("id") or given.get("category", {}).get("id")
            if known is None:
                yield from _of_new(product, path)
            if product.get("id") and known is None:
                yield f"{path}.product.id|Product not found"
            if category is None:
                yield f"{path}.product.category|is required"
                continue
            told = [*(product.get("parameters") or []), *((known or {}).get("parameters") or [])]
            wanted = WANTED if category == SHOES else []
            yield from _of_parameters(told, [*offered, *told], wanted, f"{path}.product.parameters", product=True)
            yield from _of_parameters(offered, [*offered, *told], wanted, "parameters", product=False)
            yield from self._safe(part, path)

    def _safe(self, part: Json, path: str) -> Iterator[str]:
        if part.get("marketedBeforeGPSRObligation"):
            return
        for name, kind in (("responsibleProducer", self.producers), ("responsiblePerson", self.persons)):
            if (told := part.get(name)) is not None:
                yield from self._known(told, kind, f"{path}.{name}")
        if not part.get("responsibleProducer"):
            yield f"{path}.responsibleProducer|is required"
        if not part.get("safetyInformation"):
            yield f"{path}.safetyInformation|is required"


def _of_new(product: Json, path: str) -> Iterator[str]:
    if not product.get("name"):
        yield f"{path}.product.name|is required"
    for image in product.get("images") or ["none"]:
        if not str(image).startswith("https://"):
            yield f"{path}.product.images|{image} cannot be downloaded"


def _of_price(given: Json) -> Iterator[str]:
    prices = {"allegro-pl": given.get("sellingMode", {}).get("price")}
    prices |= {
        place: one.get("sellingMode", {}).get("price")
        for place, one in (given.get("additionalMarketplaces") or {}).items()
    }
    for place, price in prices.items():
        if not price or not re.fullmatch(r"\d+(\.\d{1,2})?", price["amount"]) or price["currency"] != CURRENCIES[place]:
            yield f"sellingMode.price|{price} on {place}"


def _of_description(given: Json, path: str) -> Iterator[str]:
    for section in given.get("sections") or []:
        for item in section["items"]:
            text = item.get("content", "")
            if item["type"] == "TEXT" and (re.sub(rf"</?({'|'.join(TAGS)})>", "", text) != re.sub("<[^>]*>", "", text)):
                yield f"{path}|tags that are not allowed: {text}"
            if item["type"] == "TEXT" and not text.startswith("<"):
                yield f"{path}|text outside of a block"
    if len(str(given).encode()) > 40_000:
        yield f"{path}|longer than 40000 bytes"


def _of_parameters(
    given: list[Json], all_: list[Json], wanted: list[Json], path: str, *, product: bool
) -> Iterator[str]:
    """Those of the product, or of the offer."""
    known = {one["id"]: one for one in wanted}
    filled = {one["id"]: one for one in all_ if one.get("valuesIds") or one.get("values") or one.get("rangeValue")}
    for one in wanted:
        if one["options"]["describesProduct"] is product and one["id"] not in filled and _required(one, filled):
            yield f"{path}|Parameter `{one['name']}` is required"
    for one in given:
        found = known.get(one.get("id", ""))
        if found is None:
            yield f"{path}|Parameter {one.get('id')} is not of this category"
        elif found["options"]["describesProduct"] is not product:
            yield f"{path}|Parameter {found['name']} does not belong here"
        else:
            yield from (f"{path}|{found['name']}: {fault}" for fault in _of_values(one, found, filled))


def _required(one: Json, filled: dict[str, Json]) -> bool:
    if one["required"] or "requiredIf" not in one:
        return bool(one["required"])
    conditions = one["requiredIf"]["parametersWithValue"]
    return all({*filled.get(item["id"], {}).get("valuesIds", [])} & {*item["oneOfValueIds"]} for item in conditions)


def _of_values(given: Json, known: Json, filled: dict[str, Json]) -> Iterator[str]:
    limits, values = known["restrictions"], given.get("values") or []
    if known["type"] == "dictionary":
        yield from _of_choices(given, known, filled)
    elif limits.get("range"):
        told = given.get("rangeValue") or {}
        if values or not {"from", "to"} <= {*told} or not float(told["from"]) <= float(told["to"]):
            yield f"a range is wanted, not {given}"
    elif given.get("rangeValue") or given.get("valuesIds") or not values:
        yield f"values are wanted, not {given}"
    if known["type"] in ("integer", "float"):
        yield from _of_numbers(values, limits)
    if known["type"] == "string":
        yield from (f"{value} is too long" for value in values if not 0 < len(value) <= limits["maxLength"])
        if len(values) > limits["allowedNumberOfValues"]:
            yield "too many values"


def _of_numbers(values: list[str], limits: Json) -> Iterator[str]:
    for value in values:
        digits = limits.get("precision", 0)
        if not re.fullmatch(rf"-?\d+(\.\d{{1,{digits}}})?" if digits else r"-?\d+", value):
            yield f"{value} is no number of {digits} digits"
        elif not limits["min"] <= float(value) <= limits["max"]:
            yield f"{value} is out of bounds"


def _of_choices(given: Json, known: Json, filled: dict[str, Json]) -> Iterator[str]:
    """A text of one's own goes with the value that is ambiguous, where there may be one."""
    ids, values = given.get("valuesIds") or [], given.get("values") or []
    entries = {one["id"]: one for one in known["dictionary"]}
    options = known["options"]
    if values and (options["ambiguousValueId"] not in ids or not options["customValuesEnabled"]):
        yield f"{values} without the ambiguous value"
    if not ids or (len(ids) > 1 and not known["restrictions"]["multipleChoices"]):
        yield f"{ids} of the dictionary"
    above = {*filled.get(options["dependsOnParameterId"] or "", {}).get("valuesIds", [])}
    for key in ids:
        if key not in entries:
            yield f"InvalidDictionaryParameter {key}"
        elif (depends := entries[key]["dependsOnValueIds"]) and not above & {*depends}:
            yield f"{key} depends on {depends}"
