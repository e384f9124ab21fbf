"""Products left out of a marketplace by hand, and taken in again: a rule of its own at the head of the list, so that it
is planned, explained and undone as every other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from bridge.flows import documents, plan
from bridge.flows.documents import Wish, of_connection
from bridge.flows.engine import Engine
from bridge.flows.rule_lists import KIND
from bridge.ports.errors import AskMerchant

RULE = "Left out by hand"
REASON = "left out by hand"
MOST = 10_000
Data = dict[str, Any]


def leave_out(engine: Engine, shop_id: int, connection_id: int, skus: Sequence[str], author: str) -> int:
    """Plan that these are not sold there. Returns the plan's number. Raises AskMerchant."""
    return _planned(engine, shop_id, connection_id, skus, author, out=True)


def take_in(engine: Engine, shop_id: int, connection_id: int, skus: Sequence[str], author: str) -> int:
    """Plan that these are sold there again. Raises AskMerchant, also where nobody left them out by hand."""
    return _planned(engine, shop_id, connection_id, skus, author, out=False)


def _planned(engine: Engine, shop_id: int, connection_id: int, skus: Sequence[str], author: str, *, out: bool) -> int:
    named = {sku for sku in skus if sku}
    if not named:
        raise AskMerchant("Tick the products that are meant; one without SKU cannot be named.", field="products")
    with engine.db.read(shop_id) as session:
        known = _rules(session, connection_id)
    held = left_out(known)
    folded = {sku.casefold() for sku in named}
    after = [*held, *sorted(named - set(held))] if out else [sku for sku in held if sku.casefold() not in folded]
    if len(after) > MOST:
        raise AskMerchant(
            f"At most {MOST} products can be left out by hand; write a rule for so many.", field="products"
        )
    if after == held:
        text = "These are left out already." if out else "Nobody left these out by hand; look at what the rules say."
        raise AskMerchant(text, field="products")
    others = [rule for rule in known if rule.get("name") != RULE]
    rules = [*([_rule(after)] if after else []), *others]
    wish = Wish(subject=of_connection(connection_id), kind=KIND, content={"rules": rules})
    return int(plan.make(engine, shop_id, [wish], author)["id"])


def _rules(session: Session, connection_id: int) -> list[Data]:
    row = documents.read(session, of_connection(connection_id), KIND)
    return list(row.content.get("rules", ())) if row else []


def left_out(rules: Iterable[Data]) -> list[str]:
    """The SKUs that are left out by hand."""
    found = next((rule for rule in rules if rule.get("name") == RULE), None)
    return list(found["when"].get("values", ())) if found else []


def _rule(skus: Sequence[str]) -> Data:
    when = {"kind": "set", "field": "sku", "op": "in", "values": list(skus)}
    return {"name": RULE, "when": when, "then": [{"kind": "exclude", "reason": REASON}], "stop": True}
