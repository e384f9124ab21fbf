"""The offers of one account (Kaufland says units) and the product data behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from bridge.domain.listing import Facet, LiveOffer
from bridge.domain.reading import Json, table, text, texts, whole
from bridge.ports.adapter import Connection
from bridge.ports.channel import (
    ContentUpdate,
    ItemResult,
    OfferDraft,
    OfferRef,
    Outcome,
    PriceUpdate,
    SaleStatus,
    SubmissionState,
    SubmissionStatus,
)
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, RejectItem
from bridge.ports.manifest import Site
from channel_adapters.kaufland import mapping
from channel_adapters.kaufland.client import UNITS_PER_PAGE, AlreadyThere, KauflandClient
from channel_adapters.kaufland.vocabulary import LOCALES

LARGEST_BATCH = 150
# Fields named when Kaufland does not know the product of a new unit.
OF_THE_PRODUCT = ("ean", "id_product")
# Fields of a new unit that come from the connection's settings, and those.
OF_THE_SETTINGS = {"id_shipping_group": "shipping_groups", "id_warehouse": "warehouse"}

SEND = "send_content"
NOT_INTRODUCED = (
    "Kaufland does not know these products, and sending product data is switched off. Have them created in the seller "
    "portal (they are offered as soon as Kaufland knows their EAN), or switch on the sending of product data."
)

Item = TypeVar("Item", OfferDraft, OfferRef, ContentUpdate)
Change = tuple[OfferRef, Json]


class Offers:
    """``sites`` are the storefronts of this connection."""

    def __init__(self, client: KauflandClient, connection: Connection, sites: Callable[[], tuple[Site, ...]]) -> None:
        self._client = client
        self._settings = connection.settings
        self._clock = connection.clock
        self._sites = sites

    def _site(self, code: str) -> Site:
        """A draft without a storefront belongs to the first one."""
        found = next((site for site in self._sites() if code in ("", site.code)), None)
        if found is None:
            raise RejectItem(f"This Kaufland account does not sell on storefront {code!r}.", field="site")
        return found

    def find(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        """On every storefront. A unit that is minutes old may not be shown yet."""
        asked = [("id_offer", sku) for sku in dict.fromkeys(skus)] + [("ean", gtin) for gtin in dict.fromkeys(gtins)]
        found = (offer for site in self._sites() for offer in self._find_on(site, [pair for pair in asked if pair[1]]))
        return list({offer.offer_id: offer for offer in found}.values())

    def _find_on(self, site: Site, asked: Sequence[tuple[str, str]]) -> list[LiveOffer]:
        """One question for each name; where all there is takes fewer pages than that, all of it is read instead."""
        count = self._client.unit_count(site.code) if len(asked) > 1 else None
        if count is not None and count <= len(asked) * UNITS_PER_PAGE:
            return [offer for unit in self._units(site) if (offer := _asked_for(unit, site, set(asked)))]
        answers = self._client.each(lambda pair: self._found(site, *pair), asked)
        if fault := next((answer for answer in answers if isinstance(answer, BridgeError)), None):
            raise fault
        return [offer for answer in answers if isinstance(answer, list) for offer in answer]

    def _found(self, site: Site, name: str, value: str) -> list[LiveOffer]:
        units = self._units(site, **{name: value})
        return [mapping.live_offer(unit, site, value if name == "ean" else None) for unit in units]

    def _units(self, site: Site, **filters: str) -> list[Json]:
        found: list[Json] = []
        offset: int | None = 0
        while offset is not None:
            units, offset = self._client.units(site.code, offset, **filters)
            found += [unit for unit in units if unit.get("id_unit")]
        return found

    # New ones

    def create(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        return [_result(draft, self._create) for draft in drafts]

    def _create(self, draft: OfferDraft) -> ItemResult:
        site = self._site(draft.site)
        body = mapping.unit_body(draft, site, self._settings)
        try:
            unit = self._client.create_unit(site.code, body)
        except AlreadyThere as error:
            return self._already_there(draft, site, error)
        except RejectItem as error:
            if not self._is_of_the_product(error, draft, site):
                raise _by_setting(error, draft) from error
            return self._introduce(draft, site, error)
        return self._created(draft, site, text(unit.get("id_unit")))

    def _is_of_the_product(self, error: RejectItem, draft: OfferDraft, site: Site) -> bool:
        """Whether a unit is refused for want of its product; where no field is named, the product is looked for."""
        if isinstance(error, NotFound) or error.field in OF_THE_PRODUCT:
            return True
        if error.field is not None:
            return False
        try:
            self._client.product(site.code, draft.gtin or "")
        except NotFound:
            return True
        return False

    def _created(self, draft: OfferDraft, site: Site, unit_id: str) -> ItemResult:
        if not unit_id:
            return ItemResult(key=draft.key, outcome=Outcome.RETRY, message="Kaufland did not name the new offer.")
        unsent = (Facet.CONTENT,) if self._settings.get(SEND, True) else ()
        offer = mapping.offer_id(site.code, unit_id)
        return ItemResult(key=draft.key, outcome=Outcome.APPLIED, offer_id=offer, unsent=unsent)

    def _already_there(self, draft: OfferDraft, site: Site, error: RejectItem) -> ItemResult:
        """Ours, from a create whose answer was lost, or not shown yet: then it is looked for again later."""
        found = self._found(site, "id_offer", draft.sku)
        if not found:
            words = f"{error.merchant} Kaufland shows new offers only after some minutes."
            return ItemResult(key=draft.key, outcome=Outcome.RETRY, message=words)
        mine = next((offer for offer in found if offer.gtin in (None, draft.gtin)), None)
        if mine is None:
            words = f"SKU {draft.sku} is used on Kaufland for another EAN. One SKU belongs to one EAN there."
            return ItemResult(key=draft.key, outcome=Outcome.REJECTED, message=words, field="sku")
        _, unit_id = mapping.place_of(mine.offer_id)
        reference = OfferRef(key=draft.key, site=site.code, offer_id=mine.offer_id, sku=draft.sku, gtin=draft.gtin)
        changes = mapping.stock(draft.stock) | mapping.price(draft.price, site)
        result = self.change([(reference, changes)])[0]
        return self._created(draft, site, unit_id) if result.outcome is Outcome.APPLIED else result

    def _introduce(self, draft: OfferDraft, site: Site, error: RejectItem) -> ItemResult:
        """Kaufland does not know the product: its data goes first, and the offer is tried again."""
        if draft.gtin is None:
            raise error
        if not self._settings.get(SEND, True):
            raise RejectItem(NOT_INTRODUCED, developer=str(error), field=SEND) from error
        locale = LOCALES[site.code]
        try:
            status = mapping.data_status(self._client.product_data_status(draft.gtin, locale), draft.key)
        except NotFound:
            self._describe(draft.gtin, locale, draft)
            words = "Kaufland does not know this product yet; its data is sent, the offer follows."
            return ItemResult(key=draft.key, outcome=Outcome.RETRY, message=words)
        if status.state is not SubmissionState.FAILED:
            return ItemResult(key=draft.key, outcome=Outcome.RETRY, message=error.merchant)
        return ItemResult(key=draft.key, outcome=Outcome.REJECTED, message=status.message, field="content")

    # Stock and price

    def reprice(self, updates: Sequence[PriceUpdate]) -> list[ItemResult]:
        """A price that Kaufland would refuse is that item's result and harms no other."""
        good: list[Change] = []
        results: dict[str, ItemResult] = {}
        for update in updates:
            try:
                good.append((update, mapping.price(update.price, self._site(update.site or _site_in(update)))))
            except RejectItem as error:
                results[update.key] = _refusal(update.key, error)
        results |= {result.key: result for result in self.change(good)}
        return [results[update.key] for update in updates]

    def change(self, changes: Sequence[Change]) -> list[ItemResult]:
        """A result for each, in their order."""
        results: list[ItemResult | None] = [None] * len(changes)
        for site, batch in _batches(changes):
            body = [{"id_unit": unit, "unit_data": changes[place][1]} for place, unit in batch]
            answers = {whole(item.get("id_unit")): item for item in self._client.update_units(site, body)}
            for place, unit in batch:
                results[place] = _changed(changes[place][0], answers.get(unit))
        return [result or _unknown_offer(changes[place][0]) for place, result in enumerate(results)]

    # Product data

    def describe(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        return [_result(update, self._describe_offer) for update in updates]

    def _describe_offer(self, update: ContentUpdate) -> ItemResult:
        """What is about the offer is changed at once; product data is accepted, which is not done: what became of it is
        followed per EAN and language. The time only tells submissions apart: Kaufland gives them no number."""
        terms = mapping.terms(update.content)
        changed = self.change([(update, terms)])[0] if terms else None
        if changed is not None and changed.outcome is not Outcome.APPLIED:
            return changed.model_copy(
                update={"field": _own(changed.field) if changed.field in terms else changed.field}
            )
        if not self._settings.get(SEND, True):
            return ItemResult(key=update.key, outcome=Outcome.APPLIED, offer_id=update.offer_id)
        if not update.gtin:
            raise RejectItem("Kaufland needs an EAN to take product data.", field="gtin")
        locale = LOCALES[self._site(update.site or _site_in(update)).code]
        self._describe(update.gtin, locale, update)
        submission = f"{update.gtin}/{locale}/{int(self._clock().timestamp() * 10**6)}"
        return ItemResult(key=update.key, outcome=Outcome.SUBMITTED, submission=submission)

    def _describe(self, gtin: str, locale: str, item: OfferDraft | ContentUpdate) -> None:
        replace = self._settings.get("content_mode") == "replace"
        body = mapping.product_data(gtin, item.content, self._settings)
        try:
            if not replace:
                return self._client.add_product_data(locale, body)
        except NotFound:
            pass  # whether there can be added to what is not there is not documented
        return self._client.replace_product_data(locale, body)

    def follow(self, submissions: Sequence[str]) -> list[SubmissionStatus]:
        answers = self._client.each(self._status, submissions)
        if fault := next((answer for answer in answers if isinstance(answer, BridgeError)), None):
            raise fault
        return [answer for answer in answers if isinstance(answer, SubmissionStatus)]

    def _status(self, submission: str) -> SubmissionStatus:
        gtin, locale, _ = (submission + "//").split("/", 2)
        if not gtin.isdigit() or locale not in LOCALES.values():
            return _gone(submission, "Kaufland has no such submission.")
        try:
            return mapping.data_status(self._client.product_data_status(gtin, locale), submission)
        except NotFound as error:
            return _gone(submission, error.merchant)

    # One by one

    def end(self, offers: Sequence[OfferRef]) -> list[ItemResult]:
        answers = self._client.each(lambda offer: _result(offer, self._end), offers)
        return [_given(answer) for answer in answers]

    def _end(self, offer: OfferRef) -> ItemResult:
        self._client.delete_unit(*mapping.place_of(offer.offer_id))
        return ItemResult(key=offer.key, outcome=Outcome.APPLIED, offer_id=offer.offer_id)

    def sale_status(self, offer: str) -> SaleStatus:
        site, unit_id = mapping.place_of(offer)
        raw = self._client.unit(site, unit_id)
        about: Json = {}
        if text(raw.get("status")) == "INCOMPLETE" and (gtins := texts(table(raw, "product"), "eans")):
            about = self._about(gtins[0], LOCALES.get(site, ""))
        return mapping.sale_status(offer, raw, about)

    def _about(self, gtin: str, locale: str) -> Json:
        try:
            return self._client.product_data_status(gtin, locale)
        except NotFound:
            return {}


def _by_setting(error: RejectItem, draft: OfferDraft) -> RejectItem:
    """What the settings say of every offer is named as the setting; what the product has of its own, as that."""
    field = error.field or ""
    named = _own(field) if field in mapping.terms(draft.content) else OF_THE_SETTINGS.get(field, error.field)
    return RejectItem(error.merchant, developer=error.developer, field=named)


def _own(field: str | None) -> str:
    """An attribute of the product that is called as a setting is."""
    return f"attributes.{field}"


def _asked_for(unit: Json, site: Site, names: set[tuple[str, str]]) -> LiveOffer | None:
    """The offer, where it goes by one of these names; under the EAN that was asked for."""
    gtins = {("ean", gtin) for gtin in texts(table(unit, "product"), "eans")} & names
    if not gtins and ("id_offer", text(unit.get("id_offer"))) not in names:
        return None
    return mapping.live_offer(unit, site, next((gtin for _, gtin in gtins), None))


def _site_in(offer: OfferRef) -> str:
    return mapping.place_of(offer.offer_id)[0]


def _batches(changes: Sequence[Change]) -> list[tuple[str, list[tuple[int, int]]]]:
    """By storefront, as (place, unit number): at most 150 and none twice, for which Kaufland refuses the whole call."""
    batches: list[tuple[str, list[tuple[int, int]]]] = []
    current: dict[str, tuple[list[tuple[int, int]], set[int]]] = {}
    for place, (offer, _) in enumerate(changes):
        try:
            site, number = mapping.place_of(offer.offer_id)
        except RejectItem:
            continue
        unit = int(number)
        batch, units = current.get(site, ([], set()))
        if not batch or len(batch) >= LARGEST_BATCH or unit in units:
            batch, units = current[site] = [], set()
            batches.append((site, batch))
        batch.append((place, unit))
        units.add(unit)
    return batches


def _changed(offer: OfferRef, answer: Json | None) -> ItemResult:
    status = whole(answer.get("status_code")) if answer else None
    if answer is None or status is None:
        words = "Kaufland's answer does not tell what became of it."
        return ItemResult(key=offer.key, outcome=Outcome.RETRY, message=words)
    if 200 <= status < 300:
        return ItemResult(key=offer.key, outcome=Outcome.APPLIED, offer_id=offer.offer_id)
    outcome = _OUTCOMES.get(status, Outcome.RETRY if status >= 500 else Outcome.REJECTED)
    errors = answer.get("errors")
    faults = [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []
    told = [
        text(answer.get("message")),
        *(f"{text(item.get('field'))}: {text(item.get('message'))}" for item in faults),
    ]
    field = text(faults[0].get("field")) or None if faults else None
    return ItemResult(key=offer.key, outcome=outcome, message="; ".join(filter(None, told)), field=field)


_OUTCOMES = {404: Outcome.MISSING, 408: Outcome.RETRY, 423: Outcome.RETRY, 429: Outcome.RETRY}


def _unknown_offer(offer: OfferRef) -> ItemResult:
    return ItemResult(key=offer.key, outcome=Outcome.MISSING, message=f"{offer.offer_id!r} is no offer of Kaufland.")


def _gone(submission: str, message: str) -> SubmissionStatus:
    return SubmissionStatus(submission=submission, state=SubmissionState.GONE, message=message)


def _given(answer: ItemResult | BridgeError) -> ItemResult:
    if isinstance(answer, BridgeError):
        raise answer
    return answer


def _refusal(key: str, error: RejectItem | AskMerchant) -> ItemResult:
    return ItemResult(key=key, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)


def _result(item: Item, act: Callable[[Item], ItemResult]) -> ItemResult:
    """What is refused is that item's result; anything else stops here, which does no harm: values are absolute."""
    try:
        return act(item)
    except NotFound as error:
        return ItemResult(key=item.key, outcome=Outcome.MISSING, message=error.merchant)
    except RejectItem as error:
        return _refusal(item.key, error)
