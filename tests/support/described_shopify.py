"""A Shopify store made of nothing but Shopify's own schema: whatever a field may hold, it may hold here.

What a field holds follows from the seed and from whose field it is, so that an object is the same wherever it is met, and
a list the same however it is cut into pages; ``truth`` asks without pages and without oddities.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from flask import Flask, Response, request
from graphql import (
    DocumentNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    execute_sync,
    get_named_type,
    is_abstract_type,
    parse,
    validate,
)

from tests.support.described_store import odd_answer

Json = dict[str, Any]
# How long lists are, and how often; and how a list is cut into pages.
LENGTHS = ((0, 3), (1, 6), (2, 4), (3, 2), (7, 2), (26, 1), (130, 1))
CUTS = (("plain", 120), ("gaps", 8), ("nameless", 1), ("endless", 1))
OBJECTS_IN_LISTS = ((0, 6), (1, 10), (2, 6), (5, 2), (24, 1))
WHOLE = 1_000_000
MONEY = (
    "0",
    "0.00",
    "0.01",
    "12.5",
    "19.99",
    "-3.00",
    "1000000000000.00",
    "999999999999999.99",
    "99999999999999999999.99",
    "0.000001",
    "7",
)
TEXTS = (
    "",
    " ",
    "a",
    "A-1",
    "€ Größe 50",
    "null",
    "FULFILLED",
    "x" * 300,
    "4006381333931",
    "1,5",
    "\u202e",
    "<b>",
    "%1",
)
WORDS = {
    "myshopifyDomain": "described.myshopify.com",
    "ianaTimezone": "Europe/Amsterdam",
    "currencyCode": "EUR",
}
SCOPES = (
    "read_products", "write_products", "read_inventory", "write_inventory", "read_locations", "read_orders", "write_orders",
    "read_fulfillments", "read_merchant_managed_fulfillment_orders", "read_assigned_fulfillment_orders",
    "read_third_party_fulfillment_orders", "write_merchant_managed_fulfillment_orders", "read_returns", "write_returns",
)  # fmt: skip


class Pages(dict[str, Any]):
    """A connection, or a page of one."""


@dataclass(frozen=True)
class Thing:
    """An object: its type, by what it is known, and whose it is."""

    kind: str
    key: str
    owner: Thing | None = None
    place: int = 0

    def above(self, kind: str) -> Thing | None:
        here: Thing | None = self
        while here is not None and here.kind != kind:
            here = here.owner
        return here


class DescribedShopify:
    def __init__(self, schema: GraphQLSchema, seed: str, *, odd: bool = True) -> None:
        self.schema = schema
        self.seed = seed
        self.odd = odd
        self.asked: set[str] = set()
        self._whole = False
        self._known: dict[str, Thing] = {}
        self._times: dict[str, int] = {}

    def app(self) -> Flask:
        app = Flask("described_shopify")
        app.add_url_rule("/admin/api/<version>/graphql.json", "graphql", self._graphql, methods=["POST"])
        app.add_url_rule("/export", "export", lambda: Response(b'{"id": 1}\n[]\n', mimetype="text/plain"))
        return app

    def truth(self, query: str, **variables: Any) -> Json:
        """The whole of it, in one go."""
        self._whole = True
        try:
            found = execute_sync(
                self.schema,
                _parsed(self.schema, query),
                field_resolver=self._field,
                type_resolver=_type,
                variable_values=variables,
            )
        finally:
            self._whole = False
        assert not found.errors, found.errors
        return found.data or {}

    def _graphql(self, version: str) -> Response:
        body = request.get_json()
        text = json.dumps(body, sort_keys=True)
        # Answers come in threads: what happens to one follows from what it asks, not from when.
        self._times[text] = self._times.get(text, 0) + 1
        rng = self._rng("answer", text, str(self._times[text]))
        if self.odd and (odd := odd_answer(rng)) is not None:
            return Response(odd[2], odd[0], content_type=odd[1])
        document = _parsed(self.schema, body["query"])
        found = execute_sync(
            self.schema, document, field_resolver=self._field, type_resolver=_type, variable_values=body["variables"]
        )
        assert not found.errors, found.errors
        self.asked.add(version)
        answer: Json = {"data": found.data}
        if self.odd:
            answer = _with_errors(answer, rng)
        return Response(json.dumps(answer), mimetype="application/json")

    def _rng(self, *of: str) -> random.Random:
        digest = hashlib.blake2b("|".join((self.seed, *of)).encode(), digest_size=8).digest()
        return random.Random(int.from_bytes(digest, "big"))

    # -- fields -----------------------------------------------------------------------------------------------

    def _field(self, source: Any, info: GraphQLResolveInfo, **given: Any) -> Any:
        if isinstance(source, Pages):
            return source[info.field_name]
        owner = source or Thing(info.parent_type.name, info.parent_type.name)
        rng = self._rng(owner.key, info.field_name)
        if info.parent_type.name == "Mutation":
            rng = self._rng(owner.key, info.field_name, json.dumps(given, sort_keys=True, default=str))
            owner = Thing(owner.kind, f"{owner.key}/{rng.random()}")
        return self._value(info.return_type, owner, info.field_name, given, rng)

    def _value(self, kind: Any, owner: Thing, name: str, given: Json, rng: random.Random) -> Any:
        if (special := self._special(owner, name, given, rng)) is not _NONE:
            return special
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        elif rng.random() < 0.25:
            return None
        if isinstance(kind, GraphQLList):
            return self._list(kind, owner, name, given, rng)
        if isinstance(kind, GraphQLEnumType):
            return rng.choice([item.value for item in kind.values.values()])
        if isinstance(kind, GraphQLScalarType):
            return _scalar(kind.name, owner, name, rng)
        if kind.name.endswith("Connection"):
            return self._connection(kind, owner, name, given, rng)
        return self._thing(kind, owner, name, 0, rng)

    def _special(  # noqa: C901, PLR0911, PLR0912  one line for each
        self, owner: Thing, name: str, given: Json, rng: random.Random
    ) -> Any:
        """Where the schema cannot say what belongs together."""
        if name == "id" and owner.key.startswith("gid:"):
            return owner.key
        if owner.kind == "QueryRoot" and "id" in given:
            return self._by_id(given["id"])
        if name == "nodes" and "ids" in given:
            return [self._by_id(key) for key in given["ids"]]
        if name == "shop":
            return Thing("Shop", "gid://shopify/Shop/1")
        if name == "currentAppInstallation":
            return Thing("AppInstallation", "gid://shopify/AppInstallation/1")
        if name == "accessScopes":
            return [Thing("AccessScope", f"scope/{item}") for item in SCOPES]
        if name == "handle" and owner.kind == "AccessScope":
            return owner.key.partition("/")[2]
        if name == "location" and owner.kind == "InventoryLevel":
            return Thing("Location", f"gid://shopify/Location/{owner.place + 1}")
        if name == "product" and (product := owner.above("Product")) is not None:
            return product
        if name == "lineItem" and (order := owner.above("Order")) is not None:
            lines = self._connected(order, "lineItems", "LineItem")
            return rng.choice(lines) if lines else Thing("LineItem", "gid://shopify/LineItem/404")
        if name == "quantities":
            count = rng.choice((0, 1, 1, 1, 1))
            return [Thing("InventoryQuantity", f"{owner.key}/{name}", owner)] * count
        if owner.kind == "InventoryQuantity" and name == "name":
            return "available"
        if name == "userErrors" or name.endswith("UserErrors"):
            return [self._thing_of("UserError", owner, name, place) for place in range(rng.choice((0,) * 12 + (1, 2)))]
        if name == "count":
            return rng.choice((0, 5, 5, 5000))
        return WORDS.get(name, _NONE) if name != "currencyCode" or rng.random() < 0.9 else _NONE

    def _by_id(self, key: str) -> Thing | None:
        kind = key.split("/")[-2]
        if kind not in self.schema.type_map or (self.odd and self._rng(key, "exists").random() < 0.1):
            return None
        return self._known.get(key) or Thing(kind, key)

    def _list(self, kind: Any, owner: Thing, name: str, given: Json, rng: random.Random) -> list[Any]:
        inner = kind.of_type.of_type if isinstance(kind.of_type, GraphQLNonNull) else kind.of_type
        count = min(_pick(OBJECTS_IN_LISTS, rng), given.get("first") or WHOLE)
        if not isinstance(inner, GraphQLObjectType):
            return [self._value(kind.of_type, owner, f"{name}/{place}", {}, rng) for place in range(count)]
        return [self._thing(inner, owner, name, place, rng) for place in range(count)]

    def _thing(self, kind: Any, owner: Thing, name: str, place: int, rng: random.Random) -> Thing:
        if is_abstract_type(kind):
            kind = rng.choice(self.schema.get_possible_types(kind))
        return self._thing_of(kind.name, owner, name, place)

    def _thing_of(self, kind: str, owner: Thing, name: str, place: int) -> Thing:
        key = f"{owner.key}/{name}/{place}"
        found = self.schema.type_map.get(kind)
        if isinstance(found, GraphQLObjectType) and "id" in found.fields:
            number = self._rng(key, "number").getrandbits(61) + 1
            key = f"gid://shopify/{kind}/{place + 1 if kind == 'Location' else number}"
        made = Thing(kind, key, owner, place)
        self._known.setdefault(key, made)
        return made

    # -- lists in pages ---------------------------------------------------------------------------------------

    def _connected(self, owner: Thing, name: str, kind: str) -> list[Thing]:
        count = _pick(LENGTHS, self._rng(owner.key, name, "length"))
        if owner.key.endswith("/2048") and name == "variants":
            count = 2048
        elif name in ("inventoryLevels", "locations"):
            count = min(count, 26)
        return [self._thing_of(kind, owner, name, place) for place in range(count)]

    def _connection(self, kind: GraphQLObjectType, owner: Thing, name: str, given: Json, rng: random.Random) -> Pages:
        inner = get_named_type(kind.fields["nodes"].type)
        if is_abstract_type(inner):
            inner = rng.choice(self.schema.get_possible_types(inner))  # type: ignore[arg-type]
        rows = self._connected(owner, name, inner.name)
        cut = _pick(CUTS, self._rng(owner.key, name, "cut")) if self.odd else "plain"
        start = int(str(given.get("after") or "0").partition(":")[2] or 0)
        if self._whole:
            return _page(rows, None, more=False)
        if cut == "gaps" and start == 0 and not given.get("after"):
            return _page([], "at:0", more=True)
        part = rows[start : start + int(given.get("first") or 50)]
        end = start + len(part)
        more = end < len(rows)
        if cut == "endless" and rows:
            return _page(part, f"at:{start}", more=True)
        if cut == "nameless" and more:
            return _page(part, None, more=True)
        return _page(part, f"at:{end}" if part else None, more=more)


_NONE = object()


@cache
def _parsed(schema: GraphQLSchema, text: str) -> DocumentNode:
    document = parse(text)
    faults = validate(schema, document)
    assert not faults, faults
    return document


def _page(rows: list[Thing], cursor: str | None, *, more: bool) -> Pages:
    info = Pages(hasNextPage=more, endCursor=cursor, hasPreviousPage=False, startCursor=None)
    edges = [Pages(node=row, cursor="c") for row in rows]
    return Pages(nodes=rows, edges=edges, pageInfo=info)


def _type(value: Any, _info: Any, _kind: Any) -> str:
    return str(value.kind)


def _pick(weighted: Any, rng: random.Random) -> Any:
    return rng.choices([item for item, _ in weighted], [weight for _, weight in weighted])[0]


def _scalar(kind: str, owner: Thing, name: str, rng: random.Random) -> Any:  # noqa: PLR0911  one line for each
    moment = datetime(2026, 11, 20, 9, tzinfo=UTC) + timedelta(seconds=rng.randint(0, 12_000))
    if kind == "Int":
        least = (-4,) if owner.kind == "InventoryQuantity" else ()
        return rng.choice((0, 0, 1, 2, 3, 5, 100, 2**31 - 1, *least) if name == "quantity" else (0, 1, 2, 10**6))
    if kind in ("Money", "Decimal"):
        return rng.choice(MONEY)
    if kind == "Boolean":
        return rng.random() < 0.6
    if kind == "DateTime":
        return moment.strftime(rng.choice(("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%S.%fZ")))
    if kind == "Float":
        return rng.choice((0, 0.5, 1.25, 1e-7, 1e20))
    if kind == "URL":
        return "http://store.example/export"
    if kind == "ID":
        return f"gid://shopify/{owner.kind}/{rng.getrandbits(40) + 1}"
    if kind == "UnsignedInt64":
        return str(rng.getrandbits(63))
    return rng.choice(TEXTS)


def _with_errors(answer: Json, rng: random.Random) -> Json:
    """Some are throttled, refused or half there, and tell what they cost or not."""
    cost = {"requestedQueryCost": 10, "actualQueryCost": rng.choice((None, 8))}
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": rng.choice((0, 1990)), "restoreRate": 100.0}
    extensions = rng.choice(({}, {"cost": cost}, {"cost": cost | {"throttleStatus": status}}, {"cost": None}, None))
    if extensions is not None:
        answer = answer | {"extensions": extensions}
    chance = rng.randrange(30)
    codes: tuple[Any, ...] = ("THROTTLED", "ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "SOMETHING_NEW", None)
    error: Json = {"message": rng.choice(("Throttled", "Access denied", "")), "path": None}
    if code := rng.choice(codes):
        error["extensions"] = {"code": code}
    if chance == 0:
        return {key: value for key, value in answer.items() if key != "data"} | {"errors": [error]}
    if chance == 1:
        return answer | {"data": None, "errors": [error]}
    if chance == 2:
        return answer | {"errors": [error, error]}
    return answer
