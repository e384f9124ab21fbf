"""Commands: changes of many offers, each a task with an end of its own. Their numbers are the seller's."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from channel_adapters.allegro.sandbox import account, offers
from channel_adapters.allegro.sandbox.market import CURRENCIES, Call, Document, Market, stamp
from channel_adapters.allegro.sandbox.protocol import (
    BETA,
    PUBLIC,
    Problem,
    Refused,
    answer,
    error,
    invalid,
    not_found,
    page,
)

SHARED, BULK = 1000, 25


def bulk(call: Call) -> Response:
    given = call.body.get("modifications")
    if not isinstance(given, list) or not 1 <= len(given) <= BULK:
        raise invalid("modifications", f"1 to {BULK} modifications are expected")
    tasks: list[Document] = []
    for place, item in enumerate(given):
        number = item.get("offerId")
        if not isinstance(number, str) or not 1 <= len(number) <= 20:
            raise invalid(f"modifications[{place}].offerId", "an offer is expected")
        if (stock := item.get("stock")) is not None:
            tasks.append(_stock_task(number, stock, f"modifications[{place}].stock"))
        for code, change in (item.get("prices") or {}).items():
            path = f"modifications[{place}].prices.{code}"
            if change.get("changeType") != "FIXED":
                raise invalid(f"{path}.changeType", "only FIXED is known here")
            tasks.append(_price_task(number, code, change.get("value"), path))
    doubles = {(task["offer"], task["field"]) for task in tasks}
    if len(doubles) < len(tasks) or not tasks:
        raise invalid("modifications", "something is changed twice, or nothing is")
    return _register(call, "bulk", str(call.body.get("commandId")), tasks, BETA)


def quantity(call: Call) -> Response:
    change = call.body.get("modification") or {}
    tasks = [_stock_task(number, change, "modification") for number in _criteria(call.body)]
    return _register(call, "quantity", call.path["command_id"], tasks)


def price(call: Call) -> Response:
    change = call.body.get("modification") or {}
    if change.get("type") != "FIXED_PRICE":
        raise invalid("modification.type", "only FIXED_PRICE is known here")
    code = change.get("marketplaceId") or call.market.options.base
    tasks = [_price_task(number, code, change.get("price"), "modification.price") for number in _criteria(call.body)]
    return _register(call, "price", call.path["command_id"], tasks)


def publication(call: Call) -> Response:
    action = (call.body.get("publication") or {}).get("action")
    if action not in ("ACTIVATE", "END"):
        raise invalid("publication.action", "ACTIVATE or END is expected")
    tasks = [{"offer": number, "field": "publication", "value": action} for number in _criteria(call.body)]
    return _register(call, "publication", call.path["command_id"], tasks)


def _stock_task(number: str, change: Document, path: str) -> Document:
    value = change.get("value")
    if change.get("changeType") != "FIXED" or not isinstance(value, int) or value <= 0:
        raise invalid(f"{path}.value", "Incorrect value of quantity", "INCORRECT_QUANTITY_VALUE")
    return {"offer": number, "field": "stock", "value": value}


def _price_task(number: str, code: str, value: Any, path: str) -> Document:
    if code not in CURRENCIES:
        raise invalid(path, f"{code} is no marketplace")
    if faults := offers.price_faults(value, CURRENCIES[code], path):
        raise Refused(faults)
    return {"offer": number, "field": f"prices.{code}", "value": value}


def _criteria(body: Document) -> list[str]:
    criteria = body.get("offerCriteria") or []
    numbers = [str(item.get("id")) for part in criteria for item in part.get("offers", [])]
    if not numbers or len(numbers) > SHARED or any(part.get("type") != "CONTAINS_OFFERS" for part in criteria):
        raise invalid("offerCriteria", f"1 to {SHARED} offers are expected")
    return list(dict.fromkeys(numbers))


def _register(call: Call, kind: str, key: str, tasks: list[Document], media: str = PUBLIC) -> Response:
    market = call.market
    try:
        uuid.UUID(key)
    except ValueError:
        raise Problem(400, "InvalidCommandId", "The command id is no UUID", "commandId") from None
    if market.docs.get("commands", key) is not None:
        raise Problem(409, "CommandAlreadyExists", "Command id was already used", "commandId")
    refused, ignored = call.faulty("partial"), call.faulty("not_applied") is not None
    for place, task in enumerate(tasks, start=1):
        task.update(status="NEW", errors=[], ignored=ignored, hit=_is_hit(refused, place, task))
    now = market.now()
    due = now + market.options.command_seconds
    command = {"id": key, "kind": kind, "created": now, "due": due, "tasks": tasks, "completed": None}
    market.docs.put("commands", key, command)
    market.schedule(due, "command", key)
    market.settle()
    return answer(_summary(market.docs.all("commands")[key]), 201, media)


def _is_hit(params: Document | None, place: int, task: Document) -> bool:
    if params is None:
        return False
    keys = params.get("keys")
    return task["offer"] in keys if keys is not None else place % int(params.get("every", 1)) == 0


def run(market: Market, key: str) -> None:
    command = market.docs.all("commands")[key]
    for task in command["tasks"]:
        fault = error("InternalError", "It did not work this time") if task["hit"] else _do(market, task)
        task.update({"status": "FAIL", "errors": [fault]} if fault else {"status": "SUCCESS"})
    market.docs.put("commands", key, command | {"completed": market.now()})


def pending(market: Market) -> None:
    for key, command in market.docs.all("commands").items():
        if command["completed"] is None:
            market.schedule(command["due"], "command", key)


def _do(market: Market, task: Document) -> Document | None:
    offer = market.docs.get("offers", task["offer"])
    if offer is None:
        return error("OfferNotFound", f"Offer {task['offer']} not found")
    if task["ignored"]:
        return None
    if task["field"] == "publication":
        return _publish(market, offer, task["value"])
    code = task["field"].removeprefix("prices.")
    if task["field"] == "stock":
        offers.apply(market, offer, {"stock": task["value"]})
    elif code == market.options.base:
        offers.apply(market, offer, {"price": task["value"]})
    elif code in account.reached(market):
        offers.apply(market, offer, {"additional": {**offer["additional"], code: task["value"]}})
    else:
        return error("MarketplaceNotAllowed", f"{code} is not possible", task["field"])
    return None


def _publish(market: Market, offer: Document, action: str) -> Document | None:
    if action == "END":
        if offer["status"] not in ("ACTIVE", "ACTIVATING"):
            return error("OfferNotActive", f"Offer {offer['id']} is {offer['status']}")
        offers.end(market, offer, "USER")
        return None
    if not offer["stock"]:
        return error("StockTooLow", "An offer can be active with a stock above 0 only")
    offers.apply(market, offer, {"status": "ACTIVE", "endedBy": None, "endedAt": None})
    return None


def _summary(command: Document) -> Document:
    states = [task["status"] for task in command["tasks"]]
    count = {"failed": states.count("FAIL"), "success": states.count("SUCCESS"), "total": len(states)}
    body: Document = {"id": command["id"], "createdAt": stamp(command["created"]), "taskCount": count}
    return body | {"completedAt": stamp(command["completed"]) if command["completed"] else None}


def _find(call: Call, kind: str) -> Document:
    command: Document | None = call.market.docs.get("commands", call.path["command_id"])
    if command is None or command["kind"] != kind:
        raise not_found("Command")
    return command


def summary_of(kind: str) -> Any:
    return lambda call: answer(_summary(_find(call, kind)))


def tasks_of(kind: str) -> Any:
    def tasks(call: Call) -> Response:
        found = page(call, _find(call, kind)["tasks"], most=1000, default=100, furthest=999)
        return answer({"tasks": [_task(kind, task) for task in found]})

    return tasks


def _task(kind: str, task: Document) -> Document:
    message = task["errors"][0]["message"] if task["errors"] else ""
    body: Document = {"status": task["status"], "message": message, "errors": task["errors"]}
    if kind == "bulk":
        return body | {"subject": {"offerId": task["offer"], "field": task["field"].partition(".")[0]}}
    return body | {"offer": {"id": task["offer"]}, "field": task["field"]}
