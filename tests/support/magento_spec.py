"""Magento's official description (Swagger 2), and where it and the real store part."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft4Validator
from referencing import Registry

from tests.support.openapi import Exchange
from tests.support.swagger import Descriptions

Json = dict[str, Any]
# Measured on 2.4.7: these answer with an id as text, true, or an empty list, whatever is described.
OTHERWISE = {
    "PostV1OrderOrderIdShip",
    "PostV1OrderOrderIdInvoice",
    "PostV1OrderOrderIdRefund",
    "PostV1InventorySourceitems",
    "GetV1InventoryGetproductsalablequantitySkuStockId",
}
# Measured: takes a part of what is described as required.
PARTIAL = ("PutV1ProductsProductSkuStockItemsItemId",)
# In every Magento, and not in the part of the description that is kept.
ELSEWHERE = re.compile(r"/V1/products/(attributes|attribute-sets/sets/list)")


class MagentoSpecification:
    def __init__(self, file: Path) -> None:
        spec = json.loads(file.read_text(encoding="utf-8"))
        self._described = Descriptions([file])
        self._answers = _loose(spec["definitions"])
        self._base = str(spec.get("basePath", "")).rstrip("/")

    def check(self, request: httpx.Request, response: httpx.Response) -> Exchange:
        """Request and answer. Bodies of requests are taken by the letter; answers leave out what is null."""
        path = "/V1/" + request.url.raw_path.decode().partition("?")[0].partition("/V1/")[2]
        if ELSEWHERE.fullmatch(path):
            return Exchange(request, response, path)
        found = self._described.find(request.method, self._base + path)
        exchange = Exchange(request, response, found[0].name if found else "")
        if found is None:
            exchange.faults.append(f"no such operation in the description: {request.method} {path}")
            return exchange
        operation = found[0]
        exchange.faults += _query(operation.parameters("query"), request)
        exchange.faults += self._body(operation, request)
        if response.is_success and operation.name not in OTHERWISE:
            schema = operation.raw["responses"].get("200", {}).get("schema")
            exchange.faults += _faults(_loose(schema), self._answers, response.json(), "answer") if schema else []
        return exchange

    def _body(self, operation: Any, request: httpx.Request) -> list[str]:
        described = list(operation.parameters("body").values())
        if not request.content:
            return []
        if not described:
            return ["a body that is not described"]
        body = json.loads(request.content)
        definitions = self._answers if operation.name in PARTIAL else operation.definitions
        return _faults(described[0]["schema"], definitions, body, "body")


def _query(known: dict[str, Json], request: httpx.Request) -> list[str]:
    """The description shows the first filter only, and none of the fields that every list can be asked for."""
    first = (re.sub(r"\[\d+\]", "[0]", name) for name in request.url.params if name != "fields")
    return [f"query {name} is not described" for name in first if known and name not in known]


def _faults(schema: Json, definitions: Json, value: Any, where: str) -> list[str]:
    checker = Draft4Validator({**schema, "definitions": definitions}, registry=Registry())
    errors = checker.iter_errors(value)
    return [f"{where} {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]


def _loose(schema: Any) -> Any:
    """Without what is required, and with null wherever a value may be missing: that is how Magento answers."""
    if isinstance(schema, list):
        return [_loose(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    read = {name: _loose(part) for name, part in schema.items() if name != "required" or not isinstance(part, list)}
    if isinstance(read.get("type"), str):
        read["type"] = [read["type"], "null"]
    return read
