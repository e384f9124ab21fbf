"""Settings, Shipping: what a marketplace is told of the carriers that a store names."""

from __future__ import annotations

from bridge.db.tables import Connection
from bridge.flows import account_settings, carriers
from bridge.flows.carriers import Line
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
    }


def _typed(form: Form) -> list[tuple[str, str]]:
    numbers = range(min(MOST, sum(name.startswith("name.") for name in form)))
    return [(form.get(f"name.{number}", ""), form.get(f"code.{number}", "")) for number in numbers]


def save(sent: Sent, row: Connection) -> Go:
    given = {carriers.TABLE: carriers.written(_typed(sent.form)), carriers.REST: sent.form.get("rest", "")}
    names, seen = (carriers.TABLE, carriers.REST), sent.form.get("version_carriers", "")
    account_settings.edit(sent.engine, sent.shop_id, row.id, names, given, seen, sent.author)
    return Go("settings/shipping", {"connection": row.id}, "set")
