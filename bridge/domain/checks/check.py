"""Everything a marketplace demands of one listing, in one go. A checker is made once and used for many listings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.checks.asked import Asked
from bridge.domain.checks.gtin import gtin_fault
from bridge.domain.checks.images import ImageFact, Pictures, picture_check
from bridge.domain.checks.limits import Limits, OperatorLimit
from bridge.domain.checks.texts import BulletCheck, text_check
from bridge.domain.listing import DesiredOffer, Finding
from bridge.domain.money import Money
from bridge.domain.pricing.rounding import to_coin
from bridge.domain.requirement import CategoryRequirements, Need

_OF_STORE = frozenset(
    {"sku", "gtin", "price", "title", "description", "brand", "images", "weight", "dimensions", "origin", "status"}
)


@dataclass(frozen=True)
class Pages:
    """Where the merchant mends what is not in the store: addresses of our own pages, empty where there is none."""

    categories: str = ""
    mapping: str = ""
    settings: str = ""


@dataclass(frozen=True)
class Demands:
    """What a marketplace demands of this connection's listings. ``requirements`` gives those of a category as they
    were last told, None where they are not known; ``settings`` are the connection's own."""

    limits: Limits
    gtin_required: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    country: str | None = None
    requirements: Callable[[str | None], CategoryRequirements | None] = lambda category: None
    pages: Pages = Pages()


class Checker:
    """Everything is made ready once; a call then asks only what this marketplace demands."""

    def __init__(self, demands: Demands) -> None:
        self._demands = demands
        self._limits = limits = demands.limits
        self._title = text_check("title", limits.title, limits)
        self._description = text_check("description", limits.description, limits)
        self._bullets = BulletCheck(limits)
        self._looked_at = picture_check(limits.images)
        self._bullets_asked = limits.bullets.need is not Need.OPTIONAL
        self._step = {currency: Decimal(1).scaleb(-digits) for currency, digits in limits.price.decimals.items()}
        self._lengths, self._internal = limits.gtin.lengths, limits.gtin.internal
        self._gtin_asked, self._exempt = _gtin_demand(demands)
        self._product_checks = tuple(_product_checks(limits, demands.settings))
        self._asked: dict[str | None, tuple[Asked, ...]] = {}

    def __call__(
        self,
        offer: DesiredOffer,
        product: StoreProduct,
        variant: StoreVariant,
        images: Mapping[str, ImageFact] | None = None,
        double_gtins: Iterable[str] = (),
    ) -> DesiredOffer:
        """``offer`` as it is sent, within the limits, and what is wrong with it beside what it says itself (SKU, GTIN
        and price that are missing or wrong, doubles of a SKU: bridge/domain/checks/offer.py), each with a link where
        one is known. ``double_gtins``: GTINs that several products have."""
        title, description = self._title(offer.title), self._description(offer.description)
        pictures = self._pictures(offer.images, product, images)
        found: list[Finding] = []
        self._gtin(found, offer.gtin, product, double_gtins)
        found += title.findings
        found += description.findings
        if offer.bullets or self._bullets_asked:
            found += self._bullets(offer.bullets)
        if offer.price is not None:
            self._price(found, offer.price, variant.price)
        found += pictures.findings
        for check in self._product_checks:
            found += check(offer, product, variant)
        self._category(found, offer)
        findings = (*offer.findings, *self._fresh(found, offer, product)) if found else offer.findings
        return self._as_sent(offer, title.sent, description.sent, pictures.sent, findings)

    def fit(self, offer: DesiredOffer, product: StoreProduct, images: Mapping[str, ImageFact]) -> DesiredOffer:
        """``offer`` within the limits, nothing else asked."""
        title, description = self._title(offer.title).sent, self._description(offer.description).sent
        pictures = self._pictures(offer.images, product, images)
        return self._as_sent(offer, title, description, pictures.sent, offer.findings)

    def _as_sent(
        self,
        offer: DesiredOffer,
        title: str,
        description: str,
        images: tuple[str, ...],
        findings: tuple[Finding, ...],
    ) -> DesiredOffer:
        sku, gtin, stock, price, _, _, bullets, brand, category, _, attributes, days, _ = offer
        bullets = self._bullets.sent(bullets) if bullets else ()
        return DesiredOffer(
            sku, gtin, stock, price, title, description, bullets, brand, category, images, attributes, days, findings
        )

    def _fresh(self, found: list[Finding], offer: DesiredOffer, product: StoreProduct) -> Iterator[Finding]:
        known = {(finding.rule, finding.field, finding.text) for finding in offer.findings}
        fresh = (finding for finding in found if (finding.rule, finding.field, finding.text) not in known)
        return linked(fresh, product, self._demands.pages)

    def gtin_needed(self, product: StoreProduct) -> bool:
        """Whether this product needs a GTIN here: not where the merchant says that the marketplace lets it go."""
        if self._exempt:
            return self._gtin_asked and (product.brand or "").casefold() not in self._exempt
        return self._gtin_asked

    def _gtin(self, found: list[Finding], gtin: str | None, product: StoreProduct, doubles: Iterable[str]) -> None:
        if gtin or self.gtin_needed(product):
            fault = gtin_fault(gtin, self._lengths, internal=self._internal)
            if fault:
                fix = "Enter the EAN from the packaging or from GS1 in the product's GTIN field."
                found.append(
                    Finding("gtin", "gtin", True, f"The GTIN {gtin} {fault}." if gtin else "The GTIN is missing.", fix)
                )
        if gtin and doubles and gtin in doubles:
            text = f"GTIN {gtin} is used by more than one product."
            fix = "Give each product its own GTIN; a marketplace takes both for one product."
            found.append(Finding("gtin_double", "gtin", True, text, fix))

    def _price(self, found: list[Finding], price: Money, in_store: Money | None) -> None:
        limit, amount, currency = self._limits.price, price.amount, price.currency
        if limit.minimum is not None and amount < limit.minimum:
            text = f"The price {price.text()} is below {limit.minimum}, the least the marketplace takes."
            found.append(_price(text, "price_low"))
        if limit.maximum is not None and amount > limit.maximum:
            text = f"The price {price.text()} is above {limit.maximum}, the most the marketplace takes."
            found.append(_price(text, "price_high"))
        step = self._step.get(currency)
        if amount <= 0:
            found.append(_price(f"The price {price.text()} is not above zero.", "price_low"))
        elif to_coin(amount, currency) != amount or (step is not None and amount != amount.quantize(step)):
            found.append(_price(f"The price {amount} {currency} is finer than the marketplace takes.", "price_fine"))
        if limit.parity and in_store is not None and price.quantised() != in_store.quantised():
            theirs = f"differs from {in_store.text()} in the store; the marketplace demands the same."
            text = f"The price {price.text()} {theirs}"
            fix = "Take the price rule off for this marketplace, or change the store's price."
            found.append(_price(text, "price_parity", fix))

    def _pictures(
        self, urls: tuple[str, ...], product: StoreProduct, images: Mapping[str, ImageFact] | None
    ) -> Pictures:
        """By what was looked up, else by the sizes the store tells."""
        known = images or {}
        if product.image_sizes:
            told = {url: ImageFact(width=size[0], height=size[1]) for url, size in product.image_sizes.items()}
            known = {**told, **known}
        return self._looked_at(urls, tuple([known.get(url) for url in urls]))

    def _category(self, found: list[Finding], offer: DesiredOffer) -> None:
        category = offer.category
        if category is None and self._limits.category is not Need.OPTIONAL:
            blocking = self._limits.category is Need.REQUIRED
            text = "The product is in no category of the marketplace yet."
            fix = "Map the store's category to one of the marketplace."
            found.append(Finding("category_unmapped", "category", blocking, text, fix))
            return
        asked = self._asked.get(category)
        if asked is None:
            told = (self._demands.requirements(key) for key in dict.fromkeys((None, category)))
            asked = self._asked[category] = tuple(Asked(one, self._demands.country) for one in told if one)
        for one in asked:
            found += one(offer.attributes)


def _gtin_demand(demands: Demands) -> tuple[bool, frozenset[str]]:
    """Whether GTINs are asked for, and the brands whose products need none."""
    name = demands.limits.gtin.exempt_setting
    exempt = demands.settings.get(name) if name else None
    if isinstance(exempt, list | tuple):
        return demands.gtin_required, frozenset(str(brand).casefold() for brand in exempt)
    return demands.gtin_required and not exempt, frozenset()


ProductCheck = Callable[[DesiredOffer, StoreProduct, StoreVariant], Iterable[Finding]]


def _product_checks(limits: Limits, settings: Mapping[str, Any]) -> Iterator[ProductCheck]:
    """What is asked of the product's facts, and nothing that is not."""
    sizes = "Enter length, width and height in the store's shipping data."
    kinds: tuple[tuple[str, Need, str, str, Callable[[DesiredOffer, StoreVariant], bool]], ...] = (
        ("brand", limits.brand, "brand", "Enter the brand in the store, or map it.",
         lambda offer, variant: not (offer.brand or "").strip()),
        ("weight", limits.weight, "weight", "Enter the weight in the store's shipping data.",
         lambda offer, variant: variant.weight is None or variant.weight.amount <= 0),
        ("dimensions", limits.dimensions, "complete dimensions", sizes,
         lambda offer, variant: variant.dimensions is None or not variant.dimensions.complete),
        ("origin", limits.origin, "country of origin", "Enter it in the store, or map it.",
         lambda offer, variant: not variant.origin),
    )  # fmt: skip
    for name, need, words, fix, lacks in kinds:
        if need is not Need.OPTIONAL:
            yield _of_product(_absent(name, need, words, fix), lacks)
    rule = limits.responsible
    if rule.need is not Need.OPTIONAL and not rule.account and not (rule.setting and settings.get(rule.setting)):
        yield _of_operator(rule)


def _of_product(finding: Finding, lacks: Callable[[DesiredOffer, StoreVariant], bool]) -> ProductCheck:
    return lambda offer, product, variant: (finding,) if lacks(offer, variant) else ()


def _of_operator(rule: OperatorLimit) -> ProductCheck:
    text = "Nobody is named who answers for the product's safety in the EU (responsible person, GPSR)."
    fix = "Enter the economic operator in the settings of this connection, or in a field of the product."
    finding = Finding("responsible_missing", "responsible", rule.need is Need.REQUIRED, text, fix)

    def check(offer: DesiredOffer, product: StoreProduct, variant: StoreVariant) -> Iterable[Finding]:
        places: tuple[Mapping[str, Any], ...] = (offer.attributes, product.attributes, variant.custom, product.custom)
        return () if any(place.get(name) for name in rule.fields for place in places) else (finding,)

    return check


def linked(findings: Iterable[Finding], product: StoreProduct, pages: Pages) -> Iterator[Finding]:
    """Each with the place where it can be mended: the product in the store, or one of our pages."""
    for finding in findings:
        link = finding.link or _link(finding, product, pages)
        yield finding._replace(link=link) if link != finding.link else finding


def _link(finding: Finding, product: StoreProduct, pages: Pages) -> str:
    if finding.field == "category":
        return pages.categories
    if finding.field == "responsible":
        return pages.settings
    return (product.edit_link or "") if finding.field in _OF_STORE else pages.mapping or product.edit_link or ""


def _absent(field_name: str, need: Need, words: str, fix: str) -> Finding:
    return Finding(f"{field_name}_missing", field_name, need is Need.REQUIRED, f"The product has no {words}.", fix)


def _price(text: str, rule: str, fix: str = "Change the price in the store or in a price rule.") -> Finding:
    return Finding(rule, "price", True, text, fix)
