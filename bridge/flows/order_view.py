"""Orders as a person sees them: the seven steps with their times, and everything that hangs on one order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from bridge.db.tables import (
    Cancellation,
    Connection,
    Order,
    OrderLine,
    ParcelRow,
    Problem,
    RefundRow,
    Reservation,
    ReturnRow,
    Variant,
)
from bridge.domain.bundles import TakenBy
from bridge.flows import parts, shipping_methods
from bridge.flows.sites import place
from bridge.ports.errors import AskMerchant

R = TypeVar("R")
Key = tuple[datetime, int]

# The seven steps: the column of its time, and how the step is called.
STEPS = (
    ("placed_at", "Placed"),
    ("imported_at", "Imported"),
    ("stock_lowered_at", "Stock lowered"),
    ("created_at", "In the store"),
    ("shipped_at", "Shipped"),
    ("confirmed_at", "Confirmed"),
    ("closed_at", "Closed"),
)
NEVER = {"skipped": "not created in the store", "cancelled": "cancelled"}
TROUBLE = ("held", "failed", "unknown")


def orders(
    session: Session,
    limit: int,
    before: Key | None = None,
    *,
    only_open: bool = False,
    search: str = "",
    only: Sequence[ColumnElement[bool]] = (),
) -> list[dict[str, Any]]:
    """The newest orders, each with its seven steps and what was sold. ``before``: (placed_at, id) of the last one
    seen; ``only``: conditions on them."""
    query = select(Order, Connection).join(Connection, Connection.id == Order.connection_id).where(*only)
    if only_open:
        query = query.where(Order.closed_at.is_(None))
    if search:
        query = query.where(or_(Order.external_id == search, Order.ref == search, Order.store_number == search))
    if before is not None:
        placed, number = before
        query = query.where(or_(Order.placed_at < placed, and_(Order.placed_at == placed, Order.id < number)))
    found = session.execute(query.order_by(Order.placed_at.desc(), Order.id.desc()).limit(limit)).all()
    ids = [row[0].id for row in found]
    lines, asked = _lines_of(session, ids), _asked_to_cancel(session, ids)
    heads = [_head(row, place(channel, row.site), lines[row.id]) for row, channel in found]
    return [{**head, "asked_to_cancel": head["id"] in asked} for head in heads]


def _asked_to_cancel(session: Session, ids: Sequence[int]) -> set[int]:
    """Those whose buyers wait for an answer."""
    query = select(Cancellation.order_id).where(Cancellation.order_id.in_(ids), Cancellation.origin == "buyer")
    return set(session.scalars(query.where(Cancellation.state == "asked")))


def _lines_of(session: Session, ids: Sequence[int]) -> defaultdict[int, list[OrderLine]]:
    lines: defaultdict[int, list[OrderLine]] = defaultdict(list)
    for line in session.scalars(select(OrderLine).where(OrderLine.order_id.in_(ids)).order_by(OrderLine.id)):
        lines[line.order_id].append(line)
    return lines


def _head(row: Order, title: str, lines: Sequence[OrderLine]) -> dict[str, Any]:
    names = ("id", "ref", "external_id", "currency", "total", "channel_state", "store_state", "store_number")
    more = ("placed_at", "ship_by", "closed_at", "store_status", "error", "phase", "accept_by", "accept_state")
    sold = [
        {"sku": line.sku or line.gtin or line.external_id, "title": line.title, "quantity": line.quantity}
        for line in lines
    ]
    head: dict[str, Any] = {name: getattr(row, name) for name in (*names, *more)}
    head["waits_for"] = _waits_for(row)
    return {**head, "channel": title, "store_link": _web(row.store_link), "lines": sold, "steps": steps(row)}


def _waits_for(row: Order) -> str:
    """What the marketplace's phase of an open order means for us: "acceptance", "payment" or nothing."""
    if row.closed_at is not None or row.channel_state == "cancelled":
        return ""
    return {"awaiting_acceptance": "acceptance", "pending": "payment"}.get(row.phase, "")


def _web(link: str | None) -> str | None:
    """A link from outside is shown as a link only when it is one."""
    return link if link and link.startswith(("https://", "http://")) else None


def steps(row: Order) -> list[dict[str, Any]]:
    """Each step with its time and state: done, now (the one that is waited for), later, trouble, never."""
    shown: list[dict[str, Any]] = []
    waiting = True
    for name, label in STEPS:
        at = getattr(row, name)
        state = "done" if at else _undone(row, name, waiting)
        waiting = waiting and state in ("done", "never")
        shown.append({"name": name.removesuffix("_at"), "label": label, "at": at, "state": state})
    return shown


def _undone(row: Order, name: str, waiting: bool) -> str:
    over = row.closed_at is not None or row.channel_state == "cancelled"
    ours = name in ("stock_lowered_at", "created_at")
    if over or (ours and row.store_state in NEVER):
        return "never"
    if not waiting:
        return "later"
    return "trouble" if row.error or (name == "created_at" and row.store_state in TROUBLE) else "now"


def find_order(session: Session, reference: str) -> Order:
    """An order by its number here, on the marketplace or in the store. Raises AskMerchant."""
    name = reference.strip().removeprefix("order:")
    query = select(Order).where(or_(Order.external_id == name, Order.ref == name, Order.store_number == name))
    found = list(session.scalars(query.order_by(Order.id).limit(10)))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(order.ref for order in found)
        raise AskMerchant(f"{name} may mean {names}: name one of these.", field="reference")
    raise AskMerchant(f"There is no order {name!r} here; `storebridge orders --all` lists them.", field="reference")


def ids_of(session: Session, refs: Sequence[str]) -> dict[str, int]:
    """Our numbers of the orders among these references."""
    rows = session.execute(select(Order.ref, Order.id).where(Order.ref.in_(sorted(set(refs)))))
    return {row[0]: row[1] for row in rows}


def order(session: Session, order_id: int) -> dict[str, Any] | None:
    """Everything about one order but the buyer's personal data. None when this shop has no such order."""
    query = select(Order, Connection).join(Connection, Connection.id == Order.connection_id)
    found = session.execute(query.where(Order.id == order_id)).first()
    if found is None:
        return None
    row, channel = found
    lines = list(session.scalars(select(OrderLine).where(OrderLine.order_id == row.id).order_by(OrderLine.id)))
    times = ("imported_at", "created_at", "shipped_at", "confirmed_at", "expires_at")
    sold = _lines(session, row, lines)
    return {
        **_head(row, place(channel, row.site), lines),
        **{name: getattr(row, name) for name in times},
        "connection_id": channel.id,
        "shipping": row.shipping,
        "shipping_tax": row.shipping_tax,
        "tax_by_channel": row.tax_by_channel,
        "store_total": row.store_total,
        "shipping_method": row.shipping_method,
        "store_method": shipping_methods.shown(row, channel),
        "lines": sold,
        "parts_wait": any(
            part["reservation"] == "waiting" and part["reserved"] and part["taken_by"] == TakenBy.PERSON.value
            for line in sold
            for part in line["parts"]
        ),
        "parcels": _parcels(session, row),
        "cancellations": _cancellations(session, row, lines),
        "returns": returns(session, order=row),
        "refunds": _refunds(session, row, lines),
        "problems": _problems(session, row),
    }


def reference(session: Session, number: str) -> str:
    """The order of this number, as the records have it: behind its account."""
    query = select(Connection.account).join(Order, Order.connection_id == Connection.id)
    account = session.scalars(query.where(Order.external_id == number).order_by(Order.id.desc())).first()
    return number if account is None else f"{account}:{number}"


def buyer(session: Session, order_id: int) -> dict[str, list[tuple[str, str]]]:
    """Who bought and where it goes, line by line as on a parcel, each with the name of its (first) field: ``ship_to``,
    and ``bill_to`` where it is another. Personal: for people only who may see customers' data. Empty when it was
    erased."""
    held = session.scalars(select(Order.buyer).where(Order.id == order_id)).first() or {}
    found = {name: _address(held.get(name) or {}) for name in ("ship_to", "bill_to")}
    return {name: lines for name, lines in found.items() if lines and (name == "ship_to" or lines != found["ship_to"])}


def _address(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = (("first_name", "last_name"), ("company",), ("street", "house_number", "addition"), ("postcode", "city"),
            ("region",), ("country",), ("email",), ("phone",))  # fmt: skip
    lines = ((row[0], " ".join(str(told[name]) for name in row if told.get(name))) for row in rows)
    return [(name, line) for name, line in lines if line]


def _lines(session: Session, row: Order, lines: Sequence[OrderLine]) -> list[dict[str, Any]]:
    held: defaultdict[int, list[Reservation]] = defaultdict(list)
    query = select(Reservation).where(Reservation.order_id == row.id).order_by(Reservation.id)
    for item in session.scalars(query):
        held[item.order_line_id].append(item)
    ids = {line.variant_id for line in lines} | {item.variant_id for found in held.values() for item in found}
    known = {v.id: v for v in session.scalars(select(Variant).where(Variant.id.in_(ids - {None})))}
    return [_line(line, known, held[line.id]) for line in lines]


def _line(line: OrderLine, known: Mapping[int, Variant], found: Sequence[Reservation]) -> dict[str, Any]:
    variant = known.get(line.variant_id or 0)
    held = next((item for item in found if item.variant_id == line.variant_id), None)
    taken = [item for item in found if item.variant_id != line.variant_id]
    names = ("id", "external_id", "sku", "gtin", "title", "quantity", "cancelled", "shipped", "unit_price", "total",
             "tax", "discount")  # fmt: skip
    ours = line.fulfilled_by == "merchant"
    return {
        **{name: getattr(line, name) for name in names},
        "fulfilled_by": line.fulfilled_by,
        "open": max(0, line.quantity - line.cancelled - line.shipped),
        "matched_sku": variant.sku if variant else None,
        "matched_title": variant.title if variant else None,
        "without_product": line.without_product,
        "unmatched": ours and line.variant_id is None and line.quantity > line.cancelled,
        "reservation": held.state if held else None,
        "reserved": held.quantity if held and held.state != "released" else 0,
        "parts": [_part(item, known.get(item.variant_id)) for item in taken],
    }


def _part(held: Reservation, variant: Variant | None) -> dict[str, Any]:
    """A component of a bundle: what of it is still reserved, and who takes it off the store's stock."""
    return {
        "sku": variant.sku if variant else None,
        "title": variant.title if variant else "",
        "each": held.per_unit,
        "reservation": held.state,
        "reserved": held.quantity if held.state != "released" else 0,
        "taken_by": held.taken_by,
    }


def _parcels(session: Session, row: Order) -> list[dict[str, Any]]:
    names = ("id", "carrier", "number", "carrier_code", "lines", "state", "shipped_at", "sent_at", "confirmed_at")
    query = select(ParcelRow).where(ParcelRow.order_id == row.id).order_by(ParcelRow.id)
    return [{**_pick(parcel, names), "error": parcel.error} for parcel in session.scalars(query)]


def _cancellations(session: Session, row: Order, lines: Sequence[OrderLine]) -> list[dict[str, Any]]:
    skus = {line.id: line.sku or line.title for line in lines}
    names = ("id", "origin", "quantity", "reason", "state", "created_at", "done_at", "error")
    query = select(Cancellation).where(Cancellation.order_id == row.id).order_by(Cancellation.id)
    return [{**_pick(item, names), "sku": skus.get(item.order_line_id)} for item in session.scalars(query)]


def _refunds(session: Session, row: Order, lines: Sequence[OrderLine]) -> list[dict[str, Any]]:
    skus = {line.id: line.sku or line.title for line in lines}
    names = ("id", "quantity", "amount", "state", "created_at", "done_at", "error")
    query = select(RefundRow).where(RefundRow.order_id == row.id).order_by(RefundRow.id)
    return [{**_pick(item, names), "sku": skus.get(item.order_line_id)} for item in session.scalars(query)]


def returns(
    session: Session, *, order: Order | None = None, only_open: bool = False, one: int | None = None, limit: int = 200
) -> list[Any]:
    """Returns: those to decide first, by deadline; then the newest. ``one``: the number here of the only one."""
    query = select(ReturnRow, Connection.title, Order.id)
    query = query.join(Connection, Connection.id == ReturnRow.connection_id).outerjoin(
        Order, and_(Order.connection_id == ReturnRow.connection_id, Order.external_id == ReturnRow.order_external_id)
    )
    if order is not None:
        query = query.where(
            ReturnRow.connection_id == order.connection_id, ReturnRow.order_external_id == order.external_id
        )
    if only_open:
        query = query.where(ReturnRow.state.in_(("open", "failed")))
    if one is not None:
        query = query.where(ReturnRow.id == one)
    urgent = ReturnRow.state.not_in(("open", "failed"))
    query = query.order_by(urgent, ReturnRow.respond_by, ReturnRow.registered_at.desc(), ReturnRow.id)
    names = ("id", "external_id", "order_external_id", "sku", "gtin", "title", "quantity", "reason", "registered_at")
    more = (
        "received_at",
        "respond_by",
        "decision",
        "decided_quantity",
        "restock",
        "condition",
        "note",
        "days_late",
        "store_return_name",
        "state",
        "store_state",
        "error",
        "closed_at",
        "parts",
        "connection_id",
    )
    found = session.execute(query.limit(limit)).all()
    made_of = _bundles(session, [row for row, _, _ in found if row.state in ("open", "failed")])
    return [
        {**_pick(row, (*names, *more)), "channel": title, "order_id": order_id, "bundle": made_of.get(row.id, [])}
        for row, title, order_id in found
    ]


def _bundles(session: Session, rows: Sequence[ReturnRow]) -> dict[int, list[dict[str, Any]]]:
    """What bundles to be decided are made of, each part with the units that may come back; by return."""
    names = {bundle.sku for bundle in parts.read(session).bundles}
    lines = {row.order_line_id: row for row in rows if row.order_line_id is not None}
    query = select(OrderLine).outerjoin(Variant, Variant.id == OrderLine.variant_id).where(OrderLine.id.in_(lines))
    known = {line.id: line for line in session.scalars(query.where(_may_be_bundle(names)))} if rows else {}
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        line = known.get(row.order_line_id or 0)
        sold = parts.sold_as(session, line)
        if line is not None and sold is not None:
            most, may = sold.units(row.quantity), parts.left(session, line, sold, row.id)
            found[row.id] = [
                {"sku": part.sku, "title": part.title, "most": min(most[part.sku], may[part.sku])}
                for part in sold.parts
            ]
    return found


def _may_be_bundle(names: Collection[str]) -> ColumnElement[bool]:
    return or_(OrderLine.sku.in_(names), Variant.sku.in_(names))


def _problems(session: Session, row: Order) -> list[dict[str, Any]]:
    names = ("id", "kind", "subject", "severity", "text", "fix", "opened_at", "count")
    query = select(Problem).where(Problem.subject == row.ref, Problem.closed_at.is_(None)).order_by(Problem.id)
    return [_pick(problem, names) for problem in session.scalars(query)]


def _pick(row: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
