"""Category mappings as a merchant edits them: the store's categories, where each goes and why, what is suggested, and
single products that go elsewhere. Nothing is taken over that was not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.db.tables import Product, Variant
from bridge.domain.categories.assign import Assigned, Assigner, CategoryMapping, CategoryOverrides, category_key
from bridge.flows import needs, sorting, working
from bridge.flows.documents import of_connection
from bridge.flows.engine import Engine
from bridge.ports.errors import AskMerchant, NotFound

MAPPING, OVERRIDES = "category_mapping", "category_overrides"
KINDS = (MAPPING, OVERRIDES)
MOST = 200
Data = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A store category. ``target`` is the marketplace category it goes to; ``above``: the store category whose mapping
    holds for it, where that is not its own. ``suggested``: the best first."""

    path: str
    products: int
    target: str = ""
    target_path: str = ""
    above: str = ""
    is_new: bool = False
    suggested: Sequence[Data] = ()

    @property
    def is_own(self) -> bool:
        return bool(self.target) and not self.above


@dataclass(frozen=True)
class Counts:
    all: int
    mapped: int
    products: int
    products_mapped: int


def rows(session: Session, connection_id: int) -> list[Row]:
    """Every store category that products are in, those that go nowhere yet first."""
    tree = {item.id: " > ".join(item.path) for item in needs.tree(session, connection_id)}
    entries = mapping_of(session, connection_id).entries
    assigner = Assigner(CategoryMapping(entries=entries), CategoryOverrides())
    active = {category_key(path): target for path, target in sorting.mapping_of(session, connection_id).entries.items()}
    suggested = _suggested(session, connection_id)
    found = [
        _row(path, count, assigner.category("", [path]), tree, active, suggested.get(path, ()))
        for path, count in store_categories(session).items()
    ]
    return sorted(found, key=lambda row: (bool(row.target), row.path))


def _row(
    path: str,
    count: int,
    assigned: Assigned | None,
    tree: Mapping[str, str],
    active: Mapping[Any, str],
    suggested: Sequence[Data],
) -> Row:
    if assigned is None:
        return Row(path, count, suggested=suggested)
    own = category_key(assigned.source) == category_key(path)
    is_new = active.get(category_key(assigned.source)) != assigned.category
    target = assigned.category
    return Row(path, count, target, tree.get(target, target), "" if own else assigned.source, is_new, suggested)


def counts(found: Sequence[Row]) -> Counts:
    mapped = [row for row in found if row.target]
    return Counts(len(found), len(mapped), sum(row.products for row in found), sum(row.products for row in mapped))


def store_categories(session: Session) -> dict[str, int]:
    """The store's categories by path, with the number of products in each. The database does the counting."""
    paths, flat = Product.data["category_paths"], Product.data["categories"]
    query = select(paths, flat, func.count()).where(Product.deleted_at.is_(None)).group_by(paths, flat)
    found: dict[str, int] = {}
    for whole, names, count in session.execute(query):
        for path in sorting.paths_of({"category_paths": whole or [], "categories": names or []}):
            found[path] = found.get(path, 0) + count
    return dict(sorted(found.items()))


def _suggested(session: Session, connection_id: int) -> dict[str, list[Data]]:
    found: dict[str, list[Data]] = {}
    for item in sorting.suggestions(session, connection_id):
        found.setdefault(item["path"], []).append(item)
    return found


def mapping_of(session: Session, connection_id: int) -> CategoryMapping:
    """What is being edited, else what holds."""
    return CategoryMapping.model_validate(working.read(session, of_connection(connection_id), MAPPING).content)


def overrides_of(session: Session, connection_id: int) -> CategoryOverrides:
    return CategoryOverrides.model_validate(working.read(session, of_connection(connection_id), OVERRIDES).content)


def overrides(session: Session, connection_id: int) -> list[Data]:
    """Single products that go to a category of their own, with their titles."""
    products = overrides_of(session, connection_id).products
    tree = {item.id: " > ".join(item.path) for item in needs.tree(session, connection_id)}
    query = select(Product.external_id, Product.title).where(Product.external_id.in_(list(products)[:MOST]))
    titles = {row[0]: row[1] for row in session.execute(query)}
    return [
        {"product": key, "title": titles.get(key, ""), "target": target, "target_path": tree.get(target, target)}
        for key, target in products.items()
    ]


def choose(engine: Engine, shop_id: int, connection_id: int, path: str, target: str, author: str) -> None:
    """A store category goes to this marketplace category; empty: to none of its own. Raises AskMerchant, NotFound."""
    with engine.db.read(shop_id) as session:
        _must_be_leaf(session, connection_id, target)
        known = mapping_of(session, connection_id).entries
    others = {key: value for key, value in known.items() if category_key(key) != category_key(path)}
    _keep(engine, shop_id, connection_id, others | ({path: target} if target else {}), author)


def accept(
    engine: Engine, shop_id: int, connection_id: int, shown: Sequence[int], above: float | None, author: str
) -> int:
    """Take over suggestions that were shown, by their numbers; with ``above`` only those of at least this confidence.
    A category that is mapped stays as it is. Returns how many there were."""
    with engine.db.read(shop_id) as session:
        known = mapping_of(session, connection_id).entries
        found = {item["id"]: item for item in sorting.suggestions(session, connection_id)}
    taken = {category_key(path) for path in known}
    new: dict[str, str] = {}
    for number in shown:
        item = found.get(number)
        if item is None:
            raise AskMerchant("The suggestions have been worked out anew meanwhile; look at them again.", field="above")
        if category_key(item["path"]) not in taken and (above is None or item["confidence"] >= above):
            new.setdefault(item["path"], item["target"])
    if not new:
        raise AskMerchant("None of the suggestions on this page is meant by that.", field="above")
    _keep(engine, shop_id, connection_id, {**known, **new}, author)
    return len(new)


def override(engine: Engine, shop_id: int, connection_id: int, product: str, target: str, author: str) -> None:
    """One product goes to this category; empty: where its store category goes."""
    with engine.db.read(shop_id) as session:
        _must_be_leaf(session, connection_id, target)
        known = overrides_of(session, connection_id).products
    products = {key: value for key, value in known.items() if key != product} | ({product: target} if target else {})
    working.keep(engine, shop_id, of_connection(connection_id), OVERRIDES, {"products": products}, author)


def product_of(session: Session, name: str) -> tuple[str, str]:
    """The store's id and the title of a product, by a SKU of it or its id. Raises AskMerchant."""
    query = select(Product.external_id, Product.title).where(Product.deleted_at.is_(None))
    by_sku = query.join(Variant, Variant.product_id == Product.id).where(Variant.sku == name)
    row = session.execute(by_sku.limit(1)).first() or session.execute(query.where(Product.external_id == name)).first()
    if row is None:
        raise AskMerchant(f"The store has no product {name!r} that has been read here.", field="product")
    return row[0], row[1]


def _must_be_leaf(session: Session, connection_id: int, target: str) -> None:
    working.must_exist(session, of_connection(connection_id))
    if target and not any(item.id == target and item.leaf for item in needs.tree(session, connection_id)):
        raise NotFound("The marketplace has no such category that takes products.")


def _keep(engine: Engine, shop_id: int, connection_id: int, entries: Mapping[str, str], author: str) -> None:
    working.keep(engine, shop_id, of_connection(connection_id), MAPPING, {"entries": dict(entries)}, author)


def tells_categories(session: Session, connection_id: int) -> bool:
    """Whether the marketplace's categories are known here."""
    return bool(needs.tree(session, connection_id))


def drafts(session: Session, connection_id: int) -> list[working.Working]:
    return [item for item in working.drafts(session, of_connection(connection_id)) if item.kind in KINDS]
