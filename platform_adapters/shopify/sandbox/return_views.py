"""Returns as GraphQL shows them, to whoever may see them."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

from platform_adapters.shopify.sandbox.paging import Info, connection
from platform_adapters.shopify.sandbox.returns import REASON_IDS, returnable, status_of, total
from platform_adapters.shopify.sandbox.store import Doc, gid
from platform_adapters.shopify.sandbox.views import Views, by_id

READING = ("read_returns", "write_returns")


def may_read(info: Info, field: str) -> None:
    if not set(READING) & set(info.context.scopes):
        text = f"Access denied for {field} field. Required access: `read_returns` access scope."
        raise GraphQLError(text, extensions={"code": "ACCESS_DENIED"})


class ReturnViews:
    def __init__(self, views: Views) -> None:
        self.views = views

    def of_order(self, order: Doc) -> Doc:
        """What an order shows of them."""

        def rows(info: Info, **args: Any) -> Doc:
            may_read(info, "returns")
            return connection(info, order["returns"], lambda doc: self.whole(order, doc), by_id, args)

        return {"returnStatus": status_of(order), "returns": rows}

    def whole(self, order: Doc, doc: Doc) -> Doc:
        show: Doc = {"__typename": "Return", "id": gid("Return", doc["id"])}
        show |= {"name": doc["name"], "status": doc["status"]}
        show["returnLineItems"] = lambda info, **args: connection(
            info, doc["lines"], lambda line: self._line(order, doc, line), by_id, args
        )
        refunds = [refund for refund in order["refunds"] if refund.get("return") == doc["id"]]
        show["refunds"] = lambda info, **args: connection(
            info, refunds, lambda refund: self.views.refund(order, refund), by_id, args
        )
        shelves = [{"id": doc["id"]}] if doc["shelf"] else []
        show["reverseFulfillmentOrders"] = lambda info, **args: connection(
            info, shelves, lambda _: self.shelf(order, doc), by_id, args
        )
        return show

    def _line(self, order: Doc, doc: Doc, line: Doc) -> Doc:
        left = line["quantity"] - line["processed"] if doc["status"] == "OPEN" else 0
        show: Doc = {"__typename": "ReturnLineItem", "id": gid("ReturnLineItem", line["id"])}
        show |= {"quantity": line["quantity"], "processedQuantity": line["processed"], "processableQuantity": left}
        show |= {"returnReasonNote": line["note"]}
        return show | {"refundedQuantity": line["refunded"], "fulfillmentLineItem": self._part(order, line["part"])}

    def _part(self, order: Doc, key: int) -> Doc:
        parts = (part for parcel in order["fulfillments"] for part in parcel["lines"])
        return self.views.part(order, next(part for part in parts if part["id"] == key))

    def shelf(self, order: Doc, doc: Doc) -> Doc:
        def row(shelf: Doc) -> Doc:
            told = [{"id": gid("ReverseFulfillmentOrderDisposition", item["id"]), "quantity": item["quantity"]}
                    for item in shelf["told"]]  # fmt: skip
            show: Doc = {"id": gid("ReverseFulfillmentOrderLineItem", shelf["id"]), "totalQuantity": total(doc, shelf)}
            return show | {"fulfillmentLineItem": self._part(order, shelf["part"]), "dispositions": told}

        show: Doc = {"__typename": "ReverseFulfillmentOrder", "id": gid("ReverseFulfillmentOrder", doc["id"])}
        return show | {"lineItems": lambda info, **args: connection(info, doc["shelf"], row, by_id, args)}

    def returnable(self, order: Doc, info: Info, args: Doc) -> Doc:
        may_read(info, "returnableFulfillments")
        rows = [parcel for parcel in order["fulfillments"] if self._left(order, parcel)]
        return connection(info, rows, lambda parcel: self.parcel(order, parcel), by_id, args)

    def parcel(self, order: Doc, parcel: Doc) -> Doc:
        rows = self._left(order, parcel)

        def row(item: Doc) -> Doc:
            return {"quantity": item["units"], "fulfillmentLineItem": self.views.part(order, item["is"])}

        show: Doc = {"__typename": "ReturnableFulfillment", "id": gid("ReturnableFulfillment", parcel["id"])}
        show["returnableFulfillmentLineItems"] = lambda info, **args: connection(info, rows, row, by_id, args)
        return show

    def _left(self, order: Doc, parcel: Doc) -> list[Doc]:
        left = returnable(order)
        rows = [{"id": part["id"], "is": part, "units": left.get(part["id"], 0)} for part in parcel["lines"]]
        return [row for row in rows if row["units"]]

    def reasons(self, info: Info, handles: list[str] | None, args: Doc) -> Doc:
        may_read(info, "returnReasonDefinitions")
        rows = [{"id": place, "gid": key, "handle": handle} for place, (key, handle) in enumerate(REASON_IDS.items())
                if handles is None or handle in handles]  # fmt: skip
        return connection(info, rows, lambda row: {**row, "id": row["gid"], "deleted": False}, by_id, args)
