"""The selling side of the channel: listings made, changed and ended, one by one or by feed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from bridge.domain.reading import Json, text, whole
from bridge.ports.batch import failed
from bridge.ports.channel import (
    ContentUpdate,
    ItemResult,
    OfferDraft,
    OfferRef,
    Outcome,
    PriceUpdate,
    StockUpdate,
)
from bridge.ports.errors import NotFound, RejectItem
from bridge.ports.http.call import encode_json
from bridge.ports.manifest import Site
from channel_adapters.amazon import feeds, mapping, schemas
from channel_adapters.amazon.client import JSON_LISTINGS_FEED
from channel_adapters.amazon.looking import LookSide
from channel_adapters.amazon.submissions import Submission, price_mark, title_mark

# A PATCH is seen in seconds, and five a second are allowed; a feed takes minutes, and five in five minutes are. Up to
# here the single calls are through before a feed would be.
PATCHES = 50

Update = TypeVar("Update", bound=OfferRef)


class _Change(NamedTuple):
    """One SKU on all the marketplaces it is changed on: a PATCH, or a message of a feed."""

    key: str
    sku: str
    sites: tuple[str, ...]
    body: Json
    expected: dict[str, str]


class OfferSide(LookSide):
    """Making, changing and ending offers."""

    # Making

    def create_offers(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        return self.each(drafts, self._create)

    def _create(self, draft: OfferDraft) -> ItemResult:
        """Checked here before it is sent: Amazon's answer would come late, and in its own words."""
        site = self.site(draft.site)
        sku = mapping.checked_sku(draft.sku)
        days = draft.handling_days if draft.handling_days is not None else whole(self.settings.get("handling_days"))
        attributes = mapping.offer_attributes(draft, site, days)
        attributes |= mapping.identifier(draft.gtin, site)
        if self.settings.get("send_content", True):
            body = self._full_listing(draft, site, attributes)
        else:
            body = self._offer_only(draft, site, attributes)
        self._refuse_amazons(sku, site)
        answer = self.client.put_listing(sku, site.code, body)
        if refused := mapping.refusal(answer):
            raise refused
        sent = Submission("create", self.clock(), site.code, sku=sku)
        return ItemResult(
            key=draft.key, outcome=Outcome.SUBMITTED, offer_id=mapping.offer_id(site.code, sku), submission=str(sent)
        )

    def _refuse_amazons(self, sku: str, site: Site) -> None:
        """A PUT over an SKU in Amazon's warehouse would take it out of there."""
        known = self._listing(sku, [site.code])
        if known is not None and mapping.is_amazons(known):
            words = f"{sku} is in Amazon's warehouse (FBA) and left alone. Use another SKU to ship it yourself."
            raise RejectItem(words, field="sku")

    def _full_listing(self, draft: OfferDraft, site: Site, attributes: Json) -> Json:
        product_type = draft.content.category or self.recommended_type(draft.content.title, site)
        definition = self._definition_of(product_type, site)
        tag = mapping.language_tag(site)
        attributes |= mapping.content_attributes(draft.content, definition, self.settings, tag)
        _refuse_faults(definition.faults(attributes, whole_item=True))
        return {"productType": product_type, "requirements": "LISTING", "attributes": attributes}

    def _definition_of(self, product_type: str, site: Site) -> schemas.Definition:
        """What is not found is the type, not the listing. Raises RejectItem."""
        try:
            return self.definition(product_type, site)
        except NotFound as error:
            words = f"Amazon {site.country} has no product type {product_type!r}: map the product's category anew."
            raise RejectItem(words, field="category", developer=error.developer) from error

    def _offer_only(self, draft: OfferDraft, site: Site, attributes: Json) -> Json:
        """An offer on a page that Amazon has already, found by EAN."""
        gtin = draft.gtin or ""
        kind = mapping.gtin_kind(gtin).upper()
        asin = mapping.asin_of(self.client.catalogue_items([gtin], kind, site.code), site.code, gtin)
        if asin is None:
            words = f"Amazon has no product with the EAN {gtin}. Switch on sending titles, descriptions and pictures."
            raise RejectItem(words, field="gtin")
        attributes |= mapping.suggested_asin(asin, site)
        return {"productType": mapping.GENERAL, "requirements": "LISTING_OFFER_ONLY", "attributes": attributes}

    # Changing

    def update_stock(self, updates: Sequence[StockUpdate]) -> list[ItemResult]:
        """Of one SKU on several marketplaces the least counts: Amazon has one quantity for all of them, so wishes for
        more are refused."""
        changes = []
        refused: dict[str, ItemResult] = {}
        for sku, same in self._by_sku(updates).items():
            units = min(update.stock for update in same.values())
            shown = tuple(site for site, update in same.items() if update.stock == units)
            refused |= {update.key: _too_many(update, units) for update in same.values() if update.stock != units}
            body = mapping.patch_body([mapping.stock_patch(units)])
            changes.append(_Change(sku, sku, shown, body, dict.fromkeys(shown, str(units))))
        good = [update for update in updates if update.key not in refused]
        done = {result.key: result for result in self._sent("stock", good, changes)} | refused
        return [done[update.key] for update in updates]

    def update_prices(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        refused: dict[str, ItemResult] = {}
        changes = []
        for sku, same in self._by_sku(updates).items():
            values, expected = [], {}
            for code, update in same.items():
                try:
                    values.append(mapping.price_value(update.price, self.site(code)))
                    expected[code] = price_mark(update.price)
                except RejectItem as error:
                    refused[update.key] = failed(update.key, error)
            if values:
                body = mapping.patch_body([mapping.price_patch(values)])
                changes.append(_Change(sku, sku, tuple(expected), body, expected))
        good = [update for update in updates if update.key not in refused]
        done = {result.key: result for result in self._sent("price", good, changes)} | refused
        return [done[update.key] for update in updates]

    def _by_sku(self, updates: Sequence[Update]) -> dict[str, dict[str, Update]]:
        """By SKU and marketplace."""
        found: dict[str, dict[str, Update]] = {}
        for update in updates:
            site, sku = self._place(update)
            found.setdefault(sku, {})[site] = update
        return found

    def _place(self, item: OfferRef) -> tuple[str, str]:
        site, sku = mapping.read_offer_id(item.offer_id)
        return (site, sku) if sku else (self.site(item.site).code, item.sku)

    def _sent(self, kind: str, updates: Sequence[Update], changes: Sequence[_Change]) -> list[ItemResult]:
        """Few one by one, at once; many in a feed."""
        small = len(changes) <= PATCHES
        results = self._patched(kind, changes) if small else self._fed(kind, changes)
        answers = []
        for update in updates:
            site, sku = self._place(update)
            done = results[sku, site]
            answers.append(done.model_copy(update={"key": update.key, "offer_id": mapping.offer_id(site, sku)}))
        return answers

    def _patched(self, kind: str, changes: Sequence[_Change]) -> dict[tuple[str, str], ItemResult]:
        answers = self.each(changes, self._patch)
        found: dict[tuple[str, str], ItemResult] = {}
        for change, answer in zip(changes, answers, strict=True):
            for site in change.sites:
                found[change.sku, site] = self._followed(kind, change, site, answer)
        return found

    def _patch(self, change: _Change) -> ItemResult:
        """Which answer an SKU gets that is not there is not in the models: it is looked for after a refusal."""
        try:
            answer = self.client.patch_listing(change.sku, change.sites, change.body)
        except RejectItem as error:
            if all(self._on_site(change.sku, site) is None for site in change.sites):
                raise NotFound(error.merchant, developer=error.developer) from error
            raise
        if refused := mapping.refusal(answer):
            raise refused
        return ItemResult(key=change.key, outcome=Outcome.SUBMITTED)

    def _fed(self, kind: str, changes: Sequence[_Change]) -> dict[tuple[str, str], ItemResult]:
        """One feed for all SKUs that are on the same marketplaces."""
        groups: dict[tuple[str, ...], list[_Change]] = {}
        for change in changes:
            groups.setdefault(tuple(sorted(change.sites)), []).append(change)
        found: dict[tuple[str, str], ItemResult] = {}
        for sites, group in groups.items():
            bodies = [(change.sku, change.body) for change in group]
            content = feeds.listings_feed(self.client.seller_id, bodies, encode_json)
            feed = self.client.send_feed(JSON_LISTINGS_FEED, sites, content, feeds.JSON_MEDIA, idempotent=True)
            for number, change in enumerate(group, start=1):
                done = ItemResult(key=change.key, outcome=Outcome.SUBMITTED)
                for site in sites:
                    found[change.sku, site] = self._followed(kind, change, site, done, feed, number)
        return found

    def _followed(
        self, kind: str, change: _Change, site: str, answer: ItemResult, feed: str = "", number: int = 0
    ) -> ItemResult:
        if answer.outcome is not Outcome.SUBMITTED:
            return answer
        sent = Submission(kind, self.clock(), site, change.expected[site], feed, number, change.sku)
        return answer.model_copy(update={"submission": str(sent)})

    def update_content(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        return self.each(updates, self._content)

    def _content(self, update: ContentUpdate) -> ItemResult:
        """Replaces what is given and leaves all else. Where only offers are sent there is nothing to do."""
        code, sku = self._place(update)
        identity = mapping.offer_id(code, sku)
        if not self.settings.get("send_content", True):
            return ItemResult(key=update.key, outcome=Outcome.APPLIED, offer_id=identity)
        site = self.site(code)
        product_type = update.content.category or self._type_of(sku, site)
        definition = self._definition_of(product_type, site)
        attributes = mapping.content_attributes(update.content, definition, self.settings, mapping.language_tag(site))
        _refuse_faults(definition.faults(attributes, whole_item=False))
        body = mapping.patch_body(mapping.content_patches(attributes), product_type)
        if refused := mapping.refusal(self.client.patch_listing(sku, [code], body)):
            raise refused
        sent = Submission("content", self.clock(), code, title_mark(update.content.title), sku=sku)
        return ItemResult(key=update.key, outcome=Outcome.SUBMITTED, offer_id=identity, submission=str(sent))

    def _type_of(self, sku: str, site: Site) -> str:
        """The product type the listing has. Raises NotFound."""
        raw = self.client.listing(sku, [site.code], ("summaries",))
        kind = text(mapping.summary_of(raw, site.code).get("productType"))
        if not kind:
            raise NotFound(f"Amazon does not have {sku} on this marketplace.")
        return kind

    def end_offers(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        return self.each(offers, self._end)

    def _end(self, offer: OfferRef) -> ItemResult:
        """Accepted is not gone: until the listing is, it is deleted and looked for again."""
        site, sku = self._place(offer)
        if self._on_site(sku, site) is None:
            return ItemResult(key=offer.key, outcome=Outcome.MISSING, message="Amazon no longer has this listing.")
        if refused := mapping.refusal(self.client.delete_listing(sku, site)):
            raise refused
        if self._on_site(sku, site) is None:
            return ItemResult(key=offer.key, outcome=Outcome.APPLIED, offer_id=offer.offer_id)
        return ItemResult(key=offer.key, outcome=Outcome.RETRY, message="Amazon has accepted the end of this listing.")

    def _on_site(self, sku: str, site: str) -> Json | None:
        raw = self._listing(sku, [site])
        return raw if raw is not None and mapping.summary_of(raw, site) else None


def _too_many(update: StockUpdate, units: int) -> ItemResult:
    words = (
        f"Amazon has one quantity of {update.sku} for all countries of a region: {units} are shown, the least that is "
        f"wished for, not {update.stock}. Have the same stock rules for all of these countries."
    )
    return ItemResult(key=update.key, outcome=Outcome.REJECTED, message=words, field="stock")


def _refuse_faults(faults: list[tuple[str, str]]) -> None:
    if faults:
        words = f"Amazon would refuse this product: {schemas.first(faults)}"
        raise RejectItem(words, field=faults[0][0] or None, developer=str(faults[:20]))
