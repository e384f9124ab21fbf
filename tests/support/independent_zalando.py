"""Zalando's zDirect, from what Zalando publishes of it (independent_zalando.yaml) alone.

An order has items, an item has lines, and a line is one piece with a price. Whoever sets a tracking number and a line's
status within five seconds may have them carried out in the wrong order: here that loses the number. A tracking number is
set once; what comes later is not heard.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Response, request

from tests.support.independent import Description, Independent, Json, Operation, Refusal

MERCHANT = "26caa95a-174f-41be-8585-0ce49055874d"
GERMANY, POLAND = "01924c48-49bb-40c2-9c32-ab582e6db6f4", "ca9d5f22-2a1b-4799-b3b7-83f47c191489"
CHANNELS = {GERMANY: ("DE", "EUR"), POLAND: ("PL", "PLN")}
CENTRE = "57be9d4a-28d6-4b83-94de-b784899cabc9"
COPYRIGHT = "Zalando SE 2019 All rights reserved."
APART = timedelta(seconds=5)
TRANSITIONS = {
    "initial": ("reserved", "shipped", "canceled"),
    "reserved": ("shipped", "canceled"),
    "shipped": ("returned",),
    "returned": (),
    "canceled": (),
}


@dataclass
class Zalando(Independent):
    """``stock_says`` and ``price_says``: what an EAN's update is answered with; ``linked``: whether lists name their next
    page; ``bare``: what belongs together is told by relationships alone; ``splits``: the account may make shipments;
    ``raced``: lines that were shipped too soon after the tracking number."""

    client: tuple[str, str] = ("id", "secret")
    uses: int = 1000
    linked: bool = True
    bare: bool = False
    splits: bool = True
    merchants: list[str] = field(default_factory=lambda: [MERCHANT])
    catalogue: set[str] = field(default_factory=set)
    identifiers: dict[str, Json] = field(default_factory=dict)
    stock: dict[tuple[str, str], int] = field(default_factory=dict)
    prices: dict[tuple[str, str], Json] = field(default_factory=dict)
    stock_says: dict[str, tuple[str, int]] = field(default_factory=dict)
    price_says: dict[str, tuple[str, int]] = field(default_factory=dict)
    orders: dict[str, Json] = field(default_factory=dict)
    announced: list[Json] = field(default_factory=list)
    raced: list[str] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)

    def answer(self, path: str) -> Response:
        if path == "/auth/token":
            return self._token()
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0) <= 0:
            raise Refusal(401, "token expired")
        self.tokens[token] -= 1
        operation, parts = self.operation(path)
        if operation.template.startswith("/merchants/") and parts.pop(0) != MERCHANT:
            raise Refusal(403, "not a merchant of this app")
        answer: Response = getattr(self, "_" + operation.name.replace("-", "_"))(operation, *parts)
        return answer

    def problem(self, refusal: Refusal) -> Response:
        if "/orders" in request.path or "announced" in request.path:
            kind, body = "application/vnd.api+json", self._json_api(refusal)
        else:
            kind = "application/problem+json"
            body = {"title": refusal.detail, "status": refusal.status, "detail": "; ".join(refusal.violations)}
        answer = Response(json.dumps(body), refusal.status, mimetype=kind)
        answer.headers.update(refusal.headers)
        return answer

    def _json_api(self, refusal: Refusal) -> Json:
        if refusal.status == 429:
            return {"message": refusal.detail}
        return {
            "errors": [
                {"status": str(refusal.status), "title": refusal.detail, "detail": "; ".join(refusal.violations)}
            ]
        }

    def _token(self) -> Response:
        right = base64.b64encode(":".join(self.client).encode()).decode()
        if request.method != "POST" or request.form.get("grant_type") != "client_credentials":
            raise Refusal(400, "grant_type")
        if request.headers.get("Authorization") != f"Basic {right}":
            raise Refusal(401, "invalid_client")
        token = uuid.uuid4().hex
        self.tokens[token] = self.uses
        body = {"access_token": token, "expires_in": 7200, "scope": "access_token_only", "token_type": "Bearer"}
        return Response(json.dumps(body), mimetype="application/json")

    # The account and its products

    def _me(self, operation: Operation) -> Response:
        body = {"bpids": self.merchants, "client_id": self.client[0], "scopes": ["orders/read", "orders/write"]}
        return self.json(operation, 200, body)

    def _sales_channels(self, operation: Operation) -> Response:
        found = [
            {"sales_channel_id": key, "country_name": code, "country_code": code.lower(), "live": True}
            for key, (code, _) in CHANNELS.items()
        ]
        return self.json(operation, 200, {"items": found})

    def _logistic_centers(self, operation: Operation) -> Response:
        address = {"street": "Weg 1", "city": "Berlin", "zip": "10115", "country_code": "DE"}
        centre = {"logistic_center_id": CENTRE, "name": "Berlin", "type": "WAREHOUSE", "address": address}
        return self.json(operation, 200, {"items": [centre]})

    def _look_up(self, operation: Operation, ean: str) -> Response:
        return self.json(operation, 200, {"items": [{"ean": ean}] if ean in self.catalogue else []})

    def _put_identifiers(self, _: Operation, ean: str) -> Response:
        if ean not in self.catalogue:
            raise Refusal(404, "no such EAN")
        self.identifiers[ean] = request.get_json(force=True)
        return Response(status=204)

    def _stocks(self, operation: Operation) -> Response:
        """Each result names its item; in which order they come is not said."""
        asked = request.get_json(force=True)["items"]
        if len({(item["sales_channel_id"], item["ean"]) for item in asked}) < len(asked):
            raise Refusal(400, "an item twice")
        results = []
        for item in asked:
            status, code = self.stock_says.get(item["ean"], ("ACCEPTED", 0))
            if status == "ACCEPTED":
                self.stock[item["sales_channel_id"], item["ean"]] = item["quantity"]
            results.append({"item": item, "result": {"status": status, "code": code, "description": f"code {code}"}})
        return self.json(operation, 207, {"results": results[::-1]})

    def _prices(self, operation: Operation) -> Response:
        results = []
        for item in request.get_json(force=True)["product_prices"]:
            status, code = self.price_says.get(item["ean"], ("ACCEPTED", 0))
            if CHANNELS[item["sales_channel_id"]][1] != item["regular_price"]["currency"]:
                status, code = "REJECTED", 101
            if status in ("ACCEPTED", "PARTIALLY_ACCEPTED"):
                self.prices[item["sales_channel_id"], item["ean"]] = item
            told = {"ignore_warnings": False} | item
            results.append({"product_price": told, "status": status, "code": code, "description": f"code {code}"})
        return self.json(operation, 207, {"results": results[::-1]})

    # Orders

    def sell(self, order_id: str, items: dict[str, list[float]], placed: datetime | None = None, **given: Any) -> Json:
        """An order of ``items``: by the merchant's identifier, the price of each piece."""
        at = placed or self.now()
        made: Json = {"attributes": given, "placed": at, "changed": at, "tracked": None, "items": {}}
        for number, (external, prices) in enumerate(items.items()):
            key = str(uuid.uuid5(uuid.UUID(order_id), f"item {number}"))
            lines = {
                str(uuid.uuid5(uuid.UUID(order_id), f"line {number} {count}")): {"status": "reserved", "price": price}
                for count, price in enumerate(prices)
            }
            made["items"][key] = {"external": external, "lines": lines}
        shipment = {"shipment_id": str(uuid.uuid5(uuid.UUID(order_id), "shipment")), "status": "initial"}
        every = [{"order_line_id": key} for item in made["items"].values() for key in item["lines"]]
        made["shipments"] = [shipment | {"order_lines": every}]
        self.orders[order_id] = made
        return made

    def lines(self, order_id: str) -> dict[str, Json]:
        return {key: line for item in self.orders[order_id]["items"].values() for key, line in item["lines"].items()}

    def _order_of(self, order_id: str) -> Json:
        if order_id not in self.orders:
            raise Refusal(404, "no such order")
        return self.orders[order_id]

    def _orders(self, operation: Operation) -> Response:
        given = request.args
        number, size = int(given.get("page[number]", "0")), int(given.get("page[size]", "50"))
        found = sorted(
            (key for key in self.orders if self._asked(self.orders[key])), key=lambda key: self.orders[key]["changed"]
        )
        sort = given.get("sort", "-modified_at")
        if sort.lstrip("-+") == "created_at":
            found.sort(key=lambda key: self.orders[key]["placed"])
        elif sort.lstrip("-+") != "modified_at":
            raise Refusal(400, "sort")
        if sort.startswith("-"):
            found.reverse()
        page = found[number * size : (number + 1) * size]
        included = [part for key in page for part in self._parts(key, given.get("include", ""))]
        body: Json = {"data": [self._shown(key) for key in page], "included": included}
        body["meta"] = {"copyright": COPYRIGHT, "number_of_results": len(page)}
        if self.linked:
            more = (number + 1) * size < len(found)
            body["links"] = {"self": request.url} | (
                {"next": f"{request.base_url}?page[number]={number + 1}"} if more else {}
            )
        return self.json(operation, 200, body)

    def _asked(self, order: Json) -> bool:
        given, told = request.args, order["attributes"]
        for name, at in (("created", order["placed"]), ("last_updated", order["changed"])):
            if f"{name}_after" in given and not at > _moment(given[f"{name}_after"]):
                return False
            if f"{name}_before" in given and not at < _moment(given[f"{name}_before"]):
                return False
        wanted = (("order_status", self._status(order)), ("order_type", told.get("order_type", "PartnerFulfilled")),
                  ("sales_channel_id", told.get("sales_channel_id", GERMANY)))  # fmt: skip
        if any(name in given and given[name] != value for name, value in wanted):
            return False
        return "exported" not in given or (given["exported"] == "true") == ("merchant_order_id" in told)

    def _status(self, order: Json) -> str:
        states = {line["status"] for item in order["items"].values() for line in item["lines"].values()}
        over = states <= {"shipped", "returned", "canceled"}
        return str(order["attributes"].get("status") or ("fulfilled" if over else "approved"))

    def _shown(self, order_id: str) -> Json:
        order = self.orders[order_id]
        lines = self.lines(order_id)
        attributes = {
            "order_id": order_id,
            "merchant_id": MERCHANT,
            "order_number": "1040970000502251",
            "order_date": self.moment(order["placed"]),
            "created_at": self.moment(order["placed"]),
            "modified_at": self.moment(order["changed"]),
            "sales_channel_id": GERMANY,
            "customer_number": "31400820597",
            "order_type": "PartnerFulfilled",
            "shipment_number": "003403418039972556",
            "order_lines_count": len(lines),
            "order_lines_price_amount": round(sum(line["price"] for line in lines.values()), 2),
            "order_lines_price_currency": "EUR",
            "exported": "merchant_order_id" in order["attributes"],
        } | order["attributes"]
        attributes["status"] = self._status(order)
        refs = [{"type": "OrderItem", "id": key} for key in order["items"]]
        return {
            "type": "Order",
            "id": order_id,
            "attributes": attributes,
            "relationships": {"order_items": {"data": refs}},
        }

    def _parts(self, order_id: str, include: str) -> Iterator[Json]:
        asked = include.split(",")
        for key in self.orders[order_id]["items"]:
            if "order_items" in asked:
                yield self._item(order_id, key)
        for key, item in self.orders[order_id]["items"].items():
            if "order_lines" in asked:
                yield from (self._line_shown(key, name, line) for name, line in item["lines"].items())

    def _item(self, order_id: str, key: str) -> Json:
        item = self.orders[order_id]["items"][key]
        states = [line["status"] for line in item["lines"].values()]
        attributes = {"article_id": "DU341A00M-1020375000", "external_id": item["external"], "description": "A jacket"}
        if not self.bare:
            attributes |= {"order_id": order_id, "order_item_id": key}
        counted = {f"quantity_{name}": states.count(name) for name in ("reserved", "shipped", "returned", "canceled")}
        refs = [{"type": "OrderLine", "id": name} for name in item["lines"]]
        return {
            "type": "OrderItem", "id": key, "relationships": {"order_lines": {"data": refs}},
            "attributes": attributes | {"quantity_initial": len(states)} | counted,
        }  # fmt: skip

    def _line_shown(self, item_id: str, key: str, line: Json) -> Json:
        currency = line.get("currency", "EUR")
        attributes = {"status": line["status"], "price": {"amount": line["price"], "currency": currency}}
        attributes |= {} if self.bare else {"order_line_id": key, "order_item_id": item_id}
        return {"type": "OrderLine", "id": key, "attributes": attributes}

    def _order(self, operation: Operation, order_id: str) -> Response:
        self._order_of(order_id)
        body = {"data": self._shown(order_id), "meta": {"copyright": COPYRIGHT}}
        return self.json(operation, 200, body | {"included": [*self._parts(order_id, request.args.get("include", ""))]})

    def _items(self, operation: Operation, order_id: str) -> Response:
        order = self._order_of(order_id)
        lines = [part for part in self._parts(order_id, request.args.get("include", "")) if part["type"] == "OrderLine"]
        body = {"data": [self._item(order_id, key) for key in order["items"]], "included": lines}
        return self.json(operation, 200, body | {"meta": {"copyright": COPYRIGHT}})

    def _patch_order(self, _: Operation, order_id: str) -> Response:
        order, data = self._order_of(order_id), request.get_json(force=True)["data"]
        if data["id"] != order_id:
            raise Refusal(400, "another order")
        told = order["attributes"]
        for name in ("tracking_number", "return_tracking_number"):
            if name in data["attributes"] and name not in told:
                told[name] = data["attributes"][name]
                order["tracked"] = self.now()
        if "merchant_order_id" in data["attributes"]:
            told["merchant_order_id"] = data["attributes"]["merchant_order_id"]
        order["changed"] = self.now()
        return Response(status=204)

    def _line_of(self, order_id: str, item_id: str, line_id: str) -> Json:
        found: Json | None = self._order_of(order_id)["items"].get(item_id, {}).get("lines", {}).get(line_id)
        if found is None:
            raise Refusal(404, "no such line")
        return found

    def _line(self, operation: Operation, order_id: str, item_id: str, line_id: str) -> Response:
        line = self._line_of(order_id, item_id, line_id)
        return self.json(operation, 200, {"data": self._line_shown(item_id, line_id, line)})

    def _patch_line(self, _: Operation, order_id: str, item_id: str, line_id: str) -> Response:
        line, order = self._line_of(order_id, item_id, line_id), self.orders[order_id]
        asked = request.get_json(force=True)["data"]
        status = asked["attributes"]["status"]
        if asked["id"] != line_id:
            raise Refusal(400, "another line")
        if status == line["status"]:
            raise Refusal(409, "conflicts with the current status")
        if status not in TRANSITIONS[line["status"]]:
            raise Refusal(403, "this transition is not allowed")
        if status == "shipped" and (order["tracked"] is None or self.now() < order["tracked"] + APART):
            self.raced.append(line_id)
        if status == "shipped" and "merchant_order_id" not in order["attributes"]:
            raise Refusal(403, "not exported")
        line |= {"status": status, "told": asked["attributes"]}
        order["changed"] = self.now()
        return Response(status=204)

    # Shipments

    def _shipments(self, operation: Operation, order_id: str) -> Response:
        return self.json(operation, 200, {"shipments": self._order_of(order_id)["shipments"]})

    def _create_shipment(self, operation: Operation, order_id: str) -> Response:
        """Its lines leave the shipment that every order begins with."""
        order, body = self._order_of(order_id), request.get_json(force=True)
        if not self.splits:
            raise Refusal(403, "not allowed")
        wanted = {line["order_line_id"] for line in body["order_lines"]}
        if any(self.lines(order_id)[key]["status"] != "reserved" for key in wanted):
            raise Refusal(403, "lines that are not to be shipped")
        for shipment in order["shipments"]:
            shipment["order_lines"] = [part for part in shipment["order_lines"] if part["order_line_id"] not in wanted]
        made = {"shipment_id": str(uuid.uuid4()), "status": "initial"} | body
        order["shipments"].append(made)
        return self.json(operation, 201, {"shipment_id": made["shipment_id"]})

    def _patch_shipment(self, _: Operation, order_id: str, shipment_id: str) -> Response:
        order, body = self._order_of(order_id), request.get_json(force=True)
        found = next((one for one in order["shipments"] if one["shipment_id"] == shipment_id), None)
        if found is None:
            raise Refusal(404, "no such shipment")
        if found["status"] != "initial" or "order_lines" in body:
            raise Refusal(403, "not allowed")
        found |= body
        if body.get("status") in ("shipped", "canceled"):
            for part in found["order_lines"]:
                self.lines(order_id)[part["order_line_id"]]["status"] = body["status"]
        order["changed"] = self.now()
        return Response(status=204)

    # Returns

    def _announced_returns(self, operation: Operation) -> Response:
        """The newest first, unless asked otherwise; the page after the last may be announced and is empty."""
        given = request.args
        found = [one for one in self.announced if "after" not in given or one["at"] >= _moment(given["after"])]
        found = sorted(found, key=lambda one: one["at"], reverse=given.get("sort", "-").startswith("-"))
        start, size = int(given.get("cursor", "0")), int(given.get("limit", "50"))
        page = [
            {name: value for name, value in one.items() if name != "at"}
            | {"return_registered_at": self.moment(one["at"])}
            for one in found[start : start + size]
        ]
        links = {"self": request.url}
        if page:
            links["next"] = f"https://api.merchants.zalando.com{request.path}?cursor={start + size}&limit={size}"
        return self.json(operation, 200, {"data": page, "links": links})


def zalando(**given: Any) -> Zalando:
    return Zalando([Description.of(Path(__file__).with_name("independent_zalando.yaml"))], **given)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise Refusal(400, "a time without its offset")
    return at
