"""Forms for what shapes the listings of one marketplace, and of its own settings: drawn from their models, saved as one
change that is looked at first where it moves what is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Change, Connection, Document
from bridge.domain.stock import StockPolicy
from bridge.flows import account_settings, documents, plan, pricing_preset, resting, stock_preset
from bridge.flows.documents import Wish, of_connection
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.kinds import KINDS
from bridge.flows.pricing_preset import Preset
from bridge.ports.errors import AskMerchant
from bridge.web.asked import Form, Go
from bridge.web.drawn import Drawn, every, of_fields, of_model, read_model, shown, typed
from bridge.web.page import Sent, View

PRICE = "price_"
STOCK = "stock"
FIELDS: Mapping[str, Sequence[str]] = {
    "stock": stock_preset.FIELDS,
    "market": ("country", "currency", "home", "prices_include_tax"),
    "reach": ("price_percent", "ends_percent", "ends_most", "ends_few", "within_minutes"),
}
_MOVES = ("created", "changed", "ended", "blocked", "unblocked")


@dataclass(frozen=True)
class Part:
    """One form of a page. ``do`` of its button is ``save_`` and its name; ``version``: of what it was drawn from."""

    name: str
    items: Sequence[Drawn]
    version: str
    changed: Mapping[str, Any] | None = None

    @property
    def do(self) -> str:
        return f"save_{self.name}"


# Documents: stock, market, reach; and the rule that a price is said by


def document(view: View, row: Connection, kind: str, dos: Sequence[str] = ()) -> Part:
    content = _content(view.session, row, kind)
    items = of_model(_form(kind), stock_preset.drawn(content) if kind == STOCK else content, FIELDS[kind])
    version, changed = _version(view.session, row, kind)
    return Part(kind, shown(items, view, (f"save_{kind}", *dos)), version, changed)


def _form(kind: str) -> type[BaseModel]:
    return stock_preset.StockForm if kind == STOCK else KINDS[kind].model


def price(view: View, row: Connection, dos: Sequence[str] = ()) -> Part | None:
    """None where the rule says more than these fields can."""
    preset = pricing_preset.read(view.session, row.id)
    if preset is None:
        return None
    items = [replace(item, name=PRICE + item.name) for item in of_model(Preset, preset.model_dump(exclude_none=True))]
    version, changed = _version(view.session, row, "rules")
    return Part("price", shown(items, view, ("save_price", *dos)), version, changed)


def _content(session: Session, row: Connection, kind: str) -> dict[str, Any]:
    """As it holds: set by a change, over the shop's, over what was said of stock when it was connected."""
    known = documents.active(session)
    names = KINDS[kind].model.model_fields if kind == "stock" else ()
    base = {name: row.settings[name] for name in names if name in row.settings}
    return {**base, **known.get((documents.SHOP, kind), {}), **known.get((of_connection(row.id), kind), {})}


def _version(session: Session, row: Connection, kind: str) -> tuple[str, Mapping[str, Any] | None]:
    """The number of the change it holds since, with who made that."""
    query = (
        select(Document.since, Change.author, Change.at)
        .join(Change, (Change.number == Document.since) & (Change.shop_id == Document.shop_id))
        .where(Document.subject == of_connection(row.id), Document.kind == kind, Document.until.is_(None))
    )
    found = session.execute(query).first()
    return (str(found[0]), {"by": found[1], "at": found[2]}) if found else ("0", None)


def wishes(engine: Engine, session: Session, row: Connection, form: Form, names: Sequence[str]) -> list[Wish]:
    """What the form says of these. Raises FieldErrors by the name of the input."""
    found: list[Wish] = []
    errors: dict[str, str] = {}
    for name in names:
        try:
            found.append(_price(engine, session, row, form) if name == "price" else _document(session, row, name, form))
        except FieldErrors as error:
            errors |= error.errors
    if errors:
        raise FieldErrors(errors)
    return found


def _document(session: Session, row: Connection, kind: str, form: Form) -> Wish:
    known = _content(session, row, kind)
    content = read_model(_form(kind), known, every(form), FIELDS[kind])
    if kind == STOCK:
        content = _stock(content, known)
    return Wish(subject=of_connection(row.id), kind=kind, content=content)


def _stock(content: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Raises FieldErrors."""
    try:
        meant = stock_preset.meant(content, known)
        return StockPolicy.model_validate(meant).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        found = documents.field_errors(error).items()
        raise FieldErrors({stock_preset.field_of(name): text for name, text in found}) from None


def _price(engine: Engine, session: Session, row: Connection, form: Form) -> Wish:
    sent = {name.removeprefix(PRICE): values for name, values in every(form).items() if name.startswith(PRICE)}
    try:
        preset = Preset.model_validate(read_model(Preset, {}, sent))
    except FieldErrors as error:
        raise FieldErrors({PRICE + name: text for name, text in error.errors.items()}) from None
    return pricing_preset.wish(session, row.id, preset, currency(engine, row))


def currency(engine: Engine, row: Connection) -> str:
    """In which amounts are typed: the marketplace's, else the first of its sites'."""
    manifest = engine.manifest(row)
    return manifest.currency or next((site.currency for site in manifest.sites), "EUR")


def save(sent: Sent, row: Connection, names: Sequence[str], note: str, after: Go) -> Go:
    """What the form says of these becomes one change. Raises AskMerchant where somebody else was faster."""
    with sent.engine.db.read(sent.shop_id) as session:
        for name in names:
            _refuse_old(session, row, "rules" if name == "price" else name, sent.form.get(f"version_{name}", ""))
        made = wishes(sent.engine, session, row, sent.form, names)
    return change(sent, made, note, after)


def _refuse_old(session: Session, row: Connection, kind: str, seen: str) -> None:
    version, changed = _version(session, row, kind)
    if seen != version:
        who = (changed or {}).get("by", "somebody else")
        text = f"This was changed by {who} meanwhile. Reload the page and enter your change again."
        raise AskMerchant(text, field="version")


def change(sent: Sent, wished: Sequence[Wish], note: str, after: Go) -> Go:
    """Put it into effect at once where nothing that is live moves by it; else it is a plan, to be looked at first."""
    try:
        made = plan.make(sent.engine, sent.shop_id, wished, sent.author, note)
    except AskMerchant as error:
        if error.field == "changes":
            return after
        raise
    with sent.engine.db.read(sent.shop_id) as session:
        waiting = set(resting.in_setup(session))
    moved = {row["connection_id"] for row in made["channels"] if any(row[kind] for kind in _MOVES)}
    if made["over"] or moved - waiting:
        return Go(f"plans/{made['id']}")
    plan.apply(sent.engine, sent.shop_id, made["id"], sent.author)
    return after


# Settings of the connection itself


def group(view: View, row: Connection, name: str, dos: Sequence[str] = ()) -> Part | None:
    """None where the marketplace has none of these."""
    fields = account_settings.group(view.engine.manifest(row), name, row.info)
    locked = account_settings.locked(view.engine, view.session)
    drawn = of_fields(fields, row.settings, info=row.info)
    items = [replace(item, locked=locked.get(item.name, "")) for item in drawn]
    changed = account_settings.changed(row)
    told = {"by": changed["by"], "at": datetime.fromisoformat(changed["at"])} if changed else None
    version = account_settings.version(row)
    return Part(name, shown(items, view, (f"save_{name}", *dos)), version, told) if items else None


def save_group(sent: Sent, row: Connection, name: str) -> None:
    """These settings of a connection, as they stand in the form; tried before they are kept."""
    fields = account_settings.group(sent.engine.manifest(row), name, row.info)
    given = typed(of_fields(fields, {}), sent.form)
    seen = sent.form.get(f"version_{name}", "")
    names = [field.name for field in fields]
    account_settings.edit(sent.engine, sent.shop_id, row.id, names, given, seen, sent.author)
