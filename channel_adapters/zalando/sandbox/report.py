"""The product status report: what the merchant's articles have come to, in every sales channel. Somewhat behind."""

from __future__ import annotations

import base64
from typing import Any

from flask import Response
from pydantic import BaseModel

from channel_adapters.zalando.sandbox.graphql import BadQuestion, Field, parse, select
from channel_adapters.zalando.sandbox.market import CHANNELS, Call, Document, Market, pair
from channel_adapters.zalando.sandbox.protocol import answer

CLUSTERS = {"onboarded": "APPROVED", "judged": "IN_PROGRESS", "refused": "REJECTED"}


class Question(BaseModel):
    query: str


def ask(call: Call) -> Response:
    """Always 200: what is wrong with the question stands in the body."""
    try:
        (psr,) = parse(call.body.query)
        (models,) = psr.selection
        return answer({"data": {psr.name: {models.name: _models(call, models)}}})
    except (BadQuestion, ValueError, KeyError) as error:
        return answer({"data": None, "errors": [{"message": str(error)}]})


def _models(call: Call, asked: Field) -> Any:
    market, wanted = call.market, asked.arguments["input"]
    if any(merchant not in market.options.merchants for merchant in wanted["merchant_ids"]):
        raise BadQuestion("Forbidden")
    found = [article for article in market.docs.all("articles").values() if _fits(market, article, wanted)]
    if call.faulty("empty_list") is not None:
        found = []
    start = 0 if call.faulty("stuck_cursor") is not None else _start(wanted.get("cursor"))
    limit = int(wanted["limit"])
    more = base64.b64encode(str(start + limit).encode()).decode() if len(found) > start + limit else None
    shown = {"cursor": more, "items": [_model(market, article) for article in found[start : start + limit]]}
    return select(shown, asked.selection)


def _start(cursor: str | None) -> int:
    return int(base64.b64decode(cursor)) if cursor else 0


def _fits(market: Market, article: Document, wanted: Document) -> bool:
    words = [article["ean"], article["simple"], article["config"], article["model"]]
    late = market.now() - article["at"] < market.options.report_seconds
    return not late and (not wanted["search_value"] or wanted["search_value"] in words)


def _model(market: Market, article: Document) -> Document:
    status = [{"status_detail_code": "", "status_cluster": CLUSTERS[article["state"]]}]
    simple = {"ean": article["ean"], "merchant_product_simple_id": article["simple"], "status": status}
    simple["offers"] = [_offer(market, article, code) for code in CHANNELS if _has_offer(market, article, code)]
    config = {"merchant_product_config_id": article["config"], "product_simples": [simple]}
    return {"merchant_product_model_id": article["model"], "name": article["name"], "product_configs": [config]}


def _has_offer(market: Market, article: Document, code: str) -> bool:
    key = pair(CHANNELS[code][2], article["ean"])
    return market.docs.get("stocks", key) is not None or market.docs.get("prices", key) is not None


def _offer(market: Market, article: Document, code: str) -> Document:
    channel, ean = CHANNELS[code][2], article["ean"]
    words = reasons(market, channel, ean)
    status = {"status_detail_code": words[0] if words else "LIVE", "status_cluster": "BLOCKED" if words else "LIVE"}
    price = market.price_of(channel, ean) or {}
    return {
        "offer_status": [
            status | {"short_description": {"en": words[0].replace("_", " ").lower() if words else "live"}}
        ],
        "country": {"code": code.upper()},
        "stock": {"amount": market.stock_of(channel, ean)},
        "price": {"regular_price": price.get("regular"), "discounted_price": price.get("promotional")},
    }


def reasons(market: Market, channel: str, ean: str) -> list[str]:
    """Why it cannot be bought."""
    found = [] if market.is_onboarded(ean) else ["ARTICLE_NOT_ONBOARDED"]
    found += [] if market.is_live(channel) else ["MERCHANT_NOT_LIVE"]
    found += [] if market.price_of(channel, ean) else ["PRICE_MISSING"]
    return found + ([] if market.stock_of(channel, ean) > 0 else ["OUT_OF_STOCK"])
