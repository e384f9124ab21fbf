"""The pages of listings: all of them with what can be done to many, one SKU with where its values come from, and the
checks with what blocks most."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from bridge.domain.mapping.portable import guarded
from bridge.flows import activity as journal
from bridge.flows import checked, choosing, documents, listing_view, order_view, progress, resend, rule_lists, working
from bridge.flows.documents import of_connection
from bridge.ports.errors import AskMerchant
from bridge.web import fixing
from bridge.web.asked import Download, Go
from bridge.web.language import Name
from bridge.web.page import Context, Page, Sent, View
from bridge.web.run_words import RUNS, STATES

PER_PAGE = 25
MOST_CHOSEN = choosing.MOST
COLUMNS = ("sku", "ean", "title", "marketplace", "site", "state", "offer", "shown", "price", "why not")
FILTERS = ("search", "state", "on", "reason")


def _listings(view: View) -> Context | Download:
    session = view.session
    wanted = _wanted(view)
    channels = documents.channels(session)
    if view.text("download"):
        return Download("listings.csv", "text/csv; charset=utf-8", _file(view, wanted))
    last = view.number("after")
    after = (view.query.get("sku") or None, last) if last is not None else None
    rows = listing_view.listings(session, after=after, limit=PER_PAGE + 1, **wanted)
    end = rows[PER_PAGE - 1] if len(rows) > PER_PAGE else None
    return {
        "listings": rows[:PER_PAGE],
        "search": wanted["query"],
        "state": wanted["state"],
        "on": wanted["channel"],
        "reason": wanted["reason"],
        "channels": channels,
        "kept": {name: view.text(name) for name in FILTERS if view.text(name)},
        "paged": after is not None,
        "more": {"after": end["id"], "sku": end["sku"]} if end else None,
        "fix_of": fixing.of_finding,
        "runs": progress.shown(session, view.now),
        "run_words": RUNS,
        "run_states": STATES,
    }


def _wanted(view: View) -> dict[str, Any]:
    state = view.text("state")
    return {
        "query": view.text("search"),
        "state": state if state in listing_view.FILTERS else "",
        "channel": view.number("on"),
        "reason": view.text("reason", 80),
    }


def _file(view: View, wanted: Mapping[str, Any]) -> bytes:
    """What is found, one line for each listing."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    after: listing_view.Key | None = None
    while rows := listing_view.listings(view.session, after=after, limit=500, **wanted):
        after = listing_view.key_of(rows[-1])
        for row in rows:
            for item in row["channels"]:
                writer.writerow([guarded(str(cell)) for cell in _line(row, item)])
    return out.getvalue().encode("utf-8-sig")


def _line(row: Mapping[str, Any], item: Mapping[str, Any]) -> tuple[Any, ...]:
    price = item["facets"].get("price", {}).get("acked", {}).get("amount", "")
    why = " ".join(one["text"] for one in item["why_not"])
    shown = "" if item["published"] is None else item["published"]
    names = (row["sku"] or "", row["gtin"] or "", row["title"], item["channel"], item["site"], item["state"])
    return (*names, item["offer_id"] or "", shown, price, why)


def _sku(view: View) -> Context:
    sku, session = view.text("sku", 190), view.session
    context: Context = {"sku": sku, "rows": [], "unknown": "", "timeline": [], "title": Name(sku) or "Look up a SKU"}
    if not sku:
        return context
    try:
        context["rows"] = listing_view.explain(session, sku)
    except AskMerchant as error:
        return {**context, "unknown": error.merchant}
    refs = [held["ref"] for row in context["rows"] for held in listing_view.orders_of(row)]
    rules = {row["connection_id"]: rule_lists.places(session, row["connection_id"]) for row in context["rows"]}
    settings = documents.active(session)
    out = {
        number
        for number in rules
        if sku in choosing.left_out(settings.get((of_connection(number), "rules"), {}).get("rules", ()))
    }

    def step_way(row: Mapping[str, Any], step: Mapping[str, Any]) -> fixing.Way | None:
        return fixing.of_step(step, row["connection_id"], rules[row["connection_id"]], _category(row))

    return {
        **context,
        "timeline": journal.activity(session, sku=sku, limit=25),
        "order_ids": order_view.ids_of(session, refs),
        "left_out": out,
        "step_way": step_way,
        "fix_of": fixing.of_finding,
        "category_of": _category,
    }


def _category(row: Mapping[str, Any]) -> str:
    return str(row["facets"].get("content", {}).get("desired", {}).get("category") or "")


def _checks(view: View) -> Context:
    session = view.session
    channels = documents.channels(session)
    number = view.number("of") or next(iter(channels), None)
    if number is None:
        return {"channels": {}}
    working.must_exist(session, of_connection(number))
    return {
        "channels": channels,
        "number": number,
        "counts": checked.counts(session, number),
        "reasons": checked.reasons(session, number),
        "fix_of": fixing.of_finding,
        "runs": [run for run in progress.shown(session, view.now) if run["connection_id"] == number],
        "run_words": RUNS,
        "run_states": STATES,
    }


# What the forms ask for.


def _chosen(sent: Sent) -> tuple[int, list[tuple[int, str | None]]]:
    """The marketplace that is meant, and the products: those that are ticked, or all that the filter finds."""
    if not sent.form.get("to"):
        raise AskMerchant("Choose the marketplace that is meant.", field="to")
    number = sent.number("to")
    ids = {int(text) for text in sent.form.all("product") if text.isascii() and text.isdigit() and len(text) < 16}
    with sent.engine.db.read(sent.shop_id) as session:
        working.must_exist(session, of_connection(number))
        if "sku" in sent.form:
            found = listing_view.of_sku(session, sent.form["sku"])
        elif "all" in sent.form:
            found = listing_view.skus(session, *_filter(sent), MOST_CHOSEN + 1)
        else:
            found = listing_view.named(session, ids)
    if len(found) > MOST_CHOSEN:
        raise AskMerchant(
            f"More than {MOST_CHOSEN} products are found; narrow the search, or write a rule.", field="all"
        )
    if not found:
        raise AskMerchant("Tick the products that are meant.", field="products")
    return number, found


def _filter(sent: Sent) -> tuple[str, str, int | None, str]:
    on = sent.form.get("on", "")
    return (
        sent.form.get("search", "")[:220],
        sent.form.get("state", ""),
        sent.number("on") if on else None,
        sent.form.get("reason", "")[:80],
    )


def _leave_out(sent: Sent) -> Go:
    number, found = _chosen(sent)
    skus = [sku for _, sku in found if sku]
    made = choosing.leave_out(sent.engine, sent.shop_id, number, skus, sent.author)
    return Go(f"plans/{made}", done="planned")


def _take_in(sent: Sent) -> Go:
    number, found = _chosen(sent)
    skus = [sku for _, sku in found if sku]
    made = choosing.take_in(sent.engine, sent.shop_id, number, skus, sent.author)
    return Go(f"plans/{made}", done="planned")


def _again(sent: Sent) -> Go:
    number, found = _chosen(sent)
    resend.variants_again(sent.engine, sent.shop_id, number, [key for key, _ in found])
    back = {name: sent.form.get(name, "") for name in (*FILTERS, "sku")}
    return Go("sku" if "sku" in sent.form else "listings", back, "again")


def _start(sent: Sent) -> Go:
    number, kind = sent.number("of"), sent.form.place
    progress.start(sent.engine, sent.shop_id, number, kind)
    return _where_it_is_shown(sent, number, "started")


def _stop(sent: Sent) -> Go:
    progress.stop(sent.engine, sent.shop_id, sent.number("run"))
    return _where_it_is_shown(sent, sent.number("of"), "stopping")


def _where_it_is_shown(sent: Sent, number: int, said: str) -> Go:
    """The checks of a marketplace, or the Overview for a store's work."""
    with sent.engine.db.read(sent.shop_id) as session:
        channels = documents.channels(session)
    return Go("checks", {"of": number}, said) if number in channels else Go("", {}, said)


BULK: dict[str, Any] = {"out": _leave_out, "in": _take_in, "again": _again}
CHECK_ACTS: dict[str, Any] = {"start": _start, "stop": _stop}
PAGES = (
    Page("listings", "listings", "Listings", "listings", _listings, menu="Products", acts=BULK, shape="table"),
    Page("sku", "sku", "SKU", "listings", _sku, under="listings", acts=BULK),
)
CHECKS = (Page("checks", "checks", "Checks", "listings", _checks, menu="Checks", acts=CHECK_ACTS),)
