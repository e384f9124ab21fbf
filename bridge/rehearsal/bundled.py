"""A bundle on the marketplace: put together from two products, sold, lowered everywhere, cancelled."""

from __future__ import annotations

from functools import partial

from sqlalchemy import select

from bridge.db.tables import Order, Reservation
from bridge.flows import part_units, plan
from bridge.flows.documents import SHOP, Wish
from bridge.rehearsal.report import Failed
from bridge.rehearsal.selling import in_store, order_row
from bridge.rehearsal.story import Story, new_ean
from bridge.rehearsal.witness import problem

CUPS, POTS, SHELF = 2, 1, 9
KIND = "bundle_parts"


def pot(story: Story) -> str:
    return f"{story.sku}-POT"


def bundle(story: Story) -> str:
    return f"{story.sku}-SET"


def put_together(story: Story) -> str:
    """Two of the article and one of another; the store counts some of the bundle itself, too."""
    world = story.world
    story.stock = SHELF
    world.store.set_stock(story.sku, story.stock)
    for sku, title, units in ((pot(story), "pot", 5), (bundle(story), "set", 40)):
        world.store.create_product(sku, new_ean(), f"{story.title} ({title})", story.price, units)
        story.until(f"{sku} is on show", partial(_shows, story, sku, units), lambda: seen(story))
    parts = [{"sku": story.sku, "quantity": CUPS}, {"sku": pot(story), "quantity": POTS}]
    wish = Wish(subject=SHOP, kind="bundles", content={"bundles": [{"sku": bundle(story), "components": parts}]})
    made = plan.make(world.engine, world.shop.id, [wish], "rehearsal")
    plan.apply(world.engine, world.shop.id, made["id"], "rehearsal", confirm=True)
    until_shown(story, cups=SHELF, pots=5)
    return f"{bundle(story)} = {CUPS} x {story.sku}, {POTS} x {pot(story)}: {SHELF // CUPS} of {SHELF} and 5"


def part_is_read(story: Story) -> str:
    story.world.store.set_stock(pot(story), 3)
    until_shown(story, cups=SHELF, pots=3)
    return "3 pots left in the store, 3 sets on the marketplace"


def sold(story: Story) -> str:
    world = story.world
    story.until("the set can be bought", lambda: (world.market.offer(bundle(story)) or {}).get("live"))
    order_id = story.orders["set"] = world.market.buy(bundle(story), 1, story.price)
    until_shown(story, cups=SHELF - CUPS, pots=3 - POTS)
    row = in_store(story, "set")
    if row.stock_lowered_at is None or (row.created_at and row.created_at < row.stock_lowered_at):
        raise Failed("the store was asked before the stock was lowered")
    told = story.until("the parts are put to the merchant", lambda: problem(story, KIND, row.ref))
    return f"order {order_id}: set, cups and pots lowered before the store was asked. {told.text}"


def parts_are_taken_off(story: Story) -> str:
    """The merchant lowers the parts in the store, then says so."""
    world, row = story.world, _need(story, "set")
    story.stock = SHELF - CUPS
    world.store.set_stock(story.sku, story.stock)
    world.store.set_stock(pot(story), 3 - POTS)
    part_units.taken_off(world.engine, world.shop.id, row.ref)
    held = story.until("nothing is reserved any more", lambda: _released(story, row))
    until_shown(story, cups=story.stock, pots=3 - POTS)
    story.until("the problem is closed", lambda: problem(story, KIND, row.ref) is None)
    return f"{held} reservations released by the readings that came after; the same numbers as before"


def cancelled(story: Story) -> str:
    """Another one, cancelled in the store before anybody took its parts off."""
    world = story.world
    order_id = story.orders["no set"] = world.market.buy(bundle(story), 1, story.price)
    until_shown(story, cups=story.stock - CUPS, pots=3 - 2 * POTS)
    row = in_store(story, "no set")
    world.store.cancel(str(row.store_order_id))
    until_shown(story, cups=story.stock, pots=3 - POTS)
    story.until("nothing is reserved any more", lambda: _released(story, row))
    if problem(story, KIND, row.ref) is not None:
        raise Failed("the parts of a cancelled order are still to be taken off")
    return f"order {order_id}: set, cups and pots are on sale again, each once"


def until_shown(story: Story, *, cups: int, pots: int) -> None:
    wanted = {story.sku: cups, pot(story): pots, bundle(story): min(cups // CUPS, pots // POTS)}
    story.until(
        f"the marketplace shows {', '.join(f'{units} x {sku}' for sku, units in wanted.items())}",
        lambda: all(_shows(story, sku, units) for sku, units in wanted.items()),
        lambda: seen(story),
    )


def seen(story: Story) -> str:
    known = {offer["sku"]: offer.get("stock") for offer in story.world.market.offers()}
    return ", ".join(f"{known.get(sku)} x {sku}" for sku in (story.sku, pot(story), bundle(story)))


def _shows(story: Story, sku: str, units: int) -> bool:
    return (story.world.market.offer(sku) or {}).get("stock") == units


def _need(story: Story, name: str) -> Order:
    row = order_row(story, name)
    if row is None:
        raise Failed(f"order {story.orders[name]} is not here")
    return row


def _released(story: Story, row: Order) -> int | None:
    """How many reservations the order had, once all of them are released."""
    with story.world.engine.db.read(story.world.shop.id) as session:
        states = session.scalars(select(Reservation.state).where(Reservation.order_id == row.id)).all()
    return len(states) if states and set(states) == {"released"} else None
