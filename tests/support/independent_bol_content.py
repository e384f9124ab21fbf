"""What bol takes of a product, and its figures on a seller, from the description of its Retailer API v10."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from tests.support.independent import Independent, Json, Operation, Refusal


@dataclass
class BolContent(Independent):
    """``told``: by EAN, what was taken of each attribute and which pictures there are; what is the same as before is
    declined and is no fault. ``scores``: by norm, what was measured in this week."""

    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: dict[str, Json] = field(default_factory=dict)
    scores: dict[str, tuple[str, float, str, float]] = field(default_factory=dict)
    weeks: list[tuple[str, str]] = field(default_factory=list)

    def _later(self, operation: Operation, event: str, entity: str, act: Callable[[], str]) -> Response:
        raise NotImplementedError

    def _post_product_content(self, operation: Operation) -> Response:
        body = request.get_json(force=True)
        eans = [part["values"][0]["value"] for part in body["attributes"] if part["id"] == "EAN"]
        if len(eans) != 1:
            raise Refusal(400, "one EAN")
        upload = str(uuid.uuid4())
        known = self.told.setdefault(eans[0], {})
        report = {"uploadId": upload, "language": body["language"], "status": "COMPLETED"}
        report["attributes"] = [part | _verdict(known, part["id"], part["values"]) for part in body["attributes"]]
        report["assets"] = [part | _verdict(known, part["url"], part["labels"]) for part in body.get("assets") or ()]

        def act() -> str:
            self.uploads[upload] = report
            known.update({part["id"]: part["values"] for part in body["attributes"]})
            known.update({part["url"]: part["labels"] for part in body.get("assets") or ()})
            return ""

        return self._later(operation, "CREATE_PRODUCT_CONTENT", upload, act)

    def _get_upload_report(self, operation: Operation, upload: str) -> Response:
        if upload not in self.uploads:
            raise Refusal(404, "no such upload")
        return self.json(operation, 200, self.uploads[upload])

    def _get_performance_indicators(self, operation: Operation) -> Response:
        """Weeks have two digits in ISO 8601."""
        name, year, week = (request.args[part] for part in ("name", "year", "week"))
        if len(week) != 2:
            raise Refusal(400, "week")
        self.weeks.append((year, week))
        condition, norm, kind, value = self.scores.get(name, ("<=", 0.1, "PERCENTAGE", -1.0))
        details: Json = {"period": {"year": year, "week": week}, "norm": {"condition": condition, "value": norm}}
        if value >= 0:
            good = value <= norm if condition == "<=" else value >= norm
            counted = {"conforms": good, "numerator": 5, "denominator": 10, "distanceToNorm": round(value - norm, 4)}
            details["score"] = counted | {"value": value}
        body = {"performanceIndicators": [{"name": name, "type": kind, "details": details}]}
        return self.json(operation, 200, body)


def _verdict(known: Json, name: str, value: Any) -> Json:
    if known.get(name) != value:
        return {"status": "PUBLISHED"}
    same = "IMAGE_FLAGGED_AS_DUPLICATE" if name.startswith("http") else "IDENTICAL_VALUE_AS_BEFORE"
    return {"status": "DECLINED", "subStatus": same, "subStatusDescription": "The value is the same as before."}
