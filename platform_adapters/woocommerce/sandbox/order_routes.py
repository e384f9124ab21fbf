"""Routes of orders, their refunds, notes and parcels."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from flask import request

from platform_adapters.woocommerce.sandbox.api import Api
from platform_adapters.woocommerce.sandbox.errors import WooError, invalid_id, invalid_param
from platform_adapters.woocommerce.sandbox.listing import filtered, words
from platform_adapters.woocommerce.sandbox.order_view import OrderView
from platform_adapters.woocommerce.sandbox.orders import Orders
from platform_adapters.woocommerce.sandbox.refunds import Refunds
from platform_adapters.woocommerce.sandbox.routes import EDITING
from platform_adapters.woocommerce.sandbox.schema import ORDER_STATUSES, STATUS_NAMES, as_bool
from platform_adapters.woocommerce.sandbox.shop import Doc
from platform_adapters.woocommerce.sandbox.tracking import Tracking

ITEM = "/orders/<int:number>"


class OrderRoutes:
    def __init__(self, api: Api, orders: Orders, view: OrderView) -> None:
        self.api = api
        self.orders = orders
        self.view = view
        self.refunds = Refunds(orders)
        api.route("/orders", "orders.list", self.collection, "GET")
        api.route("/orders", "orders.create", self.create, "POST")
        api.route("/reports/orders/totals", "orders.statuses", self.statuses, "GET")
        api.route("/orders/batch", "orders.batch", self.batch, *EDITING)
        api.route(ITEM, "orders.get", self.get, "GET")
        api.route(ITEM, "orders.update", self.update, *EDITING)
        api.route(ITEM, "orders.delete", self.delete, "DELETE")
        api.route(f"{ITEM}/notes", "orders.notes", self.notes, "GET")
        api.route(f"{ITEM}/notes", "orders.note", self.note, "POST")
        api.route(f"{ITEM}/refunds", "refunds.list", self.list_refunds, "GET")
        api.route(f"{ITEM}/refunds", "orders.refund", self.refund, "POST")
        api.route(f"{ITEM}/refunds/<int:refund>", "refunds.get", self.get_refund, "GET")
        api.route(f"{ITEM}/refunds/<int:refund>", "refunds.delete", self.delete_refund, "DELETE")

    def collection(self) -> Any:
        wanted = _status_test(self.api.options.statuses)
        rows = [row for row in self.api.shop.all("orders") if wanted(row)]
        if term := request.args.get("search"):
            rows = [row for row in rows if self.orders.matches(row, term)]
        if product := request.args.get("product", type=int):
            rows = [row for row in rows if any(line["product_id"] == product for line in row["line_items"])]
        return self.api.listing("orders.list", filtered(rows, self.api.shop.zone), self.view.order)

    def create(self) -> Any:
        return self.view.order(self.orders.create(self.api.body())), 201

    def get(self, number: int) -> Any:
        return self.view.order(self.orders.find(number))

    def update(self, number: int) -> Any:
        return self.view.order(self.orders.update(self.orders.copy(number, 400), self.api.body()))

    def delete(self, number: int) -> Any:
        return self._delete(number, self.api.force())

    def batch(self) -> Any:
        def update(item: Doc) -> Doc:
            order = self.orders.copy(int(item.get("id") or 0), 400)
            return self.view.order(self.orders.update(order, item))

        return self.api.batch(
            "orders.batch",
            create=lambda item: self.view.order(self.orders.create(item)),
            update=update,
            delete=lambda item: self._delete(int(item), force=True),
        )

    def statuses(self) -> Any:
        """Every status there is, those of plugins among them."""
        rows = list(self.api.shop.all("orders"))
        names = {**STATUS_NAMES, **self.api.options.statuses}
        found = [
            {"slug": slug, "name": name, "total": sum(row["status"] == slug for row in rows)}
            for slug, name in names.items()
        ]
        only = (request.args.get("_fields") or "slug,name,total").split(",")
        return [{name: row[name] for name in only if name in row} for row in found]

    def notes(self, number: int) -> Any:
        self.orders.find(number)
        rows = [row for row in self.api.shop.all("notes") if row["order_id"] == number]
        return [self._note(row) for row in reversed(rows)]

    def note(self, number: int) -> Any:
        body = self.api.body()
        if not body.get("note"):
            raise WooError("rest_missing_callback_param", "Missing parameter(s): note", 400, params=["note"])
        order = self.orders.find(number)
        return self._note(self.orders.note(order, body["note"], customer=as_bool(body.get("customer_note")))), 201

    def list_refunds(self, number: int) -> Any:
        rows = [row | {"modified": row["created"]} for row in self.refunds.of(self.orders.find(number))]
        return self.api.listing("refunds.list", rows, self.view.refund)

    def refund(self, number: int) -> Any:
        return self.view.refund(self.refunds.create(self.orders.copy(number), self.api.body())), 201

    def get_refund(self, number: int, refund: int) -> Any:
        return self.view.refund(self.refunds.find(self.orders.find(number), refund))

    def delete_refund(self, number: int, refund: int) -> Any:
        order = self.orders.copy(number)
        found = self.refunds.find(order, refund)
        self.refunds.delete(order, found)
        return self.view.refund(found)

    def _delete(self, number: int, force: bool) -> Doc:
        order = self.orders.copy(number)
        shown = self.view.order(order)
        if force:
            self.orders.delete(order)
        else:
            self.orders.trash(order)
        return shown

    def _note(self, note: Doc) -> Doc:
        shop = self.api.shop
        view = {"id": note["id"], "author": note["author"], "date_created": shop.local(note["created"])}
        view |= {"date_created_gmt": shop.gmt(note["created"]), "note": note["note"]}
        return view | {"customer_note": note["customer_note"]}


class TrackingRoutes:
    """Only what the options say is there; the rest answers 404 rest_no_route."""

    def __init__(self, api: Api, orders: Orders, tracking: Tracking) -> None:
        self.api = api
        self.orders = orders
        self.tracking = tracking
        if api.options.fulfillments:
            path = f"{ITEM}/fulfillments"
            api.route(path, "fulfillments.list", self.fulfillments, "GET")
            api.route(path, "fulfillments.create", self.fulfill, "POST")
            api.route(f"{path}/<int:part>", "fulfillments.get", self.fulfillment, "GET")
            api.route(f"{path}/<int:part>", "fulfillments.update", self.change, *EDITING)
            api.route(f"{path}/<int:part>", "fulfillments.delete", self.withdraw, "DELETE")
        for there, space in ((api.options.shipment_tracking, "wc-shipment-tracking"), (api.options.ast, "wc-ast")):
            if there:
                path = f"/wp-json/{space}/v3{ITEM}/shipment-trackings"
                api.route(path, "trackings.list", self.trackings, "GET")
                api.route(path, "trackings.create", self.track, "POST")
                api.route(f"{path}/<part>", "trackings.delete", self.untrack, "DELETE")

    def fulfillments(self, number: int) -> Any:
        return self.tracking.fulfillments(self._order(number))

    def fulfillment(self, number: int, part: int) -> Any:
        return self.tracking.fulfillment(self._order(number), part)

    def fulfill(self, number: int) -> Any:
        return self.tracking.fulfill(self._order(number), self.api.body()), 201

    def change(self, number: int, part: int) -> Any:
        order = self._order(number)
        return self.tracking.change(order, self.tracking.fulfillment(order, part), self.api.body())

    def withdraw(self, number: int, part: int) -> Any:
        order = self._order(number)
        return self.tracking.withdraw(order, self.tracking.fulfillment(order, part))

    def trackings(self, number: int) -> Any:
        return [self.tracking.shown(item) for item in self.tracking.trackings(self._order(number))]

    def track(self, number: int) -> Any:
        ast = request.path.startswith("/wp-json/wc-ast/")
        return self.tracking.shown(self.tracking.track(self._order(number), self.api.body(), ast=ast)), 201

    def untrack(self, number: int, part: str) -> Any:
        return self.tracking.shown(self.tracking.untrack(self._order(number), part))

    def _order(self, number: int) -> Doc:
        try:
            return self.orders.copy(number)
        except WooError as error:
            raise invalid_id("order") from error


def _status_test(more: Collection[str]) -> Callable[[Doc], bool]:
    known = (*ORDER_STATUSES, *more)
    wanted = words("status") or ["any"]
    for position, word in enumerate(wanted):
        if word not in ("any", "trash", *known):
            raise invalid_param("status", f"status[{position}] is not one of any, trash, {', '.join(known)}.")
    if "any" in wanted:
        return lambda row: row["status"] not in ("trash", "auto-draft")
    return lambda row: row["status"] in wanted
