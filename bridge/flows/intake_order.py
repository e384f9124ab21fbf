"""An order as the marketplace tells it -> stored once, lines matched, units reserved, changes carried on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import records, work
from bridge.db.tables import Cancellation, Connection, Order, OrderLine, Reservation, Variant
from bridge.db.work import Mark
from bridge.domain.bundles import Bundle, TakenBy
from bridge.domain.matching import Matching
from bridge.domain.money import Money
from bridge.domain.order import CancelReason, FulfilledBy, MarketplaceOrder, OrderPhase, SoldLine
from bridge.domain.whose import Candidate
from bridge.flows import (
    acceptance,
    alike,
    bundled,
    linking,
    parts,
    shipping_methods,
    short,
    turnover,
    unkept,
    unmatched,
)
from bridge.flows.draft import queue_creations
from bridge.flows.engine import Engine
from bridge.flows.resend import stock_again


def store(
    engine: Engine, session: Session, row: Connection, orders: Sequence[MarketplaceOrder], now: datetime
) -> tuple[set[str], set[str]]:
    """Upsert these orders. Returns the lanes that have something to do and the stock pools that changed."""
    keeper = _Keeper(engine, session, row, now)
    keeper.load(orders)
    keeper.keep(orders)
    keeper.lanes |= stock_again(session, row.id, keeper.touched, now)
    keeper.lanes |= short.watch(engine, session, keeper.pools, now)
    return keeper.lanes, keeper.pools


class _Keeper:
    """Holds what a batch of orders needs, read and written in few statements, whatever its size."""

    def __init__(self, engine: Engine, session: Session, row: Connection, now: datetime) -> None:
        self.engine = engine
        self.session = session
        self.row = row
        self.now = now
        self.lanes: set[str] = set()
        self.pools: set[str] = set()
        self.touched: set[int] = set()
        self.to_create: list[int] = []
        self.known: dict[str, Order] = {}
        self.lines: dict[int, dict[str, OrderLine]] = {}
        self.held: dict[int, list[Reservation]] = {}
        self.matching = Matching.of(row.settings)
        self.shelf = alike.Shelf(self.matching, ())
        self.owners: dict[tuple[str, str], linking.Owner] = {}
        self.create_unmatched = unmatched.wanted(engine, session, row)

    def load(self, orders: Sequence[MarketplaceOrder]) -> None:
        ids = [order.external_id for order in orders]
        query = select(Order).where(Order.connection_id == self.row.id, Order.external_id.in_(ids)).with_for_update()
        self.known = {order.external_id: order for order in self.session.scalars(query)}
        known_ids = [order.id for order in self.known.values()]
        for line in self.session.scalars(select(OrderLine).where(OrderLine.order_id.in_(known_ids))):
            self.lines.setdefault(line.order_id, {})[line.external_id] = line
        for held in self.session.scalars(select(Reservation).where(Reservation.order_id.in_(known_ids))):
            self.held.setdefault(held.order_line_id, []).append(held)
        self._load_variants([line for order in orders for line in order.lines])

    def _load_variants(self, lines: Sequence[SoldLine]) -> None:
        names, numbers = [line.sku for line in lines], [line.gtin for line in lines]
        self.shelf = alike.shelf(self.session, self.matching, names, numbers)
        self.owners = linking.owners(self.session, self.row.id, [line.offer_id for line in lines if line.offer_id])

    def keep(self, orders: Sequence[MarketplaceOrder]) -> None:
        kept = [(self.known.get(sold.external_id) or self._new(sold), sold) for sold in orders]
        for order, sold in kept:
            self._refresh(order, sold)
        self.session.flush()  # from here on they have numbers
        lines = [(order, *self._line(order, line), line) for order, sold in kept for line in sold.lines]
        self.session.flush()
        for order, row, is_new, line in lines:
            self._units(order, row, line, is_new)
        self._reserve([(order, row) for order, row, _, _ in lines])
        self.session.flush()
        for order, sold in kept:
            self._decide(order, list(self.lines.get(order.id, {}).values()))
            self.lanes |= unkept.look(self.session, order, sold, self.now)
        self.lanes |= queue_creations(self.session, self.row.id, self.to_create, self.now)

    def _new(self, sold: MarketplaceOrder) -> Order:
        order = Order(
            connection_id=self.row.id,
            external_id=sold.external_id,
            ref=f"{self.row.account}:{sold.external_id}",
            currency=sold.currency,
            total=str(sold.total.amount),
            placed_at=sold.placed_at,
            imported_at=self.now,
            buyer={},
            raw={},
            store_state="ready",
        )
        if sold.placed_at < self._import_from():
            order.store_state = "skipped"
        self.session.add(order)
        text = f"order {sold.external_id} imported from {self.row.title}: {sold.total.text()}"
        records.note(self.session, self.now, "order", text, order=order.ref, connection_id=self.row.id)
        return order

    def _import_from(self) -> datetime:
        """Orders placed before the connection was made were handled by hand; they are shown, never created."""
        setting = self.row.settings.get("import_from")
        return datetime.fromisoformat(setting) if setting else self.row.created_at

    def _refresh(self, order: Order, sold: MarketplaceOrder) -> None:
        if order.erased_at is None:
            order.buyer = {
                "ship_to": sold.ship_to.as_json(),
                "bill_to": sold.bill_to.as_json() if sold.bill_to else None,
                "note": sold.note,
            }
            order.raw = sold.raw
            order.consumer_in = turnover.consumer_in(sold.ship_to, sold.bill_to)
        order.fingerprint = sold.list_mark or order.fingerprint
        order.total, order.currency = str(sold.total.amount), sold.currency
        order.shipping, order.shipping_tax = _amount(sold.shipping), _amount(sold.shipping_tax)
        order.tax_by_channel, order.site = sold.tax_by_channel, sold.site
        order.shipping_method = " ".join(sold.shipping_method.split())[: shipping_methods.LONGEST]
        order.phase, order.accept_by = sold.phase.value, sold.accept_by
        order.ship_by = min((line.ship_by for line in sold.lines if line.ship_by and line.open), default=order.ship_by)
        order.expires_at = min((line.expires_at for line in sold.lines if line.expires_at), default=order.expires_at)

    def _line(self, order: Order, sold: SoldLine) -> tuple[OrderLine, bool]:
        """The line as it is stored, and whether it is new."""
        lines = self.lines.setdefault(order.id, {})
        line = lines.get(sold.external_id)
        is_new = line is None
        if line is None:
            line = OrderLine(
                order_id=order.id,
                external_id=sold.external_id,
                cancelled=0,
                shipped=0,
                restocked=0,
                quantity=sold.quantity,
                cancellation_requested=False,
            )
            lines[sold.external_id] = line
            self.session.add(line)
        line.sku, line.gtin, line.title, line.offer_id = sold.sku, sold.gtin, sold.title, sold.offer_id
        line.unit_price, line.total = str(sold.unit_price.amount), str(sold.total.amount)
        line.tax, line.discount = _amount(sold.tax), _amount(sold.discount)
        line.quantity, line.fulfilled_by = sold.quantity, sold.fulfilled_by.value
        line.shipped = max(line.shipped, sold.shipped)
        if line.variant_id is None:
            line.variant_id = self._match(order.site, sold)
        return line, is_new

    def _units(self, order: Order, line: OrderLine, sold: SoldLine, is_new: bool) -> None:
        """What was sold, taken back or is asked back."""
        self._touch(order, line, is_new or sold.cancelled > line.cancelled)
        if sold.cancelled > line.cancelled:
            self._cancelled(order, line, sold.cancelled)
        if sold.cancellation_requested and not line.cancellation_requested and sold.open:
            self._asked_to_cancel(order, line, sold.open)
        line.cancellation_requested = sold.cancellation_requested

    def _touch(self, order: Order, line: OrderLine, changed: bool) -> None:
        """The marketplace has sold or taken back units: what it shows of them is its own doing."""
        if changed and line.variant_id is not None and self._counts(order, line):
            self.touched.add(line.variant_id)

    def _match(self, site: str, sold: SoldLine) -> int | None:
        """By what a person said of the offer, else by what the line itself says (bridge/domain/matching.py)."""
        owner = self._owner(site, sold.offer_id)
        if owner is not None and owner.by_hand:
            return owner.variant.id
        named, numbered = _candidates(self.shelf.by_sku(sold.sku)), _candidates(self.shelf.by_gtin(sold.gtin))
        found = self.matching.line(sold.gtin, owner.variant if owner else None, named, numbered)
        return found.id if found else None

    def _owner(self, site: str, offer_id: str | None) -> linking.Owner | None:
        found = [self.owners.get((place, offer_id)) for place in (site, "")] if offer_id else []
        return next((owner for owner in found if owner is not None), None)

    def _reserve(self, lines: Sequence[tuple[Order, OrderLine]]) -> None:
        """The units of each line that nothing is reserved for yet, and of what its bundle is made of."""
        new = {line.id: line for order, line in lines if self._open(order, line)}
        if not new:
            return
        known = {key: self.session.get_one(Variant, line.variant_id) for key, line in new.items()}
        bundles = bundled.index(self.engine, self.session)
        standing = bundled.standing(self.session, bundles.parts_of({row.sku or "" for row in known.values()}))
        for key, line in new.items():
            variant = known[key]
            self._hold_units(line, variant)
            if bundle := bundles.of(variant.sku):
                line.bundle = line.bundle or parts.made_of(bundle, line.quantity, standing).as_json()
                self._hold_parts(line, bundle, standing)

    def _open(self, order: Order, line: OrderLine) -> bool:
        left = line.quantity - line.cancelled - line.shipped
        known = line.variant_id is not None and not line.without_product
        return line.id not in self.held and known and left > 0 and self._counts(order, line)

    def _hold_parts(self, line: OrderLine, bundle: Bundle, standing: Mapping[str, Sequence[Variant]]) -> None:
        """A component that the store has no single product for is reserved nowhere: the bundle shows 0 meanwhile."""
        for part in bundle.components:
            rows = standing.get(part.sku, ())
            if len(rows) == 1:
                self._hold_units(line, rows[0], part.quantity, bundle.taken_by)

    def _hold_units(
        self, line: OrderLine, variant: Variant, per_unit: int = 1, taken_by: TakenBy = TakenBy.STORE
    ) -> None:
        held = Reservation(
            order_id=line.order_id,
            order_line_id=line.id,
            variant_id=variant.id,
            pool=variant.pool,
            quantity=(line.quantity - line.cancelled - line.shipped) * per_unit,
            per_unit=per_unit,
            taken_by=taken_by.value,
            state="open",
            created_at=self.now,
        )
        self.held.setdefault(line.id, []).append(held)
        self.session.add(held)
        self.pools.add(variant.pool)

    def _counts(self, order: Order, line: OrderLine) -> bool:
        return order.store_state != "skipped" and line.fulfilled_by == FulfilledBy.MERCHANT.value

    def _cancelled(self, order: Order, line: OrderLine, units: int) -> None:
        """The marketplace says that units are cancelled: free what the store never heard of, else tell the store."""
        line.cancelled = units
        for held in self.held.get(line.id, ()):
            if held.state == "open" and order.store_state not in ("creating", "unknown"):
                held.quantity = max(0, line.quantity - units) * held.per_unit
                if held.quantity == 0:
                    held.state, held.released_at = "released", self.now
                self.pools.add(held.pool)
        records.note(
            self.session,
            self.now,
            "cancellation",
            f"{units} of {line.title or line.sku} cancelled",
            order=order.ref,
            sku=line.sku,
        )
        self._close_cancellations(line)
        work.mark(self.session, order.shop_id, [Mark(self.row.id, "sweep", "poll.standing", "all")], self.now)
        self.lanes.add("sweep")
        if order.store_order_id:
            self._tell_store(order)

    def _close_cancellations(self, line: OrderLine) -> None:
        query = select(Cancellation).where(
            Cancellation.order_line_id == line.id,
            Cancellation.state != "done",
            Cancellation.quantity <= line.cancelled,
        )
        for cancellation in self.session.scalars(query):
            cancellation.state, cancellation.done_at = "done", self.now

    def _tell_store(self, order: Order) -> None:
        work.mark(self.session, order.shop_id, [Mark(self.row.id, "orders", "cancel.store", str(order.id))], self.now)
        self.lanes.add("orders")

    def _asked_to_cancel(self, order: Order, line: OrderLine, units: int) -> None:
        """The buyer asks. By default we agree at once; the merchant may want to be asked."""
        ask = self.row.settings.get("buyer_cancellation") == "ask"
        query = select(Cancellation).where(Cancellation.order_line_id == line.id, Cancellation.origin == "buyer")
        cancellation = self.session.scalars(query).first()
        if cancellation is None:
            cancellation = Cancellation(
                order_id=order.id,
                order_line_id=line.id,
                connection_id=self.row.id,
                origin="buyer",
                reason=CancelReason.BUYER_REQUEST.value,
                created_at=self.now,
            )
            self.session.add(cancellation)
        cancellation.quantity, cancellation.rounds = line.cancelled + units, 0
        cancellation.state = "asked" if ask else "wanted"
        self.session.flush()
        text = f"the buyer asks to cancel {units} of {line.title or line.sku}"
        records.note(self.session, self.now, "cancellation", text, order=order.ref, sku=line.sku)
        if ask:
            records.open_problem(
                self.session,
                self.now,
                "cancellation_asked",
                order.ref,
                f"The buyer of order {order.external_id} asks to cancel {line.title or line.sku}.",
                "Accept it on the order's page, or ship the order.",
                connection_id=self.row.id,
            )
            return
        key = str(cancellation.id)
        work.mark(self.session, order.shop_id, [Mark(self.row.id, "orders", "cancel.send", key, priority=1)], self.now)
        self.lanes.add("orders")

    def _decide(self, order: Order, lines: list[OrderLine]) -> None:
        """What happens to the order now."""
        if order.stock_lowered_at is None and any(line.id in self.held for line in lines):
            order.stock_lowered_at = self.now
        ours = [line for line in lines if line.fulfilled_by == FulfilledBy.MERCHANT.value]
        left = [line for line in ours if line.quantity > line.cancelled]
        if order.store_state not in ("skipped", "created"):
            self._towards_store(order, ours, left)
        unmatched.follow(self.session, order, ours, self.now)
        if order.accept_state or order.phase == OrderPhase.AWAITING_ACCEPTANCE:
            self.lanes |= acceptance.follow_phase(self.session, order, left, self.now)
        self._progress(order, lines)

    def _towards_store(self, order: Order, ours: list[OrderLine], left: list[OrderLine]) -> None:
        if not ours:
            order.store_state = "skipped"
        elif not left and order.store_state in ("ready", "held", "cancelled"):
            order.store_state = "cancelled"
            records.close_problem(self.session, self.now, "order_held", order.ref)
        elif order.phase == OrderPhase.AWAITING_ACCEPTANCE:
            return  # whether its products are known is a part of the question
        elif waits := unmatched.settle(order, left, create=self.create_unmatched):
            self._hold(order, waits)
        else:
            if order.store_state == "held":
                order.store_state = "ready"
                records.close_problem(self.session, self.now, "order_held", order.ref)
            if order.phase == OrderPhase.READY:
                self.to_create.append(order.id)

    def _hold(self, order: Order, lines: list[OrderLine]) -> None:
        order.store_state = "held"
        names = ", ".join(line.sku or line.gtin or line.title or line.external_id for line in lines)
        order.error = f"no product in the store for {names}"
        records.open_problem(
            self.session,
            self.now,
            "order_held",
            order.ref,
            f"Order {order.external_id} waits: the store has no single product for {names}.",
            "Give the product this SKU (or EAN) in the store, or match the line on the order's page.",
            connection_id=self.row.id,
        )

    def _progress(self, order: Order, lines: list[OrderLine]) -> None:
        if any(line.quantity > line.cancelled + line.shipped for line in lines):
            return
        shipped = any(line.shipped for line in lines)
        order.channel_state = "shipped" if shipped else "cancelled"
        if shipped:
            order.shipped_at = order.shipped_at or self.now
            order.confirmed_at = order.confirmed_at or self.now
        order.closed_at = order.closed_at or self.now


def _candidates(variants: Sequence[Variant]) -> list[Candidate]:
    return [Candidate(item.id, item.sku, item.gtin) for item in variants]


def _amount(money: Money | None) -> str | None:
    return str(money.amount) if money is not None else None
