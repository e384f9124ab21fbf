"""The categories of bol's web shop. Pure.

bol files a product under its own classification by itself; neither an offer nor content has a field for a category
(Offers v11, CreateProductContentSingleRequest). The tree serves to map attributes differently for different kinds of
products.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.domain.reading import Json, tables, text
from bridge.domain.requirement import Category

DEEPEST = 20
# The languages of content, in those of the tree (get-product-categories, Accept-Language).
LANGUAGES = {"nl": "nl", "nl-BE": "nl-BE", "fr": "fr-BE", "fr-BE": "fr-BE"}


def categories(roots: list[Json]) -> Iterator[Category]:
    """Parents before their children. One without an id or a name is left out with all below it."""
    for root in roots:
        yield from _below(root, None, ())


def _below(raw: Json, parent: str | None, above: tuple[str, ...]) -> Iterator[Category]:
    key, name = text(raw.get("categoryId")), text(raw.get("categoryName"))
    if not key or not name or len(above) >= DEEPEST:
        return
    children = tables(raw, "subcategories")
    path = (*above, name)
    yield Category(id=key, parent=parent, path=path, leaf=not children)
    for child in children:
        yield from _below(child, key, path)
