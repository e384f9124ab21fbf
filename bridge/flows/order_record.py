"""Everything that is held of one order, as a file for whoever helps: what the marketplace told, what the store is
given, how far it came, and what was exchanged about it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bridge.db.records import note
from bridge.db.tables import Order
from bridge.flows import activity, order_view
from bridge.flows.draft import draft_of
from bridge.flows.engine import Engine
from bridge.ports.errors import AskMerchant, NotFound
from bridge.ports.http import Redactor

ENTRIES = 1000
WHOLE = 100_000_000  # characters


def told(engine: Engine, shop_id: int, order_id: int, *, personal: bool) -> tuple[str, str]:
    """The marketplace's number of the order, and the record of it as JSON. Without ``personal`` what is private of its
    buyer is masked as in exchanges, which are masked for everybody. That it was told stands in the journal.

    Raises NotFound when this shop has no such order.
    """
    with engine.db.read(shop_id) as session:
        order = session.get(Order, order_id)
        if order is None:
            raise NotFound("There is no such order.")
        ref, number, found = order.ref, order.external_id, _record(session, order, personal=personal)
    text = json.dumps(found, ensure_ascii=False, indent=2, default=_plain)
    words = f"the raw data of order {number} was downloaded"
    if not personal:
        words = f"the raw data of order {number} was downloaded, without its buyer"
    engine.db.transact(shop_id, lambda session: note(session, engine.clock(), "order", words, order=ref))
    return number, text


def _record(session: Session, order: Order, *, personal: bool) -> dict[str, Any]:
    private = {
        "buyer": order.buyer,
        "as_the_marketplace_told_it": order.raw,
        "as_the_store_is_given_it": _for_the_store(session, order),
    }
    shown = order_view.order(session, order.id) or {}
    steps = {step["name"]: {"state": step["state"], "at": step["at"]} for step in shown.pop("steps", ())}
    entries = activity.activity(session, order=order.ref, limit=ENTRIES)
    exchanges = [entry for entry in entries if entry["kind"] == "exchange"]
    return {
        "order": order.ref,
        "steps": steps,
        "state": shown,
        "buyer_erased_at": order.erased_at,
        **(private if personal else _masked(private)),
        "exchanges": exchanges,
        "what_happened": [entry for entry in entries if entry["kind"] != "exchange"],
    }


def _masked(private: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(private, default=_plain).encode()
    found: dict[str, Any] = json.loads(Redactor().body(text, "application/json", limit=WHOLE))
    return found


def _for_the_store(session: Session, order: Order) -> dict[str, Any]:
    """As it would be made now; what was really sent stands in the exchanges."""
    if order.erased_at is not None:
        return {"not_made": "The buyer was erased."}
    try:
        return draft_of(session, order.id).model_dump(mode="json")
    except AskMerchant as error:
        return {"not_made": error.merchant}


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
