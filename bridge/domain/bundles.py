"""Bundles: sold as one, taken from the shelf as several; there are as many as the scarcest component gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field, model_validator

from bridge.domain.values import Value


class Component(Value):
    """So many units of ``sku`` go into one bundle."""

    sku: str = Field(min_length=1)
    quantity: int = Field(ge=1)


class Bundle(Value):
    """A bundle is made of other products, each named once, never of itself."""

    sku: str = Field(min_length=1)
    components: tuple[Component, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _of_others(self) -> Bundle:
        skus = [component.sku for component in self.components]
        if self.sku in skus:
            raise ValueError(f"bundle {self.sku} contains itself")
        if len(set(skus)) != len(skus):
            raise ValueError(f"bundle {self.sku} names a component twice; give its quantity instead")
        return self

    def available(self, units: Mapping[str, int]) -> tuple[int, str]:
        """How many bundles ``units`` by SKU give, and the component that limits it. One that is not there has none."""
        counts = {part.sku: bundle_available([(units.get(part.sku, 0), part.quantity)]) for part in self.components}
        scarcest = min(counts, key=lambda sku: counts[sku])
        return counts[scarcest], scarcest

    def takes(self, bundles: int) -> dict[str, int]:
        """The units of each component that so many bundles take."""
        return {part.sku: part.quantity * bundles for part in self.components}


def bundle_available(components: Iterable[tuple[int, int]]) -> int:
    """The bundles that (available, units in one bundle) of each component give: whole ones, never below 0."""
    return max(0, min((available // each for available, each in components), default=0))
