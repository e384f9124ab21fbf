"""Listings as a person sees them, and the explanation of each number: from stored facts only, nothing is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, cast, func, or_, select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection, FacetRow, Listing, Poll, Variant
from bridge.domain.blast import moved_percent
from bridge.domain.money import Money
from bridge.flows import held, resting, standstill
from bridge.flows.advice import CORRECT_TO_OFFER
from bridge.flows.offered import UNLINKED
from bridge.flows.sites import site_name
from bridge.flows.wish import DISCONNECTED
from bridge.ports.errors import AskMerchant

Key = tuple[str | None, int]
FEW = 1000
STOPPED = ("blocked", "rejected", UNLINKED)  # not listed, and not by itself
WAITS = {
    "text": "It was unlinked from its offer by hand, and that offer still stands there.",
    "fix": "Link it to an offer under Listings, Links, or have it offered anew there. "
    "After the next comparison of offers it is offered by itself.",
}
FILTERS: Mapping[str, Any] = {
    "live": Listing.state == "live",
    "waiting": Listing.state.in_(("new", "creating", "submitted", "unknown", "ending")),
    "blocked": Listing.state.in_(STOPPED),
    "not-for-sale": and_(Listing.state == "live", Listing.for_sale.is_(False)),
}
STATES = {
    "new": "will be listed",
    "blocked": "not listed: something is missing",
    "creating": "is being listed",
    "submitted": "accepted by the marketplace, which is still making it",
    "unknown": "an answer is missing; it is looked up",
    "live": "listed",
    "rejected": "refused by the marketplace",
    "ending": "is being taken off",
    "ended": "taken off",
    UNLINKED: "unlinked by hand, not offered anew yet",
    "none": "no listing yet",
}


def listings(
    session: Session,
    query: str = "",
    after: Key | None = None,
    limit: int = 50,
    state: str = "",
    channel: int | None = None,
    reason: str = "",
) -> list[dict[str, Any]]:
    """Variants by SKU, each with its listing on every channel; variants without SKU come last.

    ``after`` is the key of the last row of the page before (see ``key_of``). ``channel``: the connection that ``state``
    and ``reason`` (the rule of a finding) are about.
    """
    found: list[Variant] = []
    chosen = _chosen(session, query, _conditions(state, channel, reason))
    if after is None or after[0] is not None:
        page = chosen.where(Variant.sku.is_not(None))
        if after is not None:
            page = page.where(or_(Variant.sku > after[0], and_(Variant.sku == after[0], Variant.id > after[1])))
        found += session.scalars(page.order_by(Variant.sku, Variant.id).limit(limit))
    if len(found) < limit:
        rest = chosen.where(Variant.sku.is_(None))
        if after is not None and after[0] is None:
            rest = rest.where(Variant.id > after[1])
        found += session.scalars(rest.order_by(Variant.id).limit(limit - len(found)))
    shown = _of_variants(session, [row.id for row in found])
    return [{**_variant(row), "channels": shown[row.id]} for row in found]


def key_of(row: Mapping[str, Any]) -> Key:
    return row["sku"], row["id"]


def skus(
    session: Session, query: str, state: str, channel: int | None, reason: str, limit: int
) -> list[tuple[int, str | None]]:
    """Number and SKU of everything that is found, at most ``limit``."""
    chosen = _chosen(session, query, _conditions(state, channel, reason)).order_by(Variant.id).limit(limit)
    return [(row[0], row[1]) for row in session.execute(chosen.with_only_columns(Variant.id, Variant.sku))]


def named(session: Session, ids: Collection[int]) -> list[tuple[int, str | None]]:
    """Number and SKU of these variants, as far as the shop has them."""
    query = select(Variant.id, Variant.sku).where(Variant.id.in_(list(ids)), Variant.deleted_at.is_(None))
    return [(row[0], row[1]) for row in session.execute(query.order_by(Variant.id))]


def of_sku(session: Session, sku: str) -> list[tuple[int, str | None]]:
    query = select(Variant.id, Variant.sku).where(Variant.sku == sku, Variant.deleted_at.is_(None))
    return [(row[0], row[1]) for row in session.execute(query.order_by(Variant.id))]


def _conditions(state: str, channel: int | None, reason: str) -> list[Any]:
    """What a listing has to be. A finding's rule stands in the text of the findings."""
    found = [FILTERS[state]] if state in FILTERS else []
    if channel is not None:
        found.append(Listing.connection_id == channel)
    if reason:
        found.append(cast(Listing.findings, Text).like(f'%"rule": "{_escaped(reason)}"%', escape="\\"))
    return found


def _chosen(session: Session, query: str, conditions: Sequence[Any]) -> Any:
    chosen = select(Variant).where(Variant.deleted_at.is_(None))
    text = query.strip()
    if text:
        inside = f"%{_escaped(text.lower())}%"
        chosen = chosen.where(
            or_(
                func.lower(Variant.sku).like(inside, escape="\\"),
                func.lower(Variant.title).like(inside, escape="\\"),
                Variant.gtin == text,
            )
        )
    if not conditions:
        return chosen
    # Where few fit they are looked up; where many do, going by SKU meets the next ones soon.
    few = list(session.scalars(select(Listing.variant_id).where(*conditions).limit(FEW + 1)))
    if len(few) <= FEW:
        return chosen.where(Variant.id.in_(few))
    return chosen.where(select(Listing.id).where(Listing.variant_id == Variant.id, *conditions).exists())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _variant(row: Variant) -> dict[str, Any]:
    return {
        "id": row.id,
        "sku": row.sku,
        "gtin": row.gtin,
        "title": row.title,
        "on_hand": row.on_hand,
        "price": row.data.get("price"),
        "read_at": row.read_at,
    }


def _of_variants(session: Session, ids: Sequence[int]) -> defaultdict[int, list[dict[str, Any]]]:
    query = select(Listing, Connection).join(Connection, Connection.id == Listing.connection_id)
    query = query.where(Listing.variant_id.in_(ids), Connection.state != DISCONNECTED)
    rows = session.execute(query.order_by(Connection.id, Listing.site, Listing.id)).all()
    facets: defaultdict[int, dict[str, FacetRow]] = defaultdict(dict)
    of_listings = select(FacetRow).where(FacetRow.listing_id.in_([listing.id for listing, _ in rows]))
    for facet in session.scalars(of_listings):
        facets[facet.listing_id][facet.facet] = facet
    shown: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for listing, channel in rows:
        shown[listing.variant_id].append(_listing(listing, channel, facets[listing.id]))
    return shown


def _listing(row: Listing, channel: Connection, facets: Mapping[str, FacetRow]) -> dict[str, Any]:
    """One listing: what it should show, what was acknowledged, and why it is not live or not for sale."""
    stock = facets.get("stock")
    return {
        "connection_id": channel.id,
        "channel": channel.title,
        "account": channel.account,
        "adapter": channel.adapter,
        "site": site_name(channel, row.site),
        "connection_state": channel.state,
        "listing_id": row.id,
        "state": row.state,
        "state_text": STATES.get(row.state, row.state),
        "offer_id": row.offer_id,
        "linked": {"by": row.linked_by, "at": row.linked_at} if row.offer_id and row.linked_by else None,
        "for_sale": row.for_sale,
        "why_not": _why_not(row),
        "warnings": [_told(item) for item in row.findings if not item.get("blocking")],
        "stays": [_told(item) for item in row.findings if row.state == "live" and item.get("blocking")],
        "end_waits": row.end_hold == "held",
        **_number(row, stock),
        "facets": {name: _facet(row, facet) for name, facet in sorted(facets.items())},
    }


def _number(row: Listing, stock: FacetRow | None) -> dict[str, Any]:
    """The published number and its sum: on hand, less reserved (by which orders), less buffer."""
    parts = stock.explain if stock else {}
    live = row.offer_id is not None
    facet = _facet(row, stock)
    return {
        "target": parts.get("quantity"),
        "published": facet["acked"].get("quantity") if live else None,
        "on_hand": parts.get("on_hand"),
        "reserved": parts.get("reserved", 0),
        "orders": [_held(text) for text in parts.get("orders", [])],
        "buffer": parts.get("buffer", 0),
        "buffer_reason": parts.get("buffer_reason", ""),
        "cap": parts.get("cap"),
        "reason": parts.get("reason", ""),
        "bundle": _bundle(parts.get("bundle")),
        **{name: facet[name] for name in ("pending", "in_flight", "sent_at", "acked_at", "changed_at", "error")},
    }


def _bundle(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """How many bundles can be put together, and what of each component there is; the bundle's own count has no SKU."""
    if told is None:
        return None
    parts = [{**part, "orders": [_held(text) for text in part["orders"]]} for part in told["parts"]]
    return {**told, "parts": parts}


def orders_of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every order that holds units of this row, or of what it is made of."""
    parts = row["bundle"]["parts"] if row["bundle"] else ()
    return [*row["orders"], *(held for part in parts for held in part["orders"])]


def _held(text: str) -> dict[str, Any]:
    ref, _, units = text.rpartition(" x")
    return {"ref": ref, "quantity": int(units) if units.isdigit() else None}


def _facet(row: Listing, facet: FacetRow | None) -> dict[str, Any]:
    if facet is None:
        return {"desired": {}, "acked": {}, "pending": False, "in_flight": False, "sent_at": None, "acked_at": None,
                "changed_at": None, "error": None, "steps": [], "held": None, "held_steps": []}  # fmt: skip
    live = row.offer_id is not None
    waits = facet.held if facet.held_hash and facet.held_hash != facet.approved_hash else {}
    return {
        "steps": facet.explain.get("steps", []),
        "held": waits.get("value"),
        "held_steps": waits.get("explain", {}).get("steps", []),
        "desired": facet.desired,
        "acked": facet.acked if live else {},
        "pending": live and facet.desired_version > facet.acked_version,
        "in_flight": facet.in_flight,
        "sent_at": facet.sent_at,
        "acked_at": facet.acked_at,
        "changed_at": facet.desired_at,
        "error": facet.error,
    }


def _why_not(row: Listing) -> list[dict[str, str]]:
    """Why this cannot be bought: our own findings with their fix, else the marketplace's words. One that is live is
    stopped by nothing of ours."""
    if row.state == "live":
        return [{"text": str(reason), "fix": ""} for reason in row.sale_reasons] if row.for_sale is False else []
    found = [_told(item) for item in row.findings if item.get("blocking")]
    if row.state in ("ended", "ending"):
        return found or [{"text": "It is no longer offered there.", "fix": ""}]
    if row.state == UNLINKED:
        return [*found, WAITS]
    if row.error:
        fix = standstill.FIX if standstill.waited(row.error) else CORRECT_TO_OFFER
        found.append({"text": row.error, "fix": fix})
    if row.for_sale is False:
        found += [{"text": str(reason), "fix": ""} for reason in row.sale_reasons]
    return found


def _told(finding: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(finding.get(name, "")) for name in ("rule", "field", "text", "fix", "link")}


def explain(session: Session, sku: str, channel: str | None = None) -> list[dict[str, Any]]:
    """How the number of this SKU on each channel came about. Raises AskMerchant for an unknown SKU or channel."""
    variants = list(
        session.scalars(
            select(Variant).where(Variant.sku == sku, Variant.deleted_at.is_(None)).order_by(Variant.id).limit(20)
        )
    )
    if not variants:
        raise AskMerchant(f"The store has no product with SKU {sku!r} that has been read here.", field="sku")
    channels = _channels(session, channel)
    shown = _of_variants(session, [row.id for row in variants])
    rows = []
    for variant in variants:
        for row in channels:
            known = [item for item in shown[variant.id] if item["connection_id"] == row.id]
            rows += [{**_variant(variant), **item} for item in known or [_unlisted(row)]]
    looked = _read_back(session)
    rests = {(item["connection_id"], item["flow"]) for item in resting.holds(session)}
    return [
        {
            **row,
            "sum": sum_of(row),
            "read_back_at": looked.get(row["connection_id"]),
            "price_waits": _price_waits(session, row),
            "rests": sorted(flow for connection_id, flow in rests if connection_id == row["connection_id"]),
        }
        for row in rows
    ]


def _price_waits(session: Session, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """A price that is held back until a person agrees: what it would become, and by how many percent it moves, of which
    ``limit`` go unasked. Statements only where one is."""
    facet = row["facets"].get("price")
    if facet is None or not facet["held"] or not facet["acked"]:
        return None
    now, value = Money.model_validate(facet["acked"]), Money.model_validate(facet["held"])
    percent, limit = moved_percent(now, value), held.reach(session, row["connection_id"]).price_percent
    return {
        "now": now.text(),
        "value": value.text(),
        "percent": None if percent is None else f"{percent:+}",
        "limit": f"{limit.normalize():f}",
        "steps": facet["held_steps"],
    }


def _read_back(session: Session) -> dict[int, datetime | None]:
    """When each marketplace's own list of offers was last compared with what it had acknowledged; a difference found
    then is what ``acked`` shows since."""
    query = select(Poll.connection_id, Poll.last_ok_at).where(Poll.flow == "poll.offers")
    return {row[0]: row[1] for row in session.execute(query)}


def _channels(session: Session, name: str | None) -> list[Connection]:
    query = select(Connection).where(
        Connection.role == "channel", Connection.state.not_in((DISCONNECTED, "connecting"))
    )
    rows = list(session.scalars(query.order_by(Connection.id)))
    if name is None:
        return rows
    chosen = [row for row in rows if name in (str(row.id), row.account, row.adapter)]
    if not chosen:
        known = ", ".join(row.account for row in rows) or "none"
        raise AskMerchant(f"There is no marketplace {name!r}; connected are: {known}.", field="channel")
    return chosen


def _unlisted(channel: Connection) -> dict[str, Any]:
    empty = Listing(state="none", site="", findings=[], sale_reasons=[], offer_id=None, error=None, for_sale=None)
    return _listing(empty, channel, {})


def step_text(step: Mapping[str, Any], say: Callable[[str], str] = str) -> str:
    """One step of a value's way in words. ``say``: who changed it, and why, in the reader's language."""
    change = (
        f": {step['before']} -> {step['after']}"
        if step.get("before")
        else f": {step['after']}"
        if step.get("after")
        else ""
    )
    note = f" ({say(step['note'])})" if step.get("note") else ""
    return f"{say(step['by'])}{change}{note}"


def sum_of(row: Mapping[str, Any]) -> str:
    """The number as a readable sum, such as ``9 on hand - 2 reserved - 1 buffer = 6``; of a bundle, by its parts."""
    if row["target"] is None:
        return ""
    if row["bundle"] is not None:
        units = row["bundle"]["units"]
        made = f"{units} to be put together \N{MINUS SIGN} {row['buffer']} buffer = {row['target']}"
        return made if units - row["buffer"] == row["target"] and units else f"{made} ({row['reason']})"
    if row["on_hand"] is None:
        return f"{row['reason']} = {row['target']}"
    on_hand, reserved, buffer, target = (row[name] for name in ("on_hand", "reserved", "buffer", "target"))
    why = row["reason"]
    if on_hand - reserved - buffer == target:
        return f"{on_hand} on hand \N{MINUS SIGN} {reserved} reserved \N{MINUS SIGN} {buffer} buffer = {target}"
    return f"{on_hand} on hand \N{MINUS SIGN} {reserved} reserved \N{MINUS SIGN} {buffer} buffer = {target} ({why})"
