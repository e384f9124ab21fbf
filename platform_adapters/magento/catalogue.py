"""Reading the store's catalogue: products with their children, by key and never by page number, so that nothing is
skipped when rows leave a list while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from bridge.domain.catalogue import StoreProduct
from bridge.domain.reading import moment
from bridge.ports.channel import Page
from bridge.ports.platform import ProductBatch, ProductRef
from platform_adapters.magento.client import PAGE, Listing, MagentoClient, stuck
from platform_adapters.magento.criteria import Filter, Group, after, since
from platform_adapters.magento.facts import Facts
from platform_adapters.magento.families import Families
from platform_adapters.magento.mapping import CONFIGURABLE, product, product_ref, variant_ref
from platform_adapters.magento.reading import Json, ShopFacts, number, text
from platform_adapters.magento.stock import Stock

FIELDS = (
    "items[id,sku,name,price,status,visibility,type_id,weight,updated_at,media_gallery_entries[file,disabled,position],"
    "extension_attributes[website_ids,category_links,configurable_product_links],custom_attributes],total_count"
)
SOLD = "sold"


class Catalogue:
    def __init__(self, client: MagentoClient, facts: Facts, stock: Stock, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._facts = facts
        self._stock = stock
        self._clock = clock
        self._families = Families(client, clock)

    def list_products(self, since_: datetime | None, cursor: str | None) -> Page[ProductRef]:
        """Changed products by id; then those that were sold or given back in the store, since stock moves no date."""
        stage, _, place = (cursor or "").partition(":")
        if stage == SOLD and since_ is not None:
            return self._sold(since_, number(place))
        last = number(stage)
        window = ((since("updated_at", since_),),) if since_ else ()
        rows = self._next(window, last).rows
        refs = self._refs(rows, since_)
        if len(rows) == PAGE:
            return Page(items=refs, next_cursor=text(rows[-1]["id"]))
        return Page(items=refs, next_cursor=f"{SOLD}:0" if since_ else None)

    def list_variants(self, cursor: str | None) -> Page[ProductRef]:
        rows = self._next((), number(cursor or "")).rows
        facts = self._facts.shop
        self._families.learn(rows)
        sold = [row for row in rows if text(row.get("type_id")) != CONFIGURABLE]
        marks = self._stock.marks(sold, facts, thoroughly=True)
        refs = tuple(variant_ref(row, self._home(row), marks) for row in sold)
        return Page(items=refs, next_cursor=text(rows[-1]["id"]) if len(rows) == PAGE else None)

    def fetch(self, ids: Sequence[str]) -> ProductBatch:
        """What a list leaves out is asked for once more alone, before it is called gone."""
        wanted = [key for key in dict.fromkeys(ids) if number(key)]
        rows = self._by_id([number(key) for key in wanted])
        rows |= self._by_id_alone([number(key) for key in wanted if number(key) not in rows])
        self._families.learn(rows.values())
        facts = self._facts.shop
        missing, parents, whole = [key for key in ids if not number(key)], [], []
        for key in wanted:
            row = rows.get(number(key))
            parent = self._families.parent(number(key)) if row is not None else None
            if row is None or parent is not None:
                missing.append(key)
                parents += [str(parent)] if parent is not None else []
            else:
                whole.append(row)
        products = self._whole(whole, facts)
        return ProductBatch(products=products, missing=tuple(missing), parents=tuple(dict.fromkeys(parents)))

    def rows(self, ids: Iterable[int]) -> dict[int, Json]:
        """Products as the store has them, by id; those that are gone left out."""
        return self._by_id(list(ids))

    # -- inside -----------------------------------------------------------------------------------------------

    def _next(self, window: Sequence[Group], last: int) -> Listing:
        listing = self._client.products(*window, after("entity_id", last), scope=self._facts.shop.view, fields=FIELDS)
        if listing.rows and number(listing.rows[0].get("id")) <= last:
            raise stuck("products")
        return listing

    def _sold(self, since_: datetime, last: int) -> Page[ProductRef]:
        """Products of order lines that were made or changed. Those that have changed themselves were listed already."""
        moved = (since("created_at", since_), since("updated_at", since_))
        items = self._client.order_items(moved, fields="item_id,product_id")
        ids = sorted({number(item.get("product_id")) for item in items} - {0})
        later = [key for key in ids if key > last]
        found = self._by_id(later[:PAGE])
        rows = [row for row in found.values() if not _is_newer(row, since_)]
        parents = {self._families.parent(number(row.get("id"))) for row in rows} - {None}
        seen = {self._families.parent(key) for key in ids if key <= last}
        fresh = [row for row in rows if self._families.parent(number(row.get("id"))) is None]
        grown = [key for key in parents if key is not None and key not in found and key not in seen]
        fresh += [row for row in self._by_id(grown).values() if not _is_newer(row, since_)]
        refs = self._as_refs(fresh)
        return Page(items=refs, next_cursor=f"{SOLD}:{later[PAGE - 1]}" if len(later) > PAGE else None)

    def _refs(self, rows: Sequence[Json], since_: datetime | None) -> tuple[ProductRef, ...]:
        """A child stands for its parent, once: on the page of the first child that has changed. In a list of everything
        the parent is there itself."""
        self._families.learn(rows)
        own = [row for row in rows if self._families.parent(number(row.get("id"))) is None]
        if since_ is None:
            return self._as_refs(own)
        here = {number(row.get("id")) for row in rows}
        parents = {parent for key in here if (parent := self._families.parent(key)) is not None} - here
        return self._as_refs([*own, *self._told_by(parents, here, since_)])

    def _told_by(self, parents: Iterable[int], here: set[int], since_: datetime) -> list[Json]:
        found = []
        for row in self._by_id(sorted(parents)).values():
            children = self._by_id(self._families.own(row)).values()
            changed = [number(child.get("id")) for child in children if _is_newer(child, since_)]
            if not _is_newer(row, since_) and changed and min(changed) in here:
                found.append(row)
        return found

    def _as_refs(self, rows: Sequence[Json]) -> tuple[ProductRef, ...]:
        children = self._children(rows)
        everyone = [*rows, *(child for found in children.values() for child in found)]
        marks = self._stock.marks(everyone, self._facts.shop)
        return tuple(product_ref(row, children.get(number(row.get("id")), ()), marks) for row in rows)

    def _whole(self, rows: Sequence[Json], facts: ShopFacts) -> tuple[StoreProduct, ...]:
        children = self._children(rows)
        kept = [row for row in rows if text(row.get("type_id")) != CONFIGURABLE]
        sold = [*kept, *(child for found in children.values() for child in found)]
        stock, now = self._stock.readings(sold, facts), self._clock()
        return tuple(product(row, children.get(number(row.get("id")), []), stock, facts, now) for row in rows)

    def _children(self, rows: Sequence[Json]) -> dict[int, list[Json]]:
        """By the id of their parent, in order of their own."""
        wanted = {
            number(row["id"]): self._families.own(row) for row in rows if text(row.get("type_id")) == CONFIGURABLE
        }
        known = self._by_id(sorted({key for ids in wanted.values() for key in ids}))
        return {parent: [known[key] for key in sorted(ids) if key in known] for parent, ids in wanted.items()}

    def _by_id(self, ids: Sequence[int]) -> dict[int, Json]:
        found: dict[int, Json] = {}
        for at in range(0, len(ids), PAGE):
            group = (Filter("entity_id", "in", ",".join(str(key) for key in ids[at : at + PAGE])),)
            found |= {number(row.get("id")): row for row in self._products(group)}
        return found

    def _by_id_alone(self, ids: Sequence[int]) -> dict[int, Json]:
        found: dict[int, Json] = {}
        for key in ids:
            found |= {number(row.get("id")): row for row in self._products((Filter("entity_id", "eq", str(key)),))}
        return found

    def _products(self, group: Group) -> list[Json]:
        return self._client.products(group, scope=self._facts.shop.view).rows

    def _home(self, row: Json) -> str:
        """The product that a variant belongs to: its parent, or itself."""
        return text(self._families.parent(number(row.get("id"))) or row.get("id"))


def _is_newer(row: Json, since_: datetime) -> bool:
    changed = moment(row.get("updated_at"))
    return changed is not None and changed >= since_.replace(microsecond=0)
