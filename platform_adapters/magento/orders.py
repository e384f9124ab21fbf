"""Orders both ways: a draft as the store is to save it, a store order in our words. Pure.

Magento saves an order over REST as it is sent: it looks up no product, adds nothing up, and sends no mail. Its number
is the only thing it keeps from being there twice (a unique index over increment_id and store_id), so that the number is
made from the marketplace's own. Where our module is in the store, it places the order instead (:func:`placing`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from bridge.domain.money import Money
from bridge.domain.order import Address, DraftLine, OrderDraft, StoreLine, StoreOrder, StoreOrderStatus, Tracking
from bridge.domain.reading import amount, currency_code, moment
from bridge.domain.values import fingerprint
from bridge.ports.platform import OrderMark, order_total
from platform_adapters.magento.reading import Json, Reports, ShopFacts, dicts, text, whole

PREFIX = "MP-"
# In a line's own field for what another system calls it; ledger.py finds the lines without a reservation by the first.
LINE_MARK, PLACED_MARK = "storebridge|", "storebridge-module|"
NUMBER_MAX, EXTERNAL_MAX = 50, 32  # sales_order.increment_id and ext_order_id
ZERO = Decimal(0)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
CENT = Decimal("0.01")
FINER = Decimal("0.0001")  # Magento keeps four places

STATE = {
    "new": StoreOrderStatus.PENDING,
    "pending_payment": StoreOrderStatus.PENDING,
    "processing": StoreOrderStatus.PROCESSING,
    "complete": StoreOrderStatus.COMPLETED,
    "closed": StoreOrderStatus.REFUNDED,
    "canceled": StoreOrderStatus.CANCELLED,
    "holded": StoreOrderStatus.ON_HOLD,
    "payment_review": StoreOrderStatus.ON_HOLD,
}
OVER = (StoreOrderStatus.COMPLETED, StoreOrderStatus.REFUNDED, StoreOrderStatus.CANCELLED)
UNITS = ("qty_ordered", "qty_shipped", "qty_canceled", "qty_refunded")
CURRENCIES = ("base_currency_code", "order_currency_code", "store_currency_code")
STATUS = {"new": "pending", "processing": "processing"}
LINE_FIELDS = (
    *("product_id", "sku", "name", "qty_ordered", "ext_order_item_id", "tax_percent"),
    *("price", "price_incl_tax", "row_total", "row_total_incl_tax", "tax_amount", "discount_amount"),
)


class Variant(NamedTuple):
    """A product of a line as the store has it: its SKU to the letter."""

    product_id: int
    sku: str
    weight: Decimal


class OrderWishes(NamedTuple):
    """The merchant's settings for new orders."""

    state: str
    payment: str
    shipping: str
    email: str
    with_buyers: bool
    invoice: bool = True

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> OrderWishes:
        return cls(
            state=text(settings.get("order_state")) or "processing",
            payment=text(settings.get("payment_method")) or "checkmo",
            shipping=text(settings.get("shipping_method")) or "flatrate_flatrate",
            email=text(settings.get("order_email")) or "marketplace@example.invalid",
            with_buyers=bool(settings.get("buyer_email")),
            invoice=bool(settings.get("invoice")),
        )


def order_number(ref: str) -> str:
    """The increment_id of an order of this reference: readable, and different for different references."""
    plain = re.sub(r"[^A-Za-z0-9-]+", "-", ref)
    if plain == ref.replace(":", "-") and "-" not in ref and len(PREFIX + plain) <= NUMBER_MAX:
        return PREFIX + plain
    digest = hashlib.sha256(ref.encode()).hexdigest()[:10]
    return f"{PREFIX}{plain[: NUMBER_MAX - len(PREFIX) - 11]}-{digest}"


def marketplace_ref(raw: Json) -> str | None:
    """Our reference, where the order is ours. One that was saved has the number that belongs to it; one that our module
    placed has the store's next number, and its id in the field that only the module fills."""
    for item in dicts(raw.get("items")):
        ref, _ = line_refs(item)
        if ref and (is_placed(item) or order_number(ref) == text(raw.get("increment_id"))):
            return ref
    return None


def is_placed(item: Json) -> bool:
    """Whether our module placed this line's order, with its reservation."""
    return text(item.get("ext_order_item_id")).startswith(PLACED_MARK)


def external_ref(ref: str) -> Json:
    """How the module's table names an order of this reference."""
    channel, _, external_id = ref.partition(":")
    return {"channel": channel, "external_id": external_id}


def line_refs(item: Json) -> tuple[str, str]:
    """The order's reference and the marketplace line's, both empty where the line is not ours."""
    kind, _, mark = text(item.get("ext_order_item_id")).partition("|")
    if f"{kind}|" not in {LINE_MARK, PLACED_MARK}:
        return "", ""
    ref, _, line = mark.partition("|")
    return unquote(ref), unquote(line)


def entity(
    draft: OrderDraft, variants: Mapping[str, Variant], facts: ShopFacts, wishes: OrderWishes, reports: Reports
) -> Json:
    """The order to save. ``variants`` by their ids, each line's among them."""
    lines = [_line(draft, line, variants[line.variant_id or ""], facts.view_id) for line in draft.lines]
    money = _totals(draft, lines)
    body: Json = dict.fromkeys(CURRENCIES, draft.currency)
    body |= {"increment_id": order_number(draft.ref), "store_id": facts.view_id, "is_virtual": 0}
    body |= {"ext_order_id": draft.external_id} if len(draft.external_id) <= EXTERNAL_MAX else {}
    body |= {"state": wishes.state, "status": STATUS.get(wishes.state, wishes.state)}
    body |= _customer(draft, wishes) | _both(money)
    body |= {"global_currency_code": reports.currency, "base_to_global_rate": _finer(reports.rate)}
    body |= {"base_to_order_rate": 1}
    body |= {"total_qty_ordered": sum(line.quantity for line in draft.lines), "items": lines}
    body |= {"shipping_description": _described(draft), "status_histories": [_comment(draft)]}
    body |= {"billing_address": address(draft.bill_to, "billing", wishes), "payment": _payment(wishes, money)}
    shipment: Json = {"address": address(draft.ship_to, "shipping", wishes), "method": wishes.shipping}
    shipment |= {"method": draft.shipping_method.code} if draft.shipping_method else {}
    shipment["total"] = _both({"shipping_amount": money["shipping_amount"]})
    return body | {"extension_attributes": {"shipping_assignments": [{"shipping": shipment, "items": []}]}}


def placing(draft: OrderDraft, variants: Mapping[str, Variant], facts: ShopFacts, wishes: OrderWishes) -> Json:
    """The same order for the module to place (module/README.md): it makes a cart of it, whose amounts are these."""
    lines = [_line(draft, line, variants[line.variant_id or ""], facts.view_id, PLACED_MARK) for line in draft.lines]
    money = _totals(draft, lines)
    _share_out(-money["discount_amount"], lines)
    body: Json = {**external_ref(draft.ref), "store_id": facts.view_id, "currency": draft.currency}
    body |= {"ext_order_id": draft.external_id} if len(draft.external_id) <= EXTERNAL_MAX else {}
    body |= (
        {"shipping_method": draft.shipping_method.code, "shipping_title": _described(draft)}
        if draft.shipping_method
        else {}
    )
    body |= {"payment_title": draft.payment_text} if draft.payment_text else {}
    body |= {"label": draft.label, "note": draft.note, "comment": _comment(draft)["comment"]}
    body |= {"state": wishes.state, "invoice": wishes.invoice, "email": _customer(draft, wishes)["customer_email"]}
    body |= {"items": [{name: line[name] for name in LINE_FIELDS} for line in lines], "totals": money}
    body["billing_address"] = address(draft.bill_to, "billing", wishes)
    return body | {"shipping_address": address(draft.ship_to, "shipping", wishes)}


def _described(draft: OrderDraft) -> str:
    """What stands in the order as its shipping, by which people find it: 255 letters at most."""
    return f"{draft.shipping_method.name} ({draft.label})"[:255] if draft.shipping_method else draft.label


def _totals(draft: OrderDraft, lines: Sequence[Json]) -> dict[str, Decimal]:
    """As the marketplace has them. What its total has beyond its parts stands as a discount: nothing, as a rule."""
    shipping = draft.shipping.quantised().amount if draft.shipping else ZERO
    shipping_tax = draft.shipping_tax.quantised().amount if draft.shipping_tax else ZERO
    total, gross = draft.total.quantised().amount, _sum(lines, "row_total_incl_tax")
    return {
        "subtotal": _sum(lines, "row_total"),
        "subtotal_incl_tax": gross,
        "shipping_amount": shipping - shipping_tax,
        "shipping_incl_tax": shipping,
        "shipping_tax_amount": shipping_tax,
        "tax_amount": _sum(lines, "tax_amount") + shipping_tax,
        "discount_amount": total - gross - shipping,
        "grand_total": total,
        "total_due": total,
    }


def _share_out(discount: Decimal, lines: Sequence[Json]) -> None:
    """Over the lines, by their totals: Magento invoices and credits line by line, and knows no other discount."""
    gross, left = _sum(lines, "row_total_incl_tax"), discount
    for line in lines:
        part = (discount * line["row_total_incl_tax"] / gross).quantize(CENT, ROUND_HALF_UP) if gross else ZERO
        line["discount_amount"], left = part, left - part
    lines[-1]["discount_amount"] += left


def address(given: Address, kind: str, wishes: OrderWishes) -> Json:
    """Magento refuses to save an address without a name, street, city, postcode, telephone or e-mail address."""
    street = " ".join(part for part in (given.street, given.house_number, given.addition) if part)
    lines = [line for line in (street, ", ".join(given.for_delivery)) if line]
    with_email = wishes.with_buyers and EMAIL.fullmatch(given.email)
    body: Json = {
        "address_type": kind,
        "firstname": given.first_name or given.company or "-",
        "lastname": given.last_name or "-",
        "street": lines or ["-"],
        "city": given.city or "-",
        "postcode": given.postcode or "-",
        "country_id": given.country.upper(),
        "telephone": given.phone or "-",
        "email": given.email if with_email else wishes.email,
    }
    more = {"company": given.company, "region": given.region, "vat_id": given.vat_number}
    return body | {name: value for name, value in more.items() if value}


def order(
    raw: Json,
    shipments: Sequence[Json] = (),
    memos: Sequence[Json] = (),
    *,
    currency: str,
    link: str | None = None,
    shipped: Collection[str] = (),
) -> StoreOrder:
    """A store order whole. ``shipments`` and ``memos`` (credit memos) are asked for apart from it; ``currency`` is the
    store's own, of an order that names none."""
    currency = currency_code(raw.get("order_currency_code")) or currency
    items = _sold(raw)
    refunded, words = amount(raw.get("total_refunded")), refund_words(raw, memos)
    return StoreOrder(
        external_id=text(raw.get("entity_id")),
        number=text(raw.get("increment_id")) or text(raw.get("entity_id")),
        status=status(raw, shipped),
        raw_status=text(raw.get("status")) or text(raw.get("state")),
        currency=currency,
        total=Money.of(order_total(raw.get("grand_total"), text(raw.get("increment_id"))), currency),
        marketplace_ref=marketplace_ref(raw),
        lines=tuple(_store_line(item, raw, words) for item in items),
        parcels=tuple(_parcel(row, {text(item.get("item_id")) for item in items}) for row in shipments),
        refunded=Money.of(refunded, currency) if refunded else None,
        modified_at=_newest(raw, shipments, memos),
        link=link,
        cancel_reason=_last_comment(raw),
    )


def status(raw: Json, shipped: Collection[str] = ()) -> StoreOrderStatus:
    """``shipped``: codes of statuses that mean, in any open state, that an order has left. An order that was credited
    whole before anything of it was shipped is what Magento makes of a cancellation once there is an invoice."""
    found = STATE.get(text(raw.get("state")), StoreOrderStatus.OTHER)
    items = _sold(raw)
    if found is StoreOrderStatus.REFUNDED and items and not any(whole(item.get("qty_shipped")) for item in items):
        return StoreOrderStatus.CANCELLED
    if found not in OVER and text(raw.get("status")) in shipped:
        return StoreOrderStatus.COMPLETED
    return found


def _last_comment(raw: Json) -> str:
    rows = [row for row in dicts(raw.get("status_histories")) if text(row.get("comment"))]
    newest = max(rows, key=lambda row: (text(row.get("created_at")), whole(row.get("entity_id"))), default={})
    return text(newest.get("comment"))


def order_mark(raw: Json, shipments: Sequence[Json], memos: Sequence[Json]) -> OrderMark:
    """Neither a second parcel nor a tracking number that is added moves the order's date."""
    parcels = [[row.get("entity_id"), [_track(track) for track in dicts(row.get("tracks"))]] for row in shipments]
    units = [[item.get(name) for name in ("item_id", *UNITS)] for item in dicts(raw.get("items"))]
    content = [raw.get("state"), raw.get("status"), units, parcels, [row.get("entity_id") for row in memos]]
    return OrderMark(
        external_id=text(raw.get("entity_id")),
        modified_at=moment(raw.get("updated_at")),
        mark=fingerprint(content),
        marketplace_ref=marketplace_ref(raw),
    )


def open_units(item: Json) -> int:
    """Units of a line that are neither cancelled nor refunded."""
    return whole(item.get("qty_ordered")) - whole(item.get("qty_canceled")) - whole(item.get("qty_refunded"))


def _sold(raw: Json) -> list[Json]:
    """A configurable product stands in an order twice: the parent has the price, its simple child the SKU and no price.
    The parent's line is the one that is shipped and credited."""
    return [item for item in dicts(raw.get("items")) if not item.get("parent_item_id") and not item.get("parent_item")]


def refund_words(raw: Json, memos: Sequence[Json]) -> dict[str, str]:
    """By line, what somebody wrote into its newest credit memo; ours, which carry a reference, are not asked."""
    found: dict[str, str] = {}
    ours = f"[{marketplace_ref(raw)}/"
    for memo in sorted(memos, key=lambda row: whole(row.get("entity_id"))):
        words = " ".join(text(row.get("comment")) for row in dicts(memo.get("comments"))).strip()
        if ours not in words:
            found |= {
                text(row.get("order_item_id")): words for row in dicts(memo.get("items")) if whole(row.get("qty"))
            }
    return found


def _store_line(item: Json, raw: Json, words: Mapping[str, str]) -> StoreLine:
    key = item.get("item_id")
    child = next((row for row in dicts(raw.get("items")) if key and row.get("parent_item_id") == key), item)
    _, ref = line_refs(item)
    quantity = whole(item.get("qty_ordered"))
    return StoreLine(
        external_id=text(key),
        variant_id=text(child.get("product_id")),
        sku=text(item.get("sku")) or None,
        quantity=quantity,
        # stock.py takes it off from the moment that the order is there, unless a reservation of the module does.
        reduced=quantity,
        refunded=whole(item.get("qty_refunded")),
        refund_reason=words.get(text(key), ""),
        ref=ref or None,
    )


def _parcel(raw: Json, lines: set[str]) -> Tracking:
    """A shipment with the first of its tracking numbers; which of them holds what, Magento does not know."""
    tracks = dicts(raw.get("tracks"))
    track: Json = next((row for row in tracks if text(row.get("track_number"))), {})
    units = {text(row.get("order_item_id")): whole(row.get("qty")) for row in dicts(raw.get("items"))}
    return Tracking(
        ref=f"shipment:{raw.get('entity_id')}",
        carrier=text(track.get("title")) or text(track.get("carrier_code")),
        number=text(track.get("track_number")),
        shipped_at=moment(raw.get("created_at")),
        lines={line: count for line, count in units.items() if line in lines and count > 0},
    )


def _track(raw: Json) -> list[Any]:
    return [raw.get(name) for name in ("track_number", "title", "carrier_code")]


def _newest(raw: Json, *others: Sequence[Json]) -> Any:
    rows = [raw, *(row for rows in others for row in rows)]
    return max((found for row in rows if (found := moment(row.get("updated_at")))), default=None)


def _line(draft: OrderDraft, line: DraftLine, variant: Variant, store_id: int, mark_kind: str = LINE_MARK) -> Json:
    """A simple product, also where it is a variant: Magento makes no parent row of what is sent."""
    total = line.total.quantised().amount
    tax = line.tax.quantised().amount if line.tax else ZERO
    net = total - tax
    money = {
        "price": _finer(net / line.quantity),
        "original_price": _finer(net / line.quantity),
        "price_incl_tax": _finer(total / line.quantity),
        "row_total": net,
        "row_total_incl_tax": total,
        "tax_amount": tax,
        "discount_amount": ZERO,
    }
    body: Json = {"sku": variant.sku, "product_id": variant.product_id, "product_type": "simple", "name": line.title}
    body |= {"qty_ordered": line.quantity, "weight": variant.weight, "is_virtual": 0, "store_id": store_id}
    body |= {"tax_percent": (tax / net * 100).quantize(Decimal("0.1"), ROUND_HALF_UP) if tax and net else ZERO}
    mark = f"{mark_kind}{quote(draft.ref, safe=':')}|{quote(line.ref, safe=':')}"
    return body | _both(money) | {"ext_order_item_id": mark}


def _customer(draft: OrderDraft, wishes: OrderWishes) -> Json:
    buyer = address(draft.bill_to, "billing", wishes)
    return {
        "customer_is_guest": 1,
        "customer_note_notify": 0,
        "customer_email": buyer["email"],
        "customer_firstname": buyer["firstname"],
        "customer_lastname": buyer["lastname"],
        **({"customer_note": draft.note} if draft.note else {}),
    }


def _payment(wishes: OrderWishes, money: Mapping[str, Decimal]) -> Json:
    amounts = _both({"amount_ordered": money["grand_total"], "shipping_amount": money["shipping_amount"]})
    # The last three say nothing and are demanded by the official description.
    return {"method": wishes.payment, **amounts, "account_status": "", "additional_information": [], "cc_last4": ""}


def _comment(draft: OrderDraft) -> Json:
    words = f"{draft.label}, placed {draft.placed_at:%Y-%m-%d %H:%M} UTC"
    return {
        "comment": words,
        "is_customer_notified": 0,
        "is_visible_on_front": 0,
        "parent_id": 0,
        "entity_name": "order",
    }


def _both(money: Mapping[str, Decimal]) -> Json:
    """Amounts of the order and of the books, which are one currency here."""
    return {**money, **{f"base_{name}": value for name, value in money.items()}}


def _sum(lines: Iterable[Json], name: str) -> Decimal:
    return sum((line[name] for line in lines), ZERO)


def _finer(value: Decimal) -> Decimal:
    return value.quantize(FINER, rounding=ROUND_HALF_UP)
