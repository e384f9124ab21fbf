"""Settings, Shipping: what a marketplace is told of the carriers that a store names, and which of the store's shipping
methods its orders get."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from bridge.db.tables import Connection
from bridge.flows import account_settings, carriers, shipping_methods
from bridge.flows.carriers import Line
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.ports.manifest import Manifest
from bridge.web.asked import Form, Go
from bridge.web.page import Context, Sent, View

BLANK = 2  # lines to fill in
MOST = 400


def shown(view: View, row: Connection) -> Context:
    manifest = view.engine.manifest(row)
    known = carriers.lines(view.session, row, manifest)
    typed = _typed(view.form) if view.form is not None and view.form.do == "save_carriers" else None
    lines = [Line(name, code) for name, code in typed] if typed is not None else known
    blank = [] if typed is not None else [Line("")] * BLANK
    return {
        "lines": [*lines, *blank],
        "unmapped": [line for line in known if not line.code],
        "codes": carriers.codes(view.session, row, manifest),
        "rest": view.form.get("rest", "") if view.form else row.settings.get(carriers.REST, ""),
        "version": account_settings.version(row),
        "methods": _methods(view, row),
    }


def _methods(view: View, row: Connection) -> Context:
    form = view.form if view.form is not None and view.form.do == "save_methods" else None
    known = shipping_methods.lines(view.session, row)
    lines = [shipping_methods.Line(*typed) for typed in _typed_methods(form)] if form is not None else known
    blank = [] if form is not None else [shipping_methods.Line("")] * BLANK
    code, title = shipping_methods.rest(row.settings)
    store = _store(view.session, view.engine)
    return {
        "lines": [*lines, *blank],
        "rest": form.get("rest_code", "") if form else code,
        "rest_title": form.get("rest_title", "") if form else title,
        "store": store.shipping_methods if store else None,
    }


def _store(session: Session, engine: Engine) -> Manifest | None:
    store = store_connection(session)
    return engine.manifest(store) if store is not None else None


def _typed(form: Form) -> list[tuple[str, str]]:
    numbers = range(min(MOST, sum(name.startswith("name.") for name in form)))
    return [(form.get(f"name.{number}", ""), form.get(f"code.{number}", "")) for number in numbers]


def save(sent: Sent, row: Connection) -> Go:
    given = {carriers.TABLE: carriers.written(_typed(sent.form)), carriers.REST: sent.form.get("rest", "")}
    names, seen = (carriers.TABLE, carriers.REST), sent.form.get("version_carriers", "")
    account_settings.edit(sent.engine, sent.shop_id, row.id, names, given, seen, sent.author)
    return Go("settings/shipping", {"connection": row.id}, "set")


def _typed_methods(form: Form) -> list[tuple[str, str, str]]:
    names = ("method", "store_code", "store_title")
    count = min(MOST, sum(name.startswith("method.") for name in form))
    rows = ([form.get(f"{name}.{number}", "") for name in names] for number in range(count))
    return [(method, code, title) for method, code, title in rows]


def save_methods(sent: Sent, row: Connection) -> Go:
    with sent.engine.db.read(row.shop_id) as session:
        store = _store(session, sent.engine)
    table = shipping_methods.written(store, _typed_methods(sent.form))
    rest = shipping_methods.written_rest(store, sent.form.get("rest_code", ""), sent.form.get("rest_title", ""))
    given: dict[str, Any] = {shipping_methods.TABLE: table, shipping_methods.REST: rest}
    names, seen = tuple(given), sent.form.get("version_methods", "")
    account_settings.edit(sent.engine, sent.shop_id, row.id, names, given, seen, sent.author)
    return Go("settings/shipping", {"connection": row.id}, "set")
