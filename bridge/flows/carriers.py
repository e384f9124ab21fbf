"""What a marketplace is told of a carrier: the merchant's own table first, then the marketplace's way of finding it,
which is asked for names that it knows, or where nothing was chosen for the rest. Nothing else maps carriers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, ParcelRow
from bridge.flows import word_table
from bridge.flows.word_table import pairs, plain
from bridge.ports.channel import Channel
from bridge.ports.manifest import FormField, Manifest

TABLE, REST = "carriers", "carrier_rest"  # names of the settings
LONGEST_CODE, MOST, SEEN = 60, 200, 100

FIELDS = (
    FormField(
        name=TABLE,
        label="Carriers",
        kind="list",
        required=False,
        help="What your store calls a carrier and the marketplace's code for it, as name=code.",
    ),
    FormField(
        name=REST,
        label="Code of all other carriers",
        required=False,
        help="Left empty, the marketplace's own way of finding a carrier is followed.",
    ),
)


@dataclass(frozen=True)
class Line:
    """One line of the table. ``seen``: in how many parcels; ``told``: the code that was told last."""

    name: str
    code: str = ""
    seen: int = 0
    told: str = ""


def chosen(settings: Mapping[str, Any]) -> dict[str, str]:
    """The merchant's table, by the name as it was written."""
    return pairs(settings, TABLE)


def code_for(row: Connection, manifest: Manifest, channel: Channel, carrier: str, tracking: str) -> str:
    """What the marketplace is told."""
    mine = {plain(name): code for name, code in chosen(row.settings).items()}
    if code := mine.get(plain(carrier)):
        return code
    rest = str(row.settings.get(REST) or "").strip()
    if rest and not is_known(manifest, carrier):
        return rest
    return channel.carrier_code(carrier, tracking)


def is_known(manifest: Manifest, carrier: str) -> bool:
    """Whether the marketplace's own table has this name, or it is one of its codes."""
    return plain(carrier) in {plain(word) for pair in manifest.carriers.items() for word in pair}


def codes(session: Session, row: Connection, manifest: Manifest) -> list[str]:
    """Those that can be offered: the marketplace's, and what was told before."""
    query = select(ParcelRow.carrier_code).where(ParcelRow.connection_id == row.id, ParcelRow.carrier_code.is_not(None))
    told = session.scalars(query.distinct().limit(MOST))
    return sorted({*manifest.carriers.values(), *(code for code in told if code)}, key=str.casefold)


def lines(session: Session, row: Connection, manifest: Manifest) -> list[Line]:
    """The table, with the names of real parcels that nobody has mapped first, the most frequent before the others."""
    mine = chosen(row.settings)
    seen = _seen(session, row)
    known = {plain(name) for name in mine}
    open_ = [line for line in seen if plain(line.name) not in known and not is_known(manifest, line.name)]
    found = {plain(line.name): line for line in seen}
    kept = [
        Line(name, code, found[plain(name)].seen, found[plain(name)].told) if plain(name) in found else Line(name, code)
        for name, code in mine.items()
    ]
    return [*open_, *kept]


def _seen(session: Session, row: Connection) -> list[Line]:
    query = (
        select(ParcelRow.carrier, func.count(), func.max(ParcelRow.carrier_code))
        .where(ParcelRow.connection_id == row.id, ParcelRow.carrier != "")
        .group_by(ParcelRow.carrier)
        .order_by(func.count().desc(), ParcelRow.carrier)
        .limit(SEEN)
    )
    return [Line(name, "", count, told or "") for name, count, told in session.execute(query)]


def written(rows: Iterable[tuple[str, str]]) -> list[str]:
    """The table as it is kept; a line without a code is none. Raises FieldErrors by the number of the line."""
    missing, twice = "Enter what your store calls this carrier.", "This carrier is in the table already."
    return word_table.written(rows, "name", missing, twice, _wrong)


def _wrong(code: str) -> dict[str, str]:
    if len(code) <= LONGEST_CODE and _is_word(code):
        return {}
    return {"code": "A code has up to 60 characters, without = and commas."}


def _is_word(code: str) -> bool:
    return code.isprintable() and not {"=", ","} & set(code)
