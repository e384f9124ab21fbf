"""The offers of one account. An offer is one thing on all marketplaces: one quantity, and a price for each of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from bridge.domain.listing import LiveOffer
from bridge.domain.reading import Json, table, tables, text
from bridge.ports.channel import (
    ContentUpdate,
    ItemResult,
    OfferDraft,
    OfferRef,
    Outcome,
    PriceUpdate,
    SaleStatus,
    StockUpdate,
)
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, Reauthorise, RejectItem, RetryLater, Superseded
from bridge.ports.http import Response
from bridge.ports.manifest import Site
from channel_adapters.allegro import commands, content, mapping
from channel_adapters.allegro.account import Account
from channel_adapters.allegro.categories import OF_THE_OFFER
from channel_adapters.allegro.client import operation_of
from channel_adapters.allegro.commands import Change, Command
from channel_adapters.allegro.reading import price, some
from channel_adapters.allegro.vocabulary import ACTIVATING, ACTIVE, ENDED, INACTIVE

# "external.id: maxItems 100"; ids are asked for in as many.
ASKED_AT_ONCE = 100
OFFERS_PER_PAGE = 1000
# What is about the account and not about an item ends a batch; values are absolute, so nothing is lost by it.
ENDING = (Reauthorise, Superseded, AskMerchant)
# Parts of the path of what Allegro refuses of a new offer, and the settings they come from.
OF_THE_SETTINGS = {
    "shippingRates": "shipping_rates",
    "returnPolicy": "return_policy",
    "impliedWarranty": "implied_warranty",
    "afterSalesServices.warranty": "warranty",
    "responsibleProducer": "responsible_producer",
    "responsiblePerson": "responsible_person",
    "safetyInformation": "safety_text",
    "location": "city",
}

Item = TypeVar("Item", OfferDraft, OfferRef, StockUpdate, PriceUpdate, ContentUpdate)


class Offers:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._client = account.client

    # Looking

    def find(self, skus: Sequence[str]) -> list[LiveOffer]:
        """By our references. Of several with one reference, those that are not ended, else the one that ended last."""
        asked = [sku for sku in dict.fromkeys(skus) if sku]
        raws: list[Json] = []
        for start in range(0, len(asked), ASKED_AT_ONCE):
            raws += self._all(external__id=asked[start : start + ASKED_AT_ONCE])
        sites = self._account.sites()
        return [offer for raw in mapping.best(raws) for offer in mapping.live_offers(raw, sites)]

    def _all(self, **filters: Sequence[str]) -> list[Json]:
        found: list[Json] = []
        offset: int | None = 0
        while offset is not None:
            page, offset = self._client.offers(OFFERS_PER_PAGE, offset, **filters)
            found += [raw for raw in page if text(raw.get("id"))]
        return found

    def page(self, offset: int) -> tuple[tuple[LiveOffer, ...], int | None]:
        raws, after = self._client.offers(OFFERS_PER_PAGE, offset)
        sites = self._account.sites()
        return tuple(offer for raw in raws for offer in mapping.live_offers(raw, sites)), after

    def _known(self, numbers: Sequence[str]) -> dict[str, Json]:
        asked, found = list(dict.fromkeys(numbers)), {}
        for start in range(0, len(asked), ASKED_AT_ONCE):
            for raw in self._all(offer__id=asked[start : start + ASKED_AT_ONCE]):
                found[text(raw.get("id"))] = raw
        return found

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        site, number = mapping.place_of(offer.offer_id)
        if not number:
            raise NotFound(f"Allegro has no offer {offer.offer_id!r}.")
        return mapping.sale_status(offer.offer_id, site, self._client.offer(number))

    # New ones

    def create(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        """One call each. A create whose answer was lost is to be looked for, which a retry does first."""
        return self._each(drafts, self._create)

    def _create(self, draft: OfferDraft) -> ItemResult:
        site = self._account.site(draft.site)
        if site != self._account.base():
            return self._extend(draft, site)
        named = text(draft.content.attributes.get("product_id"))
        gtin = "" if named else draft.gtin or ""
        found = some(lambda: self._client.products(gtin)) if gtin else self._named(named)
        product = content.product_of(found, draft.content, gtin)
        theirs = content.category_of(found, product)
        parameters = some(lambda: self._account.parameters(theirs)) if theirs else []
        if not parameters and draft.content.category:
            parameters = self._parameters(draft.content.category)
        body = content.new_offer(draft, site, self._account.settings, product, parameters)
        try:
            response = self._client.create_offer(body)
        except RejectItem as error:
            raise _by_setting(error, draft) from error
        return _answered(draft.key, "", response)

    def _named(self, product: str) -> list[Json]:
        """A product by its number, which tells what its category wants. One that is not there is told by the create."""
        try:
            return [self._client.product(product)] if product else []
        except RejectItem:
            return []

    def _parameters(self, category: str | None) -> list[Json]:
        try:
            return self._account.parameters(category) if category else []
        except NotFound as error:
            words = f"Allegro has no category {category!r} any more: map it anew."
            raise RejectItem(words, field="category", developer=error.developer) from error

    def _extend(self, draft: OfferDraft, site: Site) -> ItemResult:
        """On a further marketplace there is no offer of its own: the one of the base gets a price there."""
        base = self._account.base()
        if site not in self._account.sites():
            raise RejectItem(f"{site.code} is not among the country sites of this connection.", field="site")
        if base.code not in (self._account.settings.get("sites") or (base.code,)):
            words = f"{site.code} shows offers of {base.code}: choose that as well among the country sites."
            raise RejectItem(words, field="sites")
        known = mapping.best(self._all(external__id=[draft.sku]))
        if not known:
            words = f"The offer has to exist on {base.code} first; {site.code} follows."
            return ItemResult(key=draft.key, outcome=Outcome.RETRY, message=words)
        amount = price(content.asked(draft.price, site))
        body = {"additionalMarketplaces": {site.code: {"sellingMode": {"price": amount}}}}
        response = self._client.edit_offer(text(known[0].get("id")), body)
        return _answered(draft.key, mapping.offer_id(site.code, text(known[0].get("id"))), response)

    # Stock and price

    def restock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        """The base marketplace's listing carries the one quantity there is. Zeros go first and one by one: commands
        take quantities above 0 only, and an offer without any ends."""
        results: dict[int, ItemResult] = {}
        own: list[tuple[int, StockUpdate, str]] = []
        for place, update in enumerate(updates):
            site, number = mapping.place_of(update.offer_id)
            if site:
                results[place] = _applied(update)
            elif not number:
                results[place] = _unknown_offer(update)
            else:
                own.append((place, update, number))
        zeros = [(place, update) for place, update, _ in own if update.stock == 0]
        answers = self._each([update for _, update in zeros], self._empty)
        results |= {place: answer for (place, _), answer in zip(zeros, answers, strict=True)}
        rest = [(place, update, number) for place, update, number in own if update.stock]
        changes = [Change(place, number, "", update.stock) for place, update, number in rest]
        results |= self._change(changes, {place: update for place, update, _ in rest})
        return [results[place] for place in range(len(updates))]

    def _empty(self, update: StockUpdate) -> ItemResult:
        """An edit is checked whole, so that something else about the offer may be in its way: then it is ended."""
        number = mapping.place_of(update.offer_id)[1]
        try:
            response = self._client.edit_offer(number, {"stock": {"available": 0}})
        except NotFound:
            raise
        except (RejectItem, RetryLater):
            return self._finish([update])[0]
        return _answered(update.key, update.offer_id, response)

    def reprice(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        results: dict[int, ItemResult] = {}
        changes: list[Change] = []
        for place, update in enumerate(updates):
            code, number = mapping.place_of(update.offer_id)
            try:
                site = self._account.site(code)
                amount = content.asked(update.price, site)
            except RejectItem as error:
                results[place] = _refused(update.key, error)
                continue
            if number:
                changes.append(Change(place, number, site.code, amount))
            else:
                results[place] = _unknown_offer(update)
        results |= self._change(changes, dict(enumerate(updates)))
        return [results[place] for place in range(len(updates))]

    def _change(
        self, changes: Sequence[Change], updates: Mapping[int, StockUpdate | PriceUpdate]
    ) -> dict[int, ItemResult]:
        """Commands for offers that are on sale; an ended one is edited, which puts it on sale again where there is a
        quantity."""
        known = self._known([change.number for change in changes])
        results = {
            change.place: _unknown_offer(updates[change.place]) for change in changes if change.number not in known
        }
        there = [change for change in changes if change.number in known]
        asleep = [change for change in there if mapping.status(known[change.number]) in (ENDED, INACTIVE)]
        awake = [change for change in there if change not in asleep]
        for change, answer in zip(asleep, self._client.each(self._wake, asleep), strict=True):
            results[change.place] = _result(updates[change.place], answer)
        for command, key in self._send(commands.plan(awake)):
            for change in command.changes:
                results[change.place] = _commanded(updates[change.place], change, command, key)
        return results

    def _wake(self, change: Change) -> ItemResult:
        if isinstance(change.value, int):
            body: Json = {"stock": {"available": change.value}, "publication": {"status": ACTIVE}}
        elif change.site == self._account.base().code:
            body = {"sellingMode": {"price": price(change.value)}}
        else:
            body = {"additionalMarketplaces": {change.site: {"sellingMode": {"price": price(change.value)}}}}
        response = self._client.edit_offer(change.number, body)
        return _answered("", change.number, response)

    def _send(self, planned: Sequence[Command]) -> list[tuple[Command, str | BridgeError]]:
        """Each command with its number, or why not. One that is refused as a whole is taken apart, so that one bad
        change harms no other."""
        answers = self._client.each(self._send_one, planned)
        done: list[tuple[Command, str | BridgeError]] = []
        for command, answer in zip(planned, answers, strict=True):
            if isinstance(answer, RejectItem) and len(command.changes) > 1:
                done += self._send([Command("bulk", (change,)) for change in command.changes])
            else:
                done.append((command, answer))
        _raise_what_ends([answer for _, answer in done])
        return done

    def _send_one(self, command: Command) -> str:
        key, count = str(uuid.uuid4()), len(command.changes)
        if command.kind == "bulk":
            self._client.change_many(key, command.modifications)
        elif command.kind == "quantity":
            self._client.change_quantity(key, command.body, count)
        else:
            self._client.change_price(key, command.body, count)
        return key

    # Texts and ends

    def describe(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        """Allegro translates what the base marketplace says for the others."""
        return self._each(updates, self._describe)

    def _describe(self, update: ContentUpdate) -> ItemResult:
        site, number = mapping.place_of(update.offer_id)
        if not number:
            return _unknown_offer(update)
        if site or not self._account.settings.get("send_content", True):
            return _applied(update)
        attributes = any(name not in OF_THE_OFFER for name in update.content.attributes)
        there = self._client.offer(number) if attributes else {}
        # The category of the offer's product may be another one than the mapped.
        parameters = self._parameters(text(table(there, "category").get("id")))
        body = content.changed(update.content, parameters, tables(there, "parameters"))
        response = self._client.edit_offer(number, body)
        return _answered(update.key, update.offer_id, response)

    def end(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        """Ended ones stay in the account and can be put on sale again; so do drafts, which nobody sees."""
        places = [mapping.place_of(offer.offer_id) for offer in offers]
        known = self._known([number for _, number in places if number])
        results: dict[int, ItemResult] = {}
        going: list[int] = []
        for place, (offer, (site, number)) in enumerate(zip(offers, places, strict=True)):
            raw = known.get(number)
            if raw is None:
                results[place] = _unknown_offer(offer)
            elif mapping.status(raw) not in (ACTIVE, ACTIVATING) or (site and site not in mapping.further(raw)):
                results[place] = _applied(offer)
            elif site:
                words = (
                    f"Allegro shows an offer on {site} as long as its shipping rates deliver there, or until it ends."
                )
                results[place] = ItemResult(key=offer.key, outcome=Outcome.RETRY, message=words)
            else:
                going.append(place)
        ended = self._finish([offers[place] for place in going])
        return [{**results, **dict(zip(going, ended, strict=True))}[place] for place in range(len(offers))]

    def _finish(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        results: list[ItemResult] = []
        for start in range(0, len(offers), commands.SHARED):
            batch = offers[start : start + commands.SHARED]
            numbers = [mapping.place_of(offer.offer_id)[1] for offer in batch]
            key = str(uuid.uuid4())
            body = {"offerCriteria": commands.criteria(numbers), "publication": {"action": "END"}}
            self._client.change_publication(key, body, len(batch))
            results += [
                _submitted(offer.key, offer.offer_id, commands.submission("publication", key, number))
                for offer, number in zip(batch, numbers, strict=True)
            ]
        return results

    def _each(self, items: Sequence[Item], act: Callable[[Item], ItemResult]) -> list[ItemResult]:
        answers = self._client.each(act, items)
        _raise_what_ends(answers)
        return [_result(item, answer) for item, answer in zip(items, answers, strict=True)]


def _raise_what_ends(answers: Sequence[object]) -> None:
    """A fault of the account, or one that befell all."""
    faults = [answer for answer in answers if isinstance(answer, BridgeError)]
    ending: BridgeError | None = next((fault for fault in faults if isinstance(fault, ENDING)), None)
    if ending is None and faults and len(faults) == len(answers) and isinstance(faults[0], RetryLater):
        ending = faults[0]
    if ending is not None:
        raise ending


def _by_setting(error: RejectItem, draft: OfferDraft) -> RejectItem:
    """What the settings say of every new offer is named as the setting, unless the product has its own."""
    named = next((name for path, name in OF_THE_SETTINGS.items() if path in (error.field or "")), None)
    if named is None or draft.content.attributes.get(named):
        return error
    return RejectItem(error.merchant, developer=error.developer, field=named)


def _answered(key: str, offer: str, response: Response) -> ItemResult:
    """What became of a create or an edit: done (200, 201), or accepted (202) and to be followed."""
    body = response.json if isinstance(response.json, dict) else {}
    number = offer or text(body.get("id"))
    if response.status != 202:
        if not number:
            words = "Allegro did not name the new offer; it is looked for."
            return ItemResult(key=key, outcome=Outcome.RETRY, message=words)
        return ItemResult(key=key, outcome=Outcome.APPLIED, offer_id=number, message="; ".join(content.problems(body)))
    place = operation_of(response)
    if place is None:
        return ItemResult(key=key, outcome=Outcome.SUBMITTED, offer_id=number or None)
    number = number or place[0]
    return _submitted(key, number, commands.submission("operation", place[1], number))


def _submitted(key: str, offer: str, submission: str) -> ItemResult:
    return ItemResult(key=key, outcome=Outcome.SUBMITTED, offer_id=offer, submission=submission)


def _applied(item: OfferRef) -> ItemResult:
    return ItemResult(key=item.key, outcome=Outcome.APPLIED, offer_id=item.offer_id)


def _unknown_offer(item: OfferRef) -> ItemResult:
    return ItemResult(key=item.key, outcome=Outcome.MISSING, message=f"Allegro has no offer {item.offer_id!r}.")


def _refused(key: str, error: BridgeError) -> ItemResult:
    outcome = Outcome.MISSING if isinstance(error, NotFound) else Outcome.REJECTED
    return ItemResult(key=key, outcome=outcome, message=error.merchant, field=error.field)


def _result(item: Item, answer: ItemResult | BridgeError) -> ItemResult:
    """What is refused is that item's result; what passes, or whose answer was lost, is looked at again."""
    if isinstance(answer, ItemResult):
        return answer.model_copy(update={"key": item.key})
    if isinstance(answer, RejectItem):
        return _refused(item.key, answer)
    return ItemResult(key=item.key, outcome=Outcome.RETRY, message=answer.merchant)


def _commanded(
    update: StockUpdate | PriceUpdate, change: Change, command: Command, answer: str | BridgeError
) -> ItemResult:
    if isinstance(answer, BridgeError):
        return _result(update, answer)
    return _submitted(update.key, update.offer_id, commands.submission(command.kind, answer, change.number))
