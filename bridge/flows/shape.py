"""One variant through one marketplace's settings -> the listing as it should be, with the trace of every value.

A shape is made once per view and state of the settings, and used for many variants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, NamedTuple

from bridge.domain import checks, mapping, rules, stock
from bridge.domain.buffers import AdaptiveBuffer, Pace
from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.categories.assign import Assigned, Assigner, CategoryMapping, CategoryOverrides
from bridge.domain.checks import ImageFact
from bridge.domain.listing import DesiredOffer, Facet, Finding
from bridge.domain.pricing.exchange import Rates
from bridge.domain.pricing.vat import TaxClasses, VatTable
from bridge.domain.requirement import CategoryRequirements
from bridge.domain.safety import Away, Safe
from bridge.domain.shaping import MarketSettings
from bridge.domain.stock import Guard, Part, StockAnswer, StockPolicy
from bridge.ports.manifest import Manifest

Step = dict[str, Any]
_FACETS = {"price": "price", "buffer": "stock", "cap": "stock", "excluded": "listing", "held": "listing"}


@dataclass(slots=True)
class Item:
    """One variant as it is shaped, for every marketplace. ``reserved``: units sold that the store does not show yet, by
    the orders ``orders``; ``double_sku``, ``double_gtin``: another product has it too; ``pictures``: what is known of
    them, by address; ``parts``: what a bundle is made of."""

    sku: str
    gtin: str | None
    variant: StoreVariant
    product: StoreProduct
    reserved: int
    orders: Sequence[str]
    double_sku: bool = False
    double_gtin: bool = False
    pictures: Mapping[str, ImageFact] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    _facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        """What is the same of it on every marketplace; worked out once."""
        if self._facts is None:
            variant, product = self.variant, self.product
            images = ((variant.image,) if variant.image else ()) + variant.images + product.images
            hidden = "" if variant.published and product.published else "not published in the store"
            subject, paths = rules.subject_of(product, variant), category_paths(product)
            self._facts = Facts(subject, paths, tuple(dict.fromkeys(images)), hidden, mapping.Known())
        return self._facts


class Facts(NamedTuple):
    """``subject`` is what rules are applied to; ``paths`` are the store's categories, from the root down; ``hidden``
    is why the store does not sell it; ``known`` what mappings have found out about the variant."""

    subject: rules.Subject
    paths: tuple[str, ...]
    images: tuple[str, ...]
    hidden: str
    known: mapping.Known


# An item, why nothing of it can be sold here any more, and how fast it sells (for adaptive buffers).
Asked = tuple[Item, str, Pace | None]


@dataclass(slots=True)
class Made:
    """The listing as it should be. ``stock`` is the sum behind the quantity, with the ``orders`` that hold the reserved
    units; ``unwanted``: by a rule, it is not to be offered at all; ``state``: of the settings it was made by. How the
    values came about is put in words only when somebody asks."""

    offer: DesiredOffer
    stock: StockAnswer
    orders: Sequence[str] = ()
    unwanted: str = ""
    state: int = 0
    way: Callable[[], dict[str, list[Step]]] = dict
    _steps: dict[str, list[Step]] | None = None

    @property
    def answer(self) -> dict[str, Any]:
        """The sum behind the quantity; of a bundle only where it is one."""
        told = {**self.stock._asdict(), "orders": list(self.orders)}
        return told if self.stock.bundle is not None else {name: told[name] for name in told if name != "bundle"}

    def explains(self, name: str, known: Mapping[str, Any]) -> bool:
        """Whether a stored explanation still says how the value came about (without working it out again)."""
        if name == Facet.STOCK and not self._adds_up(known):
            return False
        return known.get("state") == self.state or known.get("steps", []) == self.explanation(name).get("steps", [])

    def _adds_up(self, known: Mapping[str, Any]) -> bool:
        answer = self.stock._asdict()
        return known.get("orders") == list(self.orders) and all(known.get(key) == answer[key] for key in answer)

    def explanation(self, name: str) -> dict[str, Any]:
        """What is stored beside a facet, so that it explains itself without being computed again."""
        if self._steps is None:
            self._steps = self.way()
        steps = self._steps.get(name)
        parts: dict[str, Any] = {"state": self.state} | ({"steps": steps} if steps else {})
        return {**self.answer, **parts} if name == Facet.STOCK else parts


@dataclass(frozen=True)
class Basis:
    """What a shape is made of: the marketplace, the settings that hold for it by kind, and the tables of the day.

    ``base`` are stock settings that the connection brings itself, ``store`` is what the store says about itself;
    ``categories``: the paths of marketplace categories, by id; ``requirements`` by category, "" for all products;
    ``connection`` are the settings of the connection itself; ``safe`` while the store is away, ``guard`` near a limit
    of the marketplace.
    """

    manifest: Manifest
    currency: str | None
    country: str | None
    settings: Mapping[str, Any]
    today: date
    base: Mapping[str, Any] = field(default_factory=dict)
    store: Mapping[str, Any] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requirements: Mapping[str, CategoryRequirements] = field(default_factory=dict)
    connection: Mapping[str, Any] = field(default_factory=dict)
    state: int = 0
    rates: Rates | None = None
    vat: VatTable | None = None
    safe: Safe | None = None
    guard: Guard | None = None


class Shape:
    """The compiled settings of one view."""

    def __init__(self, basis: Basis) -> None:
        given = basis.settings
        market = MarketSettings.model_validate(given.get("market", {}))
        self._manifest = basis.manifest
        self.currency = market.currency or basis.currency
        self.country = market.country or basis.country
        self.policy = StockPolicy.model_validate({**basis.base, **given.get("stock", {})})
        mapped = given.get("attribute_mapping")
        read = mapping.AttributeMap.model_validate(mapped) if mapped else None
        self._mapping = mapping.Evaluator(read) if read else None
        self._category_paths = basis.categories
        self._state = basis.state
        self._safe, self._guard = basis.safe, basis.guard
        self._check = checks.Checker(self._demands(basis))
        self._assigner = Assigner(
            CategoryMapping.model_validate(given.get("category_mapping", {})),
            CategoryOverrides.model_validate(given.get("category_overrides", {})),
        )
        self._limit = basis.manifest.max_quantity
        ruleset = _ruleset(given)
        self._adaptive = "adaptive" in ruleset.model_dump_json() or isinstance(self.policy.keep, AdaptiveBuffer)
        self.context = self._context(basis, market)
        self._rules = rules.compile(ruleset, self.context, _written(read) if read else ())

    def _context(self, basis: Basis, market: MarketSettings) -> rules.RuleContext:
        # Prices without VAT are raised only where the merchant has said so: a store that was connected before this
        # setting existed must not change all its prices by itself.
        included = market.prices_include_tax is not False
        return rules.RuleContext(
            today=basis.today,
            channel=basis.manifest.name,
            country=self.country,
            currency=self.currency,
            home=market.home or basis.store.get("country"),
            prices_include_tax=included,
            rates=basis.rates,
            vat=basis.vat,
            tax_classes=TaxClasses.model_validate(basis.settings.get("tax_classes", {})),
        )

    def _demands(self, basis: Basis) -> checks.Demands:
        return checks.Demands(
            limits=basis.manifest.checks,
            gtin_required=basis.manifest.gtin_required,
            settings=basis.connection,
            country=self.country,
            requirements=lambda category: basis.requirements.get(category or ""),
            pages=checks.Pages(mapping="/mapping", categories="/categories", settings="/settings"),
        )

    @property
    def is_adaptive(self) -> bool:
        """Whether any buffer here needs to know how fast things sell."""
        return self._adaptive

    def offers(self, asked: Sequence[Asked]) -> list[Made]:
        """One step after the other, each for all of them: that is a quarter faster than one item after the other."""
        mapped = [self._mapped(item) for item, _, _ in asked]
        shaped = [self._rules.apply(item.facts.subject, of[1]) for (item, _, _), of in zip(asked, mapped, strict=True)]
        return [self._made(*one, *of, by) for one, of, by in zip(asked, mapped, shaped, strict=True)]

    def _mapped(self, item: Item) -> tuple[Assigned | None, mapping.Mapped | None]:
        """Its category here, and what the mapping makes of it."""
        facts = item.facts
        assigned = self._assigner.category(item.product.external_id, facts.paths)
        if self._mapping is None:
            return assigned, None
        path = self._category_paths.get(assigned.category, ()) if assigned else ()
        return assigned, self._mapping(item.product, item.variant, path, facts.known)

    def _made(
        self,
        item: Item,
        gone: str,
        pace: Pace | None,
        assigned: Assigned | None,
        mapped: mapping.Mapped | None,
        shaped: rules.Shaped,
    ) -> Made:
        facts = item.facts
        answer = self._answer(item, shaped, gone or facts.hidden, pace)
        raw = DesiredOffer(
            item.sku,
            item.gtin,
            answer.quantity,
            shaped.price,
            shaped.title,
            shaped.description,
            shaped.bullets,
            shaped.brand or None,
            assigned.category if assigned else None,
            facts.images,
            _attributes(facts.subject, mapped, shaped.attributes),
            shaped.handling_days,
            self._findings(item, shaped, mapped),
        )
        if shaped.excluded is not None:
            offer = self._check.fit(raw, item.product, item.pictures)
        else:
            doubles = (item.gtin,) if item.double_gtin and item.gtin else ()
            offer = self._check(raw, item.product, item.variant, item.pictures, doubles)
        way = partial(_way, item, shaped, assigned, mapped)
        return Made(offer, answer, item.orders, shaped.excluded or "", self._state, way)

    def _answer(self, item: Item, shaped: rules.Shaped, gone: str, pace: Pace | None) -> StockAnswer:
        ruled, guard = (shaped.buffer, shaped.cap), self._guard
        answer = stock.publishable(
            item.variant.stock, item.reserved, self.policy, self._limit, pace, guard, ruled, item.parts
        )
        if self._safe is not None and self._safe.mode is Away.ZERO:
            answer = answer._replace(quantity=0, reason=self._safe.reason)
        return answer._replace(quantity=0, reason=gone) if gone else answer

    def _findings(self, item: Item, shaped: rules.Shaped, mapped: mapping.Mapped | None) -> tuple[Finding, ...]:
        if shaped.excluded:
            return (_by_rule("excluded", f"Not sold here, by a rule: {shaped.excluded}"),)
        price = shaped.price
        found = [*shaped.findings, *(mapped.findings if mapped else ())]
        priced = price is not None or any(one.blocking and one.field in ("price", "tax_class") for one in found)
        found += checks.findings(item.variant, gtin_needed=self._check.gtin_needed(item.product), priced=priced)
        if item.double_sku and item.sku:
            found.append(checks.double_sku(item.sku))
        if item.facts.hidden:
            found.append(checks.unpublished())
        if price and self.currency and price.currency != self.currency:
            found.append(checks.wrong_currency(price.currency, self.currency))
        found += [_part_missing(part.sku) for part in item.parts if part.reading is None]
        if shaped.held:
            found.append(_by_rule("held", f"Held by a rule until you have looked: {shaped.held}"))
        return tuple(found)


def _way(
    item: Item, shaped: rules.Shaped, assigned: Assigned | None, mapped: mapping.Mapped | None
) -> dict[str, list[Step]]:
    """Where each value came from, by facet: what the store said first, then whatever changed it."""
    content: list[Step] = []
    steps = {"content": content}
    if assigned:
        by = "the product's own category" if assigned.source == "product" else f"mapping of {assigned.source}"
        content.append({"field": "category", "by": by, "after": assigned.category})
    if mapped:
        content += [{"field": name.lstrip("@"), "by": f"mapping: {origin}"} for name, origin in mapped.trace.items()]
    if item.variant.price is not None:
        source = item.variant.price
        steps["price"] = [{"field": "price", "by": "store", "after": f"{source.amount} {source.currency}"}]
    for touch in shaped.trace:
        step = {"field": touch.field, "by": touch.rule, "before": touch.before, "after": touch.after}
        facet = _FACETS.get(touch.field, "content")
        steps.setdefault(facet, []).append(step | ({"note": touch.note} if touch.note else {}))
    return steps


def _written(read: mapping.AttributeMap) -> set[str]:
    """What may not be the store's own any more once the mapping is through."""
    return {"attributes", "bullets"} | {name for section in read.sections for name in section.texts}


def _attributes(subject: rules.Subject, mapped: mapping.Mapped | None, ruled: rules.Attributes) -> rules.Attributes:
    """Without a mapping the store's own; with one what it says; and what rules have set."""
    given = subject.attributes if mapped is None else mapped.attributes
    return {**given, **ruled} if ruled else given


def category_paths(product: StoreProduct) -> tuple[str, ...]:
    return tuple(" > ".join(path) for path in product.category_paths) or product.categories


def _ruleset(given: Mapping[str, Any]) -> rules.RuleSet:
    """The shared rule sets in use, then the connection's own rules."""
    parts = [*given.get("shared", ()), given.get("rules", {})]
    return rules.RuleSet.model_validate({"rules": [rule for part in parts for rule in part.get("rules", ())]})


def _part_missing(sku: str) -> Finding:
    text = f"The store has no single product {sku}, which is a part of this bundle: nothing of it can be sold."
    fix = "Give the part this SKU in the store, or change the bundle (Settings, Cancellations and returns)."
    return Finding(rule="bundle_part", field="stock", blocking=False, text=text, fix=fix)


def _by_rule(rule: str, text: str) -> Finding:
    return Finding(rule=rule, field="rules", blocking=True, text=text, fix="Change the rule if it is not meant so.")


def unusable(sku: str, gtin: str | None, title: str, error: Exception) -> Made:
    """What is known here of a product makes no sense: it alone is blocked, and shows nothing."""
    finding = Finding(
        rule="bad_data",
        field="product",
        blocking=True,
        text=f"What the store says about this product cannot be used ({type(error).__name__}).",
        fix="Save the product again in the store; its log entry tells more.",
    )
    reason = "the product's data is broken"
    answer = StockAnswer(0, None, 0, 0, None, reason)
    return Made(DesiredOffer(sku, gtin, 0, None, title, findings=(finding,)), answer)
