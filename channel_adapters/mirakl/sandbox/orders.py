"""Orders: their states from the buyer's click to the parcel, and what the seller does with them."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response, request

from channel_adapters.mirakl.sandbox import settings
from channel_adapters.mirakl.sandbox.gate import Problem, answer, moment, no_content, page_of, seek, words
from channel_adapters.mirakl.sandbox.market import Call, Document, Market, stamp
from channel_adapters.mirakl.sandbox.money import cancel_amounts, line_amounts, order_amounts, refund_amounts

# "Mirakl will subtract a time delta to ensure no orders are missed" (specification, start_update_date).
DELTA = 60.0
DAY = 86400.0
HIDDEN = ("STAGING", "WAITING_ACCEPTANCE", "REFUSED")
CANCELLABLE = ("WAITING_DEBIT", "WAITING_DEBIT_PAYMENT", "SHIPPING")


def hire(market: Market) -> None:
    market.due.append(partial(_debit, market))


def _debit(market: Market) -> None:
    """The buyer's payment comes a little after the order is accepted."""
    for order in market.docs.all("orders").values():
        if order["order_state"] == "WAITING_DEBIT" and not order["held"] and order["debit_due"] <= market.now():
            for line in order["lines"]:
                if line["state"] == "WAITING_DEBIT":
                    line["state"] = "SHIPPING"
            change(market, order, "SHIPPING")


def change(market: Market, order: Document, state: str | None = None) -> None:
    order["updated"] = market.now()
    if state is not None:
        order["order_state"] = state
    market.docs.put("orders", order["order_id"], order)


def find_order(market: Market, key: str) -> Document:
    order: Document | None = market.docs.get("orders", key)
    if order is None:
        raise Problem(404, f"Order {key} not found.", code="ORDER_NOT_FOUND")
    return order


def find_line(market: Market, key: str) -> tuple[Document, Document]:
    order = find_order(market, key.rpartition("-")[0])
    for line in order["lines"]:
        if line["key"] == key:
            return order, line
    raise Problem(404, f"Order line {key} not found.", code="ORDER_LINE_NOT_FOUND")


def cancelled(line: Document) -> int:
    if line["state"] in ("CANCELED", "REFUSED"):
        return int(line["quantity"])
    return sum(int(entry["quantity"]) for entry in line["cancelations"])


def left(line: Document) -> int:
    """Units neither cancelled nor shipped."""
    return max(0, int(line["quantity"]) - cancelled(line) - int(line["shipped"]))


# Reading


def list_orders(call: Call) -> Response:
    found = sorted(call.market.docs.all("orders").values(), key=lambda order: order["created"])
    if ids := words("order_ids"):
        found = [order for order in found if order["order_id"] in ids]
    if states := words("order_state_codes"):
        found = [order for order in found if order["order_state"] in states]
    if (since := moment("start_update_date")) is not None:
        found = [order for order in found if order["updated"] >= since - DELTA]
    if (until := moment("end_update_date")) is not None:
        found = [order for order in found if order["updated"] <= until]
    mode = request.args.get("order_tax_mode", call.market.options.tax_mode)
    shown = page_of(call, found)
    return answer({"orders": [wire(call.market, order, mode) for order in shown], "total_count": len(found)})


def wire(market: Market, order: Document, mode: str) -> Document:
    state = order["order_state"]
    body: Document = {name: order[name] for name in ("order_id", "commercial_id", "order_state", "references")}
    body |= {"created_date": stamp(order["created"]), "last_updated_date": stamp(order["updated"])}
    body |= {"currency_iso_code": market.options.currency, "order_tax_mode": mode}
    body |= {"can_cancel": state in CANCELLABLE and not any(line["shipped"] for line in order["lines"])}
    body |= {"can_shop_ship": state == "SHIPPING", "payment_workflow": "PAY_ON_ACCEPTANCE"}
    body |= {"customer": _customer(market, order), "fulfillment": {"center": {"code": order["centre"]}}}
    body |= {"customer_notification_email": f"notification+{order['order_id'].lower()}@notification.mirakl.example"}
    body |= dict.fromkeys(("fully_refunded", "has_customer_message", "has_incident", "has_invoice"), False)
    body |= {"leadtime_to_ship": 2, "shipping_deadline": stamp(order["created"] + 2 * DAY), "paymentType": "Visa"}
    body |= {"payment_type": "Visa", "total_commission": 0, "channel": {"code": "WEBSITE_FR", "label": "Website FR"}}
    body |= {"shipping_type_code": "STD", "shipping_type_label": "Standard"}
    body |= {"shipping_zone_code": "FR", "shipping_zone_label": "France"}
    if order["pickup_point"]:
        body["shipping_pudo_id"] = order["pickup_point"]
    if tracking := order.get("tracking"):
        body |= {"shipping_tracking": tracking.get("tracking_number") or "", "shipping_company": _carrier_of(tracking)}
    lines = [_line(market, order, line, mode, number) for number, line in enumerate(order["lines"], 1)]
    return body | {"order_lines": lines} | order_amounts(lines)


def _carrier_of(tracking: Document) -> str:
    labels = {code: label for code, label, _ in settings.CARRIERS}
    code = tracking.get("carrier_code")
    return labels.get(code or "", "") or tracking.get("carrier_name") or ""


def _customer(market: Market, order: Document) -> Document:
    person = order["buyer"]
    body: Document = {"customer_id": f"C-{order['commercial_id']}", "locale": "fr_FR"}
    body |= {"firstname": person.get("firstname", ""), "lastname": person.get("lastname", "")}
    if order["order_state"] in HIDDEN and not market.options.addresses_before_acceptance:
        return body
    bill = {name: value for name, value in person.items() if name != "additional_info"}
    return body | {"shipping_address": person, "billing_address": bill}


def _line(market: Market, order: Document, line: Document, mode: str, number: int) -> Document:
    body: Document = {"order_line_id": line["key"], "order_line_index": number, "order_line_state": line["state"]}
    body |= {"offer_id": line["offer_id"], "offer_sku": line["sku"], "offer_state_code": "11", "description": ""}
    body |= {"product_sku": line["product_sku"], "product_title": line["title"], "quantity": line["quantity"]}
    body |= {"category_code": line["category"], "category_label": line["category"], "product_medias": []}
    body |= {"created_date": stamp(order["created"]), "last_updated_date": stamp(order["updated"])}
    body |= {"can_refund": line["state"] in ("SHIPPING", "SHIPPED", "RECEIVED"), "order_line_additional_fields": []}
    body |= dict.fromkeys(("commission_fee", "commission_rate_vat", "commission_vat", "total_commission"), 0)
    if line["shipped_at"] is not None:
        body["shipped_date"] = stamp(line["shipped_at"])
    body["cancelations"] = [cancel_amounts(market, entry, mode) for entry in line["cancelations"]]
    body["refunds"] = [refund_amounts(market, entry, mode) for entry in line["refunds"]]
    return body | line_amounts(market, line, mode)


# Deciding


def accept(call: Call) -> Response:
    order = find_order(call.market, call.path["order_id"])
    if order["order_state"] != "WAITING_ACCEPTANCE":
        raise Problem(400, "Order is not in the expected state for this operation", code="ORDER_INVALID_STATE")
    decided = {line.id: line.accepted for line in call.body.order_lines}
    known = {line["key"] for line in order["lines"]}
    if unknown := set(decided) - known:
        raise Problem(404, f"Order line {unknown.pop()} not found.", code="ORDER_LINE_NOT_FOUND")
    if known - set(decided):
        raise Problem(400, "Some order lines are missing.", code="ORDER_LINE_ACCEPTANCE_DECISION_MISSING")
    if not call.market.options.partial_acceptance and len(set(decided.values())) > 1:
        raise Problem(400, "Partial acceptance is disabled for this shop", code="ORDER_PARTIAL_ACCEPTANCE_DISABLED")
    if call.faulty("not_applied") is None:
        _decide(call.market, order, decided)
    return no_content()


def _decide(market: Market, order: Document, decided: dict[str, bool]) -> None:
    for line in order["lines"]:
        line["state"] = "WAITING_DEBIT" if decided[line["key"]] else "REFUSED"
    order |= {"decided": True, "debit_due": market.now() + market.options.debit_seconds}
    change(market, order, "WAITING_DEBIT" if any(decided.values()) else "REFUSED")


def refer(call: Call) -> Response:
    updated = []
    for patch in call.body.orders:
        order: Document | None = call.market.docs.get("orders", patch.order_id)
        if order is None:
            error = {"code": "NOT_FOUND", "field": "order_id", "message": f"Order {patch.order_id} not found."}
            updated.append({"order_id": patch.order_id, "errors": [error]})
            continue
        order["references"]["order_reference_for_seller"] = patch.references.order_reference_for_seller
        change(call.market, order)
        updated.append({"order_id": patch.order_id, "updated": {"references": order["references"]}})
    return answer({"updated_orders": updated})


def cancel(call: Call) -> Response:
    """Each cancellation of the list, or none of them."""
    checked = []
    for wish in call.body.cancelations:
        order, line = find_line(call.market, wish.order_line_id)
        _require_reason(wish.reason_code, "CANCELATION")
        if order["order_state"] not in CANCELLABLE or wish.quantity > left(line):
            raise Problem(400, f"Order line {wish.order_line_id} cannot be canceled.")
        _require_fees(line, "cancelations", wish)
        checked.append((order, line, wish))
    made = []
    for order, line, wish in checked:
        entry = wish.wire() | {"id": str(call.market.docs.next_id("cancelation", 1001)), "at": call.market.now()}
        if call.faulty("not_applied") is None:
            cancel_units(call.market, order, line, entry)
        names = ("order_line_id", "quantity", "amount", "shipping_amount", "reason_code")
        made.append({name: entry[name] for name in names} | {"cancelation_id": entry["id"]})
    return answer({"cancelations": made, "order_tax_mode": "TAX_INCLUDED"})


def _require_fees(line: Document, taken: str, wish: Any) -> None:
    """No more of a fee than the buyer has paid: it is another part than the price."""
    gone = sum(fee["amount"] for entry in line[taken] for fee in entry.get("fees", ()))
    asked = sum(fee.amount for fee in wish.fees)
    if any(fee.code != "handling" for fee in wish.fees) or round(gone + asked - line["fee"], 2) > 0:
        raise Problem(400, f"Fees of order line {wish.order_line_id} cannot be given back by {asked}.")


def cancel_units(market: Market, order: Document, line: Document, entry: Document) -> None:
    line["cancelations"].append(entry)
    if cancelled(line) >= line["quantity"]:
        line["state"] = "CANCELED"
    settle_state(market, order)


def settle_state(market: Market, order: Document) -> None:
    """An order is what its lines are."""
    states = {line["state"] for line in order["lines"]}
    alive = states - {"CANCELED", "REFUSED"}
    if not alive:
        change(market, order, "CANCELED")
    elif alive == {"SHIPPED"}:
        change(market, order, "SHIPPED")
    else:
        change(market, order)


def cancel_order(call: Call) -> Response:
    order = find_order(call.market, call.path["order_id"])
    if order["order_state"] not in CANCELLABLE or any(line["shipped"] for line in order["lines"]):
        raise Problem(400, "Order is not in the expected state for this operation", code="ORDER_INVALID_STATE")
    cancel_whole(call.market, order)
    return no_content()


def cancel_whole(market: Market, order: Document) -> None:
    for line in order["lines"]:
        line["state"] = "CANCELED"
    change(market, order, "CANCELED")


def _require_reason(code: str, kind: str) -> None:
    if not any(entry[0] == code and entry[2] == kind and entry[3] for entry in settings.REASONS):
        raise Problem(400, f"The reason {code} is not allowed.", fields=[("reason_code", "is not allowed")])


def refund(call: Call) -> Response:
    market, made = call.market, []
    checked = []
    for wish in call.body.refunds:
        order, line = find_line(market, wish.order_line_id)
        _require_reason(wish.reason_code, "REFUND")
        paid = sum(entry["amount"] for entry in line["refunds"])
        most = line["unit"] * line["quantity"] - line["discount"]
        if order["order_state"] in (*HIDDEN, "WAITING_DEBIT", "CANCELED") or round(paid + wish.amount - most, 2) > 0:
            raise Problem(400, f"Order line {wish.order_line_id} cannot be refunded by {wish.amount}.")
        _require_fees(line, "refunds", wish)
        checked.append((order, line, wish))
    group = str(market.docs.next_id("refund_group", 501))
    for order, line, wish in checked:
        entry = wish.wire() | {"id": str(market.docs.next_id("refund", 1101)), "group": group, "at": market.now()}
        entry["quantity"] = wish.quantity
        if call.faulty("not_applied") is None:
            line["refunds"].append(entry)
            change(market, order)
        names = ("order_line_id", "quantity", "amount", "shipping_amount", "reason_code")
        made.append({name: entry[name] for name in names} | {"refund_id": entry["id"], "order_refund_id": group})
    return answer({"refunds": made, "order_tax_mode": "TAX_INCLUDED"})


# Shipping


def track(call: Call) -> Response:
    order = find_order(call.market, call.path["order_id"])
    details = call.body.wire()
    _require_carrier(call.market, details)
    order["tracking"] = details
    change(call.market, order)
    return no_content()


def _require_carrier(market: Market, details: Document) -> None:
    code, name = details.get("carrier_code"), details.get("carrier_name")
    if code is not None and code not in [known for known, _, _ in settings.CARRIERS]:
        raise Problem(400, f"Carrier {code} not found.", fields=[("carrier_code", "is not known")])
    if code is None and (not name or not market.options.own_carriers):
        raise Problem(400, "carrier_code is mandatory.", fields=[("carrier_code", "is mandatory")])
    if code is not None and not details.get("tracking_number"):
        raise Problem(400, "tracking_number is mandatory.", fields=[("tracking_number", "is mandatory")])


def ship(call: Call) -> Response:
    """The whole order at once."""
    order = find_order(call.market, call.path["order_id"])
    if order["order_state"] != "SHIPPING":
        raise Problem(400, "Order is not in the expected state for this operation", code="ORDER_INVALID_STATE")
    units = [{"order_line_id": line["key"], "quantity": left(line)} for line in order["lines"] if left(line)]
    if call.faulty("not_applied") is None:
        _ship_units(call.market, order, units, order.get("tracking", {}), "")
    return no_content()


def create_shipments(call: Call) -> Response:
    made, errors = [], []
    partial_ = call.faulty("partial") is not None
    for wish in call.body.shipments:
        fault = "The shipment was refused." if partial_ else _shipment_fault(call.market, wish.wire())
        if fault:
            errors.append({"order_id": wish.order_id, "message": fault})
            continue
        order, body = find_order(call.market, wish.order_id), wish.wire()
        made.append(_ship_units(call.market, order, body["shipment_lines"], body.get("tracking", {}), "ST"))
    return answer({"shipment_success": [_shipment(item) for item in made], "shipment_errors": errors}, 201)


def _shipment_fault(market: Market, wish: Document) -> str:
    if not market.options.multi_shipment:
        return "Multi-shipment is not activated."
    try:
        order = find_order(market, wish["order_id"])
        _require_carrier(market, wish.get("tracking", {}))
    except Problem as problem:
        return str(problem)
    if order["order_state"] != "SHIPPING":
        return "Order is not in the expected state for this operation"
    open_units = {line["key"]: left(line) for line in order["lines"]}
    for line in wish["shipment_lines"]:
        if line["quantity"] > open_units.get(line["order_line_id"], 0):
            return f"Of order line {line['order_line_id']} {open_units.get(line['order_line_id'], 0)} can be shipped."
    return ""


def _ship_units(market: Market, order: Document, units: list[Document], tracking: Document, prefix: str) -> Document:
    for part in units:
        line = next(line for line in order["lines"] if line["key"] == part["order_line_id"])
        line["shipped"] += part["quantity"]
        if left(line) == 0:
            line.update(state="SHIPPED", shipped_at=market.now())
    key = f"{prefix or 'OR'}{market.docs.next_id('shipment', 7001)}"
    names = ("order_line_id", "quantity")
    document: Document = {"id": key, "order_id": order["order_id"], "created": market.now(), "tracking": tracking}
    document["lines"] = [{name: part[name] for name in names} for part in units]
    market.docs.put("shipments", key, document)
    settle_state(market, order)
    return document


def list_shipments(call: Call) -> Response:
    wanted = request.args.getlist("order_id")
    found = [item for item in call.market.docs.all("shipments").values() if not wanted or item["order_id"] in wanted]
    return answer(seek(call, [_shipment(item) for item in found]))


def _shipment(document: Document) -> Document:
    at = stamp(document["created"])
    body = {"id": document["id"], "order_id": document["order_id"], "created_date": at, "last_updated_date": at}
    body |= {"status": "SHIPPED", "status_customer_debit": "DEBIT_OK", "shipped_date": at}
    names = ("carrier_code", "carrier_name", "tracking_number")
    given = document["tracking"]
    body["tracking"] = {name: given[name] for name in names if given.get(name)}
    return body | {"shipment_lines": document["lines"]}
