"""Single products that are not sold on a marketplace, by one rule among the marketplace's rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Variant
from bridge.flows import documents, plan, project
from bridge.flows.documents import Wish, of_connection
from bridge.flows.engine import Engine
from bridge.ports.errors import AskMerchant

NAME = "Excluded by hand"
MOST = 10_000
AT_ONCE = 500


def excluded(session: Session, connection_id: int) -> tuple[str, ...]:
    """The SKUs, as they were given."""
    rule = _rule(_rules(session, connection_id))
    return tuple(rule["when"].get("values", ())) if rule else ()


def wish(session: Session, connection_id: int, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Wish:
    """The rules with these SKUs in the list and those out of it. Raises AskMerchant for a SKU the store has not."""
    wanted = [sku.strip() for sku in add if sku.strip()]
    _refuse_unknown(session, wanted)
    gone = {sku.casefold() for sku in remove}
    kept = [sku for sku in excluded(session, connection_id) if sku.casefold() not in gone]
    skus = list(dict.fromkeys([*kept, *wanted]))
    if len(skus) > MOST:
        raise AskMerchant(f"At most {MOST} products; make a rule for more.", field="skus")
    rules = [rule for rule in _rules(session, connection_id) if rule.get("name") != NAME]
    content = {"rules": [*([_made(skus)] if skus else []), *rules]}
    return Wish(subject=of_connection(connection_id), kind="rules", content=content if content["rules"] else None)


def exclude(
    engine: Engine, shop_id: int, connection_id: int, add: Sequence[str], remove: Sequence[str], author: str
) -> dict[str, Any]:
    """Plan it and put it into effect; returns the change. Raises AskMerchant, also beyond the limits. A few products
    are out or in at once, so that whoever looks next sees it; many follow with the rest."""
    with engine.db.read(shop_id) as session:
        before, change = excluded(session, connection_id), wish(session, connection_id, add, remove)
    made = plan.make(engine, shop_id, [change], author, NAME, examples=5)
    applied = plan.apply(engine, shop_id, made["id"], author)
    engine.ring(engine.db.transact(shop_id, _project, engine, connection_id, before))
    return applied


def _project(session: Session, engine: Engine, connection_id: int, before: Sequence[str]) -> set[str]:
    skus = set(before) ^ set(excluded(session, connection_id))
    if len(skus) > AT_ONCE:
        return set()
    ids = session.scalars(select(Variant.id).where(Variant.sku.in_(skus)).order_by(Variant.id).limit(AT_ONCE)).all()
    now = engine.clock()
    return project.project(session, project.channel_views(engine, session, connection_id), ids, now, now)


def _refuse_unknown(session: Session, skus: Sequence[str]) -> None:
    known = set(session.scalars(select(Variant.sku).where(Variant.sku.in_(skus), Variant.deleted_at.is_(None))))
    unknown = [sku for sku in skus if sku not in known]
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise AskMerchant(f"The store has no product with SKU {', '.join(unknown[:5])}{more}.", field="skus")


def _rules(session: Session, connection_id: int) -> list[dict[str, Any]]:
    row = documents.read(session, of_connection(connection_id), "rules")
    return list(row.content.get("rules", ())) if row else []


def _rule(rules: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    found = next((rule for rule in rules if rule.get("name") == NAME), None)
    return found if found and found.get("when", {}).get("kind") == "set" else None


def _made(skus: Sequence[str]) -> dict[str, Any]:
    return {
        "name": NAME,
        "when": {"kind": "set", "field": "sku", "op": "in", "values": list(skus)},
        "then": [{"kind": "exclude", "reason": "excluded by hand"}],
    }
