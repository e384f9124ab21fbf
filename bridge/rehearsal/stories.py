"""What may go wrong after the sale, each as a story of its own: the same world, the same shape, other steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import select

from bridge.db.tables import Cancellation, Order, OrderLine, ParcelRow, RefundRow, ReturnRow, Work
from bridge.domain.order import OrderPhase, StoreOrder
from bridge.domain.returns import RefundLine, ReturnDecision
from bridge.flows import attend
from bridge.ports.manifest import Capability
from bridge.rehearsal import aftersales, bundled, by_person, selling
from bridge.rehearsal.market import units
from bridge.rehearsal.report import Failed
from bridge.rehearsal.selling import BOUGHT, TRACKING, buy, in_store, need_row, order_row
from bridge.rehearsal.story import Step, Story
from bridge.rehearsal.witness import carrier, problem

LATE = "3SREHEARSAL0002"


def seller_is_out(story: Story) -> str:
    """Sold on the marketplace while the last one went elsewhere: by the policy ``cancel`` it is cancelled at once."""
    world = story.world
    world.set_channel(no_stock="cancel")
    shelf, story.stock = story.stock, 0
    world.store.set_stock(story.sku, 0)
    story.until_offered("the marketplace shows 0", stock=0)
    order_id = story.orders["out of stock"] = world.market.buy(story.sku, 1, story.price, force=True)
    row = story.until("the order is here", lambda: order_row(story, "out of stock"))
    if row.phase == OrderPhase.AWAITING_ACCEPTANCE:
        story.until("the merchant is asked", lambda: problem(story, "acceptance_asked", row.ref))
        attend.decline_order(world.engine, world.shop.id, row.ref)
    aftersales.until_cancelled_there(story, "out of stock")
    in_store_or_cancelled(story, "out of stock")
    world.store.set_stock(story.sku, shelf)
    story.stock = shelf
    story.until_offered(f"the marketplace shows {shelf}", stock=shelf)
    world.set_channel(no_stock="ask")
    return f"order {order_id}: not there, cancelled on the marketplace; {shelf} on both sides when stock came in"


def in_store_or_cancelled(story: Story, name: str) -> Order:
    def look() -> Order | None:
        row = order_row(story, name)
        over = row is not None and row.store_state == "cancelled"
        if row is not None and row.store_state == "created" and row.store_order_id:
            found = story.world.platform.fetch_orders([row.store_order_id])
            over = bool(found) and found[0].status in aftersales.CANCELLED
        return row if over else None

    return story.until(f"order {story.orders[name]} is not in the store, or is cancelled there", look)


def crosses_a_parcel(story: Story) -> str:
    """The buyer asks while the parcel leaves. Where the marketplace cancels at once, that is the end of it."""
    order_id = buy(story, "crossing", 1)
    row = in_store(story, "crossing")
    story.until_shelf(story.stock - 1, "it has taken the order off its own stock")
    story.world.set_channel(buyer_cancellation="ask")
    story.world.market.ask_to_cancel(order_id)
    if units(story.world.market.order(order_id), "cancelled", story.sku):
        aftersales.until_cancelled_in_store(story, row)
        aftersales.until_back_on_sale(story)
        return f"order {order_id}: this marketplace cancels at once; the store follows, nothing was shipped"
    story.until("the request is seen", lambda: _cancellation(story, row, "buyer", "asked"))
    story.stock -= 1
    story.world.store.ship(str(row.store_order_id), carrier(story), TRACKING)
    story.until(
        "the parcel is confirmed", lambda: units(story.world.market.order(order_id), "shipped", story.sku) == 1,
        lambda: selling.order_seen(story, "crossing"),
    )  # fmt: skip
    told = story.until("the merchant is told", lambda: problem(story, "cancellation_overtaken", row.ref))
    story.world.set_channel(buyer_cancellation="accept")
    return f"order {order_id}: {told.text}"


def sent_back_refused(story: Story) -> str:
    world = story.world
    before = _store_order(story).refunded
    world.market.send_back(story.orders["sold"], story.sku, 1)
    row = story.until("the second return is here", lambda: _return(story, "open"))
    reason = "worn, and the label is missing"
    attend.decide_return(world.engine, world.shop.id, f"id:{row.id}", ReturnDecision.REFUSED.value, 1, note=reason)
    found = story.until("the answer is given", lambda: _return(story, "closed", "failed", number=row.id))
    after = _store_order(story).refunded
    if before != after:
        raise Failed(f"{after} is refunded in the store, {before} before the refusal")
    if found.state == "failed":
        return f"return {found.external_id}: this marketplace takes it in its own portal only ({found.error})"
    return f"return {found.external_id}: refused ({found.note}), nothing paid back, nothing on the shelf"


def both_ledgers(story: Story) -> str:
    """What is given back on the marketplace and in the store, held against each other to the cent."""
    row = need_row(story, "sold")
    expected = Decimal(story.price)
    refunded = story.until("the store's refund is known", lambda: _store_order(story).refunded)
    if refunded.amount != expected:
        raise Failed(f"the store has refunded {refunded.text()}, one unit costs {expected}")
    if Capability.REFUNDS in _capabilities(story):
        paid = story.until("the marketplace has paid it back", lambda: _refund(story, row, "return"))
        if Decimal(paid.amount) != expected:
            raise Failed(f"{paid.amount} is paid back on the marketplace, one unit costs {expected}")
        return f"{refunded.text()} in the store, {paid.amount} through the marketplace"
    if told := problem(story, "refund_differs", row.ref):
        raise Failed(told.text)
    return f"{refunded.text()} in the store; the marketplace pays back by itself"


def sold_and_shipped(story: Story) -> str:
    order_id = buy(story, "goodwill", BOUGHT)
    story.stock -= BOUGHT
    row = in_store(story, "goodwill")
    story.world.store.ship(str(row.store_order_id), carrier(story), TRACKING)
    story.until(
        "the shipment is confirmed",
        lambda: units(story.world.market.order(order_id), "shipped", story.sku) == BOUGHT,
        lambda: selling.order_seen(story, "goodwill"),
    )
    return f"order {order_id}: {BOUGHT} x {story.price}, in the store as {row.store_number}, shipped and confirmed"


def refund_alone(story: Story) -> str:
    """The merchant refunds one unit in the store; nothing comes back."""
    row = need_row(story, "goodwill")
    order = aftersales.store_order(story, row)
    line = order.lines[0]
    part = RefundLine(store_line_id=line.external_id, quantity=1, restock=False)
    story.world.platform.refund_lines(order.external_id, [part], "Goodwill", f"rehearsal-{order.number}")
    expected = Decimal(story.price)
    if Capability.REFUNDS in _capabilities(story):
        paid = story.until("it is paid back through the marketplace", lambda: _refund(story, row, "store"))
        if Decimal(paid.amount) != expected:
            raise Failed(f"{paid.amount} was paid back, {expected} was refunded in the store")
        return f"{paid.amount} {row.currency} refunded in the store, the same through the marketplace, once"
    told = story.until("the difference is told", lambda: problem(story, "refund_differs", row.ref))
    if story.price not in told.text:
        raise Failed(f"the difference of {story.price} is not named: {told.text}")
    return f"lacks refunds: {_lacks(story, Capability.REFUNDS)} So it is said: {told.text}"


def completed_without_number(story: Story) -> str:
    order_id = buy(story, "untracked", BOUGHT)
    story.stock -= BOUGHT
    row = in_store(story, "untracked")
    story.world.store.ship(str(row.store_order_id), carrier(story), "")
    told = story.until("the missing number is told", lambda: problem(story, "tracking_missing", row.ref))
    if units(story.world.market.order(order_id), "shipped", story.sku):
        raise Failed("it was confirmed without a tracking number")
    return told.text


def number_comes_late(story: Story) -> str:
    row = need_row(story, "untracked")
    story.world.store.ship(str(row.store_order_id), carrier(story), LATE)
    story.until(
        "the shipment is confirmed",
        lambda: units(story.world.market.order(row.external_id), "shipped", story.sku) == BOUGHT,
        lambda: selling.order_seen(story, "untracked"),
    )
    story.until("the problem is closed", lambda: problem(story, "tracking_missing", row.ref) is None)
    with story.world.engine.db.read(story.world.shop.id) as session:
        sent = session.scalars(select(ParcelRow).where(ParcelRow.order_id == row.id, ParcelRow.number == LATE)).all()
    if len(sent) != 1:
        raise Failed(f"{len(sent)} parcels carry {LATE}, not 1")
    return f"{LATE} entered later, confirmed with {BOUGHT} units, once"


def store_goes_down(story: Story) -> str:
    world = story.world
    if world.is_real:
        raise Failed("A real store is not taken down; rehearse this story against its sandbox (leave out --store).")
    world.set_channel(store_away="zero", store_away_after="0")
    world.break_store()
    try:
        order_id = story.orders["meanwhile"] = world.market.buy(story.sku, 1, story.price)
        story.until("listings show 0", lambda: world.watch() and _shows(story, 0), story.offer_seen)
        row = story.until("the order is here", lambda: order_row(story, "meanwhile"))
    except Exception:
        world.mend_store()
        raise
    if row.store_state == "created":
        raise Failed("the order was made in a store that is down")
    return f"the store answers 503: {story.sku} shows 0 on the marketplace, order {order_id} is kept"


def store_comes_back(story: Story) -> str:
    world = story.world
    world.mend_store()
    story.stock -= 1
    row = in_store(story, "meanwhile")
    if len(found := story.store_orders(row.ref)) != 1:
        raise Failed(f"the store has {len(found)} orders for {row.ref}")
    story.until(
        f"the marketplace shows {story.stock}", lambda: world.watch() and _shows(story, story.stock), story.offer_seen
    )
    world.set_channel(store_away="keep")
    return f"compared first, then {story.stock} on sale again; the order kept meanwhile is in the store, once"


def access_is_revoked(story: Story) -> str:
    world = story.world
    world.market.fault("unauthorised")
    story.stock -= 1
    world.store.set_stock(story.sku, story.stock)
    row = story.until(
        "the connection is set aside",
        lambda: found if (found := world.row(world.channel_id)).state == "needs_reauth" else None,
        lambda: world.row(world.channel_id).state,
    )
    story.until("the merchant is told", lambda: problem(story, "reauthorise", f"connection {row.id}"))
    story.orders["revoked"] = world.market.buy(story.sku, 1, story.price)
    return f"{row.state_reason} Its work waits."


def access_is_back(story: Story) -> str:
    world = story.world
    with world.engine.db.read(world.shop.id) as session:
        burnt = session.scalars(
            select(Work.kind).where(Work.connection_id == world.channel_id, Work.parked.is_(True))
        ).all()
    if burnt:
        raise Failed(f"work was given up meanwhile: {', '.join(burnt)}")
    world.market.mend()
    world.reconnect_channel()
    story.stock -= 1
    row = in_store(story, "revoked")
    story.until_offered(f"the marketplace shows {story.stock}", stock=story.stock)
    if problem(story, "reauthorise", f"connection {world.channel_id}"):
        raise Failed("the problem is still open")
    return f"reconnected: {story.stock} on sale, order {row.external_id} caught up with, nothing lost"


def _shows(story: Story, stock: int) -> bool:
    return (story.world.market.offer(story.sku) or {}).get("stock") == stock


def _capabilities(story: Story) -> tuple[Capability, ...]:
    return story.world.engine.channels[story.world.plan.channel].manifest.capabilities


def _lacks(story: Story, capability: Capability) -> str:
    return story.world.engine.channels[story.world.plan.channel].manifest.lacks.get(capability, "")


def _store_order(story: Story) -> StoreOrder:
    return aftersales.store_order(story, need_row(story, "sold"))


def _cancellation(story: Story, row: Order, origin: str, state: str) -> Cancellation | None:
    query = select(Cancellation).join(OrderLine, OrderLine.id == Cancellation.order_line_id)
    query = query.where(OrderLine.order_id == row.id, Cancellation.origin == origin, Cancellation.state == state)
    with story.world.engine.db.read(story.world.shop.id) as session:
        return session.scalars(query).first()


def _return(story: Story, *states: str, number: int | None = None) -> ReturnRow | None:
    query = select(ReturnRow).where(ReturnRow.order_external_id == story.orders["sold"], ReturnRow.state.in_(states))
    if number is not None:
        query = query.where(ReturnRow.id == number)
    with story.world.engine.db.read(story.world.shop.id) as session:
        return session.scalars(query.order_by(ReturnRow.id.desc())).first()


def _refund(story: Story, row: Order, name: str) -> RefundRow | None:
    """That of a return, or of the store, once it is paid."""
    query = select(RefundRow).where(RefundRow.order_id == row.id, RefundRow.state == "done")
    query = query.where(RefundRow.ref.startswith(f"{row.ref}/{name}-"))
    with story.world.engine.db.read(story.world.shop.id) as session:
        return session.scalars(query).first()


def _named(*names: str) -> tuple[Step, ...]:
    known = {step.name: step for step in (*selling.STEPS, *aftersales.STEPS)}
    return tuple(known[name] for name in names)


_LISTED = _named("store connected", "marketplace connected", "product listed")
_SOLD = _named("order placed", "order imported", "stock lowered", "order created in the store", "reservation released")
_SHIPPED = (
    *_SOLD,
    *(replace(step, instead=by_person.ships_sold) for step in _named("shipped and confirmed")),
)
_SHOWN, _SHIP = ("product listed",), ("shipped and confirmed",)
_CANCEL, _SHIPS = (Capability.CANCEL,), (Capability.SHIPMENTS,)
_BACK = (Capability.RETURNS, Capability.SHIPMENTS)
STORIES: Mapping[str, tuple[Step, ...]] = {
    "cancel": (
        *_LISTED,
        Step("seller's cancellation carried through", aftersales.seller_cancels, _SHOWN, _CANCEL,
             by_person.seller_cancels),
        Step("sold and not there: cancelled", seller_is_out, _SHOWN, _CANCEL, by_person.seller_is_out),
    ),
    "buyer-cancel": (
        *_LISTED,
        Step("buyer's cancellation carried through", aftersales.buyer_cancels, _SHOWN, _CANCEL,
             by_person.buyer_cancels),
        Step("request that crosses a parcel", crosses_a_parcel, _SHOWN, (*_CANCEL, *_SHIPS),
             by_person.no_request_crosses),
    ),
    "return": (
        *_LISTED,
        *_SHIPPED,
        Step("return accepted", aftersales.send_back, _SHIP, _BACK, by_person.takes_back),
        Step("amounts agree to the cent", both_ledgers, ("return accepted",), _BACK, by_person.names_the_amount),
        Step("return refused with its reason", sent_back_refused, ("return accepted",), _BACK, by_person.refuses),
    ),
    "refund-only": (
        *_LISTED,
        Step("sold and shipped", sold_and_shipped, _SHOWN, _SHIPS, by_person.ships),
        Step("refund without a return", refund_alone, ("sold and shipped",)),
    ),
    "late-tracking": (
        *_LISTED,
        Step("shipped without a number", completed_without_number, _SHOWN, _SHIPS, by_person.ships_without_number),
        Step("the number comes late", number_comes_late, ("shipped without a number",), _SHIPS,
             by_person.number_comes_late),
    ),
    "store-down": (
        *_LISTED,
        Step("the store goes down", store_goes_down, _SHOWN),
        Step("the store is back", store_comes_back, ("the store goes down",)),
    ),
    "revoked": (
        *_LISTED,
        Step("access is revoked", access_is_revoked, _SHOWN),
        Step("access is back", access_is_back, ("access is revoked",)),
    ),
    "bundle": (
        *_LISTED,
        Step("bundle put together", bundled.put_together, _SHOWN),
        Step("a part is read", bundled.part_is_read, ("bundle put together",)),
        Step("bundle sold", bundled.sold, ("a part is read",)),
        Step("parts taken off", bundled.parts_are_taken_off, ("bundle sold",)),
        Step("bundle cancelled", bundled.cancelled, ("parts taken off",)),
    ),
}  # fmt: skip


def steps_of(names: tuple[str, ...]) -> tuple[Step, ...]:
    """The steps of these stories one after the other; those they share are told once."""
    found: dict[tuple[str, Callable[[Story], str]], Step] = {}
    for name in names:
        for step in STORIES[name]:
            found.setdefault((step.name, step.act), step)
    return tuple(found.values())
