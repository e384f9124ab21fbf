"""Offers and products: found, created, kept up to date, ended. Every write is a file or a list for many items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bridge.domain.listing import Facet, LiveOffer
from bridge.domain.reading import Json, following, tables, text, whole
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
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, RejectItem, RetryLater
from channel_adapters.mirakl import catalogue, mapping, sending
from channel_adapters.mirakl.client import PAGE, MiraklClient
from channel_adapters.mirakl.known import Settings
from channel_adapters.mirakl.platform import Platform
from channel_adapters.mirakl.prices import has_others, price_file
from channel_adapters.mirakl.prices import rows_of as price_rows
from channel_adapters.mirakl.submissions import NEW_PRODUCT, OFFER, PRICE, PRODUCT, STOCK, sent

# "This resource returns 100 products maximum" (specification, P31).
REFERENCES = 100
AN_HOUR = timedelta(hours=1)
# Offers whose other prices are read one by one; and how long the list of those with others is good for.
READ_ALONE = 20
OTHERS_LAST = timedelta(minutes=15)
SEND = "send_products"
OFFERS_SWITCHED_OFF = (
    "The marketplace does not know these products, and sending product data is switched off. Have them created in its "
    "back office (they are offered as soon as it knows their EAN), or switch on the sending of product data."
)
NO_CATALOGUE = (
    "The marketplace takes no product data by its interface, and does not know these products. Have them created in "
    "its back office (they are offered as soon as it knows their EAN), or ask it for the right to send product data."
)
NO_TEXTS = (
    "The marketplace takes no product data by its interface: titles, texts and pictures stay as it has them. Ask it "
    "for the right to send product data, or switch off the sending of product data in the account's settings."
)

Item = TypeVar("Item", OfferDraft, OfferRef, StockUpdate, PriceUpdate, ContentUpdate)
Made = TypeVar("Made")


class Offers:
    """The offers of one shop. An offer's id is the shop's SKU: that is how every import names it."""

    def __init__(
        self, client: MiraklClient, known: Settings, settings: Mapping[str, Any], clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._known = known
        self._settings = settings
        self._clock = clock
        self._id_type = str(settings.get("product_id_type") or "EAN")
        self._attributes: dict[str | None, tuple[datetime, list[Json] | BridgeError]] = {}
        self._lists: tuple[datetime, catalogue.Lists] | None = None
        self._others: tuple[datetime, dict[str, Json]] | None = None

    # Reading

    def find(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        """By SKU; by GTIN only where there is a product, and then by the operator's own number of it."""
        found: dict[str, LiveOffer] = {}
        for sku in dict.fromkeys(skus):
            found |= self._named(sku=sku)
        offered = {offer.gtin for offer in found.values()}
        missing = [gtin for gtin in dict.fromkeys(gtins) if gtin not in offered]
        for product in self._products(missing).values():
            if number := text(product.get("product_sku")):
                found |= self._named(product_id=number)
        return list(found.values())

    def _named(self, **filters: str) -> dict[str, LiveOffer]:
        raws = tables(self._client.offers(**filters), "offers")
        return {text(raw["shop_sku"]): mapping.live_offer(raw, self._id_type) for raw in raws if raw.get("shop_sku")}

    def page(self, cursor: str | None) -> Page[LiveOffer]:
        start = int(cursor or 0)
        answer = self._client.offers(offset=start)
        raws = tables(answer, "offers")
        items = tuple(mapping.live_offer(raw, self._id_type) for raw in raws if text(raw.get("shop_sku")))
        return Page(items=items, next_cursor=next_offset(answer, start, len(raws)))

    def status(self, offer_id: str) -> SaleStatus:
        raw = self._read(offer_id)
        if raw is None:
            raise NotFound(f"Mirakl: there is no offer {offer_id}.")
        return mapping.sale_status(offer_id, raw)

    def _read(self, offer_id: str) -> Json | None:
        """``sku`` may be a filter by likeness: only the offer itself counts."""
        raws = tables(self._client.offers(sku=offer_id), "offers")
        return next((raw for raw in raws if text(raw.get("shop_sku")) == offer_id), None)

    def _products(self, gtins: Iterable[str]) -> dict[str, Json]:
        """The operator's products under these GTINs."""
        wanted = list(dict.fromkeys(gtin for gtin in gtins if gtin))
        found: dict[str, Json] = {}
        for start in range(0, len(wanted), REFERENCES):
            asked = [f"{self._id_type}|{gtin}" for gtin in wanted[start : start + REFERENCES]]
            for raw in self._client.products(asked):
                found.setdefault(text(raw.get("product_id")), raw)
        return found

    # Writing

    def create(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        """An offer where the operator knows the product; else the product first, and the offer once that is there:
        what is not found when it is looked up again is created again."""
        platform, products = self._known.current(), self._products(draft.gtin or "" for draft in drafts)
        bodies = _Batch(drafts, lambda draft: sending.new_offer(draft, self._settings, platform))
        offers = [draft for draft in bodies.good if draft.gtin in products]
        unknown = [draft for draft in bodies.good if draft.gtin not in products]
        number = self._client.send_offers([bodies.made[draft.key] for draft in offers]) if offers else ""
        now = self._clock()
        results = {draft.key: sent(draft.key, draft.sku, [(OFFER, number)], now) for draft in offers}
        results |= self._create_products(unknown, platform)
        # Texts and pictures are the catalogue's: they go their own way once the offer is there.
        unsent = (Facet.CONTENT,) if self._settings.get(SEND, True) else ()
        return [result.model_copy(update={"unsent": unsent}) for result in bodies.results(results)]

    def _create_products(self, drafts: Sequence[OfferDraft], platform: Platform) -> dict[str, ItemResult]:
        if drafts and not self._settings.get(SEND, True):
            return {draft.key: _rejected(draft.key, RejectItem(OFFERS_SWITCHED_OFF, field=SEND)) for draft in drafts}
        wanted = [
            (draft.key, catalogue.Product(draft.sku, draft.gtin or "", draft.content.category or "", draft.content))
            for draft in drafts
        ]
        try:
            number, refused = self._send_products(wanted, platform)
        except RetryLater as error:  # the offers of this batch are sent already
            return {draft.key: _later(draft.key, error) for draft in drafts}
        now = self._clock()
        return refused | {
            draft.key: sent(draft.key, draft.sku, [(NEW_PRODUCT, number)], now, draft.gtin)
            for draft in drafts
            if draft.key not in refused
        }

    def _send_products(
        self, wanted: Sequence[tuple[str, catalogue.Product]], platform: Platform, refusal: str = NO_CATALOGUE
    ) -> tuple[str, dict[str, ItemResult]]:
        """The number of the import, and the results of those that could not be sent; with ``refusal`` where the
        marketplace takes none."""
        rows: dict[str, dict[str, str]] = {}
        refused: dict[str, ItemResult] = {}
        for key, product in wanted:
            try:
                columns = self._columns(product.category)
                rows[key] = product.row(columns, platform.separator)
            except (RejectItem, AskMerchant) as error:
                refused[key] = _rejected(key, self._of_all(error, refusal, product.category))
        try:
            content = catalogue.product_file(list(rows.values()), platform.delimiter) if rows else b""
            return (self._client.import_products(content) if rows else ""), refused
        except (AskMerchant, NotFound) as error:
            return "", refused | {key: _rejected(key, self._of_all(error, refusal)) for key in rows}

    def _of_all(self, error: BridgeError, refusal: str, category: str = "") -> BridgeError:
        """An operator that takes no product data says so by a right that is missing (403), or by an address that is not
        there (404): that is no matter of the product. A 404 for a category is, where there are attributes at all."""
        if isinstance(error, RejectItem) and not isinstance(error, NotFound):
            return error
        if isinstance(error, NotFound) and category and self._has_attributes():
            return error
        if isinstance(error, AskMerchant) and error.field:
            return error
        return AskMerchant(refusal, developer=str(error), field=SEND)

    def _has_attributes(self) -> bool:
        try:
            self.attributes(None)
        except (RejectItem, AskMerchant):
            return False
        return True

    def _columns(self, category: str) -> catalogue.Columns:
        columns = catalogue.Columns(self.attributes(category) if category else (), self._settings)
        if category:
            columns.check()
        return columns

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        content = sending.stock_file(updates, str(self._settings.get("warehouse") or ""))
        number, now = self._client.import_stock(content), self._clock()
        return [sent(update.key, update.offer_id, [(STOCK, number)], now) for update in updates]

    def update_prices(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        platform = self._known.current()
        prices = _Batch(updates, lambda update: sending.price_of(update, platform))
        if not prices.good:
            return prices.results({})
        wanted, now = {update.offer_id: prices.made[update.key] for update in prices.good}, self._clock()
        there = self._with_other_prices(list(wanted))
        rows = [row for sku, price in wanted.items() for row in price_rows(sku, price, there.get(sku), now)]
        number = self._client.import_prices(price_file(rows))
        return prices.results({item.key: sent(item.key, item.offer_id, [(PRICE, number)], now) for item in prices.good})

    def _with_other_prices(self, skus: Sequence[str]) -> dict[str, Json]:
        """Those of the offers that have more than one plain price. Few are read one by one; for many the whole list is,
        which is remembered for a while."""
        if len(skus) <= READ_ALONE:
            return {sku: raw for sku in skus if (raw := self._read(sku)) is not None and has_others(raw)}
        if self._others is None or self._clock() - self._others[0] > OTHERS_LAST:
            self._others = (self._clock(), {text(raw.get("shop_sku")): raw for raw in self._all() if has_others(raw)})
        return self._others[1]

    def _all(self) -> Iterator[Json]:
        start: str | None = "0"
        while start is not None:
            answer = self._client.offers(offset=int(start))
            raws = tables(answer, "offers")
            yield from raws
            start = next_offset(answer, int(start), len(raws))

    def update_content(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        """Product data to the catalogue; and where the settings want the offer otherwise than it is, the offer."""
        platform = self._known.current()
        offers, missing = self._offers_to_change(updates, platform)
        there = [update for update in updates if update.key not in missing]
        products, refused = self._products_of(there, platform)
        offer_number = self._client.send_offers(list(offers.values())) if offers else ""
        results = missing | refused
        for update in there:
            if update.key in refused:
                continue
            imports = [(OFFER, offer_number)] if update.key in offers else []
            imports += [(PRODUCT, products)] if self._settings.get(SEND, True) else []
            results[update.key] = self._content_sent(update, imports)
        return [results[update.key] for update in updates]

    def _content_sent(self, update: ContentUpdate, imports: list[tuple[str, str]]) -> ItemResult:
        if not imports:
            return ItemResult(key=update.key, outcome=Outcome.APPLIED, offer_id=update.offer_id)
        return sent(update.key, update.offer_id, imports, self._clock(), update.gtin)

    def _offers_to_change(
        self, updates: Sequence[ContentUpdate], platform: Platform
    ) -> tuple[dict[str, Json], dict[str, ItemResult]]:
        """By key: offers to be written anew, whole, and those that are gone or cannot be written back."""
        changed: dict[str, Json] = {}
        failed: dict[str, ItemResult] = {}
        for update in updates:
            try:
                if not (wishes := sending.wishes(self._settings, platform, update.content)):
                    continue
                if (raw := self._read(update.offer_id)) is None:
                    failed[update.key] = _missing(update)
                elif (wanted := _with(sending.same_offer(raw, self._id_type), wishes)) is not None:
                    changed[update.key] = sending.allowed(wanted, platform)
            except RejectItem as error:
                failed[update.key] = _rejected(update.key, error)
        return changed, failed

    def _products_of(self, updates: Sequence[ContentUpdate], platform: Platform) -> tuple[str, dict[str, ItemResult]]:
        """The category of a product the operator knows is its own; it is asked for only where none is chosen."""
        if not self._settings.get(SEND, True):
            return "", {}
        unplaced = [update.gtin or "" for update in updates if not update.content.category]
        known = {gtin: text(raw.get("category_code")) for gtin, raw in self._products(unplaced).items()}
        wanted = []
        for update in updates:
            category = update.content.category or known.get(update.gtin or "", "")
            wanted.append((update.key, catalogue.Product(update.sku, update.gtin or "", category, update.content)))
        return self._send_products(wanted, platform, NO_TEXTS)

    def end(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        """Deleting wants the offer's product, price and condition: they are read first, which tells what is gone."""
        found = {offer.key: self._read(offer.offer_id) for offer in offers}
        bodies = _Batch([offer for offer in offers if found[offer.key]], lambda offer: self._deletion(found[offer.key]))
        number = self._client.send_offers([bodies.made[offer.key] for offer in bodies.good]) if bodies.good else ""
        now = self._clock()
        results = {offer.key: sent(offer.key, offer.offer_id, [(OFFER, number)], now) for offer in bodies.good}
        results |= {offer.key: _missing(offer) for offer in offers if not found[offer.key]}
        results |= bodies.refused
        return [results[offer.key] for offer in offers]

    def _deletion(self, raw: Json | None) -> Json:
        body = sending.same_offer({**(raw or {}), "all_prices": [], "discount": None}, self._id_type)
        names = ("shop_sku", "product_id", "product_id_type", "state_code", "price")
        return {name: body[name] for name in names} | {"update_delete": "delete"}

    # What a category asks for, read once an hour

    def attributes(self, category: str | None) -> list[Json]:
        """Raises what the marketplace said, also for an hour: it is not asked once more for each product."""
        kept = self._attributes.get(category)
        if kept is None or self._clock() - kept[0] > AN_HOUR:
            kept = self._attributes[category] = (self._clock(), self._read_attributes(category))
        if isinstance(kept[1], BridgeError):
            raise kept[1]
        return kept[1]

    def _read_attributes(self, category: str | None) -> list[Json] | BridgeError:
        try:
            return self._client.attributes(category)
        except (AskMerchant, NotFound) as error:
            return error

    def lists(self) -> catalogue.Lists:
        if self._lists is None or self._clock() - self._lists[0] > AN_HOUR:
            self._lists = (self._clock(), catalogue.values_lists(self._client.values_lists()))
        return self._lists[1]


class _Batch:
    """What is made of each item; those that are refused before anything is sent have their result already."""

    def __init__(self, items: Sequence[Any], make: Callable[[Any], Any]) -> None:
        self._items = items
        self.made: dict[str, Any] = {}
        self.refused: dict[str, ItemResult] = {}
        for item in items:
            try:
                self.made[item.key] = make(item)
            except RejectItem as error:
                self.refused[item.key] = _rejected(item.key, error)

    @property
    def good(self) -> list[Any]:
        return [item for item in self._items if item.key in self.made]

    def results(self, sent_: Mapping[str, ItemResult]) -> list[ItemResult]:
        """In the order of the items."""
        return [self.refused.get(item.key) or sent_[item.key] for item in self._items]


def next_offset(answer: Json, start: int, found: int) -> str | None:
    """Where the next page begins; None at the end. A full page without a total count is not the last."""
    after, count = start + found, whole(answer.get("total_count"))
    more = found >= PAGE if count is None else after < count
    return str(following(start, found)) if found and more else None


def _with(body: Json, wishes: Json) -> Json | None:
    """The offer as it is wished, None when it is so already. Additional fields are joined by their code."""
    wanted = dict(wishes)
    if "offer_additional_fields" in wishes:
        fields = {item.get("code"): item for item in body.get("offer_additional_fields", [])}
        asked = {item["code"]: item["value"] for item in wishes["offer_additional_fields"]}
        if all(_same(fields.get(code, {}).get("value"), value) for code, value in asked.items()):
            wanted.pop("offer_additional_fields")
        else:
            fields |= {item["code"]: item for item in wishes["offer_additional_fields"]}
            wanted["offer_additional_fields"] = list(fields.values())
    changed = any(body.get(name) != value for name, value in wanted.items())
    return body | wanted if changed else None


def _same(known: Any, asked: Any) -> bool:
    """A number may come back as one that was sent as text."""
    return bool(known == asked or (not isinstance(asked, list) and text(known) == asked))


def _rejected(key: str, error: BridgeError) -> ItemResult:
    return ItemResult(key=key, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)


def _later(key: str, error: RetryLater) -> ItemResult:
    return ItemResult(key=key, outcome=Outcome.RETRY, message=error.merchant)


def _missing(offer: OfferRef) -> ItemResult:
    text_ = f"The marketplace has no offer {offer.offer_id}."
    return ItemResult(key=offer.key, outcome=Outcome.MISSING, message=text_)
