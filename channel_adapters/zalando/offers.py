"""Offers: an article of Zalando's catalogue in one country. Found, named, or introduced to Zalando first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from bridge.domain.listing import Facet, LiveOffer, OfferContent
from bridge.domain.reading import Json, pairs, text
from bridge.ports.channel import (
    ContentUpdate,
    ItemResult,
    OfferDraft,
    Outcome,
    Page,
    SaleStatus,
)
from bridge.ports.errors import BridgeError, NotFound, RejectItem
from channel_adapters.zalando import product, report
from channel_adapters.zalando.account import Account, Place
from channel_adapters.zalando.catalogue import Catalogue
from channel_adapters.zalando.client import NoReport, ZalandoClient
from channel_adapters.zalando.product import Article
from channel_adapters.zalando.submissions import ARTICLE, CONTENT, submission
from channel_adapters.zalando.telling import Target, check_currency

NOT_KNOWN = (
    "Zalando does not know this EAN yet. Choose an outline (category) for the product, so that it can be introduced."
)
KEPT_BY_ZALANDO = "Zalando keeps its own data of this article: without an outline nothing is sent."

Item = TypeVar("Item", OfferDraft, ContentUpdate)


class Offers:
    def __init__(
        self,
        client: ZalandoClient,
        account: Account,
        catalogue: Catalogue,
        settings: Mapping[str, Any],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._account = account
        self._catalogue = catalogue
        self._settings = settings
        self._clock = clock
        self.defaults = pairs(settings.get("default_attributes"))

    # Reading

    def find(self, skus: Sequence[str], gtins: Sequence[str]) -> list[LiveOffer]:
        """By EAN, which is all that Zalando knows an offer by; by SKU where no EAN is given at all. Without the report
        nothing is found, which does no harm: an article may be named, and told stock and price, any number of times."""
        names = list(dict.fromkeys(name for name in (gtins or skus) if name))
        answers = self._client.each(self._searched, names)
        if fault := next((answer for answer in answers if isinstance(answer, BridgeError)), None):
            raise fault
        wanted = {*skus, *gtins, *(ean_of(gtin) or "" for gtin in gtins)}
        found = (offer for answer in answers if isinstance(answer, list) for offer in answer)
        return list({offer.offer_id: offer for offer in found if wanted & {offer.sku, offer.gtin}}.values())

    def _searched(self, name: str) -> list[LiveOffer]:
        try:
            answer = self._client.report(report.question(self._account.merchant, search=ean_of(name) or name))
        except NoReport:
            return []
        return list(self._live(answer))

    def _live(self, models: Json) -> Iterable[LiveOffer]:
        sites = {place.site.code for place in self._account.places()}
        for article in report.shown(models):
            for site, raw in article.offers.items():
                if site in sites:
                    yield report.live_offer(article, site, raw)

    def page(self, cursor: str | None) -> Page[LiveOffer]:
        answer = self._client.report(report.question(self._account.merchant, cursor=cursor))
        more = text(answer.get("cursor")) if answer.get("items") else ""
        return Page(items=tuple(self._live(answer)), next_cursor=more if more and more != cursor else None)

    def status(self, offer: str) -> SaleStatus:
        """The report is minutes to hours behind: an article that is not in it yet is not gone."""
        site, ean = report.place_of(offer)
        try:
            answer = self._client.report(report.question(self._account.merchant, search=ean))
        except NoReport:
            return SaleStatus(offer_id=offer, for_sale=None)
        article = next((shown for shown in report.shown(answer) if shown.ean == ean), None)
        if article is not None and site in article.offers:
            return report.sale_status(offer, article, article.offers[site])
        if article is None and not self._client.knows(ean):
            raise NotFound(f"Zalando has no article with the EAN {ean}.", field="gtin")
        words = "Zalando's product status report does not show it in this country yet."
        return SaleStatus(offer_id=offer, for_sale=None, reasons=(words,), fixes=("Wait: the report is hours behind.",))

    # New ones

    def create(self, drafts: Sequence[OfferDraft]) -> list[ItemResult]:
        """An article that Zalando has needs no more than a name, an EAN and a country; stock, price and texts are told
        on their own. One that it has not is introduced, and an offer as soon as it is there."""
        found: dict[str, ItemResult] = {}
        targets: dict[str, Target] = {}
        for draft in drafts:
            try:
                targets[draft.key] = self._target(draft)
            except RejectItem as error:
                found[draft.key] = _refused(draft.key, error)
        known = self._knows([ean for _, ean in targets.values()])
        for key, (_, ean) in targets.items():
            if isinstance(fault := known[ean], RejectItem):
                found[key] = _refused(key, fault)
        rest = [draft for draft in drafts if draft.key not in found]
        here = [draft for draft in rest if known[targets[draft.key][1]]]
        fresh = [draft for draft in rest if not known[targets[draft.key][1]]]
        found |= self._named(here, targets)
        fresh += [draft for draft in here if found[draft.key].outcome is Outcome.MISSING]
        found |= self._introduced(fresh, targets, ARTICLE)
        return [found[draft.key] for draft in drafts]

    def _target(self, draft: OfferDraft) -> Target:
        place, ean = self._account.place(draft.site), ean_of(draft.gtin)
        if ean is None:
            words = "Zalando sells by EAN only: enter the product's GTIN (13 digits, or a UPC of 12) in the store."
            raise RejectItem(words, field="gtin")
        if draft.condition != "new":
            raise RejectItem("Zalando's partner program takes new articles only.", field="condition")
        check_currency(draft.price, place)
        return place, ean

    def _knows(self, eans: Sequence[str]) -> dict[str, bool | RejectItem]:
        """Of each article, or why Zalando would not say."""
        asked = list(dict.fromkeys(eans))
        found: dict[str, bool | RejectItem] = {}
        for ean, answer in zip(asked, self._client.each(self._client.knows, asked), strict=True):
            if isinstance(answer, BridgeError) and not isinstance(answer, RejectItem):
                raise answer
            found[ean] = answer
        return found

    def _named(self, drafts: Sequence[OfferDraft], targets: Mapping[str, Target]) -> dict[str, ItemResult]:
        """Each article is named once, however many countries it is offered in."""
        articles = {
            targets[draft.key][1]: Article(draft.sku, targets[draft.key][1], draft.content)
            for draft in reversed(drafts)
        }
        eans = list(articles) if self._settings.get("send_identifiers", True) else []
        answers = dict(zip(eans, self._client.each(lambda ean: self._name(articles[ean]), eans), strict=True))
        return {
            draft.key: self._offered(draft, *targets[draft.key], answers.get(targets[draft.key][1])) for draft in drafts
        }

    def _name(self, article: Article) -> None:
        self._client.name_product(self._account.merchant, article.ean, article.identifiers())

    def _offered(self, draft: OfferDraft, place: Place, ean: str, error: object) -> ItemResult:
        if isinstance(error, NotFound):  # somebody has it, and it is not for us
            return ItemResult(key=draft.key, outcome=Outcome.MISSING, message=error.merchant)
        if isinstance(error, RejectItem):
            return _refused(draft.key, error)
        if isinstance(error, BridgeError):
            raise error
        unsent = (Facet.STOCK, Facet.PRICE, *((Facet.CONTENT,) if self._outline_of(draft.content) else ()))
        return ItemResult(
            key=draft.key, outcome=Outcome.APPLIED, offer_id=report.offer_id(place.site.code, ean), unsent=unsent
        )

    # Product data

    def _outline_of(self, content: OfferContent) -> str:
        """None is sent without one, or when the merchant does not want it."""
        if not self._settings.get("send_content", True):
            return ""
        return content.category or text(self._settings.get("default_outline"))

    def describe(self, updates: Sequence[ContentUpdate]) -> list[ItemResult]:
        found: dict[str, ItemResult] = {}
        targets: dict[str, Target] = {}
        for update in updates:
            try:
                site, ean = report.place_of(update.offer_id)
                targets[update.key] = self._account.place(site), ean
            except RejectItem as error:
                found[update.key] = ItemResult(key=update.key, outcome=Outcome.MISSING, message=error.merchant)
                continue
            if not self._outline_of(update.content):
                found[update.key] = ItemResult(key=update.key, outcome=Outcome.APPLIED, message=KEPT_BY_ZALANDO)
        rest = [update for update in updates if update.key not in found]
        found |= self._introduced(rest, targets, CONTENT)
        return [found[update.key] for update in updates]

    def _introduced(self, items: Sequence[Item], targets: Mapping[str, Target], kind: str) -> dict[str, ItemResult]:
        """By outline and model: what belongs together is submitted together, and each EAN once."""
        groups: dict[tuple[str, str], list[Item]] = {}
        found: dict[str, ItemResult] = {}
        for item in items:
            outline = self._outline_of(item.content)
            if not outline:
                found[item.key] = ItemResult(
                    key=item.key, outcome=Outcome.REJECTED, message=NOT_KNOWN, field="category"
                )
                continue
            article = Article(item.sku, targets[item.key][1], item.content)
            groups.setdefault((outline, article.model), []).append(item)
        for (outline, _), members in groups.items():
            found |= self._submitted(outline, members, targets, kind)
        return found

    def _submitted(
        self, outline: str, members: Sequence[Item], targets: Mapping[str, Target], kind: str
    ) -> dict[str, ItemResult]:
        articles = {
            targets[item.key][1]: Article(item.sku, targets[item.key][1], item.content) for item in reversed(members)
        }
        try:
            warning = self._submit(outline, list(reversed(articles.values())))
        except RejectItem as error:
            return {item.key: _refused(item.key, error) for item in members}
        now = self._clock()
        return {
            item.key: ItemResult(
                key=item.key,
                outcome=Outcome.SUBMITTED,
                submission=submission(kind, targets[item.key][0].site.code, targets[item.key][1], now),
                message=warning,
                unsent=(Facet.STOCK, Facet.PRICE) if kind == ARTICLE else (),
            )
            for item in members
        }

    def _submit(self, label: str, articles: Sequence[Article]) -> str:
        """What Zalando warns of. Raises RejectItem with what it refuses, naming the attribute."""
        outline = self._catalogue.outline(label)
        types = self._catalogue.types(outline)
        language = text(self._settings.get("content_language")) or "en"
        body = product.submission(outline, types, articles, self.defaults, language)
        taken, answer = self._client.submit(self._account.merchant, body)
        if taken:
            return "; ".join(words for _, words in product.problems(answer, "body_warnings"))
        said = product.problems(answer)
        words = "; ".join(f"{name}: {told}" if name not in told else told for name, told in said[:5])
        raise RejectItem(words or text(answer.get("detail")) or "Zalando refused the article.", field=_first(said))


def ean_of(gtin: str | None) -> str | None:
    """Thirteen digits; a UPC of twelve is one with a zero before it. None for anything else."""
    given = text(gtin)
    return given.zfill(13) if re.fullmatch(r"\d{12,13}", given) else None


def _refused(key: str, error: RejectItem) -> ItemResult:
    return ItemResult(key=key, outcome=Outcome.REJECTED, message=error.merchant, field=error.field)


def _first(said: Sequence[tuple[str, str]]) -> str | None:
    return next((name for name, _ in said if name), None)
