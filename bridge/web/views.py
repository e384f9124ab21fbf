"""What each page reads. A view turns an address into calls of flows, and decides nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from bridge.db.tables import Connection
from bridge.domain.reading import moment
from bridge.flows import activity as journal
from bridge.flows import (
    alert_settings,
    attend,
    documents,
    due,
    feed_address,
    figures,
    held,
    module_connect,
    order_view,
    overview,
    parts,
    plan,
    progress,
    pushed,
    rates,
    resting,
    setup,
)
from bridge.flows.wish import DISCONNECTED
from bridge.ports.errors import NotFound
from bridge.web import buyers, owners
from bridge.web import narrow as narrowing
from bridge.web.actions import ACTIONS
from bridge.web.frames import CUSTOMERS
from bridge.web.page import Context, Page, View
from bridge.web.run_words import RUNS, STATES

PER_PAGE = 25
LATEST = 5


def _overview(view: View) -> Context:
    session = view.session
    latest = order_view.orders(session, LATEST)
    in_all, by_connection = figures.counted(session, view.now, overview.zone(session))
    return {
        "connections": _connections(session, view.now),
        "figures": in_all,
        "figures_of": by_connection,
        "runs": progress.shown(session, view.now),
        "run_words": RUNS,
        "run_states": STATES,
        "feeds": feed_address.shown(view.engine, session),
        "push_addresses": pushed.addresses(view.engine, session),
        "problems": _linked(session, overview.problems(session, limit=LATEST)),
        "orders": latest,
        "latency": overview.latency(session),
        "setup": setup.progress(session, view.shop.id),
        "in_test": resting.in_test(session),
        "open_door": module_connect.takes_strangers(view.engine),
        "open_returns": len(order_view.returns(session, only_open=True, limit=100)),
    }


def _connections(session: Session, now: datetime) -> list[Context]:
    """Marketplaces that are live with the switch of each flow."""
    rows, waiting = overview.connections(session, now), resting.in_setup(session)
    live = [row["id"] for row in rows if row["role"] == "channel" and row["state"] != DISCONNECTED]
    switches = resting.switches(session, set(live) - set(waiting))
    found = [{**row, "flows": switches.get(row["id"], [])} for row in rows]
    return [{**row, "resting": [flow for flow, rest in row["flows"] if rest]} for row in found]


def _orders(view: View) -> Context:
    search, narrow = view.text("search"), narrowing.orders(view)
    if view.text("show") == "urgent":
        return {"due": due.due(view.session, view.now), "search": "", "narrow": narrow, "orders": []}
    is_open, only = narrow.show == "open", narrow.conditions
    rows = order_view.orders(view.session, PER_PAGE + 1, _order_key(view), only_open=is_open, search=search, only=only)
    last = rows[PER_PAGE - 1] if len(rows) > PER_PAGE else None
    return {
        "orders": rows[:PER_PAGE],
        "search": search,
        "narrow": narrow,
        "paged": bool(view.text("before")),
        "marketplaces": documents.channels(view.session) if search and not rows else {},
        "more": {"before": last["placed_at"].isoformat(), "id": last["id"]} if last else None,
    }


_ZONED = re.compile(r"T.*(Z|[+-]\d\d:\d\d)$")  # a day, or a time without its zone, is nobody's place in the list


def _order_key(view: View) -> order_view.Key | None:
    text, number = view.text("before"), view.number("id")
    if not text or number is None:
        return None
    before = moment(text) if _ZONED.search(text) else None
    if before is None:
        raise BadRequest("before must be a time; go back and follow the link again.")
    return before, number


def _order(view: View) -> Context | None:
    found = order_view.order(view.session, view.arguments["number"])
    if found is None:
        return None
    timeline = journal.activity(view.session, order=found["ref"], limit=100)
    can_refuse = attend.can_refuse(view.engine, view.session, found["connection_id"])
    may_see = view.person.may(CUSTOMERS)
    return {
        "order": found,
        "buyer": order_view.buyer(view.session, found["id"]) if may_see else None,
        "can_refuse": can_refuse,
        "timeline": timeline,
        "title": f"Order {found['external_id']}",
    }


def _problems(view: View) -> Context:
    narrow = narrowing.problems(view)
    closed = narrow.show in ("all", narrowing.SOLVED)
    rows = _linked(view.session, overview.problems(view.session, closed, only=narrow.conditions))
    ordered = sorted(rows, key=lambda row: (row["closed_at"] is not None, row["severity"] != "error", row["kind"]))
    groups = [
        {"kind": kind, "closed": done, "rows": list(found)}
        for (done, kind), found in groupby(ordered, key=lambda row: (row["closed_at"] is not None, row["kind"]))
    ]
    return {"groups": groups, "narrow": narrow, "full": len(rows) >= overview.PROBLEMS}


def _linked(session: Session, rows: list[Context]) -> list[Context]:
    """Each problem with the order or the SKU it is about, else the page that owns its kind."""
    ids = order_view.ids_of(session, [row["subject"] for row in rows])
    return [
        {**row, "order_id": ids.get(row["subject"]), "sku": _sku_of(row), "owner": owners.of(row["kind"], row)}
        for row in rows
    ]


def _sku_of(row: Mapping[str, Any]) -> str | None:
    """The SKU of ``<SKU> on <marketplace> <site>``."""
    sku, found, _site = str(row["subject"]).rpartition(f" on {row['connection']}")
    return sku if row["connection"] and found else None


def _returns(view: View) -> Context:
    everything, one = view.text("show") == "all", view.number("return")
    found = order_view.returns(view.session, only_open=not everything and one is None, one=one)
    by_parts = {
        number: _by_parts(view, number) for number in {item["connection_id"] for item in found if item["bundle"]}
    }
    rows = [{**item, "by_parts": by_parts.get(item["connection_id"], False)} for item in found]
    return {"returns": rows, "everything": everything, "one": one}


def _by_parts(view: View, number: int) -> bool:
    row = view.session.get_one(Connection, number)
    return row.adapter in view.engine.channels and parts.takes_parts(view.engine.manifest(row))


def _activity(view: View) -> Context:
    order, sku, delivery = view.text("order"), view.text("sku"), view.number("delivery")
    narrow = narrowing.activity(view)
    show = narrow.show
    narrowed = bool(order or sku or delivery is not None)
    exchanges = {"exchanges": True, "all": None, "people": None}.get(show, None if narrowed else False)
    entries = journal.activity(
        view.session,
        order=order_view.reference(view.session, order) or None,
        sku=sku or None,
        delivery=delivery,
        exchanges=exchanges,
        by_people=show == "people",
        only=narrow.conditions,
        before=view.number("before"),
        limit=PER_PAGE * 2 + 1,
    )
    more = entries[PER_PAGE * 2 - 1]["id"] if len(entries) > PER_PAGE * 2 else None
    return {
        "entries": entries[: PER_PAGE * 2],
        "order": order,
        "sku": sku,
        "delivery": delivery,
        "webhook": journal.delivery(view.session, delivery) if delivery is not None else None,
        "show": show or ("all" if narrowed else ""),
        "narrow": narrow,
        "more": more,
    }


def _plans(view: View) -> Context:
    settings = documents.active(view.session)
    rows = plan.plans(view.session, PER_PAGE + 1, view.number("below"))
    return {
        "plans": rows[:PER_PAGE],
        "more": rows[PER_PAGE - 1]["id"] if len(rows) > PER_PAGE else None,
        "versions": documents.changes(view.session, PER_PAGE),
        "rests": [item for item in resting.holds(view.session) if item["reason"] != resting.SETUP],
        "waiting": [
            {"connection": number, "title": title, "items": items}
            for number, title in documents.channels(view.session).items()
            if (items := held.waiting(view.session, number))
        ],
        "rates": {
            "used": rates.needed(settings),
            **rates.shown(view.session, view.now.date(), settings.get((documents.SHOP, "rates"), {})),
        },
        "titles": {documents.of_connection(key): title for key, title in documents.channels(view.session).items()},
    }


def _plan(view: View) -> Context | None:
    try:
        found = plan.read(view.session, view.arguments["number"])
    except NotFound:
        return None
    titles = {documents.of_connection(key): title for key, title in documents.channels(view.session).items()}
    return {"plan": found, "titles": titles, "title": f"Plan {found['id']}"}


def _alerts(view: View) -> Context:
    return {"alerts": alert_settings.shown(view.engine, view.shop.id), "secret": ""}


NUMBER = "<int(max=999999999999999):number>"
PAGES = (
    Page(
        "overview",
        "",
        "Overview",
        "overview",
        _overview,
        menu="Overview",
        acts=ACTIONS["overview"],
        tells_accounts=True,
    ),
    Page("problems", "problems", "Problems", "overview", _problems, menu="Problems", acts=ACTIONS["problems"]),
    Page("plans", "plans", "Plans", "listings", _plans, menu="Plans", acts=ACTIONS["plans"]),
    Page("plan", f"plans/{NUMBER}", "Plan", "listings", _plan, under="plans", acts=ACTIONS["plan"]),
    Page("orders", "orders", "Orders", "orders", _orders, menu="Orders", acts=ACTIONS["orders"], shape="table"),
    Page(
        "order",
        f"orders/{NUMBER}",
        "Order",
        "orders",
        _order,
        under="orders",
        acts={**ACTIONS["order"], **buyers.ACTS},
        personal=buyers.ACTS,
    ),
    Page("returns", "returns", "Returns", "orders", _returns, menu="Returns", acts=ACTIONS["returns"]),
    Page("activity", "activity", "Activity", "activity", _activity, menu="Activity"),
)
ALERTS = Page("alerts", "alerts", "Alerts", "settings", _alerts, menu="Alerts", acts=ACTIONS["alerts"])
