"""bol, from its published descriptions (Retailer API v10, Offers v11, Shared v10) alone.

Offers are synchronous (v11), everything else answers 202 and is done when it was asked for ``pending`` times. Empty lists
are left out of an answer, as bol does.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request

from tests.support.independent import Description, Json, Operation, Refusal
from tests.support.independent_bol_content import BolContent
from tests.support.independent_bol_push import BolPush

PAGE = 50
FILES = ("retailer-v10.json", "offers-v11.yaml", "shared-v10.json", "economic-operators-v1.yaml")
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
DONE, NO = "SUCCESS", "FAILURE"


@dataclass
class Bol(BolPush, BolContent):
    """``pending``: how often a process status is read before it is decided; ``ends``: by event type, what it ends as
    whatever was asked; ``forget``: process statuses that are no longer kept; ``operators``: economic operators by name,
    and whether they are valid."""

    client: tuple[str, str] = ("id", "secret")
    pending: int = 1
    on_day: bool = True  # latest-change-date: that day, or from that day on
    days: tzinfo = AMSTERDAM  # where days begin
    uses: int = 1000  # of a token, until it has expired
    ends: dict[str, str] = field(default_factory=dict)
    forget: set[str] = field(default_factory=set)
    operators: list[tuple[str, str]] = field(default_factory=lambda: [("Maker", "PENDING"), ("Other", "VALID")])
    offers: dict[str, Json] = field(default_factory=dict)
    orders: dict[str, Json] = field(default_factory=dict)
    returns: dict[str, Json] = field(default_factory=dict)
    shipments: list[Json] = field(default_factory=list)
    processes: dict[str, Json] = field(default_factory=dict)
    cancelled: list[tuple[str, str]] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)

    def answer(self, path: str) -> Response:
        if path == "/token":
            return self._token()
        self._authorised()
        operation, parts = self.operation(path)
        act = getattr(self, "_" + operation.name.replace("-", "_"), None)
        if act is None:
            raise Refusal(404, f"{operation.name} is not played")
        answer: Response = act(operation, *parts)
        return answer

    def problem(self, refusal: Refusal) -> Response:
        body = {
            "type": "https://api.bol.com/problems",
            "title": refusal.detail,
            "status": refusal.status,
            "detail": refusal.detail,
            "violations": [{"name": item.split(":")[0], "reason": item} for item in refusal.violations],
        }
        answer = Response(json.dumps(body), refusal.status, mimetype="application/problem+json")
        answer.headers.update(refusal.headers)
        return answer

    def _token(self) -> Response:
        given = request.args.to_dict() | request.form.to_dict()
        if request.method != "POST" or given.get("grant_type") != "client_credentials":
            raise Refusal(400, "grant_type")
        right = base64.b64encode(":".join(self.client).encode()).decode()
        if request.headers.get("Authorization") != f"Basic {right}":
            raise Refusal(401, "invalid_client")
        token = uuid.uuid4().hex
        self.tokens[token] = self.uses
        body = {"access_token": token, "token_type": "Bearer", "expires_in": 299, "scope": "RETAILER"}
        return Response(json.dumps(body), mimetype="application/json")

    def _authorised(self) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0) <= 0:
            raise Refusal(401, "JWT expired")
        self.tokens[token] -= 1

    # Offers

    def _create_offer(self, operation: Operation) -> Response:
        body = request.get_json(force=True)
        _check_prices(body)
        chosen = body.get("economicOperatorId")
        if chosen is not None and chosen not in {str(uuid.UUID(int=place)) for place in range(len(self.operators))}:
            raise Refusal(400, "Bad request", ["economicOperatorId: no economic operator of this retailer"])
        same = [o for o in self.offers.values() if (o["ean"], o["condition"]) == (body["ean"], body["condition"])]
        if same:
            raise Refusal(409, "an offer of this EAN and condition exists")
        offer = {"offerId": str(uuid.uuid4()), "onHoldByRetailer": False, "countryAvailabilities": []} | body
        self.offers[offer["offerId"]] = offer | {"changed": self.now()}
        return self.json(operation, 201, {"offerId": offer["offerId"]})

    def _update_offer(self, _: Operation, offer_id: str) -> Response:
        offer = self._offer(offer_id)
        body = request.get_json(force=True)
        _check_prices(body)
        stock = offer.get("stock", {}) | body.get("stock", {})
        offer |= body | ({"stock": stock} if stock else {})
        offer["changed"] = self.now()
        return Response(status=204)

    def _delete_offer(self, _: Operation, offer_id: str) -> Response:
        self._offer(offer_id)
        del self.offers[offer_id]
        return Response(status=204)

    def _get_offer(self, operation: Operation, offer_id: str) -> Response:
        return self.json(operation, 200, self._shown(self._offer(offer_id)))

    def _get_offers(self, operation: Operation) -> Response:
        given = request.args
        found = list(self.offers.values())
        if ids := given.getlist("offer-ids"):
            found = [offer for offer in found if offer["offerId"] in ids]
        if eans := given.getlist("eans"):
            found = [offer for offer in found if offer["ean"] in eans]
        if "reference" in given:
            found = [offer for offer in found if offer.get("reference") == given["reference"]]
        start, size = int(given.get("cursor", "0")), int(given.get("page-size", "50"))
        page = {"pageSize": max(25, size), "nextCursor": str(start + size) if start + size < len(found) else None}
        body = {"offers": [self._shown(offer) for offer in found[start : start + size]], "page": page}
        return self.json(operation, 200, body)

    def _get_not_for_sale_reasons(self, operation: Operation, offer_id: str) -> Response:
        offer = self._offer(offer_id)
        reason = {"category": "STOCK", "code": "4003-3", "description": "Out of stock"}
        countries = [{"countryCode": "NL", "reasons": [reason]}] if not self._corrected(offer) else []
        return self.json(operation, 200, {"offerId": offer_id} | ({"countries": countries} if countries else {}))

    def _offer(self, offer_id: str) -> Json:
        if offer_id not in self.offers:
            raise Refusal(404, "no such offer")
        return self.offers[offer_id]

    def _shown(self, offer: Json) -> Json:
        shown = {name: value for name, value in offer.items() if name != "changed"}
        shown["lastModifiedDateTime"] = self.moment(offer["changed"])
        shown["countryAvailabilities"] = [
            item | {"forSale": self._corrected(offer) > 0} for item in offer["countryAvailabilities"]
        ]
        if "stock" in offer:
            shown["stock"] = offer["stock"] | {"correctedStock": self._corrected(offer)}
        return shown

    def _corrected(self, offer: Json) -> int:
        """What is left after open orders: all of them, or those since the last update where the retailer manages."""
        stock = offer.get("stock", {})
        since = offer["changed"] if stock.get("managedByRetailer") else None
        taken = sum(
            item["quantity"] - item["quantityShipped"] - item["quantityCancelled"]
            for order in self.orders.values()
            if since is None or order["placed"] > since
            for item in order["orderItems"]
            if (item.get("offer") or {}).get("offerId") == offer["offerId"]
        )
        return max(0, int(stock.get("amount", 0)) - int(taken))

    # Orders

    def sell(self, order: Json, placed: datetime | None = None) -> None:
        """An order as ``GET /retailer/orders/{id}`` shows it, but for its times."""
        placed = placed or self.now()
        for item in order["orderItems"]:
            item["changed"] = placed
        self.orders[order["orderId"]] = order | {"placed": placed}

    def _get_orders(self, operation: Operation) -> Response:
        given = request.args
        method, status = given.get("fulfilment-method", "FBR"), given.get("status", "OPEN")
        found = []
        for order in self.orders.values():
            items = [item for item in order["orderItems"] if method in ("ALL", item["fulfilment"]["method"])]
            items = [item for item in items if _in_status(item, status) and self._asked(item, status)]
            if items:
                found.append(self._reduced(order, items))
        return self._page(operation, "orders", found)

    def _asked(self, item: Json, status: str) -> bool:
        """By when it was changed; what is handled stays for two days in a list that asks for no time."""
        given, now, changed = request.args, self.now(), item["changed"]
        if "latest-change-date" in given:
            day = date.fromisoformat(given["latest-change-date"])
            if day < (now - timedelta(days=92)).date():
                raise Refusal(400, "three months of history")
            told = changed.astimezone(self.days).date()
            return bool(told == day if self.on_day else told >= day)
        if "change-interval-minute" in given:
            return bool(changed >= now - timedelta(minutes=int(given["change-interval-minute"])))
        return status != "ALL" or _open(item) > 0 or bool(changed >= now - timedelta(hours=48))

    def _reduced(self, order: Json, items: Iterable[Json]) -> Json:
        reduced = [
            {
                name: item[name]
                for name in ("orderItemId", "quantity", "quantityShipped", "quantityCancelled", "cancellationRequest")
            }
            | {
                "ean": item["product"]["ean"],
                "fulfilmentMethod": item["fulfilment"]["method"],
                "fulfilmentStatus": "OPEN" if _open(item) else "HANDLED",
                "latestChangedDateTime": self.moment(item["changed"]),
            }
            for item in items
        ]
        return {"orderId": order["orderId"], "orderPlacedDateTime": self.moment(order["placed"]), "orderItems": reduced}

    def _get_order(self, operation: Operation, order_id: str) -> Response:
        if order_id not in self.orders:
            raise Refusal(404, "no such order")
        order = self.orders[order_id]
        items = [
            {name: value for name, value in item.items() if name != "changed"}
            | {"latestChangedDateTime": self.moment(item["changed"])}
            for item in order["orderItems"]
        ]
        shown = {name: value for name, value in order.items() if name != "placed"}
        return self.json(
            operation, 200, shown | {"orderItems": items, "orderPlacedDateTime": self.moment(order["placed"])}
        )

    def item(self, item_id: str) -> tuple[Json, Json] | None:
        found = ((o, i) for o in self.orders.values() for i in o["orderItems"] if i["orderItemId"] == item_id)
        return next(found, None)

    def _cancel_order_item(self, operation: Operation) -> Response:
        [asked] = request.get_json(force=True)["orderItems"]

        def act() -> str:
            found = self.item(asked["orderItemId"])
            if found is None or not _open(found[1]):
                return "Order item not found or already handled"
            found[1]["quantityCancelled"] += _open(found[1])
            found[1]["changed"] = self.now()
            self.cancelled.append((asked["orderItemId"], asked["reasonCode"]))
            return ""

        return self._later(operation, "CANCEL_ORDER", asked["orderItemId"], act)

    def _create_shipment(self, operation: Operation) -> Response:
        body = request.get_json(force=True)
        if bool(body.get("shippingLabelId")) == bool(body.get("transport")):
            raise Refusal(400, "a label or a transport, one of them")
        if body.get("shipmentReference") == "":
            raise Refusal(400, "only null or non-empty references")
        if any((line.get("quantity") or 1) < 1 for line in body["orderItems"]):
            raise Refusal(400, "nothing to ship")

        def act() -> str:
            found = [(self.item(line["orderItemId"]), line) for line in body["orderItems"]]
            if any(item is None for item, _ in found) or len({item[0]["orderId"] for item, _ in found if item}) != 1:
                return "Items of one order"
            lines = [(item[1], line.get("quantity") or _open(item[1])) for item, line in found if item]
            if any(not 0 < many <= _open(item) for item, many in lines):
                return "More than is open"
            for item, many in lines:
                item["quantityShipped"] += many
                item["changed"] = self.now()
            order = next(item[0]["orderId"] for item, _ in found if item)
            self._ship(order, body, lines)
            return ""

        return self._later(operation, "CREATE_SHIPMENT", body["orderItems"][0]["orderItemId"], act)

    def _ship(self, order_id: str, body: Json, lines: list[tuple[Json, int]]) -> None:
        number = str(541757635 + len(self.shipments))
        self.shipments.append(
            {
                "shipmentId": number,
                "at": self.now(),
                "shipmentReference": body.get("shipmentReference") or "",
                "order": order_id,
                "lines": {item["orderItemId"]: many for item, many in lines},
                "transport": {"transportId": "9" + number} | (body.get("transport") or {}),
            }
        )

    def _get_shipments(self, operation: Operation) -> Response:
        asked = request.args.get("order-id")
        found = [
            {
                "shipmentId": shipment["shipmentId"],
                "shipmentDateTime": self.moment(shipment["at"]),
                "shipmentReference": shipment["shipmentReference"],
                "order": {"orderId": shipment["order"]},
                "shipmentItems": [
                    {"orderItemId": line, "ean": self.item(line)[1]["product"]["ean"]}  # type: ignore[index]
                    for line in shipment["lines"]
                ],
                "transport": {"transportId": shipment["transport"]["transportId"]},
            }
            for shipment in reversed(self.shipments)
            if asked in (None, shipment["order"])
        ]
        return self._page(operation, "shipments", found)

    # Returns

    def _get_returns(self, operation: Operation) -> Response:
        handled = request.args.get("handled")
        found = []
        for one in self.returns.values():
            items = one["returnItems"]
            state = all(item["handled"] for item in items)
            if handled is not None and state != (handled == "true"):
                continue
            if request.args.get("fulfilment-method") not in (None, one["fulfilmentMethod"]):
                continue
            left_out = ("title", "customerDetails", "trackAndTrace", "transporterName")
            reduced = [{name: value for name, value in item.items() if name not in left_out} for item in items]
            found.append(one | {"returnItems": reduced})
        return self._page(operation, "returns", found)

    def _get_return(self, operation: Operation, return_id: str) -> Response:
        if return_id not in self.returns:
            raise Refusal(404, "no such return")
        return self.json(operation, 200, self.returns[return_id])

    def _handle_return(self, operation: Operation, rma_id: str) -> Response:
        if not rma_id.isdigit():
            raise Refusal(400, "rma-id")
        body = request.get_json(force=True)

        def act() -> str:
            found = (i for one in self.returns.values() for i in one["returnItems"] if i["rmaId"] == rma_id)
            item = next(found, None)
            if item is None or body["quantityReturned"] > item["expectedQuantity"]:
                return "No such return, or more than expected"
            result = {"quantity": body["quantityReturned"], "processingResult": "ACCEPTED"}
            result |= {"handlingResult": body["handlingResult"], "processingDateTime": self.moment(self.now())}
            item["processingResults"].append(result)
            item["handled"] = sum(r["quantity"] for r in item["processingResults"]) >= item["expectedQuantity"]
            return ""

        return self._later(operation, "HANDLE_RETURN_ITEM", rma_id, act)

    # What is done later

    def _later(self, operation: Operation, event: str, entity: str, act: Any) -> Response:
        number = str(uuid.uuid4())
        self.processes[number] = {
            "event": event, "entity": entity, "act": act, "left": self.pending, "state": "PENDING", "why": "",
            "at": self.now(),
        }  # fmt: skip
        return self.json(operation, 202, self._status(number))

    def _status(self, number: str) -> Json:
        process = self.processes[number]
        status = {
            "processStatusId": number,
            "eventType": process["event"],
            "description": f"{process['event']} {process['entity']}",
            "status": process["state"],
            "createTimestamp": self.moment(process["at"]),
            "links": [{"rel": "self", "href": f"https://api.bol.com/shared/process-status/{number}"}],
        }
        if process["state"] == DONE:
            status["entityId"] = process["entity"]
        if process["why"]:
            status["errorMessage"] = process["why"]
        return status

    def _read_process(self, number: str) -> Json | None:
        process = self.processes.get(number)
        if process is None or number in self.forget:
            return None
        if process["state"] == "PENDING":
            process["left"] -= 1
            if process["left"] < 0:
                forced = self.ends.get(process["event"])
                process["why"] = "Failed" if forced else process["act"]()
                process["state"] = forced or (NO if process["why"] else DONE)
        return self._status(number)

    def _get_process_status_bulk(self, operation: Operation) -> Response:
        asked = request.get_json(force=True)["processStatusQueries"]
        found = [status for item in asked if (status := self._read_process(item["processStatusId"]))]
        return self.json(operation, 200, {"processStatuses": found})

    def _page(self, operation: Operation, name: str, found: list[Json]) -> Response:
        page = int(request.args.get("page", "1"))
        shown = found[(page - 1) * PAGE : page * PAGE]
        if not shown:
            return Response("{}", mimetype="application/vnd.retailer.v10+json")
        return self.json(operation, 200, {name: shown})

    def _get_all_economic_operators(self, _: Operation) -> Response:
        """Its description leaves most to a file that is not published: pages have 25 unless told, and begin with one."""
        page, many = int(request.args.get("page", "1")), int(request.args.get("page-size", "25"))
        found = [
            {"id": str(uuid.UUID(int=number)), "name": name, "status": status}
            for number, (name, status) in enumerate(self.operators)
        ]
        body = {"operators": found[(page - 1) * many : page * many], "page": {"pageNumber": page, "pageSize": many}}
        return Response(json.dumps(body), mimetype="application/vnd.economic-operator.v1+json")

    def _get_retailer_information(self, operation: Operation, retailer_id: str) -> Response:
        if retailer_id not in ("current", "1055479"):
            raise Refusal(404, "no such retailer")
        body = {
            "retailerId": "1055479", "displayName": "RETAILER123", "companyName": "Fietsentuin", "kvkNumber": None,
            "vatNumber": "NL123456789B01", "registrationDate": "2015-06-17",
        }  # fmt: skip
        return self.json(operation, 200, body)


def bol(folder: Path, **given: Any) -> Bol:
    return Bol([Description.of(folder / name) for name in FILES], **given)


def _open(item: Json) -> int:
    return int(item["quantity"] - item["quantityShipped"] - item["quantityCancelled"])


def _in_status(item: Json, status: str) -> bool:
    return status == "ALL" or (_open(item) > 0 if status == "OPEN" else bool(item["quantityShipped"] > 0))


def _check_prices(body: Json) -> None:
    prices = [(item["quantity"], item["unitPrice"]) for item in body.get("pricing", {}).get("bundlePrices", [])]
    if "pricing" in body and (not prices or prices[0][0] != 1):
        raise Refusal(400, "one price has to be for one piece")
    for (many, price), (more, less) in pairwise(prices):
        if not (many < more and price > less):
            raise Refusal(400, "quantities rise and prices fall")
