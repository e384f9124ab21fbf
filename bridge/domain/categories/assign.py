"""Store category -> marketplace category as the merchant decided it: inherited by children, overridden per product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from pydantic import Field, field_validator

from bridge.domain.categories.text import plain, split_path
from bridge.domain.values import Value

Key = tuple[str, ...]


class CategoryMapping(Value):
    """``entries``: a store category's path (``Home > Kitchen``) to the id of a marketplace category."""

    entries: dict[str, str] = Field(default_factory=dict)

    @field_validator("entries")
    @classmethod
    def _whole(cls, entries: dict[str, str]) -> dict[str, str]:
        for path, target in entries.items():
            if not split_path(path):
                raise ValueError(f"{path!r} names no store category")
            if not target.strip():
                raise ValueError(f"{path!r} has no marketplace category")
        return entries


class CategoryOverrides(Value):
    """``products``: a product's id in the store to the id of a marketplace category; it comes before the mapping."""

    products: dict[str, str] = Field(default_factory=dict)


class Assigned(Value):
    """The category of a product and where it comes from: ``product``, or the path of the entry that holds for it."""

    category: str
    source: str


class Assigner:
    """Both, read once and asked for many products."""

    def __init__(self, mapping: CategoryMapping, overrides: CategoryOverrides) -> None:
        self._by_key: dict[Key, Assigned] = {
            category_key(path): Assigned(category=target, source=path) for path, target in mapping.entries.items()
        }
        self._products: Mapping[str, str] = overrides.products

    def category(self, product_id: str, paths: Sequence[str]) -> Assigned | None:
        """The nearest mapped ancestor of any of the product's categories; of several the one nearest to its leaf, then
        the first."""
        own = self._products.get(product_id)
        if own is not None:
            return Assigned(category=own, source="product")
        if not self._by_key:
            return None
        best: tuple[int, int, Assigned] | None = None
        for place, path in enumerate(paths):
            found = self._nearest(category_key(path))
            if found is not None and (best is None or (found[0], place) < best[:2]):
                best = (found[0], place, found[1])
        return best[2] if best else None

    def _nearest(self, key: Key) -> tuple[int, Assigned] | None:
        for depth in range(len(key), 0, -1):
            found = self._by_key.get(key[:depth])
            if found is not None:
                return len(key) - depth, found
        return None


@lru_cache(maxsize=16384)
def category_key(path: str) -> Key:
    """A path as it is compared: case and accents do not count."""
    return tuple(plain(name) for name in split_path(path))
