"""Articles: known ones looked up and named, new ones submitted and judged."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import BaseModel

from channel_adapters.zalando.sandbox.attributes import ATTRIBUTES, OUTLINES, TYPES
from channel_adapters.zalando.sandbox.market import Call, Document, Market
from channel_adapters.zalando.sandbox.protocol import Refused, answer, is_gtin13, no_content

Errors = list[Document]


class Identifiers(BaseModel):
    merchant_product_simple_id: str
    merchant_product_config_id: str | None = None
    merchant_product_model_id: str | None = None


class Simple(BaseModel):
    merchant_product_simple_id: str
    product_simple_attributes: dict[str, Any]


class Config(BaseModel):
    merchant_product_config_id: str
    product_config_attributes: dict[str, Any]
    product_simples: list[Simple]


class Model(BaseModel):
    merchant_product_model_id: str
    product_model_attributes: dict[str, Any]
    product_configs: list[Config]


class Submission(BaseModel):
    outline: str
    product_model: Model


def look_up(call: Call) -> Response:
    ean = call.path["ean"]
    return answer({"items": [{"ean": ean}] if is_gtin13(ean) and call.market.knows(ean) else []})


def associate(call: Call) -> Response:
    """What is not named is forgotten."""
    market, ean, wanted = call.market, call.path["ean"], call.body
    if not is_gtin13(ean):
        raise Refused(400, "Bad Request", f"{ean} is not a valid EAN", pointer="/ean")
    if not (market.knows(ean) or market.article(ean)):
        raise Refused(404, "Not Found", f"No product with the EAN {ean} could be found")
    _require_free(market, ean, wanted.merchant_product_simple_id)
    article = market.article(ean) or _article(market, ean, f"Article {ean}", "onboarded")
    article |= {
        "simple": wanted.merchant_product_simple_id,
        "config": wanted.merchant_product_config_id,
        "model": wanted.merchant_product_model_id,
    }
    market.docs.put("articles", ean, article)
    return no_content()


def _require_free(market: Market, ean: str, simple: str) -> None:
    if any(item["simple"] == simple and item["ean"] != ean for item in market.docs.all("articles").values()):
        raise Refused(409, "Conflict", f"Merchant product simple id {simple} belongs to another EAN")


def _article(market: Market, ean: str, name: str, state: str) -> Document:
    return {"ean": ean, "name": name, "state": state, "simple": None, "config": None, "model": None, "at": market.now()}


# New ones


def submit(call: Call) -> Response:
    """Its form is looked at here; whether it is good is judged later, by people."""
    market, wanted = call.market, call.body
    if wanted.outline not in OUTLINES:
        raise Refused(400, "Bad Request", f"Outline {wanted.outline} is unknown")
    if errors := [*_errors(wanted), *_taken(market, wanted.product_model)]:
        body = {"title": "Bad Request", "status": 400, "detail": "The product has errors.", "flow_id": "sandbox"}
        return answer(body | {"contact": "sandbox", "body_errors": errors, "body_warnings": []}, 400)
    if call.faulty("not_applied") is None:
        for config in wanted.product_model.product_configs:
            for simple in config.product_simples:
                _introduce(market, wanted, config, simple)
    warnings = _warnings(wanted)
    return answer({"body_warnings": warnings} if warnings else {})


def _introduce(market: Market, wanted: Submission, config: Config, simple: Simple) -> None:
    ean = simple.product_simple_attributes["ean"]
    known = market.article(ean)
    state = known["state"] if known else "onboarded" if market.knows(ean) else "judged"
    name = _words(wanted.product_model.product_model_attributes["name"])
    article = (known or _article(market, ean, name, state)) | {
        "name": name,
        "simple": simple.merchant_product_simple_id,
        "config": config.merchant_product_config_id,
        "model": wanted.product_model.merchant_product_model_id,
        "submitted": wanted.model_dump(),
    }
    market.docs.put("articles", ean, article)
    if state != "onboarded":
        market.schedule(market.now() + market.options.article_seconds, "article", ean)


def judge(market: Market, ean: str) -> None:
    """People have looked at the article."""
    article = market.docs.all("articles")[ean]
    state = "onboarded" if market.options.verdict == "accepted" else "refused"
    market.docs.put("articles", ean, article | {"state": state})


def schedule_judgements(market: Market) -> None:
    for ean, article in market.docs.all("articles").items():
        if article["state"] == "judged":
            market.schedule(article["at"] + market.options.article_seconds, "article", ean)


def _words(value: Any) -> str:
    return str(next(iter(value.values()), "")) if isinstance(value, dict) else str(value)


def _tiers(wanted: Submission) -> list[tuple[str, str, Document]]:
    model = wanted.product_model
    found = [("model", "/product_model/product_model_attributes", model.product_model_attributes)]
    for place, config in enumerate(model.product_configs):
        path = f"/product_model/product_configs/{place}"
        found.append(("config", f"{path}/product_config_attributes", config.product_config_attributes))
        for index, simple in enumerate(config.product_simples):
            where = f"{path}/product_simples/{index}/product_simple_attributes"
            found.append(("simple", where, simple.product_simple_attributes))
    return found


def _errors(wanted: Submission) -> Errors:
    found = []
    for tier, path, given in _tiers(wanted):
        rules = OUTLINES[wanted.outline]["tiers"][tier]
        known = {*rules["mandatory_types"], *rules["optional_types"]}
        missing = [label for label in rules["mandatory_types"] if given.get(label) in (None, "", [], {})]
        found += [_error(tier, path, label, f"{label} is mandatory.", "MISSING_ATTRIBUTE") for label in missing]
        for label, value in given.items():
            if label not in known:
                found.append(_error(tier, path, label, f"{label} is not in the outline.", "UNKNOWN_ATTRIBUTE"))
            elif fault := _fault(label, value):
                found.append(_error(tier, path, label, fault, "UNSUPPORTED_VALUE"))
    return found


def _fault(label: str, value: Any) -> str:
    """What is wrong with a value by its type."""
    about = TYPES[label.partition(".")[0]]
    if about["cardinality"] == "many" and not isinstance(value, list):
        return f"{label} takes a list."
    return next(
        (fault for part in (value if isinstance(value, list) else [value]) if (fault := _misfit(about, part))), ""
    )


def _misfit(about: Document, value: Any) -> str:
    label, kind = about["label"], about["definition"]["type"]
    if about["usage"] == "reference_by_label":
        return "" if value in [item["label"] for item in ATTRIBUTES[label]] else f"{value} is not a value of {label}."
    if kind == "StructuredDefinition":
        return _unlike(about, value)
    wanted = {
        "BooleanDefinition": bool,
        "IntegerDefinition": int,
        "DecimalDefinition": (int, float),
        "LocalizedStringDefinition": dict,
    }.get(kind, str)
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "BooleanDefinition"):  # type: ignore[arg-type]
        return f"{label} is no {kind}."
    return f"{value} is not a valid EAN." if label == "ean" and not is_gtin13(value) else ""


def _unlike(about: Document, value: Any) -> str:
    parts = {part["label"]: part["optional"] for part in about["definition"]["types"]}
    if not isinstance(value, dict) or set(value) - set(parts):
        return f"{about['label']} has the parts {', '.join(parts)}."
    missing = [label for label, optional in parts.items() if not optional and label not in value]
    if missing:
        return f"{about['label']} lacks its part {missing[0]}."
    return next((fault for label, part in value.items() if (fault := _misfit(TYPES[label], part))), "")


def _taken(market: Market, model: Model) -> Errors:
    """Numbers of the merchant's that belong to another article."""
    known = {item["simple"]: item["ean"] for item in market.docs.all("articles").values()}
    simples = [simple for config in model.product_configs for simple in config.product_simples]
    return [
        _error("simple", "/product_model", "merchant_product_simple_id", "The number is taken.", "INVALID_IDENTIFIER")
        for simple in simples
        if known.get(simple.merchant_product_simple_id, "") not in ("", simple.product_simple_attributes.get("ean"))
    ]


def _warnings(wanted: Submission) -> Errors:
    """Quality: what would make the article better."""
    found = []
    for tier, path, given in _tiers(wanted):
        for label, hint in OUTLINES[wanted.outline]["tiers"][tier].get("validation_hints", {}).items():
            if label not in given:
                found.append(_error(tier, path, label, hint["description"]["en"], "MISSING_RECOMMENDED_ATTRIBUTE"))
    return found


def _error(tier: str, path: str, label: str, message: str, reason: str) -> Document:
    return {"path": f"{path}/{label}", "tier": tier, "attribute": label, "message": message, "reason": reason}
