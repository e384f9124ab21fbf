"""Reasons of cancellations, both ways: the store's word is one of ours, ours is the marketplace's code; and back. The
merchant's own tables count first, then what the manifests say. No reason is told that was not given: what nobody
explains is "another reason", unless the merchant has said what it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Cancellation, Connection, Order
from bridge.domain.order import CancelReason
from bridge.flows import word_table
from bridge.flows.account import choices
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.flows.word_table import pairs
from bridge.ports.manifest import FormField, Manifest

# Names of settings: what the marketplace is told, what the store's words mean, what the store is told, and the rest.
TOLD, READ, STORE_TOLD = "cancel_reasons", "store_reasons", "store_cancel_codes"
REST = "store_cancellation_reason"
TABLES = (TOLD, READ, STORE_TOLD)

NAMES: Mapping[str, str] = {
    CancelReason.OUT_OF_STOCK: "out of stock",
    CancelReason.BUYER_REQUEST: "the buyer asked for it",
    CancelReason.PRICE_ERROR: "a wrong price",
    CancelReason.CANNOT_SHIP_IN_TIME: "cannot be shipped in time",
    CancelReason.DAMAGED: "damaged",
    CancelReason.OTHER: "another reason",
}
FIELDS = (
    FormField(
        name=TOLD,
        label="What the marketplace is told of cancellations",
        kind="list",
        required=False,
        help="As ours=their code; ours are out_of_stock, buyer_request, price_error, cannot_ship_in_time, damaged, "
        "other.",
    ),
    FormField(
        name=READ,
        label="What the store's reasons mean",
        kind="list",
        required=False,
        help="As the store's word=ours; a word in a longer text counts, too.",
    ),
    FormField(
        name=STORE_TOLD,
        label="What the store is told of cancellations",
        kind="list",
        required=False,
        help="As ours=the store's code, where the store has codes.",
    ),
)


def chosen(settings: Mapping[str, Any]) -> dict[CancelReason, str]:
    """The merchant's table of what the marketplace is told."""
    return word_table.by_ours(settings, TOLD, CancelReason)


def told_to_store(settings: Mapping[str, Any]) -> dict[CancelReason, str]:
    """The merchant's table of what the store is told."""
    return word_table.by_ours(settings, STORE_TOLD, CancelReason)


def of_store(engine: Engine, session: Session, order: Order, word: str) -> CancelReason:
    """What the store's ``word`` for a cancellation means to this order's marketplace."""
    store, channel = store_connection(session), session.get_one(Connection, order.connection_id)
    return read(engine.manifest(store) if store else None, channel.settings, word)


def read(store: Manifest | None, settings: Mapping[str, Any], word: str) -> CancelReason:
    """By the merchant's table (the whole word, else the longest that is part of it), by the store's, else the rest."""
    mine = word_table.meant(settings, READ, CancelReason, word)
    if mine is not None:
        return mine
    known = store.cancel_reasons.reads.get(word) if store and word else None
    rest = str(settings.get(REST) or "")
    if known is not None and not (known is CancelReason.OTHER and rest):
        return known
    return CancelReason(rest) if rest in list(CancelReason) else CancelReason.OTHER


def to_store(
    engine: Engine, session: Session, channel: Connection, order_id: int, store: Connection | None
) -> tuple[str, str]:
    """The note and the store's own code for an order that is cancelled on its marketplace, by what is known of it."""
    query = select(Cancellation.reason).where(Cancellation.order_id == order_id, Cancellation.state == "done")
    found = set(session.scalars(query))
    if len(found) != 1 or not found <= set(CancelReason):
        why, words = CancelReason.OTHER, ""
    else:
        why = CancelReason(found.pop())
        words = f" Reason: {NAMES[why]}."
    told = engine.manifest(store).cancel_reasons if store else None
    code = told.code(why, told_to_store(channel.settings).get(why, "")) if told and told.codes else ""
    return f"Cancelled on {channel.title}.{words}", code


def codes(row: Connection, manifest: Manifest) -> dict[str, str]:
    """The marketplace's own, with what people call each: of its manifest, or as it told them with the account."""
    return {**manifest.cancel_reasons.codes, **{item.value: item.label for item in choices(row.info).get(TOLD, ())}}


def written(manifest: Manifest, offered: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """A table by our reasons as it is kept: an empty code is the default. Raises FieldErrors by ``told.<reason>``.

    The buyer's own wish costs a seller nothing, so it is told for nothing else."""
    wish = manifest.cancel_reasons.tells.get(CancelReason.BUYER_REQUEST)
    text = "This says that the buyer asked for it, which has to be true."
    untrue = {
        ours: text for ours, code in given.items() if code and code == wish and ours != CancelReason.BUYER_REQUEST
    }
    return word_table.written_codes(offered, given, CancelReason, "told", untrue)


def written_codes(store: Manifest | None, given: Mapping[str, str]) -> list[str]:
    """What the store is told, as it is kept: only codes that it has."""
    known = store.cancel_reasons.codes if store else {}
    return [f"{ours}={code}" for ours, code in given.items() if code in known and ours in list(CancelReason)]


def written_words(lines: Iterable[tuple[str, str]]) -> list[str]:
    """The table of the store's words. Raises FieldErrors by the number of the line."""
    return word_table.written_words(lines, CancelReason, "word")


def words(settings: Mapping[str, Any], store: Manifest | None) -> list[tuple[str, str, str]]:
    """The store's words: each with what the merchant has it mean, and what it means otherwise."""
    mine = pairs(settings, READ)
    known = store.cancel_reasons if store else None
    usual = {code: str(known.reads[code]) for code in known.reads} if known else {}
    names = [*usual, *(name for name in mine if name not in usual)]
    return [(name, mine.get(name, ""), usual.get(name, "")) for name in names]
