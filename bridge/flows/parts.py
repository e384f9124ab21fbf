"""Parts of a bundle in a return: what the line was made of, what of it is back, and in what condition."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import OrderLine, RefundRow, Reservation, ReturnRow, Variant
from bridge.domain.bundles import Bundle, Bundles, SoldBundle, SoldPart, TakenBy
from bridge.domain.returns import Condition, ReturnDecision, Shelf
from bridge.domain.values import Value
from bridge.flows import bundled, documents
from bridge.flows.bundled import KIND
from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import Capability, Manifest

__all__ = ["KIND", "Back"]


class Back(Value):
    """Units of one component as the merchant found them. ``restock`` None: by the rule for their condition."""

    sku: str
    units: int = Field(ge=0)
    condition: Condition | None = None
    restock: bool | None = None


def sold_as(session: Session, line: OrderLine | None) -> SoldBundle | None:
    """What the line was made of, as it was when somebody first had to know; None where it is no bundle."""
    if line is None:
        return None
    if line.bundle:
        return SoldBundle.model_validate(line.bundle)
    own = session.get(Variant, line.variant_id) if line.variant_id is not None else None
    name = own.sku if own is not None else line.sku
    found = next((bundle for bundle in read(session).bundles if bundle.sku == name), None)
    if found is None:
        return None
    return made_of(found, line.quantity, bundled.standing(session, [part.sku for part in found.components]))


def made_of(bundle: Bundle, units: int, standing: Mapping[str, Sequence[Variant]]) -> SoldBundle:
    """So many of this bundle, with its parts worth what the store asks for them now."""
    parts = tuple(_part(part.sku, part.quantity, standing.get(part.sku, ())) for part in bundle.components)
    return SoldBundle(bundles=units, parts=parts)


def read(session: Session) -> Bundles:
    """The merchant's bundles as they are now."""
    row = documents.read(session, documents.SHOP, KIND)
    return Bundles.model_validate(row.content) if row is not None else Bundles()


def _part(sku: str, each: int, rows: Collection[Variant]) -> SoldPart:
    variant = next(iter(rows), None)
    price = (variant.data.get("price") or {}).get("amount") if variant is not None else None
    title = variant.title if variant is not None else ""
    return SoldPart(sku=sku, title=title, each=each, worth=Decimal(str(price or 0)) * each)


def takes_parts(manifest: Manifest) -> bool:
    """Whether any amount can be paid back through this marketplace for a return."""
    return Capability.REFUNDS in manifest.capabilities and manifest.policies.returns.partial == "any amount"


def left(session: Session, line: OrderLine, sold: SoldBundle, but: int | None = None) -> dict[str, int]:
    """Units of each component that may still come back: what is cancelled or was accepted in another return is not."""
    gone = sold.units(line.cancelled)
    query = select(ReturnRow).where(
        ReturnRow.order_line_id == line.id, ReturnRow.decision == ReturnDecision.ACCEPTED.value, ReturnRow.id != but
    )
    for row in session.scalars(query):
        for sku, units in returned(row, sold).items():
            gone[sku] = gone.get(sku, 0) + units
    return {sku: max(0, units - gone.get(sku, 0)) for sku, units in sold.units().items()}


def returned(row: ReturnRow, sold: SoldBundle) -> dict[str, int]:
    """The components that a return has brought back."""
    if row.parts:
        return {part["sku"]: int(part["units"]) for part in row.parts}
    return sold.units(row.quantity if row.decided_quantity is None else row.decided_quantity)


def inspected(
    session: Session, row: ReturnRow, line: OrderLine, sold: SoldBundle, given: Sequence[Back], rule: Shelf
) -> list[dict[str, Any]]:
    """What is kept of an inspection. Raises AskMerchant, naming the component."""
    most, may = sold.units(row.quantity), left(session, line, sold, row.id)
    known = {part.sku: part for part in sold.parts}
    if strange := [item.sku for item in given if item.sku not in known]:
        raise AskMerchant(f"{strange[0]} is no part of this bundle; it has: {', '.join(known)}.", field="parts")
    if len({item.sku for item in given}) != len(given):
        raise AskMerchant("Name each part once.", field="parts")
    for item in given:
        limit = min(most[item.sku], may[item.sku])
        if item.units > limit:
            raise AskMerchant(f"Of {item.sku}, at most {limit} can come back with this return.", field="parts")
    found = [item for item in given if item.units]
    if not found:
        raise AskMerchant("Say how many units of at least one part have come back.", field="parts")
    return [_kept(item, known[item.sku], rule) for item in found]


def _kept(item: Back, part: SoldPart, rule: Shelf) -> dict[str, Any]:
    restock = rule.takes(item.condition) if item.restock is None else item.restock
    return {
        "sku": item.sku, "title": part.title, "units": item.units, "condition": item.condition or "",
        "shelf": "wanted" if restock else "none",
    }  # fmt: skip


def is_whole(kept: Sequence[Mapping[str, Any]], row: ReturnRow, sold: SoldBundle) -> bool:
    """Whether everything that was announced is back."""
    units = {part["sku"]: part["units"] for part in kept}
    return units == sold.units(row.quantity)


def whole(session: Session, row: ReturnRow, units: int) -> list[dict[str, Any]]:
    """The parts of so many bundles that came back as they were sold, for the shelf of a store that does not put them
    back with the bundle by itself; none for any other."""
    query = (
        select(Variant.sku, Variant.title, Reservation.per_unit)
        .join(Reservation, Reservation.variant_id == Variant.id)
        .where(Reservation.order_line_id == row.order_line_id, Reservation.taken_by != TakenBy.STORE.value)
        .order_by(Reservation.id)
    )
    return [
        {"sku": sku, "title": title, "units": each * units, "condition": row.condition, "shelf": "wanted"}
        for sku, title, each in session.execute(query)
    ]


def paid_for(rows: Sequence[RefundRow], sold: SoldBundle) -> dict[str, int]:
    """Units of each component that these refunds have paid back."""
    found = dict.fromkeys(sold.units(), 0)
    for row in rows:
        units: Mapping[str, int] = row.parts or sold.units(row.quantity)
        for sku in found:
            found[sku] += int(units.get(sku, 0))
    return found
