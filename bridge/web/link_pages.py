"""The page of offers that are no product's: linked by hand, one by one or by a table that says first what it does."""

from __future__ import annotations

from typing import Any

from bridge.flows import link_tables, linking, matching
from bridge.flows.forms import FieldErrors
from bridge.flows.linking import Offer
from bridge.web.asked import Again, Download, Go
from bridge.web.page import Context, Page, Sent, View

PER_PAGE = 25
LINKED = 100


def _links(view: View) -> Context | Download:
    rows = linking.connections(view.session)
    channels = {row.id: row.title for row in rows}
    if view.text("download"):
        table = link_tables.written(view.session, list(channels))
        return Download("links.csv", "text/csv; charset=utf-8", table.encode("utf-8-sig"))
    number = view.number("on") or next(iter(channels), None)
    if number is None:
        return {"channels": {}}
    row = linking.connection(view.session, number)
    search, after = view.text("search"), view.number("after") or 0
    found = linking.loose(view.session, number, search, after, PER_PAGE + 1)
    return {
        "channels": channels,
        "on": number,
        "search": search,
        "can_list": row.adapter in view.engine.channels and matching.can_list(view.engine, row),
        "compared": matching.shown(view.session, row)["offers"],
        "total": linking.count(view.session, number),
        "offers": found[:PER_PAGE],
        "more": found[PER_PAGE - 1]["id"] if len(found) > PER_PAGE else None,
        "linked": linking.linked(view.session, number, LINKED),
        "unlinked": linking.unlinked(view.session, number, LINKED),
        "report": _report(view),
    }


def _report(view: View) -> link_tables.Report | None:
    """What the table would do that was just sent."""
    if view.form is None or view.error is not None or view.form.do != "upload":
        return None
    return link_tables.planned(view.session, link_tables.read(view.form.files["file"].content))


def _offer(sent: Sent) -> Offer:
    return Offer(sent.number("on"), sent.form.get("site", "")[:40], sent.form.get("offer", "")[:100])


def _link(sent: Sent) -> Go:
    offer = _offer(sent)
    linking.link(sent.engine, sent.shop_id, offer, sent.form.get("sku", "")[:190], sent.author)
    return Go("links", {"on": offer.connection_id}, "linked")


def _unlink(sent: Sent) -> Go:
    offer = _offer(sent)
    linking.unlink(sent.engine, sent.shop_id, offer)
    return Go("links", {"on": offer.connection_id}, "unlinked")


def _anew(sent: Sent) -> Go:
    number, site = sent.number("on"), sent.form.get("site", "")[:40]
    linking.offer_anew(sent.engine, sent.shop_id, number, site, sent.form.get("sku", "")[:190])
    return Go("links", {"on": number}, "offered_anew")


def _compare(sent: Sent) -> Go:
    number = sent.number("on")
    with sent.engine.db.read(sent.shop_id) as session:
        linking.connection(session, number)
    matching.again(sent.engine, sent.shop_id, number)
    return Go("links", {"on": number}, "comparing")


def _upload(sent: Sent) -> Again:
    """Only looked at."""
    file = sent.form.files.get("file")
    if file is None:
        raise FieldErrors({"file": "Choose the file."})
    link_tables.read(file.content)
    return Again()


def _confirm(sent: Sent) -> Go:
    link_tables.apply(sent.engine, sent.shop_id, sent.form.get("table", ""), sent.author)
    return Go("links", {"on": sent.form.get("on", "")}, "linked")


ACTS: dict[str, Any] = {
    "link": _link,
    "unlink": _unlink,
    "anew": _anew,
    "compare": _compare,
    "upload": _upload,
    "confirm": _confirm,
}
PAGES = (Page("links", "links", "Links", "listings", _links, menu="Links", acts=ACTS, shape="table"),)
