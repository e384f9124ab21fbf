"""Reading the store's catalogue with as few calls as it allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from bridge.domain.catalogue import StoreProduct
from bridge.ports.channel import Page
from bridge.ports.errors import BridgeError, NotFound
from bridge.ports.http import Transport
from bridge.ports.platform import ProductBatch, ProductRef
from platform_adapters.woocommerce.client import PAGE, Json, Listing, WooClient
from platform_adapters.woocommerce.facts import Facts
from platform_adapters.woocommerce.mapping import BIN, gmt, product, product_ref, variation_ref

T = TypeVar("T")
# Offset paging is no snapshot: when something leaves a list while it is read, all that follows moves up.
OVERLAP = 5
PARENTS = 20
BY_ID = {"orderby": "id", "order": "asc"}


class Catalogue:
    def __init__(self, client: WooClient, transport: Transport, facts: Facts, workers: int) -> None:
        self._client = client
        self._transport = transport
        self._facts = facts
        self._workers = workers
        self._has_variations_route = True

    def list_products(self, since: datetime | None, cursor: str | None) -> Page[ProductRef]:
        offset = int(cursor or 0)
        window = {"modified_after": gmt(since), "dates_are_gmt": "true"} if since else {}
        listing = self._client.products(status="any", offset=offset, **window, **BY_ID)
        return Page(items=tuple(map(product_ref, listing.rows)), next_cursor=next_offset(offset, listing))

    def list_variants(self, cursor: str | None) -> Page[ProductRef]:
        offset = int(cursor or 0)
        if self._has_variations_route:
            listing = self._client.all_variations(offset=offset, **BY_ID)
            if listing is not None:
                items = tuple(variation_ref(row, str(row["parent_id"])) for row in listing.rows if row.get("parent_id"))
                return Page(items=items, next_cursor=next_offset(offset, listing))
            self._has_variations_route = False
        parents = self._client.products(type="variable", status="any", offset=offset, per_page=PARENTS, **BY_ID)
        found = self._by_parent([str(row["id"]) for row in parents.rows])
        items = tuple(variation_ref(row, parent) for parent, rows in found.items() for row in rows)
        return Page(items=items, next_cursor=next_offset(offset, parents, PARENTS))

    def fetch(self, ids: Sequence[str]) -> ProductBatch:
        """What a list leaves out is asked for one by one: only a 404 or the bin says that it is gone."""
        wanted = [key for key in dict.fromkeys(ids) if key.isdigit()]
        rows = {str(row["id"]): row for chunk in chunks(wanted) for row in self._listed(chunk)}
        absent = [key for key in wanted if key not in rows]
        missing, parents = [key for key in ids if not key.isdigit()], []
        for key, answer in zip(absent, self._transport.each(self._client.product, absent, self._workers), strict=True):
            if isinstance(answer, NotFound):
                missing.append(key)
            elif isinstance(answer, BridgeError):
                raise answer
            elif answer.get("parent_id") and answer.get("type") == "variation":
                missing.append(key)
                parents.append(str(answer["parent_id"]))
            elif answer.get("status") == BIN:
                missing.append(key)
            else:
                rows[key] = answer
        products = self._whole([rows[key] for key in wanted if key in rows])
        return ProductBatch(products=products, missing=tuple(missing), parents=tuple(parents))

    def _listed(self, ids: Sequence[str]) -> list[Json]:
        rows = self._client.products(include=ids, status="any").rows
        return [row for row in rows if not row.get("parent_id") and row.get("status") != BIN]

    def _whole(self, rows: Sequence[Json]) -> tuple[StoreProduct, ...]:
        facts = self._facts.shop
        variations = self._variations([row for row in rows if row.get("type") == "variable"])
        return tuple(product(row, variations.get(str(row["id"]), []), facts) for row in rows)

    def _variations(self, parents: Sequence[Json]) -> dict[str, list[Json]]:
        """Of many products at once, by id; product by product where the store is too old for that."""
        owners = {str(number): str(row["id"]) for row in parents for number in row.get("variations") or ()}
        numbers = list(owners)
        found: dict[str, list[Json]] = {}
        for chunk in chunks(numbers) if self._has_variations_route else ():
            listing = self._client.all_variations(include=chunk)
            if listing is None:
                self._has_variations_route = False
                break
            for row in listing.rows:
                found.setdefault(str(row.get("parent_id")), []).append(row)
        if self._has_variations_route:
            self._left_out(owners, found)
            return {parent: sorted(rows, key=lambda row: int(row["id"])) for parent, rows in found.items()}
        return self._by_parent([str(row["id"]) for row in parents])

    def _left_out(self, owners: Mapping[str, str], found: dict[str, list[Json]]) -> None:
        """Those that the list did not bring, one by one: only a 404 says that a variation is gone."""
        there = {str(row["id"]) for rows in found.values() for row in rows}
        absent = [key for key in owners if key not in there]
        answers = self._transport.each(lambda key: self._client.variation(owners[key], key), absent, self._workers)
        for key, answer in zip(absent, answers, strict=True):
            if not isinstance(answer, NotFound):
                found.setdefault(owners[key], []).extend(good([answer]))

    def _by_parent(self, parents: Sequence[str]) -> dict[str, list[Json]]:
        rows = good(self._transport.each(self._all_of, parents, self._workers))
        return dict(zip(parents, rows, strict=True))

    def _all_of(self, parent: str) -> list[Json]:
        rows: list[Json] = []
        for page in range(1, 100):
            listing = self._client.variations(parent, page=page, **BY_ID)
            rows += listing.rows
            if len(listing.rows) < PAGE:
                break
        return rows


def chunks(items: Sequence[T], size: int = PAGE) -> Iterable[Sequence[T]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def good(answers: Sequence[T | BridgeError]) -> list[T]:
    """The answers; the first error among them is raised."""
    result: list[T] = []
    for answer in answers:
        if isinstance(answer, BridgeError):
            raise answer
        result.append(answer)
    return result


def next_offset(offset: int, listing: Listing, size: int = PAGE) -> str | None:
    """Where the next page begins, a little before the end of this one; None at the end of the list."""
    count = len(listing.rows)
    read = offset + count
    is_last = read >= listing.total if listing.total is not None else count < size
    return None if is_last or count <= OVERLAP else str(read - OVERLAP)
