"""The seven steps: a product on show, an order placed, brought into the store, shipped, confirmed and closed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from bridge.db.tables import Order, Reservation
from bridge.domain.money import Money
from bridge.flows.sites import used_sites
from bridge.ports.manifest import Capability
from bridge.rehearsal.market import units
from bridge.rehearsal.report import Failed
from bridge.rehearsal.story import Step, Story

BOUGHT = 2
SEVEN = ("placed", "imported", "stock_lowered", "created", "shipped", "confirmed", "closed")
TRACKING = "3SREHEARSAL0001"


def connect_store(story: Story) -> str:
    done = story.world.connect_store()
    story.world.store.prepare()
    hooks = f"{done.webhooks.active} webhooks" if done.webhooks else "no webhooks, asking every 2 s"
    notes = "".join(f"; note: {warning}" for warning in done.warnings)
    info = done.info
    module = f" with its module ({version})" if (version := _module(info)) else ""
    where = f"{done.title.split(' ')[0]} {info['version']}{module}"
    return f"{info['name']}, {where}, sells in {info['currency']}; {hooks}{notes}"


def _module(info: Mapping[str, Any]) -> str:
    """The version of the store's own plugin or module, where there is one that can be used."""
    details = info.get("details") or {}
    found = str(details.get("module") or details.get("plugin") or "")
    return "" if found.startswith("not ") else found


def connect_channel(story: Story) -> str:
    done = story.world.connect_channel()
    where = ", ".join(done.info.get("countries", ())) or "anywhere"
    _refuse_currency(story, f"{done.title} sells in {where}")
    return f"{done.info.get('name') or done.title}, sells in {where}; the sandbox"


def _refuse_currency(story: Story, where: str) -> None:
    """A marketplace of many countries may have one in the store's currency, and its sandbox none."""
    world = story.world
    row, currency = world.row(world.channel_id), world.row(world.store_id).info["currency"]
    known = sorted({site.currency for site in used_sites(world.engine.manifest(row), row)})
    if known and currency not in known:
        words = f"The sandbox of {where}, in {', '.join(known)}, and the store in {currency}: nothing would be listed."
        raise Failed(f"{words} Rehearse with a store, or a view of it, that sells in {' or '.join(known)}.")


def list_product(story: Story) -> str:
    hands = story.world.store
    story.product_id = hands.create_product(story.sku, story.gtin, story.title, story.price, story.stock)
    what = f"{story.sku} on show with {story.stock} at {story.price}"
    seconds = story.until_offered(what, stock=story.stock, price=story.price, ean=story.gtin, title=story.title)
    story.until(f"{story.sku} can be bought", lambda: (story.world.market.offer(story.sku) or {}).get("live"),
                story.offer_seen)  # fmt: skip
    return f"{story.sku}, EAN {story.gtin}: {story.stock} at {story.price}, on show {seconds:.1f} s after it was made"


def change_stock(story: Story) -> str:
    before, story.stock = story.stock, story.stock - 1
    story.world.store.set_stock(story.sku, story.stock)
    seconds = story.until_offered(f"the marketplace shows {story.stock}", stock=story.stock)
    return f"{before} -> {story.stock} in the store, on the marketplace after {seconds:.1f} s"


def change_title(story: Story) -> str:
    story.title += " (new title)"
    story.world.store.change_title(story.sku, story.title)
    seconds = story.until_offered(f"the marketplace shows {story.title!r}", title=story.title)
    return f"{story.title!r}, on the marketplace after {seconds:.1f} s"


def place_order(story: Story) -> str:
    return f"order {buy(story, 'sold', BOUGHT)}: {BOUGHT} x {story.price}"


def buy(story: Story, name: str, quantity: int) -> str:
    """A buyer orders, as soon as it can be bought; the order is remembered under ``name``."""
    story.until(f"{story.sku} can be bought", lambda: (story.world.market.offer(story.sku) or {}).get("live"),
                story.offer_seen)  # fmt: skip
    story.orders[name] = story.world.market.buy(story.sku, quantity, story.price)
    return story.orders[name]


def imported(story: Story) -> str:
    order = story.until("the order is here", lambda: order_row(story, "sold"))
    seconds = max(0.0, (order.imported_at - order.placed_at).total_seconds())
    total = Money.of(order.total, order.currency).text()
    return f"as {order.ref}, {total}, {seconds:.1f} s after it was placed"


def order_row(story: Story, name: str) -> Order | None:
    with story.world.engine.db.read(story.world.shop.id) as session:
        return session.scalars(select(Order).where(Order.external_id == story.orders[name])).first()


def need_row(story: Story, name: str) -> Order:
    row = order_row(story, name)
    if row is None:
        raise Failed(f"order {story.orders[name]} is not here any more")
    return row


def stock_lowered(story: Story) -> str:
    story.stock -= BOUGHT
    seconds = story.until_offered(f"the marketplace shows {story.stock}", stock=story.stock)
    order = need_row(story, "sold")
    if order.stock_lowered_at is None:
        raise Failed("the order reserved nothing")
    if order.created_at is not None and order.created_at < order.stock_lowered_at:
        raise Failed("the store was asked before the stock was lowered")
    return f"{story.stock} on the marketplace after {seconds:.1f} s; reserved before the store was asked"


def created_in_store(story: Story) -> str:
    row = in_store(story, "sold")
    ref = row.ref
    found = story.listed_orders(ref)
    if len(found) != 1:
        raise Failed(f"the store has {len(found)} orders for {ref}: {', '.join(order.number for order in found)}")
    order = found[0]
    expected = Decimal(story.price) * BOUGHT
    if order.total.amount != expected or order.currency != row.currency:
        raise Failed(f"the store order is over {order.total.text()}, the buyer paid {expected} {row.currency}")
    story.until(f"searching the store for {ref} finds order {order.number}",
                lambda: ref in story.world.platform.find_orders([ref]))  # fmt: skip
    return f"store order {order.number}, once, over {order.total.text()} as the buyer paid; found by {ref}"


def in_store(story: Story, name: str) -> Order:
    def look() -> Order | None:
        row = order_row(story, name)
        return row if row is not None and row.store_state == "created" else None

    def seen() -> str:
        row = order_row(story, name)
        return f"{row.store_state} {row.error or ''}".strip() if row is not None else "not imported"

    return story.until(f"order {story.orders[name]} is in the store", look, seen)


def released(story: Story) -> str:
    story.until_shelf(story.stock, "it has taken the order off its own stock")
    held = story.until("nothing is reserved any more", lambda: _released(story, "sold"))
    story.until_offered(f"the marketplace shows {story.stock}", stock=story.stock)
    return f"{story.stock} in the store, {story.stock} on the marketplace, {held} reservation released"


def _released(story: Story, name: str) -> int | None:
    """How many reservations the order had, once all of them are released."""
    row = need_row(story, name)
    with story.world.engine.db.read(story.world.shop.id) as session:
        states = session.scalars(select(Reservation.state).where(Reservation.order_id == row.id)).all()
    return len(states) if states and set(states) == {"released"} else None


def shipped(story: Story) -> str:
    row = need_row(story, "sold")
    carriers = story.world.engine.channels[story.world.plan.channel].manifest.carriers
    carrier = next(iter(carriers), "DHL")
    story.world.store.ship(str(row.store_order_id), carrier, TRACKING)
    sent = story.until("the shipment is confirmed", lambda: _shipment(story, "sold"), lambda: order_seen(story, "sold"))
    return f"{TRACKING} by {carrier}, on the marketplace as {sent['carrier']} {sent['tracking']} with {BOUGHT} units"


def _shipment(story: Story, name: str) -> dict[str, object] | None:
    order = story.world.market.order(story.orders[name])
    if units(order, "shipped", story.sku) != BOUGHT:
        return None
    return next((item for item in order["shipments"] if item["tracking"] == TRACKING and item["carrier"]), None)


def order_seen(story: Story, name: str) -> str:
    order = story.world.market.order(story.orders[name])
    return f"{order['status']}, lines {order['lines']}, shipments {order['shipments']}"


def closed(story: Story) -> str:
    def look() -> Order | None:
        row = need_row(story, "sold")
        return row if row.confirmed_at and row.closed_at else None

    row = story.until("confirmed and closed here too", look)
    times = [getattr(row, f"{name}_at") for name in SEVEN]
    if not all(times):
        missing = [name for name, time in zip(SEVEN, times, strict=True) if time is None]
        raise Failed(f"these steps have no time: {', '.join(missing)}")
    return f"all seven steps have their time; {(times[-1] - times[0]).total_seconds():.1f} s from first to last"


STEPS = (
    Step("store connected", connect_store),
    Step("marketplace connected", connect_channel, ("store connected",)),
    Step("product listed", list_product, ("marketplace connected",)),
    Step("stock change carried", change_stock, ("product listed",)),
    Step("title change carried", change_title, ("product listed",), (Capability.CONTENT,)),
    Step("order placed", place_order, ("product listed",)),
    Step("order imported", imported, ("order placed",)),
    Step("stock lowered", stock_lowered, ("order imported",)),
    Step("order created in the store", created_in_store, ("order imported",)),
    Step("reservation released", released, ("order created in the store", "stock lowered")),
    Step("shipped and confirmed", shipped, ("order created in the store",), (Capability.SHIPMENTS,)),
    Step("order closed", closed, ("shipped and confirmed",), (Capability.SHIPMENTS,)),
)
