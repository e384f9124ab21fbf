"""Bundles: sold as one, taken from the shelf as several."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate

from pydantic import Field, model_validator

from bridge.domain.money import Money
from bridge.domain.values import Value


class TakenBy(StrEnum):
    """Who takes the components of a sold bundle off the store's own stock: a person who then says so, the store by
    itself (an app or plugin for bundles), or the bridge by writing."""

    PERSON = "person"
    STORE = "store"
    BRIDGE = "bridge"


class Component(Value):
    """So many units of ``sku`` go into one bundle."""

    sku: str = Field(min_length=1)
    quantity: int = Field(ge=1)


class Bundle(Value):
    """A bundle is made of other products, each named once, never of itself."""

    sku: str = Field(min_length=1)
    components: tuple[Component, ...] = Field(min_length=1)
    taken_by: TakenBy = TakenBy.PERSON

    @model_validator(mode="after")
    def _of_others(self) -> Bundle:
        skus = [component.sku for component in self.components]
        if self.sku in skus:
            raise ValueError(f"bundle {self.sku} contains itself")
        if len(set(skus)) != len(skus):
            raise ValueError(f"bundle {self.sku} names a component twice; give its quantity instead")
        return self


class Bundles(Value):
    """All bundles of a shop. None is made of another."""

    bundles: tuple[Bundle, ...] = Field(default=(), max_length=5000)

    @model_validator(mode="after")
    def _each_once(self) -> Bundles:
        names = [bundle.sku for bundle in self.bundles]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"bundle {twice[0]} is given twice")
        inner = {part.sku for bundle in self.bundles for part in bundle.components}
        if nested := sorted(inner.intersection(names)):
            raise ValueError(f"bundle {nested[0]} is a component of another bundle; name what it is made of instead")
        return self


class BundleIndex:
    """All bundles of a shop, found by their own SKU and by those of their components."""

    def __init__(self, bundles: Bundles) -> None:
        self._bundles = {bundle.sku: bundle for bundle in bundles.bundles}
        self._holding: dict[str, list[str]] = {}
        for bundle in bundles.bundles:
            for part in bundle.components:
                self._holding.setdefault(part.sku, []).append(bundle.sku)

    def __bool__(self) -> bool:
        return bool(self._bundles)

    def of(self, sku: str | None) -> Bundle | None:
        return self._bundles.get(sku or "")

    def holding(self, skus: Collection[str]) -> set[str]:
        """The SKUs of bundles that hold one of these."""
        return {name for sku in skus for name in self._holding.get(sku, ())}

    def parts_of(self, skus: Collection[str]) -> set[str]:
        """The SKUs of the components of those of these that are bundles."""
        return {part.sku for sku in skus if (bundle := self.of(sku)) for part in bundle.components}


NO_BUNDLES = BundleIndex(Bundles())


class SoldPart(Value):
    """A component of a bundle that was sold: ``each`` units go into one, which are ``worth`` so much on their own."""

    sku: str
    title: str = ""
    each: int = Field(ge=1)
    worth: Decimal = Field(ge=0)


class SoldBundle(Value):
    """So many bundles of one line, and what they were made of when they were sold."""

    bundles: int = Field(ge=1)
    parts: tuple[SoldPart, ...] = Field(min_length=1)

    def units(self, bundles: int | None = None) -> dict[str, int]:
        """Of each component, in so many bundles; in all of them by default."""
        count = self.bundles if bundles is None else bundles
        return {part.sku: part.each * count for part in self.parts}

    def cost(self, total: Money, back: Mapping[str, int]) -> Money:
        """What these units of each component have cost of the line's ``total``, in proportion to their worth and to the
        cent. In whatever parts they come back, all of them come to the total."""
        there_are = self.units()
        found = Money.zero(total.currency)
        for sku, whole in self._shares(total).items():
            units = min(back.get(sku, 0), there_are[sku])
            found = found + Money(amount=whole.amount * units / there_are[sku], currency=total.currency).quantised()
        return found

    def _shares(self, total: Money) -> dict[str, Money]:
        """Of each component, summed up from the first on, so that no cent is lost. Where none has a price they count by
        their units."""
        priced = any(part.worth for part in self.parts)
        weights = [part.worth if priced else Decimal(part.each) for part in self.parts]
        whole, sums = total.quantised(), list(accumulate(weights))
        marks = [Money(amount=whole.amount * done / sums[-1], currency=whole.currency).quantised() for done in sums]
        before = [Money.zero(whole.currency), *marks]
        return {part.sku: mark - last for part, mark, last in zip(self.parts, marks, before, strict=False)}
