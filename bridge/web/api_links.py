"""What can be asked of the JSON door about offers that are linked to products by hand."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from bridge.flows import documents, link_tables, linking
from bridge.web.api_routes import CONNECTION, Call, Route


def _links(call: Call) -> Any:
    number, after = call.connection, call.asked("after", 0) or 0

    def act(session: Session) -> dict[str, Any]:
        search = call.query.get("search", "").strip()[:220]
        return {
            "loose": linking.loose(session, number, search, after, 100),
            "linked": linking.linked(session, number, 1000),
            "unlinked": linking.unlinked(session, number, 1000),
        }

    return call.read(act)


def _link(call: Call) -> Any:
    call.only("site", "offer", "sku")
    offer = linking.Offer(call.connection, call.text("site", 40), call.text("offer", 100))
    return {"done": linking.link(call.engine, call.shop_id, offer, call.text("sku", 190), call.author)}


def _unlink(call: Call) -> Any:
    call.only("site", "offer")
    offer = linking.Offer(call.connection, call.text("site", 40), call.text("offer", 100))
    return {"done": linking.unlink(call.engine, call.shop_id, offer)}


def _offer_anew(call: Call) -> Any:
    call.only("site", "sku")
    number, site = call.connection, call.text("site", 40)
    return {"done": linking.offer_anew(call.engine, call.shop_id, number, site, call.text("sku", 190))}


def _link_table(call: Call) -> Any:
    channels = sorted(call.read(documents.channels))
    return {"table": call.read(lambda session: link_tables.written(session, channels))}


def _put_link_table(call: Call) -> Any:
    call.only("table", "confirm")
    table = call.text("table", link_tables.MOST_BYTES)
    if call.flag("confirm"):
        return {"done": True, **link_tables.apply(call.engine, call.shop_id, table, call.author).as_json()}
    report = call.read(lambda session: link_tables.planned(session, link_tables.read(table)))
    return {"done": False, **report.as_json()}


ROUTES = (
    Route("GET", f"{CONNECTION}/links", _links, "Offers without a product, with candidates; what is (un)linked."),
    Route("POST", f"{CONNECTION}/links", _link, "Link an offer to a product by hand: site, offer, sku."),
    Route("POST", f"{CONNECTION}/unlink", _unlink, "Take such a link back: site, offer."),
    Route("POST", f"{CONNECTION}/offer", _offer_anew, "Offer a product anew that was unlinked: site, sku."),
    Route("GET", "links", _link_table, "Every offer with its product, as a CSV table."),
    Route("PUT", "links", _put_link_table, "Say what a table would change; with confirm, change it."),
)
