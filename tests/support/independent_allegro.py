"""Allegro's REST API, from its description alone.

Offers change by commands whose tasks are told later; a bulk command sets no stock of nothing, and an offer without stock has
ended. A refresh token is good for one use. What belongs to an order is told in texts that are amounts.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, request

from tests.support.independent import Description, Json, Operation, Refusal
from tests.support.independent_allegro_offers import Offers, zloty

SELLER = "26453100"
CARRIERS = {"INPOST": "InPost", "DPD": "DPD", "UPS": "UPS", "ALLEGRO": "Allegro One", "OTHER": "Inny"}
HIDDEN = ("at", "updated")
NOT_SET = ("RETURNED",)


def number(at: int) -> str:
    """The id of a form, a line or a payment."""
    return str(uuid.UUID(int=at))


@dataclass
class Allegro(Offers):
    """``uses``: how many calls a token is good for."""

    client: tuple[str, str] = ("id", "secret")
    refresh: str = "refresh"
    uses: int = 1000
    tokens: dict[str, int] = field(default_factory=dict)
    orders: dict[str, Json] = field(default_factory=dict)
    parcels: dict[str, list[Json]] = field(default_factory=dict)
    refunds: list[Json] = field(default_factory=list)
    returned: list[Json] = field(default_factory=list)
    claims: list[Json] = field(default_factory=list)
    journal: list[Json] = field(default_factory=list)

    def answer(self, path: str) -> Response:
        if path == "/auth/oauth/token":
            return self._token()
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0) <= 0:
            raise Refusal(401, "invalid_token")
        self.tokens[token] -= 1
        if "/" not in request.headers.get("User-Agent", "") or "(+http" not in request.headers["User-Agent"]:
            raise Refusal(400, f"User-Agent {request.headers.get('User-Agent')}")
        operation, parts = self.operation(path)
        answer: Response = getattr(self, f"_{_snake(operation.name)}")(operation, *parts)
        return answer

    def problem(self, refusal: Refusal) -> Response:
        told = [text.rpartition("|") for text in refusal.violations or ["refused"]]
        errors = [
            {"code": refusal.detail, "message": words, "userMessage": words, "path": path or None, "details": None}
            for path, _, words in told
        ]
        kind = "application/vnd.allegro.public.v1+json"
        answer = Response(json.dumps({"errors": errors}), refusal.status, mimetype=kind)
        answer.headers.update(refusal.headers)
        return answer

    def _token(self) -> Response:
        right = "Basic " + base64.b64encode(":".join(self.client).encode()).decode()
        if request.method != "POST" or request.headers.get("Authorization") != right:
            raise Refusal(401, "invalid_client")
        given = request.form
        if given.get("grant_type") != "refresh_token" or given.get("refresh_token") != self.refresh:
            body = {"error": "invalid_grant", "error_description": "Invalid refresh token"}
            return Response(json.dumps(body), 400, mimetype="application/json")
        token, self.refresh = f"token-{next(self._ids)}", f"refresh-{next(self._ids)}"
        self.tokens[token] = self.uses
        told = {
            "access_token": token, "token_type": "bearer", "refresh_token": self.refresh, "expires_in": 43199,
            "scope": "allegro:api:sale:offers:read", "allegro_api": True, "jti": str(uuid.uuid4()),
        }  # fmt: skip
        return Response(json.dumps(told), mimetype="application/json")

    def _me_get(self, operation: Operation) -> Response:
        told = {"id": SELLER, "login": "seller", "email": "s@example.com", "baseMarketplace": {"id": "allegro-pl"}}
        return self.json(operation, 200, told)

    def _plain(self, item: Json) -> Json:
        return {name: value for name, value in item.items() if name not in HIDDEN}

    def _marketplaces_get(self, operation: Operation) -> Response:
        return self.json(operation, 200, {"marketplaces": []})

    # Orders

    def sell(self, at: int, lines: list[Json], placed: datetime, **given: Any) -> str:
        """An order of these lines; what is to be paid follows from them."""
        form_id = number(at)
        items = [
            {
                "id": number(at * 1000 + place), "offer": {"id": "17000000001", "name": "A thing", "external": {"id": "SKU-1"}},
                "quantity": 1, "originalPrice": zloty("10.00"), "price": zloty("10.00"), "boughtAt": placed,
            } | line
            for place, line in enumerate(lines)
        ]  # fmt: skip
        cost = Decimal(given.get("delivery", {}).get("cost", {}).get("amount", 0))
        total = cost + sum(map(owed, items), start=Decimal(0))
        currency = items[0]["price"]["currency"]
        buyer = {"id": "1", "email": "b+1@allegromail.pl", "login": "buyer", "guest": False}
        paid: Json = {
            "id": number(at + 10**9), "type": "ONLINE", "provider": "P24", "finishedAt": self.moment(placed),
            "paidAmount": zloty(total, currency),
        }  # fmt: skip
        self.orders[form_id] = {
            "id": form_id, "buyer": buyer, "payment": paid, "status": "READY_FOR_PROCESSING", "surcharges": [],
            "fulfillment": {"status": "NEW", "provider": {"id": "SELLER"}}, "lineItems": items,
            "marketplace": {"id": "allegro-pl"}, "summary": {"totalToPay": zloty(total, currency)}, "revision": "r1",
            "at": placed, "updated": placed,
        } | given  # fmt: skip
        return form_id

    def _form(self, form: Json) -> Json:
        told = self._plain(form) | {"updatedAt": self.moment(form["updated"])}
        told["lineItems"] = [item | {"boughtAt": self.moment(item["boughtAt"])} for item in form["lineItems"]]
        sent = {line["id"] for parcel in self.parcels.get(form["id"], []) for line in parcel["lineItems"]}
        word = "NONE" if not sent else "ALL" if len(sent) == len(form["lineItems"]) else "SOME"
        return told | {"fulfillment": form["fulfillment"] | {"shipmentSummary": {"lineItemsSent": word}}}

    def _get_list_of_orders_using_get(self, operation: Operation) -> Response:
        found, wanted = [*self.orders.values()], request.args
        if states := wanted.getlist("status"):
            found = [form for form in found if form["status"] in states]
        if states := wanted.getlist("fulfillment.status"):
            found = [form for form in found if form["fulfillment"]["status"] in states]
        for name, key in (("updatedAt", "updated"), ("lineItems.boughtAt", "at")):
            if bound := wanted.get(f"{name}.gte"):
                found = [form for form in found if form[key] >= datetime.fromisoformat(bound)]
            if bound := wanted.get(f"{name}.lte"):
                found = [form for form in found if form[key] <= datetime.fromisoformat(bound)]
        sort = wanted.get("sort", "-lineItems.boughtAt")
        found.sort(key=lambda form: form["updated" if "updatedAt" in sort else "at"], reverse=sort.startswith("-"))
        forms = [self._form(form) for form in self._cut(found, 100)]
        told = {"checkoutForms": forms, "count": len(forms), "totalCount": len(found)}
        return self.json(operation, 200, told)

    def _get_order_events_statistics_using_get(self, operation: Operation) -> Response:
        return self.json(operation, 200, {"latestEvent": {"id": "1", "occurredAt": self.moment(self.now())}})

    def happens(self, form_id: str, kind: str, number: int | None = None) -> None:
        """An event in the journal, which may stand there twice, and in no order of time."""
        self.journal.append(
            {"id": str(number or 1_000 + len(self.journal)), "type": kind, "form": form_id, "at": self.now()}
        )

    def _get_order_events_using_get(self, operation: Operation) -> Response:
        wanted, kinds = request.args.get("from"), request.args.getlist("type")
        found = [one for one in self.journal if wanted is None or int(one["id"]) > int(wanted)]
        found = [one for one in found if not kinds or one["type"] in kinds]
        page = sorted(found, key=lambda one: int(one["id"]))[: int(request.args.get("limit", 100))]
        return self.json(operation, 200, {"events": [self._event(one) for one in page]})

    def _event(self, one: Json) -> Json:
        form = self.orders[one["form"]]
        lines = [
            {name: line[name] for name in ("id", "offer", "quantity", "originalPrice", "price")}
            for line in form["lineItems"]
        ]
        for line in lines:
            line["boughtAt"] = self.moment(form["at"])
        told = {
            "seller": {"id": SELLER}, "buyer": form["buyer"], "lineItems": lines, "marketplace": form["marketplace"],
            "checkoutForm": {"id": one["form"], "revision": form["revision"]},
        }  # fmt: skip
        return {"id": one["id"], "type": one["type"], "occurredAt": self.moment(one["at"]), "order": told}

    def _order(self, form_id: str) -> Json:
        if (found := self.orders.get(form_id)) is None:
            raise Refusal(404, "OrderNotFound")
        return found

    def _get_orders_details_using_get(self, operation: Operation, form_id: str) -> Response:
        return self.json(operation, 200, self._form(self._order(form_id)))

    def _set_order_fulfillment_using_put(self, operation: Operation, form_id: str) -> Response:
        """It is no change of the form: ``updatedAt`` stays."""
        form, status = self._order(form_id), request.get_json().get("status")
        if request.args.get("checkoutForm.revision", form["revision"]) != form["revision"]:
            raise Refusal(409, "OUTDATED_REVISION")
        if status is None or status in NOT_SET or form["status"] != "READY_FOR_PROCESSING":
            raise Refusal(422, "STATUS_NOT_ALLOWED")
        form["fulfillment"] = form["fulfillment"] | {"status": status}
        return self.json(operation, 204, None)

    def _get_orders_carriers_using_get(self, operation: Operation) -> Response:
        carriers = [{"id": code, "name": name} for code, name in CARRIERS.items()]
        return self.json(operation, 200, {"carriers": carriers})

    def _get_order_shipments_using_get(self, operation: Operation, form_id: str) -> Response:
        self._order(form_id)
        return self.json(operation, 200, {"shipments": self.parcels.get(form_id, [])})

    def _create_order_shipments_using_post(self, operation: Operation, form_id: str) -> Response:
        given, form = request.get_json(), self._order(form_id)
        if given["carrierId"] not in CARRIERS or not given["waybill"]:
            raise Refusal(400, "UNKNOWN_CARRIER")
        known = {item["id"] for item in form["lineItems"]}
        lines = given.get("lineItems") or [{"id": one} for one in known]
        if not {line["id"] for line in lines} <= known:
            raise Refusal(422, "LINE_ITEM_NOT_FOUND")
        made = given | {"id": str(next(self._ids)), "lineItems": lines, "createdAt": self.moment(self.now())}
        self.parcels.setdefault(form_id, []).append(made)
        return self.json(operation, 201, made)

    # Money back

    def _initiate_refund(self, operation: Operation) -> Response:
        given = request.get_json()
        if (old := next((one for one in self.refunds if one["command"] == given["commandId"]), None)) is None:
            form = self._order(given["order"]["id"])
            if form["payment"]["id"] != given["payment"]["id"]:
                raise Refusal(404, "PAYMENT_NOT_FOUND")
            back, paid = self._back(given, form), Decimal(form["payment"]["paidAmount"]["amount"])
            before = sum((one["sum"] for one in self.refunds if one["order"] == given["order"]), start=Decimal(0))
            beside = self._surcharged(given, form)
            if not 0 <= back <= paid - before or not back + beside:
                raise Refusal(422, "REFUND_TOO_HIGH", [f"{back} of {paid - before}"])
            currency = form["payment"]["paidAmount"]["currency"]
            told = {name: value for name, value in given.items() if name != "commandId"}
            told |= {"id": str(uuid.uuid4()), "status": "NEW", "totalValue": zloty(back + beside, currency)}
            old = {"command": given["commandId"], "sum": back, "order": given["order"], "told": told, "at": self.now()}
            self.refunds.append(old)
        return self.json(operation, 200, old["told"] | {"createdAt": self.moment(old["at"])})

    def _surcharged(self, given: Json, form: Json) -> Decimal:
        """Other payments of the order, each by its own number and no more than was paid by it."""
        total = Decimal(0)
        for item in given.get("surcharges", []):
            paid = next((one for one in form["surcharges"] if one["id"] == item["id"]), None)
            if paid is None:
                raise Refusal(422, "SURCHARGE_NOT_FOUND")
            known = [one for refund in self.refunds for one in refund["told"].get("surcharges", [])]
            before = sum(
                (Decimal(one["value"]["amount"]) for one in known if one["id"] == item["id"]), start=Decimal(0)
            )
            amount = Decimal(item["value"]["amount"])
            if not 0 < amount <= Decimal(paid["paidAmount"]["amount"]) - before:
                raise Refusal(422, "REFUND_TOO_HIGH", [f"{amount} of surcharge {item['id']}"])
            total += amount
        return total

    def _back(self, given: Json, form: Json) -> Decimal:
        lines, total = {item["id"]: item for item in form["lineItems"]}, Decimal(0)
        for line in given.get("lineItems", []):
            if line["type"] == "QUANTITY":
                total += Decimal(lines[line["id"]]["price"]["amount"]) * Decimal(str(line["quantity"]))
            else:
                total += Decimal(line["value"]["amount"])
        total += sum((Decimal(item["totalValue"]["amount"]) for item in given.get("deposits", [])), start=Decimal(0))
        for name in ("delivery", "overpaid", "additionalServices"):
            total += Decimal(given[name]["value"]["amount"]) if given.get(name) else 0
        return total

    def _get_refunded_payments(self, operation: Operation) -> Response:
        found = [one for one in self.refunds if request.args.get("order.id", one["order"]["id"]) == one["order"]["id"]]
        if wanted := request.args.get("id"):
            found = [one for one in found if one["told"]["id"] == wanted]
        page = [one["told"] | {"createdAt": self.moment(one["at"])} for one in self._cut(found, 50)]
        return self.json(operation, 200, {"refunds": page, "count": len(page), "totalCount": len(found)})

    def _create_refund_application(self, operation: Operation) -> Response:
        self.claims.append(request.get_json())
        return self.json(operation, 201, {"id": str(uuid.uuid4())})

    def _get_refund_applications(self, operation: Operation) -> Response:
        return self.json(operation, 200, {"refundClaims": [], "count": 0})

    def _get_customer_returns(self, operation: Operation) -> Response:
        found, wanted = sorted(self.returned, key=lambda item: item["at"], reverse=True), request.args
        if states := wanted.getlist("status"):
            found = [item for item in found if item["status"] in states]
        if since := wanted.get("createdAt.gte"):
            found = [item for item in found if item["at"] >= datetime.fromisoformat(since)]
        if order := wanted.get("orderId"):
            found = [item for item in found if item["orderId"] == order]
        page = [self._plain(item) | {"createdAt": self.moment(item["at"])} for item in self._cut(found, 100)]
        return self.json(operation, 200, {"count": len(found), "customerReturns": page})

    def _return(self, return_id: str) -> Json:
        if found := next((item for item in self.returned if item["id"] == return_id), None):
            return found
        raise Refusal(404, "ReturnNotFound")

    def _get_customer_return_by_id(self, operation: Operation, return_id: str) -> Response:
        item = self._return(return_id)
        return self.json(operation, 200, self._plain(item) | {"createdAt": self.moment(item["at"])})

    def _reject_customer_return_refund(self, operation: Operation, return_id: str) -> Response:
        item = self._return(return_id)
        said = request.get_json()["rejection"]
        if said["code"] == "REFUND_REJECTED" and not said.get("reason"):
            raise Refusal(400, "REASON_REQUIRED")
        item |= {"status": "REJECTED", "rejection": said}
        return self.json(operation, 200, self._plain(item))


def owed(item: Json) -> Decimal:
    """What a line costs, with its deposit for each piece and its services."""
    each = Decimal(item["price"]["amount"])
    if item.get("deposit"):
        each += Decimal(item["deposit"]["price"]["amount"])
    services = item.get("selectedAdditionalServices", [])
    return each * Decimal(str(item["quantity"])) + sum(
        (Decimal(one["price"]["amount"]) * one["quantity"] for one in services), start=Decimal(0)
    )


def _snake(name: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()


@cache
def _description(file: Path) -> Description:
    """An empty list counts nothing."""
    found = Description.of(file)
    schemas = found.spec["components"]["schemas"]
    for name in ("count", "totalCount"):
        schemas["CheckoutForms"]["properties"][name]["minimum"] = 0
    return found


def allegro(folder: Path, **given: Any) -> Allegro:
    return Allegro(descriptions=[_description(folder / "spec.yaml")], **given)
