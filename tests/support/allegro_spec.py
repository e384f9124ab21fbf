"""Allegro's official description of its REST API, and where we know it to be wrong or silent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.mirakl_spec import only
from tests.support.openapi import Description, Exchange

Json = dict[str, Any]
# Where the description is wrong, as text found in the fault. Tasks of a bulk command are "one of" two schemas that differ
# in their examples only; a list of orders is said never to be empty.
KNOWN_WRONG = (
    "CommandTaskWithStockSubject'}, {'$ref': '#/components/schemas/CommandTaskWithPriceSubject'}",
    "count: 0 is less than the minimum of 1",
    "totalCount: 0 is less than the minimum of 1",
)
# Answers the description names for few operations: throttling, a wrong media type, our name not told (July 2026).
UNDESCRIBED = {400, 403, 404, 406, 409, 415, 422, 429}


class AllegroSpecification:
    """Only the operations asked for, with the schemas they need: the whole has 1.5 MB."""

    def __init__(self, folder: Path, operations: Iterable[str]) -> None:
        text = (folder / "spec.yaml").read_text(encoding="utf-8")
        spec: Json = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        wanted = only(spec, set(operations))
        _leave_tokens_to_the_door(wanted)
        self._description = Description(wanted)

    def operations(self) -> set[str]:
        return self._description.operations()

    def check(self, request: httpx.Request, response: httpx.Response) -> Exchange:
        """Request and answer against the description. What the API refused as malformed need not be valid."""
        path = request.url.path
        exchange = Exchange(request, response, self._description.operation(request.method, path) or "")
        if path == "/auth/oauth/token":
            return Exchange(request, response, "token")
        if not exchange.operation:
            exchange.faults.append("no such operation in the description")
            return exchange
        if response.status_code not in (400, 406, 415, 422):
            exchange.faults += self._description.faults_of_request(request)
        exchange.faults += self._answer_faults(request, response)
        return exchange

    def _answer_faults(self, request: httpx.Request, response: httpx.Response) -> list[str]:
        if str(response.status_code) in self._description.statuses(request.method, request.url.path):
            faults = self._description.faults_of_response(request, response) if response.content else []
            return [fault for fault in faults if not _is_known(fault)]
        if response.status_code in UNDESCRIBED:
            errors = response.json().get("errors")
            return [] if errors and all(item["code"] and item["message"] for item in errors) else ["no errors"]
        return [f"status {response.status_code} is not in the description"]


def _is_known(fault: str) -> bool:
    """All that is wrong with it is known."""
    told = [part for part in fault.split(" | ")[1:] if not part.startswith("Value ")]
    return bool(told) and all(any(known in part for known in KNOWN_WRONG) for part in told)


def _leave_tokens_to_the_door(spec: Json) -> None:
    """OAuth is not what a validator can look into; the sandbox does."""
    spec.pop("security", None)
    for methods in spec["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
