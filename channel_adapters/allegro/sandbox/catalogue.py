"""Categories, their parameters, and the products Allegro knows."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, request

from channel_adapters.allegro.sandbox.market import Call, Document, Market
from channel_adapters.allegro.sandbox.protocol import Problem, answer, not_found, one_of

ROOT = "954b95b6-43cf-4104-8354-dea4d9b10ddf"
MUGS, POSTERS = "257930", "257931"
CATEGORIES: tuple[tuple[str, str, str, bool], ...] = (
    ("5", "Dom i Ogród", ROOT, False),
    ("42540aec-367a-4e5e-b411-17c09b08e41f", "Kultura", ROOT, False),
    ("257929", "Wyposażenie", "5", False),
    (MUGS, "Kubki i filiżanki", "257929", True),
    (POSTERS, "Plakaty", "42540aec-367a-4e5e-b411-17c09b08e41f", True),
)
OPTIONS = {"advertisement": False, "offersWithProductPublicationEnabled": True, "productCreationEnabled": True}


def _values(parameter: str, *labels: str) -> list[Document]:
    """The last one is the ambiguous one where there is any."""
    return [{"id": f"{parameter}_{place}", "value": label} for place, label in enumerate(labels, start=1)]


def _parameter(key: str, name: str, kind: str, *, product: bool, **more: Any) -> Document:
    options = {"describesProduct": product, "customValuesEnabled": False, "ambiguousValueId": None}
    options |= {"dependsOnParameterId": None} | more.pop("options", {})
    body: Document = {"id": key, "name": name, "type": kind, "required": False, "requiredForProduct": False}
    body |= {"unit": None, "options": options, "requiredIf": None, "displayedIf": None, "restrictions": {}} | more
    return {name: value for name, value in body.items() if value is not None or name == "unit"}


COLOURS = _values("223329", "biały", "czarny", "inny")
PARAMETERS: tuple[Document, ...] = (
    _parameter(
        "11323",
        "Stan",
        "dictionary",
        product=False,
        required=True,
        dictionary=_values("11323", "Nowy", "Używany"),
        restrictions={"multipleChoices": False},
    ),
    _parameter(
        "225693",
        "EAN (GTIN)",
        "string",
        product=True,
        restrictions={"minLength": 2, "maxLength": 14, "allowedNumberOfValues": 1},
    ),
    _parameter(
        "248811",
        "Marka",
        "dictionary",
        product=True,
        requiredForProduct=True,
        dictionary=_values("248811", "Kubkowo", "bez marki", "inna"),
        restrictions={"multipleChoices": False},
        options={"customValuesEnabled": True, "ambiguousValueId": "248811_3"},
    ),
    _parameter(
        "17448",
        "Pojemność",
        "float",
        product=True,
        unit="ml",
        restrictions={"min": 1, "max": 5000, "range": False, "precision": 2},
    ),
    _parameter(
        "223329", "Kolor", "dictionary", product=True, dictionary=COLOURS, restrictions={"multipleChoices": True}
    ),
    _parameter(
        "223330",
        "Odcień",
        "dictionary",
        product=True,
        dictionary=[
            {"id": "223330_1", "value": "kremowy", "dependsOnValueIds": ["223329_1"]},
            {"id": "223330_2", "value": "grafit", "dependsOnValueIds": ["223329_2"]},
        ],
        restrictions={"multipleChoices": False},
        options={"dependsOnParameterId": "223329"},
        requiredIf={
            "parametersWithValue": [{"id": "223329", "oneOfValueIds": ["223329_2"]}],
            "parametersWithoutValue": [],
        },
    ),
    _parameter(
        "130531",
        "Zakres temperatur",
        "integer",
        product=False,
        unit="°C",
        restrictions={"min": -40, "max": 300, "range": True},
    ),
)


def children(_call: Call) -> Response:
    parent = request.args.get("parent.id", ROOT)
    if parent != ROOT and not any(key == parent for key, *_ in CATEGORIES):
        raise not_found("Category")
    return answer({"categories": [_shown(*item) for item in CATEGORIES if item[2] == parent]})


def _shown(key: str, name: str, parent: str, leaf: bool) -> Document:
    body: Document = {"id": key, "name": name, "leaf": leaf, "options": OPTIONS}
    return body if parent == ROOT else body | {"parent": {"id": parent}}


def is_leaf(category: str) -> bool:
    return any(key == category and leaf for key, _, _, leaf in CATEGORIES)


def parameters(call: Call) -> Response:
    if not any(key == call.path["category_id"] for key, *_ in CATEGORIES):
        raise not_found("Category")
    return answer({"parameters": list(parameters_of(call.path["category_id"]))})


def parameters_of(category: str) -> tuple[Document, ...]:
    return PARAMETERS if category == MUGS else PARAMETERS[:2] if category == POSTERS else ()


# Products


def product_id(gtin: str, place: int = 0) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"allegro product {gtin} {place}"))


def known(market: Market, gtin: str) -> list[Document]:
    """What the catalogue has for a GTIN: one product for each, unless said otherwise."""
    told = market.docs.get("products", gtin)
    if told is None:
        told = {"category": MUGS, "count": 1 if market.options.known_products == "all" else 0}
    return [
        {"id": product_id(gtin, place), "name": f"Produkt {gtin}", "category": told["category"], "gtin": gtin}
        for place in range(told["count"])
    ]


def remember(market: Market, product: Document) -> None:
    market.docs.put("product_ids", product["id"], product)


def by_id(market: Market, key: str) -> Document | None:
    found: Document | None = market.docs.get("product_ids", key)
    return found


def products(call: Call) -> Response:
    phrase, mode = request.args.get("phrase"), one_of("mode", ("GTIN", "MPN"))
    if not phrase:
        raise Problem(400, "MissingParameter", "phrase is required", "phrase")
    found = known(call.market, phrase) if mode == "GTIN" else []
    for product in found:
        remember(call.market, product)
    return answer({"products": [_told(item) for item in found]})


def product(call: Call) -> Response:
    found = by_id(call.market, call.path["product_id"])
    if found is None:
        raise not_found("Product")
    return answer(_told(found))


def _told(item: Document) -> Document:
    options = {"identifiesProduct": True, "isGTIN": True}
    gtin = {"id": "225693", "name": "EAN (GTIN)", "values": [item.get("gtin") or ""], "options": options}
    path = [{"id": item["category"], "name": "Kubki"}]
    body = {"id": item["id"], "name": item["name"], "images": [], "publication": {"status": "LISTED"}}
    return body | {"category": {"id": item["category"], "path": path, "similar": []}, "parameters": [gtin]}
