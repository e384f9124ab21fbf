"""Settings, Cancellations and returns: the reasons of cancellations and of refunds, as each side calls them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bridge.db.tables import Connection
from bridge.domain.order import CancelReason
from bridge.domain.returns import RefundReason
from bridge.flows import account_settings, cancel_reasons, refund_reasons, word_table
from bridge.flows.draft import store_connection
from bridge.flows.engine import Engine
from bridge.ports.manifest import Capability, Manifest
from bridge.web.asked import Form, Go
from bridge.web.page import Context, Sent, View

BLANK = 2  # lines to fill in
MOST = 200


def shown(view: View, row: Connection) -> Context:
    form = view.form if view.form is not None and view.form.do == "save_reasons" else None
    manifest, store = view.engine.manifest(row), _store(view.session, view.engine)
    mine = cancel_reasons.chosen(row.settings)
    there = cancel_reasons.told_to_store(row.settings)
    known = [(word, ours, usual) for word, ours, usual in cancel_reasons.words(row.settings, store)]
    typed = [(word, ours, "") for word, ours in _typed(form, "word", "means")] if form is not None else None
    return {
        "told": [
            {
                "name": ours.value,
                "words": cancel_reasons.NAMES[ours],
                "code": form.get(f"told.{ours}", "") if form else mine.get(ours, ""),
                "usual": manifest.cancel_reasons.tells.get(ours, ""),
                "store_code": form.get(f"there.{ours}", "") if form else there.get(ours, ""),
                "store_usual": store.cancel_reasons.tells.get(ours, "") if store else "",
            }
            for ours in CancelReason
        ],
        "codes": cancel_reasons.codes(row, manifest),
        "costs": manifest.cancel_reasons.costs,
        "store_codes": dict(store.cancel_reasons.codes) if store else {},
        "words": typed if typed is not None else [*known, *[("", "", "")] * BLANK],
        "names": cancel_reasons.NAMES,
        "version": account_settings.version(row),
    }


def _store(session: Session, engine: Engine) -> Manifest | None:
    store = store_connection(session)
    return engine.manifest(store) if store is not None else None


def _typed(form: Form, word: str, means: str) -> list[tuple[str, str]]:
    count = min(MOST, sum(name.startswith(f"{word}.") for name in form))
    return [(form.get(f"{word}.{number}", ""), form.get(f"{means}.{number}", "")) for number in range(count)]


def save(sent: Sent, row: Connection) -> Go:
    with sent.engine.db.read(row.shop_id) as session:
        store = _store(session, sent.engine)
    manifest, form = sent.engine.manifest(row), sent.form
    told = {str(ours): form.get(f"told.{ours}", "") for ours in CancelReason}
    there = {str(ours): form.get(f"there.{ours}", "") for ours in CancelReason}
    given = {
        cancel_reasons.TOLD: cancel_reasons.written(manifest, cancel_reasons.codes(row, manifest), told),
        cancel_reasons.READ: cancel_reasons.written_words(_typed(form, "word", "means")),
        cancel_reasons.STORE_TOLD: cancel_reasons.written_codes(store, there),
    }
    seen = form.get("version_reasons", "")
    account_settings.edit(sent.engine, sent.shop_id, row.id, cancel_reasons.TABLES, given, seen, sent.author)
    return Go("settings/returns", {"connection": row.id}, "set")


def shown_refunds(view: View, row: Connection) -> Context:
    form = view.form if view.form is not None and view.form.do == "save_refunds" else None
    manifest, mine = view.engine.manifest(row), word_table.pairs(row.settings, refund_reasons.TOLD)
    words = list(word_table.pairs(row.settings, refund_reasons.READ).items())
    return {
        "told": [
            {
                "name": ours.value,
                "words": refund_reasons.NAMES[ours],
                "code": form.get(f"refund.{ours}", "") if form else mine.get(ours, ""),
                "usual": manifest.refund_reasons.tells.get(ours, ""),
            }
            for ours in RefundReason
        ],
        "codes": refund_reasons.codes(row, manifest),
        "pays": Capability.REFUNDS in manifest.capabilities,
        "words": _typed(form, "refund_word", "refund_means") if form else [*words, *[("", "")] * BLANK],
        "rest": form.get("rest", "") if form else str(row.settings.get(refund_reasons.REST) or ""),
        "names": refund_reasons.NAMES,
        "version": account_settings.version(row),
    }


def save_refunds(sent: Sent, row: Connection) -> Go:
    manifest, form = sent.engine.manifest(row), sent.form
    told = {str(ours): form.get(f"refund.{ours}", "") for ours in RefundReason}
    rest = form.get("rest", "")
    given = {
        refund_reasons.TOLD: refund_reasons.written(refund_reasons.codes(row, manifest), told),
        refund_reasons.READ: refund_reasons.written_words(_typed(form, "refund_word", "refund_means")),
        **({refund_reasons.REST: rest} if rest in list(RefundReason) else {}),
    }
    seen = form.get("version_refunds", "")
    account_settings.edit(sent.engine, sent.shop_id, row.id, refund_reasons.TABLES, given, seen, sent.author)
    return Go("settings/returns", {"connection": row.id}, "set")
