"""Kaufland's official description, and where it is silent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from tests.support.openapi import Description, Exchange

ROOT = "/v2"
# Refused by the sandbox as malformed or unsigned: what was sent need not be valid.
MALFORMED = (400, 401)
# Statuses of the whole API that are named for few operations or none: the body is an ErrorResponse all the same.
# bulkUpdateUnits is described to answer 400 in words only; throttling stands in the documentation beside the file.
EVERYWHERE = {"400", "403", "404", "405", "429"}


class KauflandSpecification:
    def __init__(self, folder: Path) -> None:
        spec = json.loads((folder / "swagger.json").read_text(encoding="utf-8"))
        self.description = Description(_with_refusals(_readable(spec)))

    def check(self, request: httpx.Request, response: httpx.Response) -> Exchange:
        """Request and answer against the description."""
        path = request.url.path.removeprefix(ROOT)
        exchange = Exchange(request, response, self.description.operation(request.method, path) or "")
        if not exchange.operation:
            exchange.faults.append("no such operation in the description")
            return exchange
        if response.status_code not in MALFORMED:
            exchange.faults += self.description.faults_of_request(request)
        if response.status_code == 201 and not response.content:
            return exchange  # described without a body
        exchange.faults += self.description.faults_of_response(request, response)
        return exchange


def _readable(spec: Any) -> Any:
    """Numbers whose default is written as text ("1"), which no validator accepts, without it; and a reference that is
    marked as nullable from outside (``allOf`` with ``nullable``), which it is not by the letter of OpenAPI 3.0, so."""
    if isinstance(spec, list):
        return [_readable(part) for part in spec]
    if not isinstance(spec, dict):
        return spec
    odd = spec.get("type") == "integer" and isinstance(spec.get("default"), str)
    read = {name: _readable(part) for name, part in spec.items() if not (odd and name == "default")}
    if read.get("nullable") is True and "allOf" in read:
        read["anyOf"] = [{"allOf": read.pop("allOf")}, {"enum": [None], "nullable": True}]
    return read


def _with_refusals(spec: Any) -> Any:
    schema = {"$ref": "#/components/schemas/ErrorResponse"}
    refusal = {"description": "refused", "content": {"application/json": {"schema": schema}}}
    for methods in spec["paths"].values():
        for operation in methods.values():
            operation["responses"] = dict.fromkeys(EVERYWHERE, refusal) | operation["responses"]
    return spec
