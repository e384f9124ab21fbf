"""Process statuses: every v10 write is accepted first and done, or refused, a little later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from channel_adapters.bol.sandbox.market import Call, Document, Market, stamp
from channel_adapters.bol.sandbox.protocol import answer, not_found, query_number, query_required

PAGE = 50

DESCRIPTIONS = {
    "CREATE_SHIPMENT": "Confirm shipment for order item {key}.",
    "CANCEL_ORDER": "Cancel order item with order item id {key}.",
    "CHANGE_TRANSPORT": "Change transport with transport id {key}.",
    "HANDLE_RETURN_ITEM": "Handle the return item with return number {key}.",
    "CREATE_RETURN_ITEM": "Create return for order item {key}.",
    "CREATE_PRODUCT_CONTENT": "Create content for product {key}.",
    "CREATE_SHIPPING_LABEL": "Create shipping label for order item {key}.",
    "CREATE_SUBSCRIPTION": "Create push notification subscription.",
    "UPDATE_SUBSCRIPTION": "Update push notification subscription {key}.",
    "DELETE_SUBSCRIPTION": "Delete push notification subscription {key}.",
    "SEND_SUBSCRIPTION_TST_MSG": "Send test message to subscription {key}.",
}


class Refused(Exception):
    """The work is not possible: the process ends in FAILURE with this message."""


# Does the work of one process; gives the entity id.
Worker = Callable[[Market, Any], str]


class Processes:
    """Accepts work, does it when it is due, remembers how it went for a while."""

    def __init__(self, market: Market, workers: dict[str, Worker]) -> None:
        self._market = market
        self._workers = workers
        market.actions["process"] = self.finish
        market.actions["forget_process"] = lambda key: market.docs.remove("processes", key)
        market.rebuilders.append(self._rebuild)

    def _rebuild(self) -> None:
        for document in self._market.docs.all("processes").values():
            action = "process" if document["status"] == "PENDING" else "forget_process"
            self._market.schedule(document["due"], action, document["id"])

    def finish(self, key: str) -> None:
        market = self._market
        document = market.docs.get("processes", key)
        if document is None:
            return
        self._work(document)
        document["due"] = market.now() + market.options.process_retention
        market.docs.put("processes", key, document)
        market.schedule(document["due"], "forget_process", key)
        market.emit("PROCESS_STATUS", document["status"], key)

    def _work(self, document: Document) -> None:
        if outcome := document["outcome"]:
            document.update(status=outcome["status"], error=outcome["error"])
            return
        try:
            payload = document.pop("payload")
            document["entityId"] = document["key"]
            if payload is not None:
                document["entityId"] = self._workers[document["eventType"]](self._market, payload)
            document["status"] = "SUCCESS"
        except Refused as refusal:
            document.update(status="FAILURE", error=str(refusal), entityId=None)


def accept(call: Call, event_type: str, key: str, payload: Any) -> Response:
    """202: the work is on its way. Under the fault ``not_applied`` it will succeed without being done."""
    market = call.market
    number = f"{market.docs.next_id('process', 1000001)}"
    document: Document = {"id": number, "eventType": event_type, "key": key, "payload": payload}
    document |= {
        "status": "PENDING",
        "entityId": None,
        "error": None,
        "outcome": _planned(market, event_type),
    }
    document["created"] = market.now()
    document["due"] = document["created"] + market.options.process_seconds
    if call.faulty("not_applied") is not None:
        document["payload"] = None
    market.docs.put("processes", number, document)
    market.schedule(document["due"], "process", number)
    return answer(_wire(document), 202)


def _planned(market: Market, event_type: str) -> Document | None:
    """An outcome set through the control surface for the next process of this type."""
    for key, plan in market.docs.all("outcomes").items():
        if plan["event_type"] in (event_type, "*"):
            market.docs.remove("outcomes", key)
            return {"status": plan["status"], "error": plan["error"]}
    return None


def plan_outcome(market: Market, event_type: str, status: str, error: str | None) -> None:
    key = str(market.docs.next_id("outcome"))
    market.docs.put("outcomes", key, {"event_type": event_type, "status": status, "error": error})


def get_process_status(call: Call) -> Response:
    document = call.market.docs.get("processes", call.path["process-status-id"])
    if document is None:
        raise not_found("Process status")
    return answer(_wire(document))


def get_process_status_bulk(call: Call) -> Response:
    if call.faulty("empty_list") is not None:
        return answer({"processStatuses": []})
    wanted = [query.processStatusId for query in call.body.processStatusQueries]
    if (partial := call.faulty("partial")) is not None:
        every, keys = int(partial.get("every", 2)), partial.get("keys")
        wanted = [key for n, key in enumerate(wanted, 1) if (key not in keys if keys else n % every)]
    found = (call.market.docs.get("processes", key) for key in wanted)
    return answer({"processStatuses": [_wire(document) for document in found if document]})


def get_process_status_entity_id(call: Call) -> Response:
    entity, event_type = query_required("entity-id"), query_required("event-type")
    page = query_number("page", 1)
    documents = reversed(list(call.market.docs.all("processes").values()))
    found = [item for item in documents if item["entityId"] == entity and item["eventType"] == event_type]
    return answer({"processStatuses": [_wire(item) for item in found[(page - 1) * PAGE : page * PAGE]]})


def _wire(document: Document) -> Document:
    link = f"{request.host_url}shared/process-status/{document['id']}"
    body: Document = {"processStatusId": document["id"], "eventType": document["eventType"]}
    body["description"] = DESCRIPTIONS[document["eventType"]].format(key=document["key"])
    body |= {"status": document["status"], "createTimestamp": stamp(document["created"])}
    body["links"] = [{"rel": "self", "href": link, "method": "GET"}]
    if document["entityId"] is not None:
        body["entityId"] = document["entityId"]
    if document["error"]:
        body["errorMessage"] = document["error"]
    return body
