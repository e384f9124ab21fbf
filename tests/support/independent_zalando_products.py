"""The independent Zalando's products: outlines and their attributes, submissions, and what became of prices later."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from flask import Response, request

from tests.support.independent import Description, Json, Operation, Refusal
from tests.support.independent_zalando import CHANNELS, Zalando, _moment

HERE = Path(__file__)
DAYS = timedelta(days=7)
SHIRT = {
    "model": (["name", "brand_code", "size_group", "target_genders", "target_age_groups"], ["description"]),
    "config": (
        ["color_code.primary", "season_code", "media", "material.upper"],
        ["pattern", "supplier_color", "washable"],
    ),
    "simple": (["ean", "size_codes"], []),
}
MANY = ("target_genders", "target_age_groups", "media", "material")
TYPES: dict[str, str] = {
    "name": "StringDefinition", "brand_code": "StringDefinition", "season_code": "StringDefinition",
    "description": "LocalizedStringDefinition", "color_code": "LocalizedStringDefinition",
    "target_genders": "StringDefinition", "target_age_groups": "StringDefinition", "pattern": "LocalizedStringDefinition",
    "supplier_color": "StringDefinition", "washable": "BooleanDefinition", "ean": "StringDefinition",
    "media": "StructuredDefinition", "material": "StructuredDefinition", "size_codes": "StructuredDefinition",
    "size_group": "StructuredDefinition",
}  # fmt: skip
PARTS = {
    "media": [("media_path", False), ("media_sort_key", False)],
    "material": [("material_code", False), ("material_percentage", False)],
    "size_codes": [("size", False)],
    "size_group": [("size", False)],
}
KNOWN: dict[str, list[tuple[str, str]]] = {
    "brand_code": [("0KA", "Kaolin")],
    "season_code": [("hw26", "Herbst/Winter 2026"), ("fs27", "Frühjahr/Sommer 2027")],
    "color_code": [("301", "rot"), ("302", "blau"), ("999", "bunt")],
    "target_genders": [("target_gender_female", "Damen"), ("target_gender_male", "Herren")],
    "target_age_groups": [("target_age_group_adult", "Erwachsene")],
    "pattern": [("pattern_0", "uni")],
    "material_code": [("cou", "Baumwolle"), ("wov", "Wolle")],
    "size": [("2EU0000M", "M"), ("2EU0000L", "L")],
}
RESTRICTED = {"color_code": ["301", "302"]}


@dataclass
class Products(Zalando):
    """``submitted``: by model; ``judged``: by EAN, how a price ends and why; ``attempts``: every price that was sent."""

    submitted: dict[str, Json] = field(default_factory=dict)
    warns: list[str] = field(default_factory=list)
    judged: dict[str, tuple[str, str]] = field(default_factory=dict)
    attempts: list[Json] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    # Prices: what the API takes is validated once more, later.

    def _prices(self, operation: Operation) -> Response:
        answer = super()._prices(operation)
        for item in request.get_json(force=True)["product_prices"]:
            taken = self.price_says.get(item["ean"], ("ACCEPTED", 0))[0] in ("ACCEPTED", "PARTIALLY_ACCEPTED")
            wrong = CHANNELS[item["sales_channel_id"]][1] != item["regular_price"]["currency"]
            state = "RECEIVED" if taken and not wrong else "REJECTED"
            self.attempts.append({"item": item, "at": self.now(), "states": [(state, "")]})
        return answer

    def validate(self) -> None:
        """A while later: each price that was taken is live, or rejected after all."""
        for attempt in self.attempts:
            if attempt["states"][-1][0] == "RECEIVED":
                attempt["states"].append(("ACCEPTED", ""))
                attempt["states"].append(self.judged.get(attempt["item"]["ean"], ("SUBMITTED", "")))

    def _price_attempts(self, operation: Operation) -> Response:
        asked = request.get_json(force=True)
        if {"start", "end"} & asked.keys() and {"modified_since", "modified_until"} & asked.keys():
            raise Refusal(400, "start and end do not go with modified_since and modified_until")
        found = [one for one in self.attempts if self._wanted(one, asked)]
        size, first = asked.get("page_size", 100), 0
        if cursor := request.args.get("cursor"):
            first = int(base64.b64decode(cursor))
        body: Json = {"query": asked, "items": [self._told(one) for one in found[first : first + size]], "cursors": {}}
        if first + size < len(found):
            token = base64.b64encode(str(first + size).encode()).decode()
            body["cursors"] = {"next": f"https://api.merchants.zalando.com{request.path}?cursor={token}"}
        return self.json(operation, 200, body)

    def _wanted(self, attempt: Json, asked: Json) -> bool:
        """Of the last seven days; "after" and "before" exclude the moment itself."""
        item, at = attempt["item"], attempt["at"]
        if "eans" in asked and item["ean"] not in asked["eans"]:
            return False
        if "sales_channels" in asked and item["sales_channel_id"] not in asked["sales_channels"]:
            return False
        since = asked.get("start") or asked.get("modified_since")
        until = asked.get("end") or asked.get("modified_until")
        fits = at > self.now() - DAYS and not (since and not at > _moment(since))
        return fits and not (until and not at < _moment(until))

    def _told(self, attempt: Json) -> Json:
        item, states = attempt["item"], attempt["states"]
        moves = []
        for (before, _), (after, why) in pairwise(states):
            severity = "ERROR" if after in ("REJECTED", "FAILED") else "INFO"
            messages = [{"code": why.upper().replace(" ", "_"), "severity": severity, "message": why}] if why else []
            moves.append({"from": before, "to": after, "timestamp": self.moment(attempt["at"]), "messages": messages})
        price = {name: item[name] for name in ("regular_price", "promotional_price") if name in item}
        base = price | {"status": states[-1][0], "status_transitions": moves}
        told = {"ean": item["ean"], "sales_channel_id": item["sales_channel_id"], "base_price": base}
        return told | {"ignore_warnings": item.get("ignore_warnings", False)}

    # Outlines and their attributes.

    def _shirt(self) -> Json:
        tiers = {}
        for tier, (mandatory, optional) in SHIRT.items():
            used = {name.partition(".")[0] for name in (*mandatory, *optional)}
            restricted = [
                {"type": {"label": name, "version": "1.0.0"}, "values": values}
                for name, values in RESTRICTED.items()
                if name in used
            ]
            tiers[tier] = {
                "mandatory_types": mandatory,
                "optional_types": optional,
                "restricted_attributes": restricted,
            }
        return {"label": "shirt", "name": {"en": "Shirt", "de": "Hemd"}, "tiers": tiers}

    def _outlines(self, operation: Operation) -> Response:
        return self.json(operation, 200, {"items": [self._shirt()]})

    def _outline(self, operation: Operation, label: str) -> Response:
        if label != "shirt":
            raise Refusal(404, "no such outline")
        return self.json(operation, 200, {"items": [self._shirt()]})

    def _attribute_type(self, operation: Operation, label: str) -> Response:
        kind = TYPES.get(label) or (
            "StringDefinition" if label in KNOWN or label.startswith(("media_", "material_")) else ""
        )
        if not kind:
            raise Refusal(404, "no such type")
        if label == "media_sort_key":
            kind = "IntegerDefinition"
        if label == "material_percentage":
            kind = "DecimalDefinition"
        definition: Json = {"type": kind}
        if label in PARTS:
            definition["types"] = [{"label": part, "optional": optional} for part, optional in PARTS[label]]
        variants = {"color_code": ["primary", "secondary"], "material": ["upper", "filling"]}.get(label, [])
        told = [{"label": one, "name": {"en": one.title()}} for one in variants]
        about = {"label": label, "name": {"en": label.replace("_", " ").title()}, "definition": definition}
        about |= {"type_variants": told, "cardinality": "many" if label in MANY else "one"}
        return self.json(operation, 200, about | {"usage": "reference_by_label" if label in KNOWN else "literal"})

    def _attributes(self, operation: Operation, label: str) -> Response:
        values = [
            {"label": key, "name": {"de": name, "en": name}, "value": {"localized": {"de": name}}}
            for key, name in KNOWN.get(label, [])
        ]
        return self.json(operation, 200, {"items": values})

    # Customers who want to be forgotten.

    def _deletion_requests(self, operation: Operation) -> Response:
        """The cursor is told as it is, in no address."""
        size, first = int(request.args.get("limit", "1000")), int(request.args.get("cursor", "HSOD0")[4:])
        page = self.forgotten[first : first + size]
        body: Json = {"items": [{"order_id": key, "requested_at": self.moment(self.now())} for key in page]}
        if first + size < len(self.forgotten):
            body["cursor"] = {"next": f"HSOD{first + size}"}
        return self.json(operation, 200, body)

    # Submissions.

    def _submit(self, operation: Operation) -> Response:
        body = request.get_json(force=True)
        errors = list(self._errors(body))
        warnings = [
            {"path": f"/product_model/{name}", "tier": "model", "attribute": name, "message": f"{name} is ignored"}
            | {"reason": "UNSUPPORTED_VALUE", "reference": "https://developers.merchants.zalando.com/"}
            for name in self.warns
        ]
        if errors:
            told = {
                "title": "Bad Request",
                "flow_id": "f",
                "detail": "Bad Request: validation errors found",
                "status": 400,
            }
            answer = self.json(operation, 200, told | {"body_errors": errors, "body_warnings": warnings})
            answer.status_code = 400
            return answer
        self.submitted[body["product_model"]["merchant_product_model_id"]] = body
        told = {"title": "success", "status": 200, "detail": "Ok with warnings", "body_warnings": warnings}
        return self.json(operation, 200, told if warnings else {})

    def _errors(self, body: Json) -> Iterator[Json]:
        if body["outline"] != "shirt":
            yield _error("/outline", "outline", "outline", "no such outline")
            return
        model = body["product_model"]
        yield from self._tier("model", "/product_model", model["product_model_attributes"])
        for number, config in enumerate(model["product_configs"]):
            path = f"/product_model/product_configs/{number}"
            yield from self._tier("config", path, config["product_config_attributes"])
            for count, simple in enumerate(config["product_simples"]):
                yield from self._tier("simple", f"{path}/product_simples/{count}", simple["product_simple_attributes"])

    def _tier(self, tier: str, path: str, given: Json) -> Iterator[Json]:
        mandatory, optional = SHIRT[tier]
        for name in mandatory:
            if given.get(name) in (None, "", [], {}):
                yield _error(path, tier, name, f"{name} is missing")
        for name, value in given.items():
            if name not in (*mandatory, *optional):
                yield _error(path, tier, name, f"{name} is not known in the outline shirt")
            else:
                yield from self._value(path, tier, name, value)

    def _value(self, path: str, tier: str, name: str, value: Any) -> Iterator[Json]:
        label = name.partition(".")[0]
        if (label in MANY) != isinstance(value, list):
            yield _error(path, tier, name, f"{name} has a wrong cardinality")
            return
        for one in value if isinstance(value, list) else [value]:
            if not _fits(label, one):
                yield _error(path, tier, name, f"'{one}' is not a supported label for {name} in outline shirt")


def _fits(label: str, value: Any) -> bool:
    if label in PARTS:
        names = {part for part, _ in PARTS[label]}
        return isinstance(value, dict) and set(value) == names and all(_fits(part, one) for part, one in value.items())
    if label in KNOWN:
        allowed = RESTRICTED.get(label) or [key for key, _ in KNOWN[label]]
        return value in allowed
    if label == "washable":
        return isinstance(value, bool)
    if label in ("media_sort_key", "material_percentage"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if label == "description":
        return isinstance(value, dict) and all(isinstance(word, str) for word in value.values())
    return isinstance(value, str)


def _error(path: str, tier: str, name: str, message: str) -> Json:
    reason = "MISSING_ATTRIBUTE" if message.endswith("missing") else "UNSUPPORTED_VALUE"
    about = {"path": f"{path}/{name}", "tier": tier, "attribute": name, "message": message, "reason": reason}
    return about | {"reference": "https://developers.merchants.zalando.com/docs/product-submission-validation.html"}


def products(**given: Any) -> Products:
    files = ("independent_zalando.yaml", "independent_zalando_products.yaml")
    return Products([Description.of(HERE.with_name(name)) for name in files], **given)
