"""The Settings tab: what each marketplace is sent, how orders are taken, what is kept how long, and how it all is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from bridge.db.tables import Connection, Journal, Order, PrivacyRequest
from bridge.flows import admin, diagnosis, doctor, documents, overview, preview, resting, safety
from bridge.flows.draft import label_of, payment_text, store_connection
from bridge.flows.finding import Finding, State
from bridge.ports.errors import NotFound
from bridge.web import accounts, bundles, buyers, cancelling, ending, eu_sales, shaping, shipping, trials, views
from bridge.web.asked import Download, Go
from bridge.web.page import Action, Context, Page, Sent, View
from bridge.web.shaping import Part

AUDITED = 30
AWAY = ("connecting", "disconnected")


def _general(view: View) -> Context:
    rows = overview.connections(view.session, view.now)
    channels = [row for row in rows if row["role"] == "channel" and row["state"] not in AWAY]
    waiting = resting.in_setup(view.session)
    switches = resting.switches(view.session, [row["id"] for row in channels])
    return {
        "channels": [{**row, "flows": switches[row["id"]], "in_setup": row["id"] in waiting} for row in channels],
        "in_test": resting.in_test(view.session),
        "maintenance": safety.planned(view.session, view.shop.id, view.now),
        "store": store_connection(view.session),
        "audit": _audit(view),
    }


def _audit(view: View) -> list[dict[str, Any]]:
    """Who changed what, newest first."""
    query = select(Journal.at, Journal.text, Journal.author, Connection.title)
    query = query.outerjoin(Connection, Connection.id == Journal.connection_id).where(Journal.author.is_not(None))
    rows = view.session.execute(query.order_by(Journal.id.desc()).limit(AUDITED))
    return [{"at": row[0], "text": row[1], "author": row[2], "connection": row[3]} for row in rows]


def _channel(view: View) -> tuple[Connection | None, list[tuple[int, str]]]:
    """Which marketplace is meant: the one asked for, else the first; and all of them."""
    known = list(documents.channels(view.session).items())
    wanted = view.number("connection") or (view.form and _plain(view.form.get("connection", ""))) or None
    number = wanted or (known[0][0] if known else None)
    if number is not None and number not in dict(known):
        raise NotFound("There is no such marketplace connection.")
    row = view.session.get(Connection, number) if number is not None else None
    return (row if row is not None and row.adapter in view.engine.channels else None), known


def _plain(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _with(*names: str, more: Any = None) -> Any:
    """A page of forms for one marketplace. ``names``: documents, ``price``, and groups of settings."""

    def read(view: View) -> Context:
        row, known = _channel(view)
        parts = [part for name in names if row is not None and (part := _part(view, row, name))]
        context: Context = {
            "connection": row,
            "channels": known,
            "parts": parts,
            "manifest": view.engine.manifest(row) if row is not None else None,
            "currency": shaping.currency(view.engine, row) if row is not None else "",
            "in_setup": row is not None and bool(resting.in_setup(view.session, row.id)),
        }
        return context | (more(view, row) if more and row is not None else {})

    return read


def _reasons(view: View, row: Connection) -> Context:
    return {"reasons": cancelling.shown(view, row), "refunds": cancelling.shown_refunds(view, row)}


def _last_order(view: View, row: Connection) -> Context:
    """What the newest order of this marketplace is called in the store, as it is set now."""
    query = (
        select(Order.external_id).where(Order.connection_id == row.id).order_by(Order.placed_at.desc(), Order.id.desc())
    )
    number, store = view.session.scalar(query.limit(1)), store_connection(view.session)
    if number is None or store is None or store.adapter not in view.engine.platforms:
        return {"last": None}
    told = view.engine.manifest(store).payment_text
    paid = payment_text(row, number, told.usual)
    return {"last": {"number": number, "name": label_of(row, number), "paid": paid, "note": told.note}}


def _part(view: View, row: Connection, name: str) -> Part | None:
    if name in shaping.FIELDS:
        return shaping.document(view, row, name)
    return shaping.price(view, row) if name == "price" else shaping.group(view, row, name)


def _acts(page: str, *names: str) -> Mapping[str, Action]:
    return {f"save_{name}": _saves(page, name) for name in names}


def _saves(page: str, name: str) -> Action:
    def act(sent: Sent) -> Go:
        row = _row(sent)
        after = Go(page, {"connection": row.id}, "set")
        if name in shaping.FIELDS or name == "price":
            return shaping.save(sent, row, [name], f"{page.rpartition('/')[2]} of {row.title}", after)
        shaping.save_group(sent, row, name)
        return after

    return act


def _row(sent: Sent) -> Connection:
    with sent.engine.db.read(sent.shop_id) as session:
        if sent.number("connection") not in documents.channels(session):
            raise NotFound("There is no such marketplace connection.")
    return admin.get(sent.engine, sent.shop_id, sent.number("connection"))


def _pause(sent: Sent) -> None:
    admin.pause(sent.engine, sent.shop_id, None)


def _resume(sent: Sent) -> None:
    admin.resume(sent.engine, sent.shop_id, None)


def _rest(sent: Sent) -> None:
    resting.hold(sent.engine, sent.shop_id, _row(sent).id, [sent.form.get("flow", "")], sent.author)


def _go_on(sent: Sent) -> None:
    resting.resume(sent.engine, sent.shop_id, _row(sent).id, [sent.form.get("flow", "")], sent.author)


def _maintain(sent: Sent) -> None:
    """For so many minutes; nothing entered: until it is said to be over."""
    minutes = sent.number("minutes") if sent.form.get("minutes", "").strip() else None
    safety.plan_maintenance(sent.engine, sent.shop_id, minutes, sent.author)


def _maintained(sent: Sent) -> None:
    safety.end_maintenance(sent.engine, sent.shop_id, sent.author)


def _test_on(sent: Sent) -> None:
    resting.begin_test(sent.engine, sent.shop_id, sent.author)


def _test_off(sent: Sent) -> None:
    resting.end_test(sent.engine, sent.shop_id, sent.author)


def _examples(view: View, row: Connection) -> Context:
    """What it comes to with the merchant's own products, as it is set now."""
    return {"rows": preview.preview(view.engine, view.session, row.id)}


def _of_prices(view: View, row: Connection) -> Context:
    return {**_examples(view, row), "by_rules": shaping.price(view, row) is None}


def _privacy(view: View) -> Context:
    rows = view.session.scalars(select(Connection).where(Connection.role == "channel").order_by(Connection.id))
    requests = select(PrivacyRequest).where(PrivacyRequest.shop_id == view.shop.id)
    found = ending.shown(view)
    return {
        **found,
        "buyers": [(row.title, found["period"](row)) for row in rows if row.state not in AWAY],
        "requests": view.session.scalars(requests.order_by(PrivacyRequest.id.desc()).limit(50)).all(),
    }


def _diagnostics(view: View) -> Context | Download:
    run = view.text("run", 10)
    findings = _examined(view) if run in ("now", "file") else []
    bundle = diagnosis.bundle(view.engine, view.session, findings) if findings else ""
    if run == "file":
        return Download.of_json("storebridge-diagnostics", bundle)
    version = diagnosis.versions(view.session)["storebridge"]
    return {"asked": run == "now", "findings": findings, "version": version, "bundle": bundle, **trials.of_store(view)}


def _examined(view: View) -> list[Finding]:
    if view.engine.machine is None:
        return [Finding("machine", State.WARN, "not known here", "Run: storebridge doctor")]
    return list(doctor.examine(view.engine, view.engine.machine(), shop_id=view.shop.id))


PAGES = (
    Page(
        "settings",
        "settings",
        "Settings",
        "settings",
        _general,
        menu="General",
        acts={
            "pause": _pause,
            "resume": _resume,
            "rest": _rest,
            "go_on": _go_on,
            "maintain": _maintain,
            "maintained": _maintained,
            "test_on": _test_on,
            "test_off": _test_off,
        },
    ),
    *accounts.PAGES,
    Page(
        "settings_stock",
        "settings/stock",
        "Stock",
        "settings",
        _with("stock", "safety", more=_examples),
        menu="Stock",
        acts=_acts("settings/stock", "stock", "safety"),
    ),
    Page(
        "settings_prices",
        "settings/prices",
        "Prices",
        "settings",
        lambda view: {**_with("price", "market", "reach", more=_of_prices)(view), **eu_sales.shown(view)},
        menu="Prices",
        acts={**_acts("settings/prices", "price", "market", "reach"), "save_eu_sales": eu_sales.save},
    ),
    Page(
        "settings_orders",
        "settings/orders",
        "Orders",
        "settings",
        _with("orders", "pace", more=_last_order),
        menu="Orders",
        acts=_acts("settings/orders", "orders", "pace"),
    ),
    Page(
        "settings_shipping",
        "settings/shipping",
        "Shipping",
        "settings",
        _with("shipping", more=shipping.shown),
        menu="Shipping",
        acts={
            **_acts("settings/shipping", "shipping"),
            "save_carriers": lambda sent: shipping.save(sent, _row(sent)),
            "save_methods": lambda sent: shipping.save_methods(sent, _row(sent)),
        },
    ),
    Page(
        "settings_returns",
        "settings/returns",
        "Cancellations and returns",
        "settings",
        lambda view: {**_with("cancellations", more=_reasons)(view), **bundles.shown(view)},
        menu="Cancellations and returns",
        acts={
            **_acts("settings/returns", "cancellations"),
            "save_bundles": bundles.save,
            "save_reasons": lambda sent: cancelling.save(sent, _row(sent)),
            "save_refunds": lambda sent: cancelling.save_refunds(sent, _row(sent)),
        },
    ),
    views.ALERTS,
    Page(
        "settings_privacy",
        "settings/privacy",
        "Data and privacy",
        "settings",
        _privacy,
        menu="Data and privacy",
        acts={**buyers.ACTS, **ending.ACTS, **ending.KEEPING},
        personal={**buyers.ACTS, **ending.ACTS},
    ),
    Page(
        "diagnostics",
        "settings/diagnostics",
        "Diagnostics",
        "settings",
        _diagnostics,
        menu="Diagnostics",
        acts={"send_test": trials.send_of_store},
    ),
)
