"""The orders, shipments and returns of the Mirakl that was written from its description alone.

What was cancelled or paid back stands beside a line's price, which stays what it was sold for. Taxes that Mirakl does not
work out itself are paid back only where they are told.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Response, request

from tests.support.independent import Json, Operation, Refusal
from tests.support.independent_mirakl_ground import Ground

CARRIERS = {"DHL": "https://dhl.example/{trackingId}", "COLIS": ""}
REASONS = {"REFUND": ("RET", "Returned"), "CANCELATION": ("OOS", "Out of stock")}
SHIPPABLE = ("SHIPPING",)
REFUNDABLE = ("SHIPPED", "TO_COLLECT", "RECEIVED", "INCIDENT_OPEN", "CLOSED")


@dataclass
class Orders(Ground):
    """``multi``: orders may have several shipments; ``partly``: some lines of an order may be refused; ``mode``: of the
    platform, for what does not name one."""

    multi: bool = False
    partly: bool = True
    mode: str = "TAX_INCLUDED"
    orders: dict[str, Json] = field(default_factory=dict)
    shipments: dict[str, Json] = field(default_factory=dict)
    returns: dict[str, Json] = field(default_factory=dict)

    def sell(self, order_id: str, *lines: Json, state: str = "WAITING_ACCEPTANCE", **given: Any) -> Json:
        """Of each line: ``sku``, ``quantity``, ``price_unit``, and what is told of it beside that."""
        at = given.pop("at", None) or self.now()
        made = {
            "order_lines": {
                f"{order_id}-{number}": {"order_line_state": state, "cancelations": [], "refunds": []} | line
                for number, line in enumerate(lines, 1)
            }
        }
        told: Json = {"order_tax_mode": self.mode, "currency_iso_code": "EUR"} | given
        self.orders[order_id] = {"state": state, "placed": at, "changed": at, "told": told, "references": {}} | made
        return self.orders[order_id]

    def move(self, order_id: str, state: str) -> None:
        """The order goes on, and with it the lines that were where it was."""
        order = self.orders[order_id]
        for line in order["order_lines"].values():
            if line["order_line_state"] == order["state"]:
                line["order_line_state"] = state
                line.update({"shipped_date": self.moment(self.now())} if state == "SHIPPED" else {})
        order |= {"state": state, "changed": self.now()}

    def lines(self, order_id: str) -> dict[str, Json]:
        found: dict[str, Json] = self.orders[order_id]["order_lines"]
        return found

    def _shown(self, order_id: str) -> Json:
        """In the tax mode that was asked for, or else the order's own."""
        order = self.orders[order_id]
        mode = request.args.get("order_tax_mode", order["told"]["order_tax_mode"])
        step = _step(order["told"]["order_tax_mode"], mode)
        told, state = dict(order["told"]), order["state"]
        customer = {"customer_id": "C", "firstname": "Ada", "lastname": "Byron", "locale": "fr_FR"}
        address = told.pop("address", None)
        if address and state not in ("STAGING", "WAITING_ACCEPTANCE", "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT"):
            bill = {name: item for name, item in address.items() if name != "additional_info"}
            customer |= {"shipping_address": address, "billing_address": bill}
        told["order_tax_mode"] = mode
        lines = [self._line(key, number, line, step) for number, (key, line) in enumerate(self.lines(order_id).items())]
        sums = {name: float(sum(cents(line[name]) for line in lines)) for name in ("price", "shipping_price")}
        return {
            "order_id": order_id, "commercial_id": order_id.rpartition("-")[0], "order_state": state,
            "created_date": self.moment(order["placed"]), "last_updated_date": self.moment(order["changed"]),
            "customer": customer, "order_lines": lines, "references": order["references"],
            "total_price": float(sum(cents(line["total_price"]) for line in lines)),
            "can_cancel": state in ("SHIPPING", "WAITING_DEBIT_PAYMENT"),
            "can_shop_ship": state == "SHIPPING",
            "has_incident": any(line["order_line_state"] == "INCIDENT_OPEN" for line in lines),
        } | sums | told  # fmt: skip

    def _line(self, key: str, number: int, line: Json, step: int) -> Json:
        line, sku = {"shipping_price": 0} | {name: line[name] for name in line if name != "sku"}, line["sku"]
        price = cents(line["price_unit"] * line["quantity"]) + step * _sum(line, "taxes")
        shipping = cents(line["shipping_price"]) + step * _sum(line, "shipping_taxes")
        whole = price + shipping + _sum(line, "fees")
        back = {name: [_stepped(one, step) for one in line[name]] for name in ("cancelations", "refunds")}
        return line | back | {
            "order_line_id": key, "order_line_index": number, "offer_id": 5000, "offer_sku": sku,
            "product_title": "A thing", "product_sku": "P", "price": float(price), "shipping_price": float(shipping),
            "price_unit": float(cents(price / line["quantity"])), "total_price": float(whole),
            "can_refund": line["order_line_state"] in REFUNDABLE,
        }  # fmt: skip

    def _order_of(self, order_id: str, *states: str) -> Json:
        order = self.orders.get(order_id)
        if order is None:
            raise Refusal(404, "ORDER_NOT_FOUND")
        if states and order["state"] not in states:
            raise Refusal(400, f"ORDER_INVALID_STATE {order['state']}")
        return order

    def _or11(self, operation: Operation) -> Response:
        """Oldest first."""
        given = request.args
        if given.get("order", "asc") == "desc":
            found = sorted(self.orders, key=lambda key: (self.orders[key]["placed"], key), reverse=True)
        else:
            found = sorted(self.orders, key=lambda key: (self.orders[key]["placed"], key))
        shown = [self._shown(key) for key in found if self._asked(key)]
        incident = given.get("has_incident")
        shown = [one for one in shown if incident in (None, str(one["has_incident"]).lower())]
        return self.full(operation, self.paged("orders", shown))

    def _asked(self, order_id: str) -> bool:
        given, order = request.args, self.orders[order_id]
        for name, at in (("date", order["placed"]), ("update_date", order["changed"])):
            if f"start_{name}" in given and at < moment(given[f"start_{name}"]):
                return False
            if f"end_{name}" in given and at > moment(given[f"end_{name}"]):
                return False
        wanted = (("order_ids", order_id), ("order_state_codes", order["state"]))
        return all(name not in given or value in given[name].split(",") for name, value in wanted)

    def _or04(self, operation: Operation) -> Response:
        done = []
        for one in request.get_json(force=True)["orders"]:
            told = one.get("references", {})
            self._order_of(one["order_id"])["references"].update(told)
            done.append({"order_id": one["order_id"], "updated": {"references": told}})
        return self.full(operation, {"updated_orders": done})

    def _or21(self, _: Operation, order_id: str) -> Response:
        order = self._order_of(order_id, "WAITING_ACCEPTANCE")
        told = [(one["id"], one["accepted"]) for one in request.get_json(force=True)["order_lines"]]
        lines = order["order_lines"]
        if sorted(key for key, _ in told) != sorted(lines):
            raise Refusal(
                400, "ORDER_LINE_ACCEPTANCE_DECISION_MISSING, ORDER_LINE_DUPLICATE_ID or ORDER_LINE_NOT_FOUND"
            )
        if len(set(dict(told).values())) == 2 and not self.partly:
            raise Refusal(400, "ORDER_PARTIAL_ACCEPTANCE_DISABLED")
        for key, accepted in told:
            lines[key]["order_line_state"] = "WAITING_DEBIT_PAYMENT" if accepted else "REFUSED"
        order["state"] = "WAITING_DEBIT_PAYMENT" if any(accepted for _, accepted in told) else "REFUSED"
        order["changed"] = self.now()
        return Response(status=204)

    # Shipments

    def _or23(self, _: Operation, order_id: str) -> Response:
        order, given = self._order_of(order_id, "SHIPPING", "SHIPPED"), request.get_json(force=True)
        self._check_tracking(given)
        order["tracking"] = given
        return Response(status=204)

    def _check_tracking(self, given: Json) -> None:
        code = given.get("carrier_code")
        if code is None and not given.get("carrier_name"):
            raise Refusal(400, "a carrier's code or name is mandatory")
        if code is not None and code not in CARRIERS:
            raise Refusal(400, f"no such carrier: {code}")
        if code is not None and CARRIERS[code] and not given.get("tracking_number"):
            raise Refusal(400, "a tracking number is mandatory")

    def _or24(self, _: Operation, order_id: str) -> Response:
        self._order_of(order_id, "SHIPPING")
        self.move(order_id, "SHIPPED")
        return Response(status=204)

    def _st01(self, operation: Operation) -> Response:
        if not self.multi:
            raise Refusal(400, "one shipment an order")
        right: list[Json] = []
        wrong: list[Json] = []
        for one in request.get_json(force=True)["shipments"]:
            fault = self._fault(one)
            (wrong if fault else right).append(
                {"order_id": one["order_id"], "message": fault} if fault else self._shipment(one)
            )
        return self.full(operation, {"shipment_success": right, "shipment_errors": wrong}, 201)

    def _fault(self, one: Json) -> str:
        order = self.orders.get(one["order_id"])
        if order is None or order["state"] != "SHIPPING":
            return "the order is not to be shipped"
        for part in one["shipment_lines"]:
            if not 0 < part["quantity"] <= self.left(one["order_id"]).get(part.get("order_line_id"), 0):
                return f"more than is left of {part}"
        if "tracking" in one:
            self._check_tracking(one["tracking"])
        return ""

    def left(self, order_id: str) -> dict[str | None, int]:
        """Units in no shipment yet."""
        sent = [
            part
            for one in self.shipments.values()
            if one["order_id"] == order_id
            for part in one["shipment_lines"]
        ]  # fmt: skip
        return {
            key: line["quantity"]
            - sum(part["quantity"] for part in sent if part["order_line_id"] == key)
            - sum(one["quantity"] for one in line["cancelations"])
            for key, line in self.lines(order_id).items()
        }

    def _shipment(self, one: Json) -> Json:
        key, at = str(uuid.uuid4()), self.moment(self.now())
        made = {"id": key, "created_date": at, "last_updated_date": at, "status_customer_debit": "DEBIT_OK"}
        made |= {name: item for name, item in one.items() if name != "shipped"}
        made["status"] = "SHIPPED" if one.get("shipped") else "SHIPPING"
        self.shipments[key] = made
        self._settle(one["order_id"])
        return made

    def _settle(self, order_id: str) -> None:
        """Lines are shipped once nothing is left of them, and the order with the last of them."""
        open_ = [one for one in self.shipments.values() if one["order_id"] == order_id and one["status"] == "SHIPPING"]
        waiting = {part["order_line_id"] for one in open_ for part in one["shipment_lines"]}
        for key, left in self.left(order_id).items():
            line = self.lines(order_id)[str(key)]
            if not left and key not in waiting and line["order_line_state"] == "SHIPPING":
                line |= {"order_line_state": "SHIPPED", "shipped_date": self.moment(self.now())}
        if all(line["order_line_state"] != "SHIPPING" for line in self.lines(order_id).values()):
            self.orders[order_id]["state"] = "SHIPPED"
        self.orders[order_id]["changed"] = self.now()

    def _st11(self, operation: Operation) -> Response:
        asked, states = request.args.getlist("order_id"), request.args.getlist("shipment_state_code")
        found = [
            one
            for one in self.shipments.values()
            if (not asked or one["order_id"] in asked) and (not states or one["status"] in states)
        ]
        return self.full(operation, self.sought(found))

    def _st24(self, operation: Operation) -> Response:
        keys = [one["id"] for one in request.get_json(force=True)["shipments"]]
        known = [key for key in keys if key in self.shipments]
        for key in known:
            self.shipments[key]["status"] = "SHIPPED"
            self._settle(self.shipments[key]["order_id"])
        return self.full(operation, {"shipment_success": [{"id": key} for key in known], "shipment_errors": []})

    # Money back

    def _or28(self, operation: Operation) -> Response:
        return self._undo(operation, "refunds", "REFUND", lambda line, _: line["order_line_state"] in REFUNDABLE)

    def _or30(self, operation: Operation) -> Response:
        may = ("SHIPPING", "WAITING_DEBIT_PAYMENT")
        return self._undo(operation, "cancelations", "CANCELATION", lambda _, order: order["state"] in may)

    def _undo(self, operation: Operation, name: str, kind: str, may: Callable[[Json, Json], bool]) -> Response:
        body = request.get_json(force=True)
        mode = body.get("order_tax_mode", self.mode)
        done = [self._one_undone(one, name, kind, may, mode) for one in body[name]]
        return self.full(operation, {"order_tax_mode": mode, name: done})

    def _one_undone(
        self, one: Json, name: str, kind: str, may: Callable[[Json, Json], bool], mode: str
    ) -> Json:  # fmt: skip
        order_id = one["order_line_id"].rpartition("-")[0]
        order = self._order_of(order_id)
        line = order["order_lines"].get(one["order_line_id"])
        if line is None or not may(line, order):
            raise Refusal(400, f"nothing of {one['order_line_id']} can be undone now")
        if one["reason_code"] != REASONS[kind][0] or one.get("currency_iso_code", "EUR") != "EUR":
            raise Refusal(400, "not a reason or a currency of this shop")
        step = _step(order["told"]["order_tax_mode"], mode)
        made = {"id": str(uuid.uuid4()), "created_date": self.moment(self.now()), "reason_code": one["reason_code"]}
        made |= {"quantity": one.get("quantity", 0), "currency_iso_code": "EUR"}
        made |= self._amounts(line, one, "price", "amount", "taxes", step)
        made |= self._amounts(line, one, "shipping_price", "shipping_amount", "shipping_taxes", step)
        made["fees"] = self._fees_of(line, one)
        states = {"state": "WAITING_REFUND", "refund_state": "WAITING_REFUND", "order_refund_id": str(uuid.uuid4())}
        line[name].append({key: item for key, item in made.items() if key != "currency_iso_code"} | (
            states if name == "refunds" else {}))  # fmt: skip
        order["changed"] = self.now()
        if name == "cancelations":
            self._cancelled(order_id, line)
        ids = {"refunds": "refund_id", "cancelations": "cancelation_id"}
        shown = {key: item for key, item in _stepped(made, step).items() if key not in ("id", "created_date")}
        return shown | {
            "order_line_id": one["order_line_id"],
            ids[name]: made["id"],
        } | ({"order_refund_id": states["order_refund_id"]} if name == "refunds" else {})  # fmt: skip

    def _amounts(self, line: Json, one: Json, price: str, amount: str, taxes: str, step: int) -> Json:
        """The amount and its taxes, those told and those that are in proportion, in the order's own tax mode."""
        full = cents(line["price_unit"] * line["quantity"]) if price == "price" else cents(line.get(price, 0))
        past = line["cancelations"] + line["refunds"]
        given = Decimal(str(one[amount]))
        if given != cents(given) or given < 0:
            raise Refusal(400, f"{amount} {given}")
        told = {tax["code"]: tax["amount"] for tax in one.get(taxes, [])}
        known = {tax["code"]: tax for tax in line.get(taxes, [])}
        missing = [code for code, tax in known.items() if tax["tax_calculation_rule"] == "NONE" and code not in told]
        if set(told) - set(known) or (missing and given):
            raise Refusal(400, f"{taxes} are required: {missing}; told {told}")
        whole = full + step * _sum(line, taxes)
        before = sum((cents(entry.get(amount, 0)) + step * _sum(entry, taxes) for entry in past), given)
        due = {code: cents(cents(tax["amount"]) * before / whole) for code, tax in known.items() if whole}
        paid = {code: cents(told.get(code, due[code] - _gone(past, taxes, code))) for code in due}
        own = given - step * sum(paid.values())
        gone = sum((cents(entry.get(amount, 0)) for entry in past), Decimal(0))
        over = [code for code in paid if paid[code] + _gone(past, taxes, code) > cents(known[code]["amount"])]
        if own > full - gone or over:
            raise Refusal(400, f"{amount} {own}, left {full - gone}; more than there is of {over}")
        return {amount: float(own), taxes: [{"code": code, "amount": float(tax)} for code, tax in paid.items()]}

    def _fees_of(self, line: Json, one: Json) -> list[Json]:
        past = line["cancelations"] + line["refunds"]
        known = {fee["code"]: fee["amount"] for fee in line.get("fees", [])}
        for fee in one.get("fees", []):
            if cents(fee["amount"]) + _gone(past, "fees", fee["code"]) > cents(known.get(fee["code"], 0)):
                raise Refusal(400, f"more than there is of {fee}")
        return [dict(fee) for fee in one.get("fees", [])]

    def _cancelled(self, order_id: str, line: Json) -> None:
        if sum(one["quantity"] for one in line["cancelations"]) >= line["quantity"]:
            line["order_line_state"] = "CANCELED"
        states = {one["order_line_state"] for one in self.lines(order_id).values()}
        if states <= {"CANCELED", "REFUSED"}:
            self.orders[order_id]["state"] = "CANCELED"

    def _or29(self, _: Operation, order_id: str) -> Response:
        self._order_of(order_id, "SHIPPING", "WAITING_DEBIT_PAYMENT")
        self.move(order_id, "CANCELED")
        return Response(status=204)

    # Returns

    def send_back(self, order_id: str, *lines: tuple[str, int], state: str = "WAITING_ACCEPTANCE", **given: Any) -> str:
        key, at = str(uuid.uuid4()), self.moment(self.now())
        address = {"city": "Paris", "country_iso_code": "FRA", "street1": "Rue 1", "zip_code": "75001"}
        parts = [
            {"order_line_id": name, "quantity": many, "reason_code": "RETURN_CHANGED_MIND"} for name, many in lines
        ]
        self.returns[key] = {
            "id": key, "date_created": at, "last_updated": at, "method_code": "RETURN_METHOD_BY_MAIL", "state": state,
            "order_id": order_id, "order_commercial_id": order_id.rpartition("-")[0], "return_lines": parts,
            "return_address": address,
        } | given  # fmt: skip
        return key

    def _rt11(self, operation: Operation) -> Response:
        given = request.args
        asked = (("return_id", "id"), ("return_state", "state"))
        found = [
            one
            for one in self.returns.values()
            if all(not given.getlist(name) or one[key] in given.getlist(name) for name, key in asked)
            and ("return_last_updated_from" not in given
                 or moment(one["last_updated"]) >= moment(given["return_last_updated_from"]))
            and set(given.getlist("order_line_id") or [line["order_line_id"] for line in one["return_lines"]])
            & {line["order_line_id"] for line in one["return_lines"]}
        ]  # fmt: skip
        return self.full(operation, self.sought(found))

    def _rt21(self, operation: Operation) -> Response:
        def decide(found: Json, told: Json) -> str:
            if not told["accepted"] and "rejection_reason_code" not in told:
                return "a reason is missing"
            found["state"] = "IN_PROGRESS" if told["accepted"] else "REFUSED"
            return ""

        return self._each(operation, ("WAITING_ACCEPTANCE",), decide)

    def _rt25(self, operation: Operation) -> Response:
        return self._each(operation, ("IN_PROGRESS", "NO_RECEPTION"), lambda found, _: found.update(state="RECEIVED"))

    def _rt26(self, operation: Operation) -> Response:
        def mark(found: Json, told: Json) -> str:
            for part in told["return_lines"]:
                lines = [line for line in found["return_lines"] if line["order_line_id"] == part["order_line_id"]]
                if not lines or (not part["compliant"] and "non_compliance_reason_code" not in part):
                    return "no such line, or no reason"
                lines[0]["compliance"] = [{name: item for name, item in part.items() if name != "order_line_id"}]
            return ""

        return self._each(operation, ("RECEIVED",), mark)

    def _rt27(self, operation: Operation) -> Response:
        return self._each(operation, ("RECEIVED",), lambda found, _: found.update(state="CLOSED"))

    def _each(self, operation: Operation, states: Iterable[str], work: Callable[[Json, Json], str | None]) -> Response:
        right, wrong = [], []
        for told in request.get_json(force=True)["returns"]:
            found = self.returns.get(told["id"])
            fault = "not in the expected state" if not found or found["state"] not in states else work(found, told)
            if found and not fault:
                found["last_updated"] = self.moment(self.now())
                right.append({"id": told["id"]})
            else:
                wrong.append({"id": told["id"], "message": fault})
        return self.full(operation, {"return_success": right, "return_errors": wrong})


def _step(own: str, asked: str) -> int:
    """What taxes are to an amount that is told in another mode."""
    return 0 if own == asked else 1 if asked == "TAX_INCLUDED" else -1


def _sum(entry: Json, name: str) -> Decimal:
    return sum((cents(part["amount"]) for part in entry.get(name, [])), Decimal(0))


def _gone(past: list[Json], name: str, code: str) -> Decimal:
    parts = (part for entry in past for part in entry.get(name, []) if part["code"] == code)
    return sum((cents(part["amount"]) for part in parts), Decimal(0))


def _stepped(entry: Json, step: int) -> Json:
    pairs = (("amount", "taxes"), ("shipping_amount", "shipping_taxes"))
    return entry | {name: float(cents(entry.get(name, 0)) + step * _sum(entry, taxes)) for name, taxes in pairs}


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise Refusal(400, f"{text}: no zone")
    return at


def cents(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))
