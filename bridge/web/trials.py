"""The card of a store's test events, on its account's page and under Diagnostics."""

from __future__ import annotations

from bridge.db.tables import Connection
from bridge.flows import trying
from bridge.flows.draft import store_connection
from bridge.ports.errors import NotFound
from bridge.web import telling
from bridge.web.asked import Go
from bridge.web.page import Context, Sent, View


def shown(view: View, row: Connection) -> Context:
    seen = trying.shown(view.engine, view.session, row)
    return {"trial": seen, "took": telling.exact_seconds(seen.seconds)}


def of_store(view: View) -> Context:
    """That of the shop's store, where it is at work."""
    row = store_connection(view.session)
    if row is None or row.state != "active" or row.adapter not in view.engine.platforms:
        return {"trial": None}
    return {"store": row.title, **shown(view, row)}


def send_of_store(sent: Sent) -> Go:
    with sent.engine.db.read(sent.shop_id) as session:
        row = store_connection(session)
    if row is None:
        raise NotFound("No store is connected.")
    trying.send(sent.engine, row, sent.author)
    return Go("settings/diagnostics")
