"""What may come after: cancellations from both sides, a return, and the end of the product."""

from __future__ import annotations

from sqlalchemy import select

from bridge.db import work
from bridge.db.tables import Order, ReturnRow
from bridge.domain.order import StoreOrder, StoreOrderStatus
from bridge.domain.returns import ReturnDecision
from bridge.flows import attend
from bridge.ports.manifest import Capability
from bridge.rehearsal.market import units
from bridge.rehearsal.report import Failed
from bridge.rehearsal.selling import BOUGHT, buy, in_store, need_row, order_row
from bridge.rehearsal.story import Step, Story

CANCELLED = (StoreOrderStatus.CANCELLED,)


def buyer_cancels(story: Story) -> str:
    order_id = buy(story, "buyer cancels", 1)
    row = in_store(story, "buyer cancels")
    story.world.market.ask_to_cancel(order_id)
    until_cancelled_there(story, "buyer cancels")
    until_cancelled_in_store(story, row)
    until_back_on_sale(story)
    return f"order {order_id}: cancelled on both sides, {story.stock} in the store and on the marketplace again"


def seller_cancels(story: Story) -> str:
    order_id = buy(story, "seller cancels", 1)
    row = in_store(story, "seller cancels")
    story.world.store.cancel(str(row.store_order_id))
    until_cancelled_there(story, "seller cancels")
    until_back_on_sale(story)
    return f"order {order_id}: cancelled in the store, then on the marketplace; {story.stock} on both sides again"


def until_cancelled_there(story: Story, name: str) -> None:
    order_id = story.orders[name]

    def cancelled() -> int:
        return units(story.world.market.order(order_id), "cancelled", story.sku)

    story.until(f"order {order_id} is cancelled on the marketplace", lambda: cancelled() == 1,
                lambda: f"{cancelled()} of 1 cancelled")  # fmt: skip


def until_cancelled_in_store(story: Story, row: Order) -> None:
    story.until("the store order is cancelled", lambda: store_order(story, row).status in CANCELLED,
                lambda: store_order(story, row).raw_status)  # fmt: skip


def store_order(story: Story, row: Order) -> StoreOrder:
    found = story.world.platform.fetch_orders([str(row.store_order_id)])
    if not found:
        raise Failed(f"the store has no order {row.store_number} any more")
    return found[0]


def until_back_on_sale(story: Story) -> None:
    story.until_shelf(story.stock, "the cancelled unit is back")
    story.until_offered(f"the marketplace shows {story.stock}", stock=story.stock)


def send_back(story: Story) -> str:
    story.world.market.send_back(story.orders["sold"], story.sku, 1)
    row = story.until("the return is here", lambda: _return_row(story))
    world = story.world
    kept = _kept_there(story)
    # As the merchant does on the page: the parcel has arrived and is fine.
    attend.decide_return(world.engine, world.shop.id, row.external_id, ReturnDecision.ACCEPTED.value, 1)
    story.until("the return is closed", lambda: _closed(story), lambda: _return_seen(story))
    order = store_order(story, need_row(story, "sold"))
    refunded = sum(line.refunded for line in order.lines)
    if refunded != 1:
        raise Failed(f"store order {order.number} has {refunded} refunded units, not 1")
    story.stock += 1
    until_back_on_sale(story)
    return (
        f"return {row.external_id}{kept}: accepted there, refunded in store order {order.number}, {story.stock} on sale"
    )


def _kept_there(story: Story) -> str:
    """The store's own return, where it keeps them and the app may."""
    world = story.world
    if Capability.RETURNS not in world.platform.manifest.capabilities or world.platform.check().better:
        return ""
    row = story.until(
        "the store keeps the return", lambda: found if (found := _return_row(story)) and found.store_return_id else None
    )
    return f" ({row.store_return_name} in the store)"


def _return_row(story: Story) -> ReturnRow | None:
    with story.world.engine.db.read(story.world.shop.id) as session:
        query = select(ReturnRow).where(ReturnRow.order_external_id == story.orders["sold"])
        return session.scalars(query).first()


def _closed(story: Story) -> bool:
    row = _return_row(story)
    return row is not None and row.state == "closed" and row.store_state == "done"


def _return_seen(story: Story) -> str:
    row = _return_row(story)
    return f"{row.state} there, {row.store_state} in the store {row.error or ''}" if row is not None else "gone"


def compare(story: Story) -> str:
    """Both sides, read anew and held against each other."""
    for name, order_id in story.orders.items():
        _compare_order(story, name, order_id)
    there, here = (story.world.market.offer(story.sku) or {}).get("stock"), story.world.store.stock_of(story.sku)
    if not there == here == story.stock:
        raise Failed(f"the store holds {here}, the marketplace shows {there}, it should be {story.stock}")
    if troubles := story.world.troubles():
        raise Failed(f"both sides agree, and yet there are problems: {troubles}")
    return f"{len(story.orders)} orders, each once in the store and in the same state; {here} on both sides"


def _compare_order(story: Story, name: str, order_id: str) -> None:
    row = order_row(story, name)
    if row is None:
        raise Failed(f"order {order_id} is on the marketplace and not here")
    found = story.listed_orders(row.ref)
    if len(found) != 1:
        raise Failed(f"the store has {len(found)} orders for {row.ref}")
    there = story.world.market.order(order_id)
    cancelled = units(there, "cancelled", story.sku) == units(there, "quantity", story.sku)
    if cancelled != (found[0].status is StoreOrderStatus.CANCELLED):
        raise Failed(f"{row.ref} is {there['status']} on the marketplace and {found[0].raw_status} in the store")
    manifest = story.world.engine.channels[story.world.plan.channel].manifest
    told = Capability.SHIPMENTS in manifest.capabilities
    if told and not cancelled and units(there, "shipped", story.sku) != BOUGHT and name == "sold":
        raise Failed(f"{row.ref} is not shipped whole on the marketplace: {there['lines']}")


def delete_product(story: Story) -> str:
    hands = story.world.store
    removed = hands.traces([story.sku], list(story.world.orders()))
    for trace in removed:
        hands.remove(trace)
    how = "noticed by itself"
    if story.world.is_real:
        _read_again(story)
        how = "read again at our wish; otherwise the nightly sweep does it where the store sends no webhook"
    story.until("the offer is gone or cannot be bought", lambda: _ended(story), story.offer_seen)
    return f"{len(removed)} things removed from the store, the offer has ended ({how})"


def _read_again(story: Story) -> None:
    engine, store = story.world.engine, story.world.store_id
    mark = work.Mark(store, "stock", "product.read", story.product_id)
    engine.db.transact(story.world.shop.id, work.mark, story.world.shop.id, [mark], engine.clock())
    engine.ring({"stock"})


def _ended(story: Story) -> bool:
    offer = story.world.market.offer(story.sku)
    return offer is None or (offer["stock"] == 0 and not offer["live"])


STEPS = (
    Step("buyer's cancellation carried through", buyer_cancels, ("order created in the store",), (Capability.CANCEL,)),
    Step(
        "seller's cancellation carried through", seller_cancels, ("order created in the store",), (Capability.CANCEL,)
    ),
    Step("return handled on both sides", send_back, ("shipped and confirmed",), (Capability.RETURNS,)),
    Step("both sides compared", compare, ("order created in the store",)),
    Step("product removed, offer ended", delete_product, ("product listed",)),
)
