"""Which offer of a marketplace is which product, as a table: written for a spreadsheet, and read back. What a table
would change is said row by row before anything is changed; a table with a mistake changes nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Listing, LooseOffer, Variant
from bridge.domain.mapping.portable import guarded, unguarded
from bridge.flows import linking
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.linking import Offer
from bridge.ports.errors import AskMerchant, NotFound

COLUMNS = ("channel", "site", "offer", "marketplace sku", "sku")
MOST_BYTES = 1_000_000
MOST_ROWS = 20_000
MOST_CHANGES = 2_000
LINK, UNLINK, SAME, WRONG = "link", "unlink", "same", "wrong"


class Row(NamedTuple):
    """One row of a table; ``number`` as a spreadsheet counts, the heading is row 1."""

    number: int
    channel: str
    site: str
    offer: str
    marketplace_sku: str
    sku: str


@dataclass(frozen=True)
class Found:
    """What becomes of a row: ``what`` is link, unlink, same or wrong; ``column`` says where it is wrong."""

    row: Row
    what: str
    text: str = ""
    column: str = ""
    at: Offer | None = None

    def as_json(self) -> dict[str, Any]:
        told = {name: value for name, value in self.row._asdict().items() if name != "number"}
        return {"row": self.row.number, **told, "what": self.what, "text": self.text, "column": self.column}


@dataclass(frozen=True)
class Report:
    """Every row, in order."""

    rows: tuple[Found, ...]

    def of(self, *kinds: str) -> list[Found]:
        return [found for found in self.rows if found.what in kinds]

    @property
    def is_good(self) -> bool:
        return not self.of(WRONG)

    def changes(self) -> str:
        """A table of only what changes: what is confirmed."""
        rows = self.of(LINK, UNLINK)
        return table(tuple(found.row[1:]) for found in rows)

    def as_json(self) -> dict[str, Any]:
        counts = {kind: len(self.of(kind)) for kind in (LINK, UNLINK, SAME, WRONG)}
        return {**counts, "rows": [found.as_json() for found in self.of(LINK, UNLINK, WRONG)]}


def table(rows: Any) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return out.getvalue()


def written(session: Session, channels: Sequence[int]) -> str:
    """Every offer that is known, with its product; those without one at the end of their marketplace."""
    return table(_written(session, channels))


def _written(session: Session, channels: Sequence[int]) -> Iterator[tuple[str, ...]]:
    for number in channels:
        row = linking.connection(session, number)
        of_products = (
            select(Listing.site, Listing.offer_id, LooseOffer.sku, Variant.sku)
            .join(Variant, Variant.id == Listing.variant_id)
            .outerjoin(
                LooseOffer,
                (LooseOffer.connection_id == Listing.connection_id)
                & (LooseOffer.site == Listing.site)
                & (LooseOffer.offer_id == Listing.offer_id),
            )
            .where(Listing.connection_id == number, Listing.offer_id.is_not(None))
            .order_by(Listing.id)
        )
        for site, offer_id, theirs, sku in session.execute(of_products):
            yield row.account, site, offer_id or "", theirs or "", sku or ""
        loose = select(LooseOffer).where(LooseOffer.connection_id == number, ~linking.OWNED).order_by(LooseOffer.id)
        for offer in session.scalars(loose):
            yield row.account, offer.site, offer.offer_id, offer.sku, ""


def read(content: bytes | str) -> list[Row]:
    """Raises FieldErrors for what is no such table, naming the row."""
    text = _text(content)
    heading = text.partition("\n")[0]
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise FieldErrors({"file": f"The file is no CSV: {error}."}) from None
    names = [cell.strip().casefold() for cell in lines[0]] if lines else []
    missing = [name for name in ("channel", "sku") if name not in names]
    if not {"offer", "marketplace sku"} & set(names):
        missing.append("offer")
    if missing:
        raise FieldErrors({"file": f"Row 1: the columns are {', '.join(COLUMNS)}; missing: {', '.join(missing)}."})
    if len(lines) > MOST_ROWS + 1:
        raise FieldErrors({"file": f"The file has more than {MOST_ROWS} rows; send it in parts."})
    return [_row(number, names, cells) for number, cells in enumerate(lines[1:], start=2) if any(cells)]


def _text(content: bytes | str) -> str:
    if len(content) > MOST_BYTES:
        raise FieldErrors({"file": f"The file is larger than {MOST_BYTES // 1_000_000} MB; send it in parts."})
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FieldErrors({"file": "The file is no text in UTF-8: save it as CSV UTF-8."}) from None


def _row(number: int, names: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) > len(names):
        raise FieldErrors({"file": f"Row {number} has more columns than the heading."})
    given = dict(zip(names, (unguarded(cell.strip()) for cell in cells), strict=False))
    return Row(number, *(given.get(name, "") for name in COLUMNS))


def planned(session: Session, rows: Sequence[Row]) -> Report:
    """What each row would do, one after the other; nothing is changed."""
    return Report(tuple(_Planner(session, rows).all()))


class _Wrong(Exception):
    def __init__(self, column: str, text: str) -> None:
        super().__init__(text)
        self.column = column


class _Planner:
    """What is there is read in a few statements for the whole table."""

    def __init__(self, session: Session, rows: Sequence[Row]) -> None:
        self._session = session
        self._rows = rows
        self._channels = self._by_name()
        numbers = {row.id for row in self._channels.values() if row is not None}
        self._sites = {number: {"", *self._used(number)} for number in numbers}
        self._listings = self._of_offers(numbers)
        self._found_there = self._of_comparison(numbers)
        self._variants = self._of_skus()
        self._offers_of = self._taken(numbers)
        self._seen: dict[tuple[str, Any], int] = {}

    def all(self) -> Iterator[Found]:
        freed = {self._owner(found.at) for found in map(self._first, self._rows) if found and found.what == UNLINK}
        changes = 0
        for row in self._rows:
            try:
                found = self._found(row, freed)
            except _Wrong as error:
                yield Found(row, WRONG, str(error), error.column)
                continue
            changes += found.what in (LINK, UNLINK)
            if changes > MOST_CHANGES:
                text = f"A table changes {MOST_CHANGES} offers at most; send the others in another one."
                yield Found(row, WRONG, text, "sku")
                return
            yield found

    def _first(self, row: Row) -> Found | None:
        """What is unlinked, which frees its product for another row."""
        try:
            offer = self._offer(row)
        except _Wrong:
            return None
        return Found(row, UNLINK, at=offer) if not row.sku else None

    def _owner(self, offer: Offer | None) -> int | None:
        listing = self._listings.get(offer) if offer else None
        return listing.variant_id if listing is not None and listing.linked_by else None

    def _found(self, row: Row, freed: set[int | None]) -> Found:
        offer = self._offer(row)
        self._once("offer", offer, row, f"offer {offer.offer_id}")
        listing = self._listings.get(offer)
        if not row.sku:
            return self._without(row, offer, listing)
        variant = self._variant(row)
        if listing is not None and listing.variant_id == variant:
            return Found(row, SAME, at=offer)
        self._once("sku", (offer.connection_id, offer.site, variant), row, f"SKU {row.sku}")
        if listing is not None:
            raise _Wrong("offer", f"The offer is {listing.sku} already; unlink it first.")
        other = self._offers_of.get((offer.connection_id, offer.site, variant), "")
        if other is None:
            raise _Wrong("sku", f"{row.sku} is not looked after there (yet).")
        if other and variant not in freed:
            raise _Wrong("sku", f"{row.sku} has the offer {other} there already.")
        return Found(row, LINK, f"{offer.offer_id} becomes {row.sku}", at=offer)

    def _without(self, row: Row, offer: Offer, listing: Listing | None) -> Found:
        if listing is None:
            return Found(row, SAME, at=offer)
        if not listing.linked_by:
            raise _Wrong("sku", f"It is {listing.sku} by its SKU or EAN, not by hand; it cannot be unlinked.")
        return Found(row, UNLINK, f"{offer.offer_id} is no longer {listing.sku}", at=offer)

    def _once(self, kind: str, key: Any, row: Row, words: str) -> None:
        before = self._seen.setdefault((kind, key), row.number)
        if before != row.number:
            raise _Wrong(kind, f"Row {before} has {words} already.")

    def _offer(self, row: Row) -> Offer:
        channel = self._channels.get(row.channel)
        if channel is None:
            known = ", ".join(sorted({one.account for one in self._channels.values() if one})) or "none"
            raise _Wrong("channel", f"There is no one marketplace {row.channel!r}; connected are: {known}.")
        if row.site not in self._sites[channel.id]:
            raise _Wrong("site", f"{channel.title} has no site {row.site!r} in use.")
        if row.offer:
            offer = Offer(channel.id, row.site, row.offer)
            if offer not in self._listings and offer not in self._found_there:
                raise _Wrong("offer", f"No offer {row.offer} was found there.")
            return offer
        meant = (channel.id, row.site, row.marketplace_sku)
        there = self._found_there.items()
        found = [one for one, sku in there if sku and (one.connection_id, one.site, sku) == meant]
        if len(found) != 1:
            raise _Wrong("marketplace sku", f"{len(found) or 'No'} offers there have the SKU {row.marketplace_sku!r}.")
        return found[0]

    def _variant(self, row: Row) -> int:
        found = self._variants.get(row.sku, [])
        if len(found) != 1:
            words = "is used by more than one product" if found else "is no product's"
            raise _Wrong("sku", f"The SKU {row.sku!r} {words} in the store.")
        return found[0]

    def _by_name(self) -> dict[str, Connection | None]:
        """By account or number, or by adapter where there is one of it."""
        found: dict[str, Connection | None] = {}
        rows = linking.connections(self._session)
        for row in rows:
            found[row.adapter] = None if row.adapter in found else row
        for row in rows:
            found |= {row.account: row, str(row.id): row}
        return found

    def _used(self, number: int) -> list[str]:
        return list(self._session.scalars(select(Listing.site).where(Listing.connection_id == number).distinct()))

    def _of_offers(self, numbers: set[int]) -> dict[Offer, Listing]:
        query = select(Listing).where(Listing.connection_id.in_(numbers))
        rows = self._in_parts(query, Listing.offer_id, {row.offer for row in self._rows if row.offer})
        return {Offer(row.connection_id, row.site, row.offer_id or ""): row for row in rows}

    def _of_comparison(self, numbers: set[int]) -> dict[Offer, str]:
        query = select(LooseOffer).where(LooseOffer.connection_id.in_(numbers))
        rows = self._in_parts(query, LooseOffer.offer_id, {row.offer for row in self._rows if row.offer})
        skus = {row.marketplace_sku for row in self._rows if row.marketplace_sku and not row.offer}
        rows += self._in_parts(query, LooseOffer.sku, skus)
        return {Offer(row.connection_id, row.site, row.offer_id): row.sku for row in rows}

    def _of_skus(self) -> dict[str, list[int]]:
        query = select(Variant).where(Variant.deleted_at.is_(None))
        found: dict[str, list[int]] = {}
        for row in self._in_parts(query, Variant.sku, {row.sku for row in self._rows if row.sku}):
            found.setdefault(row.sku or "", []).append(row.id)
        return found

    def _taken(self, numbers: set[int]) -> dict[tuple[int, str, int], str | None]:
        """The offer that each variant has; None where it has no listing at all."""
        ids = {number for found in self._variants.values() for number in found}
        query = select(Listing).where(Listing.connection_id.in_(numbers))
        found: dict[tuple[int, str, int], str | None] = {
            (number, site, variant): None for number in numbers for site in self._sites[number] for variant in ids
        }
        for row in self._in_parts(query, Listing.variant_id, ids):
            found[row.connection_id, row.site, row.variant_id] = row.offer_id or ""
        return found

    def _in_parts(self, query: Any, column: Any, values: set[Any]) -> list[Any]:
        ordered = sorted(values)
        parts = (ordered[start : start + 500] for start in range(0, len(ordered), 500))
        return [row for part in parts for row in self._session.scalars(query.where(column.in_(part)))]


def apply(engine: Engine, shop_id: int, content: bytes | str, author: str) -> Report:
    """All of it or nothing: what is unlinked first, then what is linked. Raises FieldErrors where a row is wrong."""
    now = engine.clock()
    report = engine.db.transact(shop_id, _apply, content, author, now)
    engine.ring({"stock", "content", "orders"})
    return report


def _apply(session: Session, content: bytes | str, author: str, now: datetime) -> Report:
    report = planned(session, read(content))
    if not report.is_good:
        first = report.of(WRONG)[0]
        raise FieldErrors({"file": f"Row {first.row.number}, {first.column}: {first.text}"})
    for found in sorted(report.of(LINK, UNLINK), key=lambda found: found.what != UNLINK):
        assert found.at is not None  # noqa: S101 - what is done has its offer
        try:
            if found.what == UNLINK:
                linking.unlink_in(session, found.at, now)
            else:
                linking.link_in(session, found.at, found.row.sku, author, now)
        except (AskMerchant, NotFound) as error:
            raise FieldErrors({"file": f"Row {found.row.number}: {error.merchant}"}) from None
    return report
