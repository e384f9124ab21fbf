"""The independent Shopify's orders as they are created: with exact money, and refused as Shopify says."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from tests.support.independent_shopify import Json, gid
from tests.support.independent_shopify_catalogue import moment
from tests.support.independent_shopify_ledger import ZERO
from tests.support.independent_shopify_parcels import Parcels

TAG_LENGTH = 40
# Some of those that Shopify knows; other countries have none there. Of a code it does not know customerAddressCreate says
# that the province is not valid.
PROVINCES = {"ES": {"B", "M"}, "IT": {"MI", "RM"}, "US": {"CA", "NY"}}


class Orders(Parcels):
    """``rate``: what one unit of the shop's currency is in the buyer's. ``taken_at``: the field by which a value that
    another order has is refused; which it is stands nowhere."""

    taken_at: list[str] | None = ["order", "metafields", "0", "value"]  # noqa: RUF012  set anew, never changed

    # -- creating ---------------------------------------------------------------------------------------------

    def do_orderCreate(self, order: Json, options: Json | None = None) -> Json:
        options = options or {}
        if self.dev:  # five a minute (schema, orderCreate)
            fresh = [row for row in self.known("Order") if self.now() - moment(row["createdAt"]) < timedelta(minutes=1)]
            if len(fresh) >= 5:
                return self.wrong(None, "Too many attempts. Please try again later.", None)
        if wrong := self._order_faults(order):
            return self.wrong(*wrong)
        row = self._new_order(order)
        behaviour = options.get("inventoryBehaviour") or "BYPASS"
        if behaviour == "DECREMENT_OBEYING_POLICY" and any(self._short(line) for line in row["lines"]):
            del self.tables["Order"][row["id"]]
            return self.wrong(["order", "lineItems"], "Unable to reserve inventory.", "INVENTORY_CLAIM_FAILED")
        self.route(row, claim=behaviour != "BYPASS")
        self.touch(row)
        return {"order": row, "userErrors": []}

    def _order_faults(self, order: Json) -> tuple[list[str] | None, str, str] | None:  # noqa: C901, PLR0911, PLR0912  one line for each
        lines = order.get("lineItems") or []
        taxed = [*lines, *(order.get("shippingLines") or [])]
        if not lines:
            return ["order", "lineItems"], "Line items is required", "INVALID"
        if order.get("taxLines") and any(item.get("taxLines") for item in taxed):
            told = "Tax lines must be associated with either order or line item but not both"
            return ["order", "taxLines"], told, "INVALID"
        for item in lines:
            if item.get("variantId") and self.get(item["variantId"]) is None:
                return ["order", "lineItems"], "Variant is invalid", "INVALID"
            if not item.get("variantId") and not item.get("title"):
                return ["order", "lineItems"], "Title can't be blank", "INVALID"
        shop, shown = order.get("currency") or self.currency, order.get("presentmentCurrency")
        for money in _moneys(order):
            if money["shopMoney"]["currencyCode"] != shop:
                return ["order", "currency"], "Currency does not match the shop money", "INVALID"
            if (other := money.get("presentmentMoney")) and other["currencyCode"] != (shown or shop):
                return ["order", "presentmentCurrency"], "Presentment currency is required", "INVALID"
        if any(len(tag) > TAG_LENGTH for tag in order.get("tags") or []):
            return ["order", "tags"], f"Tags exceed {TAG_LENGTH} characters", "INVALID"
        customer = (order.get("customer") or {}).get("toUpsert") or {}
        for email in (order.get("email"), customer.get("email")):
            if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
                return ["order", "email"], "Email is invalid", "INVALID"
        for phone in (order.get("phone"), customer.get("phone")):
            if phone and not re.fullmatch(r"\+[1-9]\d{6,14}", phone.replace(" ", "")):
                return ["order", "phone"], "Phone is invalid", "INVALID"
        if (phone := customer.get("phone")) and any(
            row["phone"] == phone and row["email"] != customer.get("email") for row in self.known("Customer")
        ):
            return ["order", "customer"], "Customer phone has already been taken", "INVALID"
        for where in ("shippingAddress", "billingAddress"):
            home = order.get(where) or {}
            code, known = home.get("provinceCode"), PROVINCES.get(home.get("countryCode") or "")
            if code and known and code not in known:
                return ["order", where, "provinceCode"], "Province is not valid", "INVALID"
        for item in order.get("metafields") or []:
            if wrong := self.metafield_fault("ORDER", item):
                return self.taken_at, wrong, "INVALID"
        return None

    def _new_order(self, given: Json) -> Json:
        shop = given.get("currency") or self.currency
        rate = next((_rate(money) for money in _moneys(given) if _rate(money)), Decimal(1))
        count = 1000 + len(self.known("Order")) + 1
        processed = given.get("processedAt") or self.stamp()
        row = self.keep(
            "Order",
            {
                "currencyCode": shop, "presentmentCurrencyCode": given.get("presentmentCurrency") or shop, "rate": rate,
                "name": given.get("name") or f"#{count}", "number": count, "processedAt": processed, "lines": [],
                "taxesIncluded": bool(given.get("taxesIncluded")), "tags": sorted(given.get("tags") or []),
                "note": given.get("note"), "customAttributes": given.get("customAttributes") or [],
                "sourceIdentifier": given.get("sourceIdentifier"), "sourceName": given.get("sourceName") or "app",
                "email": given.get("email"), "phone": given.get("phone"), "cancelledAt": None, "cancelReason": None,
                "test": bool(given.get("test")), "closed": bool(given.get("closedAt")), "closedAt": given.get("closedAt"),
                "shippingAddress": _address(given.get("shippingAddress")), "confirmed": True, "poNumber": None,
                "billingAddress": _address(given.get("billingAddress")), "fulfillments": [], "refunds": [], "returns": [],
                "fulfillmentOrders": [], "metafields": [], "transactions": [], "edited": False, "discountCodes": [],
                "discount": ZERO,
                "paymentGatewayNames": [], "customer": self._customer(given), "shippingLines": [],
                "status": given.get("financialStatus"), "statusPageUrl": None, "cancellation": None,
            },
        )  # fmt: skip
        for item in given["lineItems"]:
            self._new_line(row, item)
        for item in given.get("shippingLines") or []:
            price = _amount(item["priceSet"])
            row["shippingLines"].append(
                {
                    "id": self.new_id("ShippingLine"), "title": item["title"], "code": item.get("code"), "price": price,
                    "source": item.get("source"), "originalPriceSet": self.bag(row, price), "isRemoved": False,
                    "discountedPriceSet": self.bag(row, price), "taxLines": self._taxes(row, item), "custom": True,
                    "currentDiscountedPriceSet": self.bag(row, price),
                }
            )  # fmt: skip
        if code := (given.get("discountCode") or {}).get("itemFixedDiscountCode"):
            row["discount"] = _amount(code["amountSet"])
            row["discountCodes"] = [code["code"]]
        row["orderTaxes"] = self._taxes(row, given)
        for item in given.get("metafields") or []:
            self.set_metafield("ORDER", row, item)
        for item in given.get("transactions") or []:
            self.transaction(
                row, _amount(item["amountSet"]), item.get("kind") or "SALE", item.get("gateway") or "manual"
            )
        return row

    def _new_line(self, order: Json, item: Json) -> Json:
        variant = self.get(item.get("variantId"))
        price = _amount(item["priceSet"]) if item.get("priceSet") else Decimal(variant["price"] if variant else 0)
        line = self.keep(
            "LineItem",
            {
                "order": order, "variant": variant, "product": variant and variant["product"], "unit": price,
                "title": item.get("title") or (variant["product"]["title"] if variant else ""), "removed": 0,
                "sku": item.get("sku") or (variant["sku"] if variant else None), "quantity": item["quantity"],
                "requiresShipping": bool(item.get("requiresShipping")), "taxable": item.get("taxable", True),
                "customAttributes": [{"key": p["name"], "value": p["value"]} for p in item.get("properties") or []],
                "taxLines": self._taxes(order, item), "isGiftCard": bool(item.get("giftCard")), "vendor": None,
                "discountAllocations": [], "variantTitle": None, "claimed": 0, "at": None, "restockable": True,
            },
        )  # fmt: skip
        line["name"] = line["title"]
        order["lines"].append(line)
        return line

    def _taxes(self, order: Json, item: Json) -> list[Json]:
        return [
            {
                "title": tax["title"], "rate": float(tax["rate"]), "ratePercentage": float(tax["rate"]) * 100,
                "priceSet": self.bag(order, _amount(tax["priceSet"])), "amount": _amount(tax["priceSet"]),
                "channelLiable": tax.get("channelLiable", False), "source": None,
            }
            for tax in item.get("taxLines") or []
        ]  # fmt: skip

    def _customer(self, given: Json) -> Json | None:
        wanted = (given.get("customer") or {}).get("toUpsert")
        if wanted is None:
            return None
        for row in self.known("Customer"):
            if row["email"] and row["email"] == wanted.get("email"):
                return row
        return self.keep("Customer", {name: wanted.get(name) for name in ("email", "phone", "firstName", "lastName")})

    def transaction(self, order: Json, amount: Decimal, kind: str, gateway: str, parent: Json | None = None) -> Json:
        row = self.keep(
            "OrderTransaction",
            {
                "kind": kind, "status": "SUCCESS", "gateway": gateway, "formattedGateway": gateway, "amount": amount,
                "amountSet": self.bag(order, amount), "test": False, "parentTransaction": parent, "fees": [],
                "processedAt": self.stamp(), "manualPaymentGateway": True, "order": order, "errorCode": None,
            },
        )  # fmt: skip
        order["transactions"].append(row)
        if gateway not in order["paymentGatewayNames"]:
            order["paymentGatewayNames"].append(gateway)
        return row


def _moneys(order: Json) -> list[Json]:
    parts = [order, *(order.get("lineItems") or []), *(order.get("shippingLines") or [])]
    sets = [part.get("priceSet") for part in parts] + [x["amountSet"] for x in order.get("transactions") or []]
    sets += [tax.get("priceSet") for part in parts for tax in part.get("taxLines") or []]
    return [item for item in sets if item]


def _amount(money: Json) -> Decimal:
    """What the buyer saw."""
    return Decimal(str((money.get("presentmentMoney") or money["shopMoney"])["amount"]))


def _rate(money: Json) -> Decimal | None:
    shown, shop = money.get("presentmentMoney"), Decimal(str(money["shopMoney"]["amount"]))
    return Decimal(str(shown["amount"])) / shop if shown and shop else None


def _address(given: Json | None) -> Json | None:
    if given is None:
        return None
    kept = {"__typename": "MailingAddress", "id": gid("MailingAddress", 1), "countryCodeV2": given.get("countryCode")}
    return given | kept | {"name": f"{given.get('firstName') or ''} {given.get('lastName') or ''}".strip()}
