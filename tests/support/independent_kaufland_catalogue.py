"""What Kaufland knows of products: its categories and attributes, and the product data that sellers give, from its
description alone (see independent_kaufland.py).

Product data belongs to an EAN and a language. It is worked off after it was taken, and its status says what became of each
value. What is put replaces all that was there; what is patched overwrites the values it names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from tests.support.independent import Json, Operation, Refusal
from tests.support.independent_kaufland_orders import Sales

ROOT, LEAF, OTHER_LEAF = 1, 14951, 34401
# Known everywhere; those of a category stand beside it.
PLAIN = ("title", "description", "picture", "manufacturer", "short_description", "category", "product_safety_contact")
COLOUR: Json = {
    "id": 77, "name": "colour", "is_multiple": True, "is_sharedset": True, "explanation": "", "title": "Farbe",
    "seller_instructions": "What it looks like", "type": "Enum",
}  # fmt: skip
POWER = COLOUR | {"id": 78, "name": "power_input", "is_multiple": False, "is_sharedset": False, "type": "Float"}
MADE = POWER | {"id": 79, "name": "country_of_origin", "title": "Herkunft", "type": "String"}


def category(number: int, parent: int, name: str, level: int) -> Json:
    return {
        "name": name.lower().replace(" ", "-"), "title_singular": name, "title_plural": f"{name}s", "level": level,
        "url": f"https://www.kaufland.de/{number}/", "id_category": number, "id_parent_category": parent,
        "shipping_category": "", "variable_fee": 13.5, "fixed_fee": 0, "vat": 19,
    }  # fmt: skip


@dataclass
class Catalogue(Sales):
    """``working``: how often a status is asked for before product data is worked off; ``product_says``: the status of an
    EAN's product data; ``shared``: values of an attribute with a set of them, as label and value; ``known``: EANs of
    products that are there, None any; ``silent``: a unit of another one is refused without naming the field;
    ``only_existing``: what is patched has to be there."""

    working: int = 0
    known: set[str] | None = None
    silent: bool = False
    only_existing: bool = False
    products: dict[tuple[str, str], Json] = field(default_factory=dict)
    looks: dict[tuple[str, str], int] = field(default_factory=dict)
    product_says: dict[str, Json] = field(default_factory=dict)
    languages: list[str | None] = field(default_factory=list)
    shared: dict[int, list[tuple[str, str]]] = field(default_factory=lambda: {77: [("Rot", "rot"), ("Grün", "gruen")]})

    # Categories

    def _get_category_tree(self, operation: Operation) -> Response:
        self.languages.append(request.args.get("locale"))
        leaves = [category(LEAF, 20, "Bluetooth Speaker", 2), category(OTHER_LEAF, 20, "Lamp", 2)]
        branch = category(20, ROOT, "Elektronik", 1) | {"children": [leaf | {"children": []} for leaf in leaves]}
        return self.json(operation, 200, {"data": category(ROOT, ROOT, "Root", 0) | {"children": [branch]}})

    def _get_category(self, operation: Operation, number: str) -> Response:
        if int(number) not in (LEAF, OTHER_LEAF):
            raise Refusal(404, "/problems/not-found")
        told = category(int(number), 20, "Bluetooth Speaker", 2) | {"is_leaf": True}
        embedded = request.args.getlist("embedded")
        if "required_attributes" in embedded:
            told["required_attributes"] = self.required(int(number))
        if "optional_attributes" in embedded:
            told["optional_attributes"] = [MADE]
        return self.json(operation, 200, {"data": told})

    def required(self, number: int) -> list[Json]:
        return [COLOUR, POWER] if number == LEAF else []

    def _decide_category(self, operation: Operation) -> Response:
        told = [category(LEAF, 20, "Bluetooth Speaker", 2), category(OTHER_LEAF, 20, "Lamp", 2)]
        return self.json(operation, 200, {"data": [one | {"is_leaf": True} for one in told]})

    def _get_attribute_list(self, operation: Operation) -> Response:
        return self._listed(operation, [COLOUR, POWER, MADE])

    def _get_shared_set_list_by_search_and_attribute_id(self, operation: Operation, number: str) -> Response:
        values = [{"label": label, "value": value} for label, value in self.shared.get(int(number), [])]
        wanted = request.args.get("q", "").lower()
        return self._listed(operation, [one for one in values if wanted in one["label"].lower()])

    def _get_product_by_ean(self, operation: Operation, ean: str) -> Response:
        if self.known is not None and ean not in self.known:
            raise Refusal(404, "/problems/not-found")
        return self.json(operation, 200, {"data": self.product(request.args["storefront"], ean)})

    # Product data

    def _create_product_data(self, operation: Operation) -> Response:
        return self._given(operation, keep=False)

    def _update_product_data(self, operation: Operation) -> Response:
        return self._given(operation, keep=True)

    def _given(self, operation: Operation, *, keep: bool) -> Response:
        body = request.get_json()
        for ean in body["ean"]:
            if not (ean.isdigit() and 13 <= len(ean) <= 15):
                raise Refusal(400, "/problems/validation-error", ["ean: 13 to 15 digits"])
            place = (ean, request.args["locale"])
            if keep and self.only_existing and place not in self.products:
                raise Refusal(404, "/problems/not-found")
            self.products[place] = (self.products.get(place, {}) if keep else {}) | body["attributes"]
            self.looks[place] = self.working
        return self.json(operation, 200, {"data": None})

    def _get_product_data(self, operation: Operation, ean: str) -> Response:
        if (found := self.products.get((ean, request.args["locale"]))) is None:
            raise Refusal(404, "/problems/not-found")
        return self.json(operation, 200, {"data": {"ean": [ean], "attributes": found}})

    def _get_product_data_status(self, operation: Operation, ean: str) -> Response:
        place = (ean, request.args["locale"])
        if place not in self.products:
            raise Refusal(404, "/problems/not-found")
        if self.looks.get(place, 0) > 0:
            self.looks[place] -= 1
            waits = {"product_ready": False, "product_not_ready_reason": "NOT_YET_PROCESSED", "id_product": None}
            return self.json(operation, 200, {"data": EMPTY | waits | {"update_status": "PENDING"}})
        told = EMPTY | self._verdict(place) | self.product_says.get(ean, {})
        if self.known is not None and told["product_ready"]:
            self.known.add(ean)
        return self.json(operation, 200, {"data": told})

    def _verdict(self, place: tuple[str, str]) -> Json:
        given = self.products[place]
        values = [_value(name, value) for name, value in given.items()]
        wanted = [item["name"] for item in self.required(LEAF) if str(LEAF) in map(str, _all(given.get("category")))]
        missing = [name for name in wanted if not given.get(name)]
        if not missing:
            return {"attribute_values": values}
        lacking: Json = {"product_ready": False, "update_status": "FAIL", "missing_attributes": missing}
        reasons: Json = {"product_not_ready_reason": "MISSING_ATTRIBUTES", "update_fail_reason": "ITEM_FAIL"}
        return lacking | reasons | {"attribute_values": values, "id_product": None}


EMPTY: Json = {
    "product_ready": True, "update_status": "SUCCESS", "id_product": 362524873, "product_not_ready_reason": None,
    "update_fail_reason": None, "attribute_values": None, "missing_attributes": None, "min_one_missing_attributes": None,
}  # fmt: skip


def _all(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _value(name: str, value: Any) -> Json:
    """A value in a shared set goes by what it is called there; markup that is not known is taken out of texts."""
    text = " ".join(map(str, _all(value)))
    state = "TRANSFORMED" if "<script" in text else "ACCEPTED" if name in PLAIN or name in ATTRIBUTES else "IGNORED"
    return {"attribute": name, "original_value": text, "state": state, "message": ""}


ATTRIBUTES = tuple(item["name"] for item in (COLOUR, POWER, MADE))
