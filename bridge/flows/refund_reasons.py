"""Reasons of refunds that are made in the store: its text is one of ours, ours is the marketplace's code. The
merchant's own tables count first, then the manifest; a text that no word fits is another reason, unless the merchant
says else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from bridge.db.tables import Connection, Order
from bridge.domain.returns import RefundReason
from bridge.flows import word_table
from bridge.flows.account import choices
from bridge.ports.manifest import FormField, Manifest

# Names of settings: what the marketplace is told, what the store's words mean, and the rest.
TOLD, READ, REST = "refund_reasons", "refund_words", "store_refund_reason"
TABLES = (TOLD, READ, REST)
NAMES: Mapping[str, str] = {
    RefundReason.RETURNED: "the goods came back",
    RefundReason.DAMAGED: "damaged or defective",
    RefundReason.NOT_RECEIVED: "not received",
    RefundReason.WRONG_ITEM: "the wrong item",
    RefundReason.GOODWILL: "goodwill",
    RefundReason.OTHER: "another reason",
}
FIELDS = (
    FormField(
        name=TOLD,
        label="What the marketplace is told of refunds",
        kind="list",
        required=False,
        help="As ours=their code; ours are returned, damaged, not_received, wrong_item, goodwill, other.",
    ),
    FormField(
        name=READ,
        label="What the store's reasons of refunds mean",
        kind="list",
        required=False,
        help="As the store's word=ours; a word in a longer text counts, too.",
    ),
    FormField(
        name=REST,
        label="Reason for refunds made in the store",
        kind="choice",
        required=False,
        choices=dict(NAMES),
        help="For what the store gives no reason, or one that is in no table. Another reason where nothing is chosen.",
    ),
)


def code(settings: Mapping[str, Any], reason: RefundReason) -> str:
    """The marketplace's code that the merchant has chosen for it, else empty."""
    return word_table.by_ours(settings, TOLD, RefundReason).get(reason, "")


def of_store(session: Session, order: Order, text: str) -> RefundReason:
    """What the store's ``text`` for a refund means to this order's marketplace."""
    return read(session.get_one(Connection, order.connection_id).settings, text)


def read(settings: Mapping[str, Any], text: str) -> RefundReason:
    """By the merchant's table, else the rest."""
    found = word_table.meant(settings, READ, RefundReason, text)
    rest = str(settings.get(REST) or "")
    return found or (RefundReason(rest) if rest in list(RefundReason) else RefundReason.OTHER)


def codes(row: Connection, manifest: Manifest) -> dict[str, str]:
    """The marketplace's own, with what people call each: of its manifest, or as it told them with the account."""
    return {**manifest.refund_reasons.codes, **{item.value: item.label for item in choices(row.info).get(TOLD, ())}}


def written(offered: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """A table by our reasons as it is kept. Raises FieldErrors by ``refund.<reason>``."""
    return word_table.written_codes(offered, given, RefundReason, "refund")


def written_words(lines: Iterable[tuple[str, str]]) -> list[str]:
    """The table of the store's words. Raises FieldErrors by ``refund_word.<number of the line>``."""
    return word_table.written_words(lines, RefundReason, "refund_word")
