"""The pages of setting up: five steps, each to be left and taken up again; and what would be sold, as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from bridge.db.tables import Connection
from bridge.domain.mapping.portable import guarded, unguarded
from bridge.domain.matching import Matching
from bridge.flows import (
    excluding,
    matching,
    overview,
    preview,
    pricing_preset,
    readiness,
    report,
    resting,
    setup,
)
from bridge.flows.documents import Wish
from bridge.flows.forms import FieldErrors
from bridge.flows.setup import STEPS, Progress
from bridge.ports.errors import NotFound
from bridge.web import shaping
from bridge.web.accounts import NUMBER
from bridge.web.asked import Again, Download, Go
from bridge.web.page import Context, Page, Sent, View
from bridge.web.shaping import Part

TITLES = ("Welcome", "Connect a marketplace", "Match your products", "Stock, prices and orders", "Review and go live")
BOTH = ("preview", "save")
MOST_ROWS = 20_000


def _setup(view: View) -> Context | None:
    progress = setup.progress(view.session, view.shop.id, view.number("connection"))
    step = view.text("step", 20)
    step = step if step in STEPS else progress.next
    row = view.session.get(Connection, progress.connection) if progress.connection else None
    if row is not None and not view.engine.is_installed(row):
        row = None
    if row is None and step in ("match", "rules", "live"):
        step = "connect"
    context: Context = {
        "step": step,
        "steps": [
            {"name": name, "title": title, "done": name in progress.done, "here": name == step}
            for name, title in zip(STEPS, TITLES, strict=True)
        ],
        "progress": progress,
        "connection": row,
        "following": STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)],
    }
    return context | _READ[step](view, progress, row)


def _welcome(view: View, _progress: Progress, _row: Connection | None) -> Context:
    checks = readiness.checks(view.engine, view.session)
    return {"checks": checks, "ready": not any(item.state == "bad" for item in checks if item.name == "store")}


def _connected(view: View, _progress: Progress, _row: Connection | None) -> Context:
    waiting = resting.in_setup(view.session)
    rows = overview.connections(view.session, view.now)
    found = [row for row in rows if row["role"] == "channel" and row["state"] != "disconnected"]
    return {"channels": [{**row, "in_setup": row["id"] in waiting} for row in found]}


def _match(view: View, _progress: Progress, row: Connection | None) -> Context:
    assert row is not None  # noqa: S101 - steps that need one lead to connecting without it
    return {
        "match": matching.shown(view.session, row),
        "matching": shaping.group(view, row, "matching"),
        "by": Matching.of(row.settings).by,
        "can_list": matching.can_list(view.engine, row),
        "excluded": excluding.excluded(view.session, row.id),
        "reading": readiness.is_reading(view.session),
        "skus": view.form.get("skus", "") if view.form else "",
    }


def _rules(view: View, _progress: Progress, row: Connection | None) -> Context:
    assert row is not None  # noqa: S101
    wished: Sequence[Wish] = ()
    stock, prices = shaping.document(view, row, "stock", BOTH), shaping.price(view, row, BOTH)
    if view.form is not None and view.error is None and view.form.do == "preview":
        wished = shaping.wishes(view.engine, view.session, row, view.form, _names(prices))
    return {
        "parts": [part for part in (stock, prices) if part],
        "by_rules": prices is None,
        "currency": shaping.currency(view.engine, row),
        "orders": shaping.group(view, row, "orders"),
        "rows": preview.preview(view.engine, view.session, row.id, wished),
        "is_new": bool(wished),
    }


def _names(prices: Part | None) -> tuple[str, ...]:
    return ("stock", "price") if prices else ("stock",)


def _live(view: View, progress: Progress, row: Connection | None) -> Context:
    assert row is not None  # noqa: S101
    checks = readiness.checks(view.engine, view.session)
    rests = {item["flow"]: item for item in resting.holds(view.session) if item["connection_id"] == row.id}
    return {
        "match": matching.shown(view.session, row),
        "checks": [item for item in checks if item.state != "good"],
        "is_live": "live" in progress.done,
        "missing": [name for name in STEPS[:4] if name not in progress.done],
        "flows": [(flow, rests.get(flow)) for flow in resting.FLOWS],
        "chosen": view.form.all("flows") if view.form else list(resting.FLOWS),
        "waiting_orders": _waiting_orders(view, row),
        "import_from": row.settings.get("import_from", ""),
    }


def _waiting_orders(view: View, row: Connection) -> int:
    facts = next(item for item in overview.connections(view.session, view.now) if item["id"] == row.id)
    return sum(int(lane["count"]) for lane in facts["waiting"] if lane["lane"] == "orders")


_READ = {"welcome": _welcome, "connect": _connected, "match": _match, "rules": _rules, "live": _live}


# What its forms ask for


def _begin(sent: Sent) -> Go:
    setup.begin(sent.engine, sent.shop_id)
    return Go("setup")


def _dismiss(sent: Sent) -> Go:
    setup.dismiss(sent.engine, sent.shop_id)
    return Go("")


def _done(sent: Sent) -> Go:
    step = sent.form.get("step", "")
    number = sent.number("connection") if step != "welcome" else None
    setup.say_done(sent.engine, sent.shop_id, step, sent.author, number)
    following = STEPS[STEPS.index(step) + 1]
    return Go("setup", {"step": following, "connection": number or ""})


def _compare(sent: Sent) -> Go:
    row = _row(sent)
    matching.again(sent.engine, sent.shop_id, row.id)
    return _at("match", row)


def _row(sent: Sent) -> Connection:
    """The marketplace the form is about. Raises NotFound."""
    with sent.engine.db.read(sent.shop_id) as session:
        setup.progress(session, sent.shop_id, sent.number("connection"))
        return session.get_one(Connection, sent.number("connection"))


def _at(step: str, row: Connection, done: str = "") -> Go:
    return Go("setup", {"step": step, "connection": row.id}, done)


def _exclude(sent: Sent) -> Go:
    row = _row(sent)
    excluding.exclude(sent.engine, sent.shop_id, row.id, _listed(sent), [], sent.author)
    return _at("match", row, "excluded")


def _include(sent: Sent) -> Go:
    row = _row(sent)
    excluding.exclude(sent.engine, sent.shop_id, row.id, [], [sent.form.get("sku", "")], sent.author)
    return _at("match", row, "included")


def _listed(sent: Sent) -> list[str]:
    """The SKUs that were typed, one a line, or those that the file says are not to be sold."""
    file = sent.form.files.get("file")
    skus = [line.strip() for line in sent.form.get("skus", "").splitlines() if line.strip()]
    skus += _of_file(file.content) if file else []
    if not skus:
        raise FieldErrors({"skus": "Enter the SKUs of the products, one a line, or choose a file."})
    return skus


def _of_file(content: bytes) -> list[str]:
    """The rows of a table with the columns SKU and Sell whose Sell says no."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FieldErrors({"file": "The file is no text in UTF-8: save it as CSV UTF-8."}) from None
    dialect = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    rows = [{(name or "").strip().casefold(): value for name, value in row.items()} for row in _table(text, dialect)]
    if not rows or not {"sku", "sell"} <= set(rows[0]):
        raise FieldErrors({"file": "The table needs the columns SKU and Sell (yes or no)."})
    no = [row for row in rows[:MOST_ROWS] if str(row["sell"] or "").strip().casefold() in ("no", "0", "false", "n")]
    return [unguarded(str(row["sku"] or "").strip()) for row in no]


def _table(text: str, delimiter: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter, restkey="more"))


def _preview(sent: Sent) -> Again:
    row = _row(sent)
    with sent.engine.db.read(sent.shop_id) as session:
        shaping.wishes(sent.engine, session, row, sent.form, _shown(session, row))
    return Again()


def _shown(session: Session, row: Connection) -> tuple[str, ...]:
    return ("stock", "price") if pricing_preset.read(session, row.id) is not None else ("stock",)


def _save(sent: Sent) -> Go:
    row = _row(sent)
    with sent.engine.db.read(sent.shop_id) as session:
        names = _shown(session, row)
    return shaping.save(sent, row, names, "Setup", _at("rules", row, "set"))


def _save_orders(sent: Sent) -> Go:
    row = _row(sent)
    shaping.save_group(sent, row, "orders")
    return _at("rules", row, "set")


def _save_matching(sent: Sent) -> Go:
    row = _row(sent)
    shaping.save_group(sent, row, "matching")
    return _at("match", row, "save_matching")


def _go_live(sent: Sent) -> Go:
    row = _row(sent)
    setup.go_live(sent.engine, sent.shop_id, row.id, sent.form.all("flows"), sent.author)
    return _at("live", row, "live")


def _matches(view: View) -> Download | None:
    """Every product with what becomes of it there; the column Sell can be changed and the file sent back."""
    number = view.arguments["number"]
    row = view.session.get(Connection, number)
    if row is None or row.shop_id != view.shop.id or row.role != "channel" or row.adapter not in view.engine.channels:
        raise NotFound("There is no such marketplace connection.")
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["SKU", "Sell", "Title", "GTIN", "Site", "State", "What is missing"])
    for line in report.lines(view.engine, row):
        why = "; ".join(item.text for item in line.findings if item.blocking)
        sell = "no" if line.state == "excluded" else "yes"
        cells = (line.sku, sell, line.title, line.gtin or "", line.site, str(line.state), why)
        table.writerow([guarded(cell) for cell in cells])
    return Download(f"products-{row.account}.csv", "text/csv; charset=utf-8", out.getvalue().encode("utf-8-sig"))


PAGES = (
    Page(
        "setup",
        "setup",
        "Setup",
        "overview",
        _setup,
        under="overview",
        acts={
            "begin": _begin,
            "dismiss": _dismiss,
            "done": _done,
            "compare": _compare,
            "exclude": _exclude,
            "include": _include,
            "preview": _preview,
            "save": _save,
            "save_orders": _save_orders,
            "save_matching": _save_matching,
            "live": _go_live,
        },
    ),
    Page("matches", f"matches/{NUMBER}", "Products", "overview", _matches, under="overview"),
)
