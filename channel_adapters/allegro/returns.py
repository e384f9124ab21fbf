"""Customer returns: what comes back, and how it was decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bridge.domain.reading import Json, table, tables, text
from bridge.domain.returns import MarketplaceReturn, ReturnDecision
from bridge.ports.channel import ItemResult, Outcome, Page
from bridge.ports.errors import BridgeError, NotFound, RejectItem
from channel_adapters.allegro import forms, mapping, vocabulary
from channel_adapters.allegro.account import SITES, Account
from channel_adapters.allegro.reading import stamp

PER_PAGE = 100
# Longer than any right to return that Allegro's policies know (withdrawalPeriod), and the way back.
SINCE = timedelta(days=90)
LONGEST_REASON = 250


class Returns:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._client = account.client

    def page(self, cursor: str | None) -> Page[MarketplaceReturn]:
        """All of the last months, those that are decided as well; the undecided ones with their order."""
        start = int(cursor or 0)
        now = self._account.clock()
        found, after = self._client.returns(PER_PAGE, start, createdAt__gte=stamp(now - SINCE))
        mine = [raw for raw in found if text(raw.get("id")) and self._wanted(raw)]
        orders = self._orders_of([raw for raw in mine if text(raw.get("status")) not in vocabulary.RETURNS_DECIDED])
        read = (mapping.marketplace_return(raw, orders.get(text(raw.get("orderId")), {}), now) for raw in mine)
        items = tuple(item for item in read if item.lines)
        return Page(items=items, next_cursor=None if after is None else str(after))

    def _wanted(self, raw: Json) -> bool:
        return raw.get("isFulfillment") is not True or self._account.settings.get("import_one_fulfilment") is True

    def _orders_of(self, raws: Sequence[Json]) -> dict[str, Json]:
        """A return of an order that is not there any more is told without it."""
        keys = list(dict.fromkeys(key for raw in raws if (key := text(raw.get("orderId")))))
        answers = self._client.each(self._client.order, keys)
        for answer in answers:
            if isinstance(answer, BridgeError) and not isinstance(answer, RejectItem):
                raise answer
        pairs = zip(keys, answers, strict=True)
        return {key: answer for key, answer in pairs if isinstance(answer, dict)}

    def decide(self, line_id: str, decision: ReturnDecision, note: str = "") -> ItemResult:
        """What is accepted is told by the refund, which follows. Everything else refuses the refund of the whole
        return, in Allegro's word for it."""
        if decision is ReturnDecision.ACCEPTED:
            return ItemResult(key=line_id, outcome=Outcome.APPLIED)
        key, code = mapping.return_of(line_id), vocabulary.REJECTIONS[decision]
        try:
            raw = self._client.customer_return(key)
            if table(raw, "rejection").get("code") == code:
                return ItemResult(key=line_id, outcome=Outcome.APPLIED)
            if len(tables(raw, "items")) > 1:
                words = "Allegro refuses the refund of a whole return only, and this one has several products."
                raise RejectItem(f"{words} Decide it in My Allegro.")
            self._client.reject_return(key, {"code": code, "reason": self._words(raw, decision, note)})
        except NotFound as error:
            return ItemResult(key=line_id, outcome=Outcome.MISSING, message=error.merchant)
        except RejectItem as error:
            return ItemResult(key=line_id, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)
        return ItemResult(key=line_id, outcome=Outcome.APPLIED)

    def _words(self, raw: Json, decision: ReturnDecision, note: str) -> str:
        site = SITES.get(text(raw.get("marketplaceId")).replace(forms.BUSINESS, "-")) or self._account.base()
        if decision is ReturnDecision.KEPT_BY_BUYER:
            return vocabulary.RETURN_KEPT[site.language]
        own = note or text(self._account.settings.get("return_refusal"))
        return (own or vocabulary.RETURN_REFUSED[site.language])[:LONGEST_REASON]
