"""From a stored marketplace order to the order the store is asked to create."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.tables import Connection, Order, OrderLine, Variant
from bridge.db.work import Mark
from bridge.domain.money import Money, total
from bridge.domain.order import Address, DraftLine, FulfilledBy, OrderDraft, ShippingMethod
from bridge.ports.errors import AskMerchant

LABEL, USUAL_LABEL = "order_label", "{marketplace} {order}"
PAYMENT = "payment_label"
MOUNTAIN, BEHIND = 200, 2


def store_connection(session: Session) -> Connection | None:
    """The shop's store."""
    query = select(Connection).where(Connection.role == "platform", Connection.state != "disconnected")
    return session.scalars(query).first()


def queue_creations(session: Session, channel_id: int, order_ids: Sequence[int], now: datetime) -> set[str]:
    """Have the store orders of all these, of one marketplace, made, or made sure of. Behind those of the others, where
    so many of it wait that they would be kept waiting for long."""
    platform = store_connection(session) if order_ids else None
    if platform is None:
        return set()
    waiting = select(Order.id).where(Order.connection_id == channel_id, Order.store_state == "ready").limit(MOUNTAIN)
    many = len(session.scalars(waiting).all()) == MOUNTAIN
    priority = BEHIND if many else 1
    marks = [Mark(platform.id, "orders", "orders.create", str(number), priority=priority) for number in order_ids]
    work.mark(session, platform.shop_id, marks, now)
    return {"orders"}


def draft_of(session: Session, order_id: int) -> OrderDraft:
    """Raises AskMerchant when a line has no product in the store or nothing is left to create."""
    order = session.get_one(Order, order_id)
    channel = session.get_one(Connection, order.connection_id)
    query = (
        select(OrderLine, Variant)
        .outerjoin(Variant, Variant.id == OrderLine.variant_id)
        .where(OrderLine.order_id == order_id, OrderLine.fulfilled_by == FulfilledBy.MERCHANT.value)
        .order_by(OrderLine.id)
    )
    lines = [
        _line(order, line, variant) for line, variant in session.execute(query).all() if line.quantity > line.cancelled
    ]
    if not lines:
        raise AskMerchant("Every line of this order is cancelled; there is nothing to create.", field="lines")
    shipping = _money(order.shipping, order.currency)
    amount = total([line.total for line in lines], order.currency)
    buyer: dict[str, Any] = order.buyer
    ship_to = Address.model_validate(buyer["ship_to"])
    return OrderDraft(
        ref=order.ref,
        label=label_of(channel, order.external_id),
        channel=channel.title,
        external_id=order.external_id,
        placed_at=order.placed_at,
        currency=order.currency,
        lines=tuple(lines),
        shipping=shipping,
        shipping_tax=_money(order.shipping_tax, order.currency),
        tax_by_channel=order.tax_by_channel,
        total=amount + shipping if shipping else amount,
        shipping_method=_shipping_method(order),
        payment_text=payment_text(channel, order.external_id),
        ship_to=ship_to,
        bill_to=Address.model_validate(buyer["bill_to"]) if buyer.get("bill_to") else ship_to,
        note=buyer.get("note", ""),
    )


def _shipping_method(order: Order) -> ShippingMethod | None:
    """What was chosen when its creation was begun (bridge/flows/shipping_methods.py)."""
    found = order.store_method or {}
    return ShippingMethod(code=found["code"], title=found["title"]) if found.get("code") else None


def label_of(channel: Connection, external_id: str) -> str:
    """What an order of this marketplace is called in the store, by its setting."""
    return _filled(str(channel.settings.get(LABEL) or USUAL_LABEL), channel, external_id)


def payment_text(channel: Connection, external_id: str, usual: str = "") -> str:
    """What an order of this marketplace shows in the store as the way of paying, by its setting, else ``usual``."""
    text = str(channel.settings.get(PAYMENT) or usual)
    return _filled(text.replace("{name}", label_of(channel, external_id)), channel, external_id)


def _filled(text: str, channel: Connection, external_id: str) -> str:
    return text.replace("{marketplace}", channel.title).replace("{order}", external_id)


def _line(order: Order, line: OrderLine, variant: Variant | None) -> DraftLine:
    if line.without_product:
        variant = None
    elif variant is None:
        text = f"{line.title or line.sku or line.gtin} is not a product of the store."
        raise AskMerchant(text, field="sku", developer=f"line {line.external_id}")
    left = line.quantity - line.cancelled
    tax = _money(line.tax, order.currency)
    return DraftLine(
        ref=line.external_id,
        product_id=variant.data["product_id"] if variant else None,
        variant_id=variant.external_id if variant else None,
        sku=variant.sku if variant else line.sku or line.gtin,
        title=line.title or (variant.title if variant else line.sku or line.gtin or line.external_id),
        quantity=left,
        unit_price=Money.of(line.unit_price, order.currency),
        total=share(Money.of(line.total, order.currency), left, line.quantity),
        tax=share(tax, left, line.quantity) if tax else None,
    )


def _money(amount: str | None, currency: str) -> Money | None:
    return Money.of(amount, currency) if amount is not None else None


def share(whole: Money, units: int, of: int) -> Money:
    """The money of ``units`` out of ``of``, to the cent."""
    if units == of:
        return whole
    return Money(amount=whole.amount * units / of, currency=whole.currency).quantised()
