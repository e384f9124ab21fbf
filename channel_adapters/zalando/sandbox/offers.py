"""Stock and prices, told by EAN and sales channel. A 207 is the first word; prices are validated once more later."""

from __future__ import annotations

import base64
from typing import Any

from flask import Response, request
from pydantic import BaseModel, Field

from channel_adapters.zalando.sandbox.market import CHANNELS, NUMBERS, Call, Document, Market, pair, stamp
from channel_adapters.zalando.sandbox.protocol import Refused, answer, is_gtin13, is_uuid, too_many

MOST_ITEMS = 1000
STOCKS_PER_MINUTE, PRICES_PER_MINUTE = 2000, 8000
SUSPICIOUS = 10
KEPT_SECONDS = 7 * 86400


class StockItem(BaseModel):
    sales_channel_id: str
    ean: str
    quantity: int


class Stocks(BaseModel):
    items: list[StockItem] = Field(min_length=1)


class Amount(BaseModel):
    amount: float
    currency: str


class Price(BaseModel):
    ean: str
    sales_channel_id: str
    regular_price: Amount
    promotional_price: Amount | None = None
    scheduled_prices: list[dict[str, Any]] = Field(default_factory=list)
    ignore_warnings: bool = False


class Prices(BaseModel):
    product_prices: list[Price] = Field(min_length=1)


def _require_fitting(keys: list[str], what: str) -> None:
    if len(keys) > MOST_ITEMS:
        raise Refused(400, "Bad Request", f"At most {MOST_ITEMS} {what} in a request")
    if len(set(keys)) < len(keys):
        raise Refused(400, "Bad Request", f"An EAN stands twice for one sales channel among the {what}")


def _faulty_keys(call: Call, count: int) -> set[int]:
    """Which of the items a fault refuses: ``every`` n-th."""
    params = call.faulty("partial")
    every = int(params.get("every", 1)) if params is not None else count + 1
    return {place for place in range(count) if (place + 1) % every == 0} if params is not None else set()


def set_stocks(call: Call) -> Response:
    items = call.body.items
    _require_fitting([pair(item.sales_channel_id, item.ean) for item in items], "items")
    if not call.market.admits("stock updates", STOCKS_PER_MINUTE, len(items)):
        raise too_many(f"{STOCKS_PER_MINUTE} updates per minute")
    refused, ignored = _faulty_keys(call, len(items)), call.faulty("not_applied") is not None
    results = [_stock(call.market, item, place in refused, ignored) for place, item in enumerate(items)]
    return answer({"results": results}, 207)


def _stock(market: Market, item: StockItem, refused: bool, ignored: bool) -> Document:
    fault = _unfit(item.sales_channel_id, item.ean)
    if not fault and item.quantity < 0:
        fault = "quantity must be at least 0"
    if fault or refused:
        return _told(item, "REJECTED", 101, fault or "Refused on request")
    if not ignored:
        market.docs.put(
            "stocks", pair(item.sales_channel_id, item.ean), {"quantity": item.quantity, "at": market.now()}
        )
    return _told(item, "ACCEPTED", *_waiting(market, item.ean))


def _told(item: StockItem, status: str, code: int, description: str) -> Document:
    return {"item": item.model_dump(), "result": {"status": status, "code": code, "description": description}}


def _waiting(market: Market, ean: str) -> tuple[int, str]:
    return (0, "") if market.is_onboarded(ean) else (104, "Update pending - waiting for the EAN to be onboarded")


def _unfit(channel: str, ean: str) -> str:
    if not is_gtin13(ean):
        return f"{ean} is not a valid EAN"
    return "" if is_uuid(channel) and channel.lower() in NUMBERS else f"Sales channel {channel} is unknown"


# Prices


def set_prices(call: Call) -> Response:
    prices = call.body.product_prices
    _require_fitting([pair(item.sales_channel_id, item.ean) for item in prices], "prices")
    if not call.market.admits("price updates", PRICES_PER_MINUTE, len(prices)):
        raise too_many(f"{PRICES_PER_MINUTE} updates per minute")
    refused, ignored = _faulty_keys(call, len(prices)), call.faulty("not_applied") is not None
    results = [_price(call.market, item, place in refused, ignored) for place, item in enumerate(prices)]
    return answer({"results": results}, 207)


def _price(market: Market, item: Price, refused: bool, ignored: bool) -> Document:
    code, fault = _price_fault(market, item)
    shown = item.model_dump(exclude_none=True)
    if fault or refused:
        return {"product_price": shown, "status": "REJECTED", "code": code or 101, "description": fault or "Refused"}
    if not ignored:
        _attempt(market, item)
    code, words = _waiting(market, item.ean)
    return {"product_price": shown, "status": "ACCEPTED", "code": code, "description": words}


def _price_fault(market: Market, item: Price) -> tuple[int, str]:
    if fault := _unfit(item.sales_channel_id, item.ean):
        return 101, fault
    if item.sales_channel_id.lower() not in (CHANNELS[code][2] for code in _contracted(market)):
        return 103, "Merchant is not active in this Sales Channel"
    if item.regular_price.amount < 0.01:
        return 101, "amount must be at least 0.01"
    if item.promotional_price and item.promotional_price.amount >= item.regular_price.amount:
        return 101, "promotional price must be less than the regular price"
    return 0, ""


def _contracted(market: Market) -> tuple[str, ...]:
    return (*market.options.countries, *market.options.not_live)


def _attempt(market: Market, item: Price) -> None:
    """Kept for the price report; what was sent before and is not validated yet is overridden."""
    number_ = market.docs.next_id("attempt")
    for key, other in market.docs.all("attempts").items():
        same = (other["ean"], other["channel"]) == (item.ean, item.sales_channel_id)
        if same and other["status"] in ("RECEIVED", "ACCEPTED", "AWAITING_ONBOARDING"):
            _move(market, key, "OVERRIDDEN")
    now = market.now()
    attempt: Document = {"ean": item.ean, "channel": item.sales_channel_id, "ignore": item.ignore_warnings, "at": now}
    attempt |= {
        "regular": item.regular_price.model_dump(),
        "status": "RECEIVED",
        "moves": [_moved(None, "RECEIVED", now)],
    }
    attempt["promotional"] = item.promotional_price.model_dump() if item.promotional_price else None
    market.docs.put("attempts", str(number_), attempt)
    market.schedule(now + market.options.price_seconds, "price", str(number_))


def _moved(before: str | None, after: str, now: float, messages: list[Document] | None = None) -> Document:
    return {"from": before, "to": after, "timestamp": stamp(now), "messages": messages or []}


def _move(market: Market, key: str, status: str, messages: list[Document] | None = None) -> None:
    attempt = market.docs.all("attempts")[key]
    moves = [*attempt["moves"], _moved(attempt["status"], status, market.now(), messages)]
    market.docs.put("attempts", key, attempt | {"status": status, "moves": moves})


def validate(market: Market, key: str) -> None:
    """The second validation. A warning refuses a price as an error does, unless warnings are to be ignored."""
    attempt = market.docs.all("attempts")[key]
    if attempt["status"] in ("OVERRIDDEN", "SUBMITTED", "REJECTED"):
        return
    if not market.is_onboarded(attempt["ean"]):
        if attempt["status"] != "AWAITING_ONBOARDING":
            _move(market, key, "AWAITING_ONBOARDING")
        market.schedule(market.now() + max(market.options.price_seconds, 0.2), "price", key)
        return
    messages = _messages(market, attempt)
    if any(item["severity"] == "ERROR" or not attempt["ignore"] for item in messages):
        _move(market, key, "REJECTED", messages)
        return
    _move(market, key, "ACCEPTED")
    _move(market, key, "SUBMITTED")
    price = {"regular": attempt["regular"], "promotional": attempt["promotional"]}
    market.docs.put("prices", pair(attempt["channel"], attempt["ean"]), price)


def _messages(market: Market, attempt: Document) -> list[Document]:
    currency = CHANNELS[NUMBERS[attempt["channel"].lower()]][1]
    if attempt["regular"]["currency"] != currency:
        words = f"The currency of the sales channel is {currency}."
        return [{"code": "REJECTED_CURRENCY_DOES_NOT_MATCH_SALES_CHANNEL", "severity": "ERROR", "message": words}]
    known = market.price_of(attempt["channel"], attempt["ean"])
    if known and attempt["regular"]["amount"] > known["regular"]["amount"] * SUSPICIOUS:
        words = "The regular price is much higher than before."
        return [{"code": "REJECTED_REGULAR_PRICE_TOO_HIGH", "severity": "WARNING", "message": words}]
    return []


def schedule_validations(market: Market) -> None:
    for key, attempt in market.docs.all("attempts").items():
        if attempt["status"] in ("RECEIVED", "AWAITING_ONBOARDING"):
            market.schedule(attempt["at"] + market.options.price_seconds, "price", key)


# The price report


class Wanted(BaseModel):
    sales_channels: list[str] | None = None
    eans: list[str] | None = None
    start: str | None = None
    end: str | None = None
    modified_since: str | None = None
    modified_until: str | None = None
    page_size: int = Field(default=100, ge=1, le=1000)


def attempts(call: Call) -> Response:
    """The newest first, of the last seven days."""
    market, wanted = call.market, call.body
    oldest = market.now() - KEPT_SECONDS
    known = [item for item in market.docs.all("attempts").values() if item["at"] >= oldest and _asked_for(item, wanted)]
    found = [] if call.faulty("empty_list") is not None else sorted(known, key=lambda item: -item["at"])
    start = 0 if call.faulty("stuck_cursor") is not None else _start()
    after = start + wanted.page_size
    cursors = {"next": _next(after)} if len(found) > after else {}
    return answer({"items": [_shown(item) for item in found[start:after]], "cursors": cursors})


def _start() -> int:
    cursor = request.args.get("cursor")
    try:
        return int(base64.urlsafe_b64decode(cursor)) if cursor else 0
    except ValueError:
        raise Refused(400, "Bad Request", "cursor is not one of ours", parameter="cursor") from None


def _next(start: int) -> str:
    cursor = base64.urlsafe_b64encode(str(start).encode()).decode().replace("=", "%3D")
    return f"{request.base_url}?cursor={cursor}"


def _asked_for(attempt: Document, wanted: Wanted) -> bool:
    begun, changed = attempt["moves"][0]["timestamp"], attempt["moves"][-1]["timestamp"]
    return all(
        (
            not wanted.sales_channels or attempt["channel"] in wanted.sales_channels,
            not wanted.eans or attempt["ean"] in wanted.eans,
            not wanted.start or begun >= wanted.start[:19],
            not wanted.end or begun < wanted.end,
            not wanted.modified_since or changed >= wanted.modified_since[:19],
            not wanted.modified_until or changed < wanted.modified_until,
        )
    )


def _shown(attempt: Document) -> Document:
    base = {"regular_price": attempt["regular"], "promotional_price": attempt["promotional"]}
    base |= {"status": attempt["status"], "status_transitions": attempt["moves"]}
    return {
        "ean": attempt["ean"],
        "sales_channel_id": attempt["channel"],
        "base_price": {name: value for name, value in base.items() if value is not None},
        "scheduled_prices": [],
        "ignore_warnings": attempt["ignore"],
    }
