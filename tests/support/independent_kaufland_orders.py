"""The half of Kaufland that sells: order units, parcels, refunds, tickets and returns (see independent_kaufland.py)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Response, request

from tests.support.independent import Independent, Json, Operation, Refusal

CURRENCIES = {"de": "EUR", "at": "EUR", "sk": "EUR", "fr": "EUR", "it": "EUR", "cz": "CZK", "pl": "PLN"}
CARRIERS = {"DHL": False, "Deutsche Post": False, "DPD": False, "GLS": False, "Other": False, "Other Hauler": True}
HIDDEN = ("at", "updated")


@dataclass
class Sales(Independent):
    """``totals``: whether lists tell their length; ``between``: called after each page of a list."""

    totals: bool = True
    between: Callable[[], None] | None = None
    orders: dict[str, Json] = field(default_factory=dict)
    sold: dict[int, Json] = field(default_factory=dict)
    parcels: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    refunds: list[tuple[int, int, str]] = field(default_factory=list)
    returned: dict[int, Json] = field(default_factory=dict)
    back: dict[int, Json] = field(default_factory=dict)
    messages: list[tuple[int, str, str]] = field(default_factory=list)
    tickets: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._ids = itertools.count(7_896_580_917)  # beyond 32 bits

    # Lists

    def _listed(self, operation: Operation, items: list[Json], usual: int = 30) -> Response:
        offset, limit = int(request.args.get("offset", 0)), int(request.args.get("limit", usual))
        if limit > 100:
            raise Refusal(400, "/problems/validation-error", ["limit: at most 100"])
        page = [self._plain(item) for item in items[offset : offset + limit]]
        body: Json = {"data": page}
        if self.totals:
            body["pagination"] = {"offset": offset, "limit": limit, "total": len(items)}
        answer = self.json(operation, 200, body)
        if self.between:
            self.between()
        return answer

    def _plain(self, item: Json) -> Json:
        return {name: value for name, value in item.items() if name not in HIDDEN}

    def _chosen(self, items: list[Json]) -> list[Json]:
        wanted = request.args
        if wanted.get("storefront"):
            items = [item for item in items if item["storefront"] == wanted["storefront"]]
        kinds = wanted.getlist("fulfillment_type") or ["fulfilled_by_merchant"]
        items = [item for item in items if item["fulfillment_type"] in kinds]
        if statuses := wanted.getlist("status"):
            items = [item for item in items if item["status"] in statuses]
        for name, at in (("ts_created_from_iso", "at"), ("ts_updated_from_iso", "updated")):
            if since := wanted.get(name):
                items = [item for item in items if item[at] > datetime.fromisoformat(since)]
        by = "updated" if wanted.get("sort") == "ts_updated:desc" else "at"
        return sorted(items, key=lambda item: item[by], reverse=True)

    def product(self, place: str, *eans: str) -> Json:
        return {
            "id_product": 362524873, "storefront": place, "title": "A thing", "eans": [*eans], "id_category": 34401,
            "main_picture": "https://example.com/1.jpg", "manufacturer": "Maker", "url": "https://example.com/1/",
            "age_rating": 0, "is_valid": True, "dangerous_goods_li_shipping": None, "danger_label_9A": None,
        }  # fmt: skip

    # Orders

    def sell(self, number: str, units: list[Json], at: datetime, **given: Any) -> list[int]:
        """An order of these units; the rest is of the order."""
        place = given.get("storefront", "de")
        self.orders[number] = {
            "id_order": number, "is_marketplace_deemed_supplier": False, "storefront": place, "delivery": None,
            "fulfillment_type": "fulfilled_by_merchant", "billing_address": None, "shipping_address": None,
            "buyer": None, "at": at,
        } | given  # fmt: skip
        ids = []
        for unit in units:
            ids.append(next(self._ids))
            order = self.orders[number]
            self.sold[ids[-1]] = {
                "id_order_unit": ids[-1], "id_order": number, "status": "need_to_be_sent", "price": 1000,
                "is_marketplace_deemed_supplier": order["is_marketplace_deemed_supplier"], "id_offer": "SKU-1",
                "revenue_gross": 870, "revenue_net": 731, "note": None, "unit_condition": "new", "storefront": place,
                "currency": CURRENCIES[place], "delivery_time_min": 1, "delivery_time_max": 3,
                "delivery_time_expires_iso": None, "order_received_timestamp_iso": None, "shipping_rate": 0,
                "cancel_reason": None, "vat": 19.0, "product": self.product(place, "4006381333931"),
                "fulfillment_type": order["fulfillment_type"], "at": at, "updated": at,
            } | unit  # fmt: skip
        return ids

    def of(self, number: str) -> list[Json]:
        return [unit for unit in self.sold.values() if unit["id_order"] == number]

    def _moments(self, item: Json, updated: str = "ts_updated_iso") -> Json:
        return {"ts_created_iso": self.moment(item["at"]), updated: self.moment(item["updated"])}

    def _get_orders(self, operation: Operation) -> Response:
        items = []
        for order in self.orders.values():
            units = self.of(order["id_order"])
            names = ("id_order", "is_marketplace_deemed_supplier", "storefront", "fulfillment_type", "at")
            head = {name: order[name] for name in names} | {"order_units_count": len(units)}
            items.append(head | {"updated": max(unit["updated"] for unit in units)})
        items = self._chosen(items)
        if since := request.args.get("ts_units_updated_from_iso"):
            items = [item for item in items if item["updated"] > datetime.fromisoformat(since)]
        return self._listed(operation, [item | self._moments(item, "ts_units_updated_iso") for item in items])

    def _get_order(self, operation: Operation, number: str) -> Response:
        order = self.orders.get(number)
        if order is None:
            raise Refusal(404, "/problems/not-found")
        told = self._plain(order) | {"ts_created_iso": self.moment(order["at"])}
        delivery, embedded = told.pop("delivery"), request.args.getlist("embedded")
        if "delivery" in embedded:
            told["delivery"] = {"pickup_location": delivery}
        if "order_invoices" in embedded:
            told["order_invoices"] = None
        names = {"fulfillment_type"}
        units = [{name: value for name, value in unit.items() if name not in names} for unit in self.of(number)]
        told["order_units"] = [
            self._plain(unit) | self._moments(unit) | {"tickets": self._about(unit)} for unit in units
        ]
        return self.json(operation, 200, {"data": told})

    def _about(self, unit: Json) -> list[Json] | None:
        found = [ticket for ticket in self.tickets if unit["id_order_unit"] in ticket["ids_order_units"]]
        return [self._told_ticket(ticket) for ticket in found] or None

    def _flat(self, unit: Json) -> Json:
        order = self.orders[unit["id_order"]]
        people = {name: order[name] for name in ("buyer", "billing_address", "shipping_address")}
        return unit | people | self._moments(unit)

    def _get_order_units(self, operation: Operation) -> Response:
        found = self._chosen([*self.sold.values()])
        if wanted := request.args.get("id_offer"):
            found = [unit for unit in found if unit["id_offer"] == wanted]
        return self._listed(operation, [self._flat(unit) for unit in found])

    def _sold(self, number: str | int) -> Json:
        if (unit := self.sold.get(int(number))) is None:
            raise Refusal(404, "/problems/not-found")
        return unit

    def _get_order_unit(self, operation: Operation, number: str) -> Response:
        return self.json(operation, 200, {"data": self._plain(self._flat(self._sold(number)))})

    def _move(self, unit: Json, status: str, wrong: str, *known: str) -> None:
        if unit["status"] not in known:
            raise Refusal(403, wrong)
        unit |= {"status": status, "updated": self.now()}

    def _fulfil_order_unit(self, operation: Operation, number: str) -> Response:
        self._move(self._sold(number), "need_to_be_sent", "/problems/action-not-allowed", "open")
        return self.json(operation, 204, None)

    def _send_order_unit(self, operation: Operation, number: str) -> Response:
        given = request.get_json()
        self._carried(given["carrier_code"])
        self._move(self._sold(number), "sent", "/problems/action-not-allowed", "need_to_be_sent")
        self.parcels.setdefault(int(number), []).append((given["carrier_code"], given["tracking_numbers"]))
        return self.json(operation, 204, None)

    def _carried(self, carrier: str) -> None:
        if carrier not in CARRIERS:
            raise Refusal(400, "/problems/validation-error", ["carrier_code: unknown"])

    def _add_shipment(self, operation: Operation) -> Response:
        given = request.get_json()
        told = given["shipment_information"]
        self._carried(told["carrier_code"])
        if self._sold(given["id_order_unit"])["status"] not in ("sent", "sent_and_autopaid"):
            raise Refusal(403, "/problems/action-not-allowed")
        self.parcels[given["id_order_unit"]].append((told["carrier_code"], told["tracking_number"]))
        return self.json(operation, 204, None)

    def _cancel_order_unit(self, operation: Operation, number: str) -> Response:
        unit = self._sold(number)
        self._move(unit, "cancelled", "/problems/order-units/cancel-not-possible", "open", "need_to_be_sent")
        unit["cancel_reason"] = request.get_json()["reason"]
        return self.json(operation, 204, None)

    def _refund_order_unit(self, operation: Operation, number: str) -> Response:
        unit, given = self._sold(number), request.get_json()
        paid = sum(amount for one, amount, _ in self.refunds if one == int(number))
        if not 0 < given["amount"] <= unit["price"] + unit["shipping_rate"] - paid:
            raise Refusal(400, "/problems/validation-error", ["amount: more than was paid"])
        self.refunds.append((int(number), given["amount"], given["reason"]))
        return self.json(operation, 204, None)

    # What buyers want

    def ask(self, number: str, topic: str | None, units: list[int], at: datetime) -> None:
        """A buyer's ticket."""
        self.tickets.append(
            {
                "id_ticket": number, "ids_order_units": units, "id_buyer": 21631426, "status": "opened",
                "open_reason": "contact_other", "topic": topic, "is_seller_responsible": True,
                "fulfillment_type": "fulfilled_by_merchant", "storefront": "de", "at": at, "updated": at,
            }
        )  # fmt: skip

    def _told_ticket(self, ticket: Json) -> Json:
        told = self._plain(ticket) | self._moments(ticket)
        del told["storefront"]
        return told

    def _get_tickets(self, operation: Operation) -> Response:
        found = self._chosen(self.tickets)
        if topics := request.args.getlist("topic"):
            found = [ticket for ticket in found if ticket["topic"] in topics]
        return self._listed(operation, [self._told_ticket(ticket) for ticket in found])

    def _ticket(self, number: str) -> Json:
        for ticket in self.tickets:
            if ticket["id_ticket"] == number:
                return ticket
        raise Refusal(404, "/problems/not-found")

    def _get_ticket(self, operation: Operation, number: str) -> Response:
        ticket = self._ticket(number)
        units = [self._plain(self._flat(self._sold(unit))) for unit in ticket["ids_order_units"]]
        more: Json = {"messages": [], "buyer": None, "product": None, "files": [], "storefront": ticket["storefront"]}
        linked = units if "order_units" in request.args.getlist("embedded") else []
        return self.json(operation, 200, {"data": self._told_ticket(ticket) | more | {"order_units": linked}})

    def _create_ticket_message(self, operation: Operation, number: str) -> Response:
        self._ticket(number)
        self.messages.append((int(number), "ticket", request.get_json()["text"]))
        return self.json(operation, 201, None)

    def _close_ticket(self, operation: Operation, number: str) -> Response:
        ticket = self._ticket(number)
        if ticket["status"] != "opened":
            raise Refusal(400, "/problems/tickets/non-closable-by-seller")
        ticket |= {"status": "seller_closed", "updated": self.now()}
        return self.json(operation, 204, None)

    def give_back(self, units: dict[int, Json], at: datetime, **given: Any) -> list[int]:
        """A return of these order units."""
        number = next(self._ids)
        place = self._sold(next(iter(units)))["storefront"]
        self.returned[number] = {
            "id_return": number, "storefront": place, "tracking_provider": "DHL", "tracking_code": "407875042681",
            "status": "package_received", "fulfillment_type": "fulfilled_by_merchant", "at": at, "updated": at,
        } | given  # fmt: skip
        ids = []
        for unit, told in units.items():
            ids.append(next(self._ids))
            self.back[ids[-1]] = {
                "id_return_unit": ids[-1], "id_return": number, "id_order_unit": unit, "status": "return_arrived",
                "note": None, "reason": "wrong_size", "storefront": place,
                "fulfillment_type": "fulfilled_by_merchant", "at": at, "updated": at,
            } | told  # fmt: skip
        return ids

    def _return_unit(self, unit: Json) -> Json:
        return self._plain(unit) | {"ts_created_iso": self.moment(unit["at"])}

    def _get_returns(self, operation: Operation) -> Response:
        found = self._chosen([*self.returned.values()])
        return self._listed(operation, [item | self._moments(item) for item in found])

    def _get_return(self, operation: Operation, number: str) -> Response:
        if (found := self.returned.get(int(number))) is None:
            raise Refusal(404, "/problems/not-found")
        told = self._plain(found) | self._moments(found)
        if "return_units" in request.args.getlist("embedded"):
            units = [unit for unit in self.back.values() if unit["id_return"] == int(number)]
            told["return_units"] = [self._return_unit(unit) for unit in units]
        if "buyer" in request.args.getlist("embedded"):
            told["buyer"] = None
        return self.json(operation, 200, {"data": told})

    def _get_return_units(self, operation: Operation) -> Response:
        found = self._chosen([*self.back.values()])
        return self._listed(operation, [self._return_unit(unit) for unit in found])

    def _back(self, number: str) -> Json:
        if (unit := self.back.get(int(number))) is None:
            raise Refusal(404, "/problems/not-found")
        return unit

    def _get_return_unit(self, operation: Operation, number: str) -> Response:
        unit, embedded = self._back(number), request.args.getlist("embedded")
        whole = self.returned[unit["id_return"]]
        told = self._return_unit(unit) | {"return": self._plain(whole) | self._moments(whole)}
        if "order_unit" in embedded:
            told["order_unit"] = self._plain(self._flat(self._sold(unit["id_order_unit"])))
        if "tickets" in embedded:
            told["tickets"] = None
        return self.json(operation, 200, {"data": told})

    def _decided(self, operation: Operation, number: str, status: str) -> Response:
        unit = self._back(number)
        known = ("need_to_be_returned", "return_arrived", "return_in_clarification", "return_in_repair")
        self._move(unit, status, "/problems/returns/unit-wrong-status", *known)
        if request.get_data():
            self.messages.append((int(number), status, request.get_json()["message"]))
        return self.json(operation, 204, None)

    def _accept_return_unit(self, operation: Operation, number: str) -> Response:
        return self._decided(operation, number, "return_accepted")

    def _reject_return_unit(self, operation: Operation, number: str) -> Response:
        return self._decided(operation, number, "return_rejected")

    def _clarify_return_unit(self, operation: Operation, number: str) -> Response:
        return self._decided(operation, number, "return_in_clarification")

    def _repair_return_unit(self, operation: Operation, number: str) -> Response:
        return self._decided(operation, number, "return_in_repair")
