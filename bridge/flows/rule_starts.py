"""Rules to start from, filled in for the merchant's own marketplace and currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from bridge.db.tables import Connection
from bridge.flows import rule_lists
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine

Data = dict[str, Any]


@dataclass(frozen=True)
class Start:
    title: str
    about: str


STARTS: Mapping[str, Start] = {
    "margin": Start("Enough margin", "What leaves less than 15 of margin is not sold here."),
    "brand": Start("Brand in front", "The brand stands in front of every title that does not have it yet."),
    "pounds": Start("Pounds for the UK", "Euro prices become pounds at the day’s rate, ending in .99."),
    "buffer": Start("Safety buffer", "Five units are kept back, so that nothing is sold twice."),
}


def rule(name: str, currencies: tuple[str, ...], sku: str = "") -> Data | None:
    """The rule of this name; ``sku``: for this product alone. ``currencies``: the store's, then the marketplace's."""
    match name:
        case "margin":
            value = {"amount": "15", "currency": currencies[0]}
            when = {"kind": "money", "field": "margin", "op": "<", "value": value}
            text = f"less than 15 {currencies[0]} of margin"
            return {"name": "Enough margin", "when": when, "then": [{"kind": "exclude", "reason": text}]}
        case "brand":
            words = {"kind": "field", "field": "brand"}
            act = {"kind": "text", "target": "title", "change": "prepend", "words": words}
            return {"name": "Brand in front", "then": [act]}
        case "pounds":
            when = {"kind": "text", "field": "country", "op": "equals", "value": "GB"}
            ending = {"kind": "round_ending", "ending": "0.99", "every": "1", "direction": "nearest"}
            acts = [{"kind": "convert", "currency": "GBP"}, ending]
            return {"name": "Pounds for the UK", "when": when, "then": acts}
        case "buffer" | "buffer-of":
            only = {"when": {"kind": "set", "field": "sku", "op": "in", "values": [sku]}} if sku else {}
            act = {"kind": "buffer", "buffer": {"kind": "fixed", "units": 5}}
            return {"name": f"Safety buffer of {sku}"[:100] if sku else "Safety buffer", **only, "then": [act]}
        case _:
            return None


def currencies(engine: Engine, session: Session, subject: str) -> tuple[str, ...]:
    """The store's currency, then that of the marketplace: what amounts are most likely meant in."""
    store: Connection | None = store_connection(session)
    own = str((store.info or {}).get("currency") or "") if store else ""
    there = [view.shape.currency or "" for view in rule_lists.views_of(engine, session, subject)]
    return tuple(dict.fromkeys(code for code in (own, *there, "EUR") if len(code) == 3))
