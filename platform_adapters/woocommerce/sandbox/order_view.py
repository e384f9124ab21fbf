"""An order as the REST API shows it, key for key as a real answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from platform_adapters.woocommerce.sandbox.php import number
from platform_adapters.woocommerce.sandbox.product_view import METHODS
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop
from platform_adapters.woocommerce.sandbox.totals import Calculator, decimal

BILLING = (
    "first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country",
    "email", "phone",
)  # fmt: skip
SHIPPING = tuple(name for name in BILLING if name != "email")
TOTALS = ("discount_total", "discount_tax", "shipping_total", "shipping_tax", "cart_tax", "total", "total_tax")


class OrderView:
    def __init__(self, shop: Shop, base: Callable[[], str], calculator: Calculator) -> None:
        self.shop = shop
        self.base = base
        self.money = calculator.money

    def order(self, doc: Doc) -> dict[str, Any]:
        shop = self.shop
        view = {"id": doc["id"], "parent_id": 0, "status": doc["status"], "currency": doc["currency"]}
        view |= {"version": shop.options.version, "prices_include_tax": doc["prices_include_tax"]}
        view |= {"date_created": shop.local(doc["created"]), "date_modified": shop.local(doc["modified"])}
        view |= {name: doc[name] for name in TOTALS}
        view |= {"customer_id": doc["customer_id"], "order_key": doc["order_key"]}
        view |= {"billing": doc["billing"], "shipping": doc["shipping"], "payment_method": doc["payment_method"]}
        view |= {name: doc[name] for name in ("payment_method_title", "transaction_id", "customer_ip_address")}
        view |= {name: doc[name] for name in ("customer_user_agent", "created_via", "customer_note")}
        view |= {"date_completed": shop.local(doc["completed"]), "date_paid": shop.local(doc["paid"])}
        view |= {"cart_hash": doc["cart_hash"], "number": str(doc["id"]), "meta_data": doc["meta_data"]}
        view |= {"line_items": [self._line(line) for line in doc["line_items"]], "tax_lines": doc["tax_lines"]}
        view |= {"shipping_lines": [self._shipping(line) for line in doc["shipping_lines"]]}
        view |= {"fee_lines": [self._fee(line) for line in doc["fee_lines"]], "coupon_lines": []}
        view |= {"refunds": [self._refund(number) for number in doc["refunds"]]}
        return view | self._tail(doc)

    def refund(self, doc: Doc) -> dict[str, Any]:
        shop = self.shop
        view: dict[str, Any] = {"id": doc["id"], "parent_id": doc["order_id"]}
        view |= {"date_created": shop.local(doc["created"]), "date_created_gmt": shop.gmt(doc["created"])}
        view |= {"amount": doc["amount"], "reason": doc["reason"], "refunded_by": 1, "refunded_payment": False}
        view |= {"meta_data": doc["meta_data"], "line_items": [self._line(line) for line in doc["line_items"]]}
        view |= {"shipping_lines": [], "tax_lines": [], "fee_lines": []}
        own = f"{self.base()}/wp-json/wc/v3/orders/{doc['order_id']}"
        return view | {"_links": {"self": [{"href": f"{own}/refunds/{doc['id']}"}], "up": [{"href": own}]}}

    def _tail(self, doc: Doc) -> dict[str, Any]:
        shop, status = self.shop, doc["status"]
        root = self.base()
        pay = f"{root}/checkout/order-pay/{doc['id']}/?pay_for_order=true&key={doc['order_key']}"
        own = f"{root}/wp-json/wc/v3/orders/{doc['id']}"
        unpaid = status in ("pending", "failed", "checkout-draft") and decimal(doc["total"]) > 0
        view = {"payment_url": pay, "is_editable": status in ("pending", "on-hold", "auto-draft")}
        view |= {"needs_payment": unpaid, "needs_processing": bool(doc["line_items"])}
        view |= {"date_created_gmt": shop.gmt(doc["created"]), "date_modified_gmt": shop.gmt(doc["modified"])}
        view |= {"date_completed_gmt": shop.gmt(doc["completed"]), "date_paid_gmt": shop.gmt(doc["paid"])}
        view["currency_symbol"] = shop.options.currency_symbol if doc["currency"] == shop.options.currency else "?"
        links: dict[str, Any] = {"self": [{"href": own, "targetHints": {"allow": METHODS}}]}
        links["collection"] = [{"href": f"{root}/wp-json/wc/v3/orders"}]
        links["email_templates"] = [{"embeddable": True, "href": f"{own}/actions/email_templates"}]
        return view | {"_links": links}

    def _line(self, line: Doc) -> dict[str, Any]:
        product = self.shop.get("products", line["variation_id"] or line["product_id"])
        view = {key: line[key] for key in ("id", "name", "product_id", "variation_id", "quantity", "tax_class")}
        view |= {"subtotal": self.money(line["subtotal"]), "subtotal_tax": line["subtotal_tax"]}
        view |= {"total": self.money(line["total"]), "total_tax": line["total_tax"], "taxes": line["taxes"]}
        view |= {"meta_data": [_shown(item) for item in line["meta_data"]]}
        view |= {"sku": product["sku"] if product else None}
        view |= {"global_unique_id": product["global_unique_id"] if product else ""}
        view["price"] = number(float(line["total"]) / line["quantity"]) if line["quantity"] else 0
        parent = self.shop.get("products", product["parent_id"]) if product and product["parent_id"] else None
        return view | {"image": {"id": "", "src": ""}, "parent_name": parent["name"] if parent else None}

    def _shipping(self, line: Doc) -> dict[str, Any]:
        keys = ("id", "method_title", "method_id", "instance_id", "total_tax", "taxes", "tax_status")
        view = {key: line[key] for key in keys}
        return view | {"total": self.money(line["total"]), "meta_data": [_shown(item) for item in line["meta_data"]]}

    def _fee(self, line: Doc) -> dict[str, Any]:
        view = {key: line[key] for key in ("id", "name", "tax_class", "tax_status", "total_tax", "taxes")}
        view |= {"amount": line["total"], "total": self.money(line["total"])}
        return view | {"meta_data": [_shown(item) for item in line["meta_data"]]}

    def _refund(self, number_: int) -> dict[str, Any]:
        refund = self.shop.get("refunds", number_) or {"id": number_, "reason": "", "amount": "0"}
        return {"id": refund["id"], "reason": refund["reason"], "total": f"-{refund['amount']}"}


def _shown(item: Doc) -> Doc:
    return item | {"display_key": item["key"], "display_value": item["value"]}


def address_index(address: Doc) -> str:
    """What the search over addresses looks in."""
    return " ".join(str(value) for value in address.values())
