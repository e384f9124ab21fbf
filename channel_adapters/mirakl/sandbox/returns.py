"""Returns: asked for by the buyer, accepted, received, judged."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from flask import Response, request

from channel_adapters.mirakl.sandbox.gate import answer, moment, seek
from channel_adapters.mirakl.sandbox.market import Call, Document, Market, stamp

ADDRESS = {"city": "Paris", "country_iso_code": "FRA", "street1": "1 Rue", "zip_code": "75001"}


def add_return(market: Market, order: Document, lines: list[Document]) -> Document:
    """``lines``: order line, quantity and reason."""
    number = market.docs.next_id("return", 1)
    state = "WAITING_ACCEPTANCE" if market.options.return_requests else "IN_PROGRESS"
    document: Document = {"id": str(uuid.UUID(int=number)), "order_id": order["order_id"], "state": state}
    document |= {"commercial_id": order["commercial_id"], "created": market.now(), "updated": market.now()}
    document["lines"] = [line | {"compliance": []} for line in lines]
    market.docs.put("returns", document["id"], document)
    return document


def list_returns(call: Call) -> Response:
    found = list(call.market.docs.all("returns").values())
    if states := request.args.getlist("return_state"):
        found = [item for item in found if item["state"] in states]
    if ids := request.args.getlist("return_id"):
        found = [item for item in found if item["id"] in ids]
    if (since := moment("return_last_updated_from")) is not None:
        found = [item for item in found if item["updated"] >= since]
    return answer(seek(call, [_wire(item) for item in found]))


def _wire(document: Document) -> Document:
    body = {"id": document["id"], "order_id": document["order_id"], "order_commercial_id": document["commercial_id"]}
    body |= {"date_created": stamp(document["created"]), "last_updated": stamp(document["updated"])}
    body |= {"state": document["state"], "method_code": "RETURN_METHOD_BY_MAIL", "return_address": ADDRESS}
    body |= {"rma": f"RMA-{document['id'][-6:]}", "description": "", "reason_code": document["lines"][0]["reason_code"]}
    return body | {"return_lines": document["lines"]}


def _each(call: Call, act: Callable[[Document, Document], str]) -> Response:
    """200 whatever becomes of them: each return is in one list or the other."""
    good, bad = [], []
    partial = call.faulty("partial") is not None
    for wish in call.body.returns:
        document: Document | None = call.market.docs.get("returns", wish.id)
        fault = f"Return {wish.id} not found." if document is None else ""
        fault = fault or ("The return was refused." if partial else act(document or {}, wish.wire()))
        if fault:
            bad.append({"id": wish.id, "message": fault})
            continue
        (document or {})["updated"] = call.market.now()
        call.market.docs.put("returns", wish.id, document)
        good.append({"id": wish.id})
    return answer({"return_success": good, "return_errors": bad})


def accept(call: Call) -> Response:
    return _each(call, _accept)


def _accept(document: Document, wish: Document) -> str:
    if document["state"] != "WAITING_ACCEPTANCE":
        return "The return is not in the expected state."
    if not wish["accepted"] and not wish.get("rejection_reason_code"):
        return "A reason is mandatory."
    document["state"] = "IN_PROGRESS" if wish["accepted"] else "REFUSED"
    return ""


def receive(call: Call) -> Response:
    return _each(call, _receive)


def _receive(document: Document, _wish: Document) -> str:
    if document["state"] != "IN_PROGRESS":
        return "The return is not in the expected state."
    document["state"] = "RECEIVED"
    return ""


def judge(call: Call) -> Response:
    return _each(call, _judge)


def _judge(document: Document, wish: Document) -> str:
    if document["state"] != "RECEIVED":
        return "The return is not in the expected state."
    lines = {line["order_line_id"]: line for line in document["lines"]}
    for verdict in wish["return_lines"]:
        line = lines.get(verdict["order_line_id"])
        if line is None:
            return f"Return line {verdict['order_line_id']} not found."
        if not verdict["compliant"] and not verdict.get("non_compliance_reason_code"):
            return "A reason is mandatory."
        kept = {
            name: verdict[name] for name in ("compliant", "non_compliance_reason_code") if verdict.get(name) is not None
        }
        line["compliance"] = [kept]
    return ""
