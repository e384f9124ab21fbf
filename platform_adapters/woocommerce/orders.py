"""Orders both ways: a draft as the store is to create it, a store order in our words. Pure.

The store recomputes all taxes from its own settings. A line of tax class "0" is never taxed, in any store: "0" is no
class and passes the check all the same (``$value &&`` is false for it in WC_Order_Item_Product::set_tax_class, and
WC_Order_Item::calculate_taxes leaves out '0'). Shipping has no class of its own and is taxed by a store-wide setting,
so its price goes into a fee, and the shipping line, which carries the order's label, costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bridge.domain.money import Money
from bridge.domain.order import Address, DraftLine, OrderDraft, StoreLine, StoreOrder, StoreOrderStatus
from bridge.domain.reading import amount, moment
from bridge.domain.returns import RefundLine
from bridge.ports.errors import RejectItem
from bridge.ports.platform import OrderMark, order_total
from platform_adapters.woocommerce.mapping import mark, whole
from platform_adapters.woocommerce.parcels import parcels
from platform_adapters.woocommerce.reading import Json, meta

ORDER_META = "_storebridge_order"
LINE_META = "_storebridge_line"
REFUND_META = "_storebridge_refund"
CHANNEL_META = "_storebridge_channel"
PLACED_META = "_storebridge_placed_at"
NO_PRODUCT_META = "_storebridge_no_product"
UNTAXED = "0"
# A line has to name a product, and of one that there is not WooCommerce makes a line of no product, with name, quantity
# and amounts as they are given (WC_REST_Orders_V2_Controller::prepare_line_items; its number is beyond any store's).
NO_PRODUCT = 2147483647
DRAFTS = ("checkout-draft", "auto-draft")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
CENT = Decimal("0.01")

STATUS = {
    "pending": StoreOrderStatus.PENDING,
    "processing": StoreOrderStatus.PROCESSING,
    "on-hold": StoreOrderStatus.ON_HOLD,
    "completed": StoreOrderStatus.COMPLETED,
    "cancelled": StoreOrderStatus.CANCELLED,
    "refunded": StoreOrderStatus.REFUNDED,
    "failed": StoreOrderStatus.FAILED,
    "trash": StoreOrderStatus.TRASHED,
    "checkout-draft": StoreOrderStatus.DRAFT,
    "auto-draft": StoreOrderStatus.DRAFT,
}


SHIPPED_USUAL = "completed"


def shipped_choices(rows: Sequence[Json]) -> dict[str, str]:
    """Of a store's statuses, with their names, those that may mean that an order has left: its usual one, and whatever
    WooCommerce has no meaning of its own for."""
    named = {str(row.get("slug") or ""): str(row.get("name") or row.get("slug") or "") for row in rows}
    return {slug: name for slug, name in named.items() if slug and (slug == SHIPPED_USUAL or slug not in STATUS)}


def status(raw: Json, shipped: Collection[str]) -> StoreOrderStatus:
    """``shipped``: the statuses that count as such; without the usual one it is a step before it."""
    slug = str(raw.get("status") or "").removeprefix("wc-")
    found = STATUS.get(slug, StoreOrderStatus.OTHER)
    if found not in (StoreOrderStatus.COMPLETED, StoreOrderStatus.OTHER):
        return found
    if slug in shipped:
        return StoreOrderStatus.COMPLETED
    return StoreOrderStatus.PROCESSING if found is StoreOrderStatus.COMPLETED else found


def order_body(draft: OrderDraft, settings: Mapping[str, Any]) -> Json:
    """The order to create. Its reference stands where a person sees it, where the search looks (names of lines of
    every type), and, to the letter, in its metadata."""
    with_email = bool(settings.get("buyer_email"))
    body: Json = {"status": settings.get("order_status") or "processing", "currency": draft.currency}
    body |= {"payment_method": "storebridge", "payment_method_title": draft.payment_text or draft.label}
    body |= {"transaction_id": draft.external_id[:100], "customer_note": draft.note}
    body |= {"billing": address(draft.bill_to, with_email=with_email, billing=True)}
    body |= {"shipping": address(draft.ship_to, with_email=False, billing=False)}
    body |= {"line_items": [_line(line) for line in draft.lines]}
    body |= {"shipping_lines": [_shipping_line(draft)]}
    if draft.shipping and draft.shipping.amount:
        fee = {"name": f"Shipping {draft.channel}", "total": plain(draft.shipping)}
        body["fee_lines"] = [fee | {"tax_status": "none", "tax_class": UNTAXED}]
    metadata = {ORDER_META: draft.ref, CHANNEL_META: draft.channel, PLACED_META: draft.placed_at.isoformat()}
    if draft.bill_to.vat_number:
        metadata["_billing_vat_number"] = draft.bill_to.vat_number
    return body | {"meta_data": [{"key": key, "value": value} for key, value in metadata.items()]}


def _shipping_line(draft: OrderDraft) -> Json:
    """The search finds the order by its label in the title, whatever method was chosen."""
    if draft.shipping_method is None:
        return {"method_id": "storebridge", "method_title": draft.label, "total": "0"}
    method, _, instance = draft.shipping_method.code.partition(":")
    line = {"method_id": method, "method_title": f"{draft.shipping_method.name} ({draft.label})", "total": "0"}
    return line | ({"instance_id": instance} if instance else {})


def _line(line: DraftLine) -> Json:
    """Subtotal and total alike, or the difference from the shop's own price would show as a discount."""
    named, metadata = _product(line)
    body: Json = {**named, "name": line.title, "quantity": line.quantity}
    total = plain(line.total)
    body |= {"subtotal": total, "total": total, "tax_class": UNTAXED}
    metadata = {LINE_META: line.ref, **metadata}
    return body | {"meta_data": [{"key": key, "value": value} for key, value in metadata.items()]}


def _product(line: DraftLine) -> tuple[Json, dict[str, str]]:
    """By what a line names its product, only ever by id, and what is written into one that has none: that it is meant
    so, and the marketplace's SKU, for people."""
    if line.product_id is None or line.variant_id is None:
        return {"product_id": NO_PRODUCT}, {NO_PRODUCT_META: "yes", **({"SKU": line.sku} if line.sku else {})}
    if not (line.product_id.isdigit() and line.variant_id.isdigit()):
        raise RejectItem(f"{line.sku or line.title} has no usable product id in the store.", field="product_id")
    body: Json = {"product_id": int(line.product_id)}
    return body | ({"variation_id": int(line.variant_id)} if line.variant_id != line.product_id else {}), {}


def address(given: Address, *, with_email: bool, billing: bool) -> Json:
    """WooCommerce has two lines for the street; what has no field of its own goes into the second."""
    street = " ".join(part for part in (given.street, given.house_number, given.addition) if part)
    body = {"first_name": given.first_name, "last_name": given.last_name, "company": given.company}
    body |= {"address_1": street, "address_2": ", ".join(given.for_delivery), "city": given.city}
    body |= {"state": given.region, "postcode": given.postcode, "country": given.country.upper()}
    body["phone"] = given.phone[:100]
    if billing and with_email and EMAIL.fullmatch(given.email):
        body["email"] = given.email
    return body


def plain(money: Money) -> str:
    """An amount as WooCommerce wants it: text, in the currency's precision."""
    return str(money.quantised().amount)


def order(
    raw: Json,
    currency: str,
    base: str,
    sources: Sequence[str],
    fulfilments: Sequence[Json],
    refunds: Sequence[Json],
    shipped: Collection[str] = (SHIPPED_USUAL,),
) -> StoreOrder:
    """A store order whole. ``refunds`` and ``fulfilments`` are asked for apart from it; ``shipped`` as in
    :func:`status`."""
    number = str(raw["id"])
    given_back = [found for row in _rows(raw.get("refunds")) if (found := amount(row.get("total"))) is not None]
    units, words = refunded_units(refunds), refund_words(refunds)
    return StoreOrder(
        external_id=number,
        number=str(raw.get("number") or number),
        status=status(raw, shipped),
        raw_status=str(raw.get("status") or ""),
        currency=currency,
        total=Money.of(order_total(raw.get("total"), number), currency),
        marketplace_ref=marketplace_ref(raw),
        lines=tuple(_store_line(line, units, words) for line in _rows(raw.get("line_items"))),
        parcels=parcels(raw, fulfilments, sources),
        refunded=Money.of(-sum(given_back, Decimal(0)), currency) if given_back else None,
        modified_at=moment(raw.get("date_modified_gmt")),
        cancel_reason=str(raw.get("status") or ""),
        link=f"{base}/wp-admin/post.php?post={number}&action=edit",
    )


def order_mark(raw: Json) -> OrderMark:
    return OrderMark(
        external_id=str(raw["id"]),
        modified_at=moment(raw.get("date_modified_gmt")),
        mark=mark(raw, ("_links", "payment_url")),
        marketplace_ref=marketplace_ref(raw),
    )


def marketplace_ref(raw: Json) -> str | None:
    found = meta(raw, ORDER_META)
    return str(found) if found else None


def lost_products(raw: Json) -> list[str]:
    """Names of our lines that the store made without a product and was not to: nothing is packed, no stock is
    lowered."""
    rows = [line for line in _rows(raw.get("line_items")) if meta(line, NO_PRODUCT_META) is None]
    ours = [line for line in rows if meta(line, LINE_META) is not None]
    return [str(line.get("name") or "a line") for line in ours if not line.get("product_id")]


def refunded_units(refunds: Sequence[Json]) -> dict[str, int]:
    """Units given back by order line id; a refund's own lines are negative and point at the line they refund."""
    units: dict[str, int] = {}
    for refund in refunds:
        for line in _rows(refund.get("line_items")):
            target = str(meta(line, "_refunded_item_id") or "")
            units[target] = units.get(target, 0) + abs(whole(line.get("quantity")))
    return units


def refund_words(refunds: Sequence[Json]) -> dict[str, str]:
    """By order line id, what somebody wrote into its newest refund; ours are not asked."""
    found: dict[str, str] = {}
    for refund in sorted(refunds, key=lambda row: whole(row.get("id"))):
        if meta(refund, REFUND_META) is None:
            for line in _rows(refund.get("line_items")):
                found[str(meta(line, "_refunded_item_id") or "")] = str(refund.get("reason") or "").strip()
    return found


def refund_body(raw: Json, lines: Sequence[RefundLine], units: Mapping[str, int], reason: str, ref: str) -> Json | None:
    """What is to be refunded of these lines, all of one kind of restocking; None when nothing is left of them."""
    known = {str(line["id"]): line for line in _rows(raw.get("line_items"))}
    found = ((known.get(line.store_line_id), line) for line in lines)
    rows = [row for raw_line, line in found if (row := _refund_row(raw_line, line, units) or _part_row(raw_line, line))]
    if not rows:
        return None
    back = sum((Decimal(row["refund_total"]) + _tax(row) for row in rows), Decimal(0))
    left = _left_to_refund(raw)
    body: Json = {"amount": str(min(back, left)), "reason": reason, "line_items": rows}
    # The default would ask the payment gateway for money; the marketplace pays the buyer back.
    body |= {"api_refund": False, "api_restock": lines[0].restock}
    return body | {"meta_data": [{"key": REFUND_META, "value": ref}]}


def _refund_row(line: Json | None, wanted: RefundLine, units: Mapping[str, int]) -> Json | None:
    if line is None:
        return None
    sold = whole(line.get("quantity"))
    quantity = min(wanted.quantity, sold - units.get(wanted.store_line_id, 0))
    if quantity <= 0:
        return None
    share = Decimal(quantity) / sold
    taxes = [
        {"id": tax["id"], "refund_total": str(_cents((amount(tax.get("total")) or Decimal(0)) * share))}
        for tax in _rows(line.get("taxes"))
    ]
    row: Json = {"id": line["id"], "quantity": quantity}
    row["refund_total"] = str(_cents((amount(line.get("total")) or Decimal(0)) * share))
    return row | ({"refund_tax": taxes} if taxes else {})


def _part_row(line: Json | None, wanted: RefundLine) -> Json | None:
    """An amount of a line, of which its taxes have their share; what is rounded away stays with the line."""
    if line is None or wanted.amount is None or not wanted.amount.amount:
        return None
    told = {tax["id"]: amount(tax.get("total")) or Decimal(0) for tax in _rows(line.get("taxes"))}
    gross = sum(told.values(), amount(line.get("total")) or Decimal(0))
    part = wanted.amount.amount
    taxes = {key: _cents(total * part / gross) if gross else Decimal(0) for key, total in told.items()}
    row: Json = {"id": line["id"], "quantity": 0, "refund_total": str(part - sum(taxes.values(), Decimal(0)))}
    rows = [{"id": key, "refund_total": str(total)} for key, total in taxes.items()]
    return row | ({"refund_tax": rows} if rows else {})


def _tax(row: Json) -> Decimal:
    return sum((Decimal(tax["refund_total"]) for tax in row.get("refund_tax", [])), Decimal(0))


def _left_to_refund(raw: Json) -> Decimal:
    total = amount(raw.get("total")) or Decimal(0)
    return total + sum((amount(row.get("total")) or Decimal(0) for row in _rows(raw.get("refunds"))), Decimal(0))


def _store_line(raw: Json, refunded: Mapping[str, int], words: Mapping[str, str]) -> StoreLine:
    number, ref = str(raw["id"]), meta(raw, LINE_META)
    reduced = meta(raw, "_reduced_stock")
    return StoreLine(
        external_id=number,
        variant_id=str(raw.get("variation_id") or raw.get("product_id") or ""),
        sku=str(raw["sku"]) if raw.get("sku") else None,
        quantity=whole(raw.get("quantity")),
        reduced=whole(reduced) if reduced is not None else None,
        refunded=refunded.get(number, 0),
        refund_reason=words.get(number, ""),
        ref=str(ref) if ref is not None else None,
    )


def _cents(exact: Decimal) -> Decimal:
    return exact.quantize(CENT, rounding=ROUND_HALF_UP)


def _rows(value: Any) -> list[Json]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
