"""Sales to consumers in other EU countries on the page of prices: the sums, and whether their VAT is declared."""

from __future__ import annotations

from typing import Any

from bridge.flows import documents, turnover
from bridge.flows.documents import SHOP, Wish
from bridge.web.asked import Go
from bridge.web.page import Context, Sent, View

PAGE = "settings/prices"


def shown(view: View) -> Context:
    return {"eu_sales": turnover.shown(view.session, view.now)}


def save(sent: Sent) -> Go:
    wish = Wish(subject=SHOP, kind=turnover.SETTINGS, content={"registered": sent.form.get("registered") == "yes"})

    def act(session: Any) -> None:
        if good := documents.checked(session, [wish], documents.active(session)):
            documents.write(session, good, sent.engine.clock(), sent.author, "sales to other EU countries")

    sent.engine.db.transact(sent.shop_id, act)
    turnover.count_shop(sent.engine, sent.shop_id)
    return Go(PAGE, {}, "set")
