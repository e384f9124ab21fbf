"""The settings of a connection as a page edits them: in groups, each saved whole, tried before it is kept, and refused
where somebody else has changed them meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from bridge.db.tables import Connection
from bridge.domain.matching import BY, COMPARED
from bridge.domain.stock import StockPolicy
from bridge.domain.values import fingerprint
from bridge.flows import account, cancel_reasons, carriers, refund_reasons, shipping_methods, unmatched
from bridge.flows.connecting import Connected, attach, get
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.wish import Given, Manner, settings_of
from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import FormField, Manifest

ORDERS = ("import_from", "order_label", "payment_label", unmatched.SETTING, "acceptance", "acceptance_price")
CANCELLATIONS = ("buyer_cancellation", "store_cancellation_reason", "no_stock", "return_shelf", "return_window",
                 "refund_days")  # fmt: skip
SHIPPING = ("parcels",)
SAFETY = ("store_away", "store_away_after", "score_buffer")
MATCHING = (BY, COMPARED)
PACE = "poll_"
GROUPS: Mapping[str, tuple[str, ...]] = {
    "matching": MATCHING,
    "orders": ORDERS,
    "cancellations": CANCELLATIONS,
    "safety": SAFETY,
    "shipping": SHIPPING,
    "reasons": cancel_reasons.TABLES,
    "refund_reasons": refund_reasons.TABLES,
    "carriers": (carriers.TABLE, carriers.REST),
    "shipping_methods": (shipping_methods.TABLE, shipping_methods.REST),
}


def group(manifest: Manifest, name: str, info: Mapping[str, Any] | None = None) -> tuple[FormField, ...]:
    """``own`` (the marketplace's), ``matching``, ``orders``, ``cancellations``, ``safety``, ``shipping``, ``carriers``,
    ``shipping_methods``, ``reasons`` or ``pace``; stock is set by a plan."""
    fields = settings_of(manifest, info)
    return tuple(field for field in fields if _group_of(field.name) == name)


def _group_of(name: str) -> str:
    if name in StockPolicy.model_fields:
        return "stock"
    found = next((group for group, names in GROUPS.items() if name in names), "own")
    return "pace" if name.startswith(PACE) else found


def locked(engine: Engine, session: Session) -> dict[str, str]:
    """Settings of marketplaces that the shop's store cannot fulfil, by name, each with the reason."""
    reason = unmatched.lacking(engine, session)
    return {unmatched.SETTING: reason} if reason else {}


def version(row: Connection) -> str:
    """Changes with the settings: what a form was drawn from."""
    return fingerprint({"settings": row.settings, "urls": row.urls})


def changed(row: Connection) -> dict[str, str] | None:
    """By whom and when (ISO 8601) a page or a person changed it last."""
    return (row.info or {}).get(account.CHANGED)


def edit(
    engine: Engine,
    shop_id: int,
    connection_id: int,
    names: Sequence[str],
    given: Mapping[str, Any],
    seen: str,
    author: str,
) -> Connected:
    """Set these settings anew; one that is not given goes back to its default. The account is checked with them before
    they are kept. Raises what ``connect`` raises; FieldErrors of what the store cannot fulfil; AskMerchant when they
    are not what was ``seen`` any more."""
    row = get(engine, shop_id, connection_id)
    if seen != version(row):
        who = (changed(row) or {}).get("by") or "somebody else"
        text = f"These settings were changed by {who} meanwhile. Reload the page and enter your change again."
        raise AskMerchant(text, field="version")
    with engine.db.read(shop_id) as session:
        cannot = locked(engine, session)
    if refused := {name: cannot[name] for name in given if name in names and name in cannot}:
        raise FieldErrors(refused)
    known = {field.name for field in settings_of(engine.manifest(row))}  # one that an adapter has no more is let go
    others = {name: value for name, value in row.settings.items() if name in known - set(names)}
    asked = {name: value for name, value in given.items() if name in names}
    return _again(engine, row, {}, {**others, **asked}, Manner(row.sandbox, whole=True, author=author))


def renew(engine: Engine, shop_id: int, connection_id: int, credentials: Mapping[str, Any], author: str) -> Connected:
    """New credentials for an account that is connected; what is left out stays. Raises what ``connect`` raises."""
    row = get(engine, shop_id, connection_id)
    return _again(engine, row, credentials, {}, Manner(row.sandbox, author=author))


def _again(
    engine: Engine, row: Connection, credentials: Mapping[str, Any], settings: Mapping[str, Any], manner: Manner
) -> Connected:
    return attach(engine, row.shop_id, row.role, row.adapter, Given(row.account, credentials, settings, {}, manner))
