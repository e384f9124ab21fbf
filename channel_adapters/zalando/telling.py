"""Stock and prices: told by EAN and sales channel, a thousand at a time, each with its own answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from bridge.domain.money import Money
from bridge.domain.reading import Json, table, text, whole
from bridge.ports.channel import ItemResult, OfferRef, Outcome, PriceUpdate, StockUpdate
from bridge.ports.errors import RejectItem
from channel_adapters.zalando import report
from channel_adapters.zalando.account import Account, Place
from channel_adapters.zalando.client import ZalandoClient, at_most
from channel_adapters.zalando.submissions import PRICE, submission
from channel_adapters.zalando.vocabulary import CODES, STATUSES, WAITS_FOR_PRODUCT

LARGEST_BATCH = 1000

Update = TypeVar("Update", bound=OfferRef)
Target = tuple[Place, str]
Ready = tuple[int, Target, Json]


class Telling:
    def __init__(self, client: ZalandoClient, account: Account, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._account = account
        self._clock = clock

    def restock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        return self._tell(
            updates, lambda update, target: _stock_item(target, update.stock), self._client.set_stocks, _stock_result
        )

    def end(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        """Zalando keeps the article; without stock it cannot be bought."""
        return self._tell(offers, lambda _offer, target: _stock_item(target, 0), self._client.set_stocks, _stock_result)

    def reprice(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        """Accepted is the first word only: prices are validated once more, and followed."""
        now = self._clock()

        def result(update: PriceUpdate, target: Target, answer: Json) -> ItemResult:
            return _price_result(update, target, answer, now)

        return self._tell(
            updates, lambda update, target: _price_item(target, update.price), self._client.set_prices, result
        )

    def _tell(
        self,
        updates: Sequence[Update],
        wire: Callable[[Update, Target], Json],
        send: Callable[[str, Sequence[Json]], list[Json]],
        result: Callable[[Update, Target, Json], ItemResult],
    ) -> list[ItemResult]:
        """Calls of at most a thousand, no article and channel twice in one of them. Each item's result is found by
        article and channel, not by its place."""
        found: dict[int, ItemResult] = {}
        ready: list[Ready] = []
        for number, update in enumerate(updates):
            try:
                site, ean = report.place_of(update.offer_id)
                target = self._account.place(site), ean
                ready.append((number, target, wire(update, target)))
            except RejectItem as error:
                outcome = Outcome.MISSING if error.field == "offer_id" else Outcome.REJECTED
                found[number] = ItemResult(key=update.key, outcome=outcome, message=error.merchant, field=error.field)
        for batch in _batches(ready):
            told = {_key(answer): answer for answer in send(self._account.merchant, [item for _, _, item in batch])}
            for number, target, item in batch:
                answer = told.get(_pair(item))
                found[number] = _untold(updates[number]) if answer is None else result(updates[number], target, answer)
        return [found[number] for number in range(len(updates))]


def check_currency(price: Money, place: Place) -> None:
    if price.currency != place.site.currency:
        words = f"Zalando sells in {place.site.currency} in {place.site.country}, this price is in {price.currency}."
        raise RejectItem(words, field="currency")


def _stock_item(target: Target, units: int) -> Json:
    place, ean = target
    return {"sales_channel_id": place.channel, "ean": ean, "quantity": units}


def _price_item(target: Target, price: Money) -> Json:
    """The regular price alone: one that is reduced, and prices with a date, are made in zDirect."""
    place, ean = target
    check_currency(price, place)
    amount = price.quantised().amount
    if amount <= 0:
        raise RejectItem("Zalando takes prices from 0.01 on.", field="price")
    return {
        "ean": ean,
        "sales_channel_id": place.channel,
        "regular_price": {"amount": amount, "currency": price.currency},
    }


def _batches(ready: Sequence[Ready]) -> Iterable[Sequence[Ready]]:
    rest = list(ready)
    while rest:
        seen: set[tuple[str, str]] = set()
        batch: list[Ready] = []
        again: list[Ready] = []
        for entry in rest:
            (again if _pair(entry[2]) in seen else batch).append(entry)
            seen.add(_pair(entry[2]))
        yield from at_most(batch, LARGEST_BATCH)
        rest = again


def _pair(item: Json) -> tuple[str, str]:
    return text(item.get("sales_channel_id")).lower(), text(item.get("ean"))


def _key(answer: Json) -> tuple[str, str]:
    return _pair(table(answer, "item") or table(answer, "product_price"))


def _stock_result(update: OfferRef, target: Target, answer: Json) -> ItemResult:
    return _result(update, target, table(answer, "result"))


def _price_result(update: PriceUpdate, target: Target, answer: Json, now: datetime) -> ItemResult:
    """What waits for its article is not validated before that may be days away: it is taken as told."""
    told = _result(update, target, answer)
    if told.outcome is not Outcome.APPLIED or whole(answer.get("code")) == WAITS_FOR_PRODUCT:
        return told
    place, ean = target
    name = submission(PRICE, place.site.code, ean, now, update.price.quantised().amount)
    return told.model_copy(update={"outcome": Outcome.SUBMITTED, "submission": name})


def _result(update: OfferRef, target: Target, told: Json) -> ItemResult:
    place, ean = target
    outcome, code = STATUSES.get(text(told.get("status")), Outcome.RETRY), whole(told.get("code"))
    words = "" if code in (None, 0) else CODES.get(code, f"code {code}")
    message = ": ".join(filter(None, (words, text(told.get("description")))))
    good = outcome is Outcome.APPLIED
    return ItemResult(
        key=update.key,
        outcome=outcome,
        offer_id=report.offer_id(place.site.code, ean) if good else None,
        message=message or ("" if good else "Zalando refused it without a reason."),
    )


def _untold(update: OfferRef) -> ItemResult:
    words = "Zalando's answer does not tell what became of it."
    return ItemResult(key=update.key, outcome=Outcome.RETRY, message=words)
