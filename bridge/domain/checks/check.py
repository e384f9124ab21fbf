"""Everything a marketplace demands of one listing, in one go. A checker is made once and used for many listings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.checks.asked import Asked
from bridge.domain.checks.gtin import gtin_fault
from bridge.domain.checks.images import ImageFact, of_images
from bridge.domain.checks.limits import Limits
from bridge.domain.checks.texts import of_bullets, of_text
from bridge.domain.listing import DesiredOffer, Finding
from bridge.domain.money import Money
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
    """Calls give every finding of one listing, each with a link where one is known."""

    def __init__(self, demands: Demands) -> None:
        self._demands = demands
        self._limits = demands.limits
        self._asked: dict[str | None, Asked | None] = {}

    def __call__(
        self,
        offer: DesiredOffer,
        product: StoreProduct,
        variant: StoreVariant,
        images: Mapping[str, ImageFact] | None = None,
        double_gtins: Iterable[str] = (),
    ) -> tuple[Finding, ...]:
        """What is wrong with ``offer`` beside what it says itself (SKU, GTIN and price that are missing or wrong,
        doubles of a SKU: bridge/domain/checks/offer.py). ``double_gtins``: GTINs that several products have."""
        found = [
            *self._gtin(offer, product, double_gtins),
            *self._texts(offer),
            *self._price(offer.price, variant.price),
            *of_images(offer.content.images, self._limits.images, self._facts(offer, product, images or {})),
            *self._facts_of_product(offer, product, variant),
            *self._category(offer),
        ]
        known = {(finding.rule, finding.field, finding.text) for finding in offer.findings}
        fresh = (finding for finding in found if (finding.rule, finding.field, finding.text) not in known)
        return tuple(linked(fresh, product, self._demands.pages))

    def gtin_needed(self, product: StoreProduct) -> bool:
        """Whether this product needs a GTIN here: not where the merchant says that the marketplace lets it go."""
        name = self._limits.gtin.exempt_setting
        exempt = self._demands.settings.get(name) if name else None
        if isinstance(exempt, list | tuple):
            brands = {str(brand).casefold() for brand in exempt}
            return self._demands.gtin_required and (product.brand or "").casefold() not in brands
        return self._demands.gtin_required and not exempt

    def _gtin(self, offer: DesiredOffer, product: StoreProduct, doubles: Iterable[str]) -> Iterator[Finding]:
        rule = self._limits.gtin
        if offer.gtin or self.gtin_needed(product):
            fault = gtin_fault(offer.gtin, rule.lengths, internal=rule.internal)
            if fault:
                shown = f"GTIN {offer.gtin}" if offer.gtin else "The GTIN"
                fix = "Enter the EAN from the packaging or from GS1 in the product's GTIN field."
                yield Finding(rule="gtin", field="gtin", blocking=True, text=f"{shown} {fault}.", fix=fix)
        if offer.gtin and offer.gtin in doubles:
            text = f"GTIN {offer.gtin} is used by more than one product."
            fix = "Give each product its own GTIN; a marketplace takes both for one product."
            yield Finding(rule="gtin_double", field="gtin", blocking=True, text=text, fix=fix)

    def _texts(self, offer: DesiredOffer) -> Iterator[Finding]:
        limits, content = self._limits, offer.content
        yield from of_text("title", content.title, limits.title, limits)
        yield from of_text("description", content.description, limits.description, limits)
        yield from of_bullets(content.bullets, limits.bullets, limits)

    def _price(self, price: Money | None, in_store: Money | None) -> Iterator[Finding]:
        if price is None:
            return
        limit, shown = self._limits.price, price.text()
        if limit.minimum is not None and price.amount < limit.minimum:
            yield _price(f"The price {shown} is below {limit.minimum}, the least the marketplace takes.", "price_low")
        if limit.maximum is not None and price.amount > limit.maximum:
            yield _price(f"The price {shown} is above {limit.maximum}, the most the marketplace takes.", "price_high")
        digits = limit.decimals.get(price.currency)
        step = None if digits is None else Decimal(1).scaleb(-digits)
        if price.amount <= 0:
            yield _price(f"The price {shown} is not above zero.", "price_low")
        elif price.quantised() != price or (step is not None and price.amount != price.amount.quantize(step)):
            yield _price(
                f"The price {price.amount} {price.currency} is finer than the marketplace takes.", "price_fine"
            )
        if limit.parity and in_store is not None and price.quantised() != in_store.quantised():
            text = f"The price {shown} differs from {in_store.text()} in the store; the marketplace demands the same."
            yield _price(
                text, "price_parity", "Take the price rule off for this marketplace, or change the store's price."
            )

    def _facts(
        self, offer: DesiredOffer, product: StoreProduct, images: Mapping[str, ImageFact]
    ) -> Mapping[str, ImageFact]:
        """What was looked up, else the sizes the store tells."""
        if not product.image_sizes:
            return images
        told = {url: ImageFact(width=size[0], height=size[1]) for url, size in product.image_sizes.items()}
        return {**told, **images}

    def _facts_of_product(self, offer: DesiredOffer, product: StoreProduct, variant: StoreVariant) -> Iterator[Finding]:
        limits, size = self._limits, variant.dimensions
        if not (offer.content.brand or "").strip():
            yield from _absent("brand", limits.brand, "brand", "Enter the brand in the store, or map it.")
        if variant.weight is None or variant.weight.amount <= 0:
            yield from _absent("weight", limits.weight, "weight", "Enter the weight in the store's shipping data.")
        if size is None or not size.complete:
            fix = "Enter length, width and height in the store's shipping data."
            yield from _absent("dimensions", limits.dimensions, "complete dimensions", fix)
        if not variant.origin:
            yield from _absent("origin", limits.origin, "country of origin", "Enter it in the store, or map it.")
        if not self._is_answered_for(offer, product, variant):
            text = "Nobody is named who answers for the product's safety in the EU (responsible person, GPSR)."
            fix = "Enter the economic operator in the settings of this connection, or in a field of the product."
            need = limits.responsible.need
            yield Finding(
                rule="responsible_missing", field="responsible", blocking=need is Need.REQUIRED, text=text, fix=fix
            )

    def _is_answered_for(self, offer: DesiredOffer, product: StoreProduct, variant: StoreVariant) -> bool:
        limit = self._limits.responsible
        if limit.need is Need.OPTIONAL or limit.account:
            return True
        if limit.setting and self._demands.settings.get(limit.setting):
            return True
        places: tuple[Mapping[str, Any], ...] = (
            offer.content.attributes,
            product.attributes,
            variant.custom,
            product.custom,
        )
        return any(place.get(name) for name in limit.fields for place in places)

    def _category(self, offer: DesiredOffer) -> Iterator[Finding]:
        category = offer.content.category
        if category is None and self._limits.category is not Need.OPTIONAL:
            blocking = self._limits.category is Need.REQUIRED
            text = "The product is in no category of the marketplace yet."
            fix = "Map the store's category to one of the marketplace."
            yield Finding(rule="category_unmapped", field="category", blocking=blocking, text=text, fix=fix)
            return
        for key in dict.fromkeys((None, category)):
            if key not in self._asked:
                known = self._demands.requirements(key)
                self._asked[key] = Asked(known, self._demands.country) if known else None
            asked = self._asked[key]
            if asked is not None:
                yield from asked(offer.content.attributes)


def linked(findings: Iterable[Finding], product: StoreProduct, pages: Pages) -> Iterator[Finding]:
    """Each with the place where it can be mended: the product in the store, or one of our pages."""
    for finding in findings:
        link = finding.link or _link(finding, product, pages)
        yield finding.model_copy(update={"link": link}) if link != finding.link else finding


def _link(finding: Finding, product: StoreProduct, pages: Pages) -> str:
    if finding.field == "category":
        return pages.categories
    if finding.field == "responsible":
        return pages.settings
    return (product.edit_link or "") if finding.field in _OF_STORE else pages.mapping or product.edit_link or ""


def _absent(field_name: str, need: Need, words: str, fix: str) -> Iterator[Finding]:
    if need is not Need.OPTIONAL:
        rule, text = f"{field_name}_missing", f"The product has no {words}."
        yield Finding(rule=rule, field=field_name, blocking=need is Need.REQUIRED, text=text, fix=fix)


def _price(text: str, rule: str, fix: str = "Change the price in the store or in a price rule.") -> Finding:
    return Finding(rule=rule, field="price", blocking=True, text=text, fix=fix)
