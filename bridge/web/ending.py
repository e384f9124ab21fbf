"""Data and privacy: what is kept how long, and everything of a shop deleted by its merchant's word."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bridge.flows import ending, forgetting, keeping, overview
from bridge.flows.forms import FieldErrors
from bridge.ports.errors import AskMerchant
from bridge.web import render
from bridge.web.asked import Download, Go
from bridge.web.page import Action, Context, Sent, View

PAGE = "settings/privacy"
SAYS = ("name", "listings", "when")
_WHOLE = "Enter a whole number."


def shown(view: View) -> Context:
    kept = keeping.kept(view.engine, view.session, view.shop.id)
    return {
        "kept": kept,
        "chosen": keeping.chosen(view.session, view.shop.id),
        "most": keeping.most(view.engine),
        "fewest": keeping.FEWEST,
        "stakes": ending.stakes(view.session, view.shop.id),
        "period": lambda row: forgetting.period(view.engine, row, kept.buyers).days,
    }


def _save(sent: Sent) -> None:
    keeping.choose(sent.engine, sent.shop_id, {name: _days(sent, name) for name in keeping.FEWEST}, sent.author)


def _days(sent: Sent, name: str) -> int | None:
    """None where nothing is typed. Raises FieldErrors."""
    if not sent.form.get(name, "").strip():
        return None
    try:
        return sent.number(name)
    except AskMerchant:
        raise FieldErrors({name: _WHOLE}) from None


def _erase(sent: Sent) -> Download | Go:
    said = {name: sent.form.get(name, "")[:300] for name in SAYS}
    with sent.engine.db.read(sent.shop_id) as session:
        zone = overview.zone(session)
    report = ending.ask(sent.engine, sent.shop_id, said, sent.author)
    if report is None:
        return Go(PAGE, done="shop_ends")
    under_way = [{**item, "until": _moment(item["until"])} for item in report["under_way"]]
    told = {**report, "under_way": under_way, **{name: _moment(report[name]) for name in ("asked_at", "done_at")}}
    content = render.paper("deleted", sent.language, sent.engine.clock(), zone, report=told)
    return Download("storebridge-deleted.html", "text/html; charset=utf-8", content)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _take_back(sent: Sent) -> Go:
    ending.take_back(sent.engine, sent.shop_id, sent.author)
    return Go(PAGE, done="shop_stays")


KEEPING: Mapping[str, Action] = {"save_keeping": _save}
# For whoever may see customers' data and change things.
ACTS: Mapping[str, Action] = {"erase_shop": _erase, "keep_shop": _take_back}
