"""The selling side of the channel: offers made, changed, ended and looked up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bridge.domain.listing import LiveOffer, OfferContent
from bridge.domain.reading import Json, following, numbered, table, tables, text, whole
from bridge.ports.batch import failed
from bridge.ports.channel import (
    ContentUpdate,
    ItemResult,
    OfferDraft,
    OfferRef,
    Outcome,
    Page,
    PriceUpdate,
    SaleStatus,
    StockUpdate,
)
from bridge.ports.errors import BridgeError, NotFound, RejectItem, RetryLater
from bridge.ports.manifest import Site
from channel_adapters.ebay import mapping
from channel_adapters.ebay.account import SITES, WORKERS, Account
from channel_adapters.ebay.revisions import Revisions

PAGE = 25
ITEMS_PER_PAGE = 200
OUT_OF_REVISIONS = (
    "eBay allows 250 changes of a listing a day, and most of today's are used up: the newest value is sent as soon as "
    "there is room for it."
)
NOTHING_TO_LIST = "eBay publishes no listing with nothing in stock: it is made as soon as there is any."


@dataclass
class _Made:
    """A draft on its way: its SKU at eBay, and the offer once there is one."""

    draft: OfferDraft
    site: Site
    sku: str
    body: Json
    known: Json = field(default_factory=dict)
    offer_id: str = ""


class OfferSide(Account):
    """Making, changing and ending offers."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._revisions = Revisions(self.transport, self.key)
        self._one_by_one = False
        self._trees: dict[str, str] = {}
        self._leaves: dict[tuple[str, str], bool] = {}
        self._suggested: dict[tuple[str, str], str] = {}

    # Making: item, offer, publication, each for the whole batch

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        results: dict[str, ItemResult] = {}
        made = self._prepared(drafts, results)
        self._each_locale(made, results, self._put_items)
        self._each_locale(made, results, self._put_offers)
        self._publish([part for part in made if part.draft.key not in results], results)
        return [results[draft.key] for draft in drafts]

    def _prepared(self, drafts: Sequence[OfferDraft], results: dict[str, ItemResult]) -> list[_Made]:
        """Checked here first; the offers that stand already are looked up."""
        answers = self.transport.each(self._prepare, drafts, WORKERS)
        made = []
        for draft, answer in zip(drafts, answers, strict=True):
            if isinstance(answer, RejectItem) or (isinstance(answer, RetryLater) and draft.stock == 0):
                results[draft.key] = failed(draft.key, answer)
            elif isinstance(answer, BridgeError):
                raise answer
            else:
                made.append(answer)
        return made

    def _prepare(self, draft: OfferDraft) -> _Made:
        if draft.stock == 0:
            raise RetryLater(NOTHING_TO_LIST)
        site, home = self.site(draft.site), self.home()
        sku = mapping.ebay_sku(draft.sku, site.code, home)
        known = self._offer_on(sku, site.code)
        if known is None:  # this SKU is on another marketplace
            sku = mapping.ebay_sku(mapping.marked(draft.sku, site.code), site.code, site.code)
            known = self._offer_on(sku, site.code) or {}
        mapping.condition(draft.condition)
        mapping.product(draft.content, draft.gtin, site.language, self.settings)
        terms: Json = {"merchantLocationKey": self.location()}
        kinds = ("fulfillment", "payment", "return")
        terms["listingPolicies"] = {f"{kind}PolicyId": self.policy(kind, site) for kind in kinds}
        category = self._category(draft.content, site)
        body = mapping.offer(draft, sku, site, terms, category, self.settings)
        return _Made(draft, site, sku, body, known, text(known.get("offerId")))

    def _offer_on(self, sku: str, site: str) -> Json | None:
        """The offer of this SKU here; empty where there is none, None where another marketplace has the SKU."""
        found = self._offers(sku)
        mine = next((raw for raw in found if text(raw.get("marketplaceId")) == site), None)
        return mine if mine is not None else None if found else {}

    def _offers(self, sku: str) -> list[Json]:
        try:
            return self.client.offers_of(sku)
        except NotFound:
            return []

    def _category(self, content: OfferContent, site: Site) -> str:
        """The product's, which is one of the main marketplace, else the setting's; where this marketplace has no such
        category, or nothing was chosen, eBay's own first suggestion for the title. Raises RejectItem."""
        chosen = content.category or text(self.settings.get("default_category"))
        return chosen if chosen and self._has_leaf(site, chosen) else self._suggestion(content.title, site)

    def _has_leaf(self, site: Site, category: str) -> bool:
        """Each marketplace has a tree of its own; whether the main one has it is told by the publication."""
        tree = self.tree_id(site) if site.code != self.home() else ""
        if not tree or tree == self.tree_id(SITES[self.home()]):
            return True
        if (tree, category) not in self._leaves:
            try:
                self.client.aspects(tree, category)
                self._leaves[tree, category] = True
            except RejectItem:
                self._leaves[tree, category] = False
        return self._leaves[tree, category]

    def _suggestion(self, title: str, site: Site) -> str:
        key = (site.code, title)
        if key not in self._suggested:
            found = self.client.suggestions(self.tree_id(site), title)
            first = next((text(table(item, "category").get("categoryId")) for item in found), "")
            if not first:
                words = f"eBay suggests no category for {title!r}: map the product's category."
                raise RejectItem(words, field="category")
            self._suggested[key] = first
        return self._suggested[key]

    def tree_id(self, site: Site) -> str:
        if site.code not in self._trees:
            self._trees[site.code] = self.client.tree_id(site.code)
        return self._trees[site.code]

    def _each_locale(
        self,
        made: Sequence[_Made],
        results: dict[str, ItemResult],
        act: Callable[[list[_Made], str, dict[str, ItemResult]], None],
    ) -> None:
        """A bulk call has one language."""
        by_locale: dict[str, list[_Made]] = {}
        for part in made:
            if part.draft.key not in results:
                by_locale.setdefault(self.locale(part.site), []).append(part)
        for locale, parts in by_locale.items():
            act(parts, locale, results)

    def _put_items(self, parts: list[_Made], locale: str, results: dict[str, ItemResult]) -> None:
        before = self.items_by_sku([part.sku for part in parts])
        bodies = [
            mapping.item(
                part.sku,
                part.draft.stock,
                mapping.condition(part.draft.condition),
                mapping.product(part.draft.content, part.draft.gtin, part.site.language, self.settings),
                locale,
                before.get(part.sku, {}),
            )
            for part in parts
        ]
        entries = {text(entry.get("sku")): entry for entry in self.client.replace_items(bodies, locale)}
        for part in parts:
            self._note(part, mapping.result(part.draft.key, entries.get(part.sku)), results)

    def items_by_sku(self, skus: Sequence[str]) -> dict[str, Json]:
        """Those that exist."""
        entries = self.client.items_of(skus)
        return {
            text(entry.get("sku")): table(entry, "inventoryItem")
            for entry in entries
            if entry.get("statusCode") == 200 and table(entry, "inventoryItem")
        }

    def _note(self, part: _Made, result: ItemResult, results: dict[str, ItemResult]) -> None:
        """What went wrong is this draft's result, and nothing more is done with it; nothing can be missing yet."""
        if result.outcome is Outcome.MISSING:
            result = result.model_copy(update={"outcome": Outcome.REJECTED})
        if result.outcome is not Outcome.APPLIED:
            results[part.draft.key] = result

    def _put_offers(self, parts: list[_Made], locale: str, results: dict[str, ItemResult]) -> None:
        """New ones in one call; those that stand unpublished from an earlier attempt are brought up to date."""
        fresh = [part for part in parts if not part.offer_id]
        entries = self.client.create_offers([part.body for part in fresh], locale) if fresh else []
        by_place = {(text(entry.get("sku")), text(entry.get("marketplaceId"))): entry for entry in entries}
        for part in fresh:
            entry = by_place.get((part.sku, part.site.code))
            part.offer_id = text((entry or {}).get("offerId"))
            if not part.offer_id:
                self._note(part, mapping.refused_offer(part.draft.key, entry), results)
        standing = [part for part in parts if part.known]
        answers = self.transport.each(lambda part: self._renew(part, locale), standing, WORKERS)
        for part, answer in zip(standing, answers, strict=True):
            if isinstance(answer, RejectItem):
                results[part.draft.key] = failed(part.draft.key, answer)
            elif isinstance(answer, BridgeError):
                raise answer

    def _renew(self, part: _Made, locale: str) -> None:
        self.client.update_offer(part.offer_id, mapping.changed_offer(part.known, part.body), locale)

    def _publish(self, parts: Sequence[_Made], results: dict[str, ItemResult]) -> None:
        waiting = [part for part in parts if not mapping.is_listed(part.known)]
        entries = self.client.publish([part.offer_id for part in waiting]) if waiting else []
        by_id = {text(entry.get("offerId")): entry for entry in entries}
        for part in parts:
            key = mapping.offer_key(part.offer_id, part.sku)
            done = ItemResult(key=part.draft.key, outcome=Outcome.APPLIED, offer_id=key)
            if part in waiting:
                done = mapping.result(part.draft.key, by_id.get(part.offer_id), key)
            results[part.draft.key] = done
            self._note(part, done, results)

    # Changing

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        """On item and offer both, as the listing shows the lesser of the two."""

        def request(update: StockUpdate, offer_id: str, sku: str) -> Json:
            offer = {"offerId": offer_id, "availableQuantity": update.stock}
            return {"sku": sku, "shipToLocationAvailability": {"quantity": update.stock}, "offers": [offer]}

        return self._changed(updates, request)

    def update_prices(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        def request(update: PriceUpdate, offer_id: str, sku: str) -> Json:
            price = mapping.price(update.price, self.site(update.site))
            return {"sku": sku, "offers": [{"offerId": offer_id, "price": price}]}

        return self._changed(updates, request)

    def _changed(self, updates: Sequence[Any], request: Callable[[Any, str, str], Json]) -> list[ItemResult]:
        results: dict[str, ItemResult] = {}
        bodies: list[tuple[str, str, Json]] = []
        for update in updates:
            try:
                offer_id, sku = mapping.read_offer_key(update.offer_id)
                bodies.append((update.key, offer_id, request(update, offer_id, sku)))
            except RejectItem as error:
                results[update.key] = failed(update.key, error)
        waits = self._revisions.take([offer_id for _, offer_id, _ in bodies])
        results |= {key: _later(key, wait) for (key, *_), wait in zip(bodies, waits, strict=True) if wait is not None}
        wanted = [(key, body) for key, _, body in bodies if key not in results]
        size = 1 if self._one_by_one else whole(self.settings.get("skus_per_call")) or PAGE
        for start in range(0, len(wanted), size):
            self._send_changes(wanted[start : start + size], results)
        return [results[update.key] for update in updates]

    def _send_changes(self, wanted: Sequence[tuple[str, Json]], results: dict[str, ItemResult]) -> None:
        """A call that is refused whole is made again SKU by SKU: eBay's description also knows a limit of one."""
        try:
            entries = self.client.update_price_quantity([body for _, body in wanted])
        except RejectItem as error:
            if len(wanted) == 1:
                results[wanted[0][0]] = failed(wanted[0][0], error)
                return
            for part in wanted:
                self._send_changes([part], results)
            # Where each of them is taken alone, it was their number that was refused.
            self._one_by_one = all(results[key].outcome is Outcome.APPLIED for key, _ in wanted)
            return
        except BridgeError:
            for _, body in wanted:
                self._revisions.give_back(text(body["offers"][0]["offerId"]))
            raise
        told = _by_request(entries)
        for key, body in wanted:
            results[key] = mapping.result(key, told(body))

    def update_content(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        """Replaces what is given and leaves all else: both records are read, merged and written whole."""
        if not self.settings.get("send_content", True):
            return [ItemResult(key=update.key, outcome=Outcome.APPLIED) for update in updates]
        skus = []
        for update in updates:
            sku = update.offer_id.partition(":")[2]
            if sku and sku not in skus:
                skus.append(sku)
        before = self.items_by_sku(skus) if skus else {}
        return self.each(updates, lambda update: self._content(update, before))

    def _content(self, update: ContentUpdate, before: dict[str, Json]) -> ItemResult:
        offer_id, sku = mapping.read_offer_key(update.offer_id)
        site, known = self.site(update.site), before.get(sku)
        if known is None:
            raise NotFound(f"eBay has no inventory item {sku!r} any more.")
        if (wait := self._revisions.take([offer_id], 2)[0]) is not None:
            return _later(update.key, wait)
        raw, locale = self.client.offer(offer_id), self.locale(site)
        about = mapping.product(update.content, update.gtin, site.language, self.settings)
        stock, condition = mapping.stock_of(known) or 0, text(known.get("condition"))
        body = mapping.item(sku, stock, condition, about, locale, known)
        entries = self.client.replace_items([body], locale)
        done = mapping.result(update.key, entries[0] if entries else None, update.offer_id)
        if done.outcome is not Outcome.APPLIED:
            return done
        changes = mapping.description(update.content)
        category = update.content.category
        changes |= {"categoryId": category} if category and self._has_leaf(site, category) else {}
        self.client.update_offer(offer_id, mapping.changed_offer(raw, changes), locale)
        return done

    def end_offers(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        return self.each(offers, self._end)

    def _end(self, offer: OfferRef) -> ItemResult:
        """The offer stays at eBay unpublished, and is brought back when the product is."""
        offer_id, _ = mapping.read_offer_key(offer.offer_id)
        try:
            self.client.withdraw(offer_id)
        except RejectItem as error:
            if isinstance(error, NotFound) or not mapping.is_listed(self.client.offer(offer_id)):
                return ItemResult(key=offer.key, outcome=Outcome.MISSING, message="eBay no longer has this listing.")
            raise
        return ItemResult(key=offer.key, outcome=Outcome.APPLIED, offer_id=offer.offer_id)

    # Looking

    def find_offers(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        """Listed ones only, by SKU: an offer that was never published, or has ended, is brought back by a create. eBay
        has no search by GTIN."""
        home = self.home()
        marks = [mapping.marked(sku, site.code) for sku in skus for site in self._sold_on() if site.code != home]
        names = [name for name in dict.fromkeys([*skus, *marks]) if name and len(name) <= mapping.SKU_MAX]
        answers = self.transport.each(self._offers, names, WORKERS)
        found: list[LiveOffer] = []
        for answer in answers:
            if isinstance(answer, BridgeError):
                raise answer
            found += [mapping.live_offer(raw, {}) for raw in answer if mapping.is_listed(raw)]
        return found

    def _sold_on(self) -> tuple[Site, ...]:
        """The marketplaces of the setting; where it is empty, those with policies."""
        if self.settings.get("sites"):
            return self.wanted()
        return tuple(site for site in self.wanted() if all(self.policies(site.code).values()))

    def list_offers(self, cursor: str | None) -> Page[LiveOffer]:
        """There is no list of offers: the inventory is walked, page over page, and each item asked for its own."""
        page, size = numbered(int(cursor or 0), ITEMS_PER_PAGE)
        answer = self.client.items(page, size)
        items = tables(answer, "inventoryItems")
        answers = self.transport.each(lambda raw: self._offers(text(raw.get("sku"))), items, WORKERS)
        found: list[LiveOffer] = []
        for about, offers in zip(items, answers, strict=True):
            if isinstance(offers, BridgeError):
                raise offers
            found += [mapping.live_offer(raw, about) for raw in offers if mapping.is_listed(raw)]
        total = whole(answer.get("total"))
        after = page * size + len(items)
        more = bool(items) and (text(answer.get("next")) or (total or 0) > after)
        return Page(items=tuple(found), next_cursor=str(following(page * size, len(items))) if more else None)

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        return mapping.sale_status(offer.offer_id, self.client.offer(mapping.read_offer_key(offer.offer_id)[0]))


def _later(key: str, wait: timedelta) -> ItemResult:
    return ItemResult(key=key, outcome=Outcome.RETRY, message=OUT_OF_REVISIONS, after=wait)


def _by_request(entries: Sequence[Json]) -> Callable[[Json], Json | None]:
    """What an answer says of each request: a refusal of its item counts for the offer too."""
    offers, items = defaultdict[str, list[Json]](list), defaultdict[str, list[Json]](list)
    for entry in entries:
        offer_id = text(entry.get("offerId"))
        (offers[offer_id] if offer_id else items[text(entry.get("sku"))]).append(entry)

    def told(body: Json) -> Json | None:
        mine = [*offers.get(text(body["offers"][0]["offerId"]), ()), *items.get(text(body["sku"]), ())]
        return next((entry for entry in mine if _is_refused(entry)), mine[0] if mine else None)

    return told


def _is_refused(entry: Json) -> bool:
    return bool(tables(entry, "errors")) or not 200 <= (whole(entry.get("statusCode")) or 0) < 300
