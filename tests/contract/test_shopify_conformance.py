"""Every document, everything that is sent and everything the sandbox serves, against Shopify's own schemas."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    introspection_from_schema,
    parse,
    validate,
    visit,
)
from graphql.execution.values import get_variable_values

from bridge.domain.catalogue import StoreVariant
from bridge.domain.order import StoreOrder
from bridge.domain.returns import RefundLine
from platform_adapters.shopify.documents import FOLDER, bulk_text, document
from platform_adapters.shopify.hooks import TOPICS, enum
from platform_adapters.shopify.platform import ShopifyPlatform
from platform_adapters.shopify.sandbox.schema import official as served
from platform_adapters.shopify.scopes import OPTIONAL_SCOPES, SCOPES, WISHED_SCOPES
from tests.support.shopify import VERSIONS, Account, Shop, official, open_shop
from tests.support.shopify_orders import draft, notice

REHEARSAL = FOLDER.parent / "rehearsal_graphql"
DOCUMENTS = sorted(
    [(path.stem, FOLDER) for path in FOLDER.glob("*.graphql")]
    + [(path.stem, REHEARSAL) for path in REHEARSAL.glob("*.graphql")]
)
# The schema says of each of these in its description that it must come with @idempotent.
IDEMPOTENT = {
    "inventoryActivate", "inventoryAdjustQuantities", "inventoryMoveQuantities", "inventorySetOnHandQuantities",
    "inventorySetQuantities", "refundCreate", "locationActivate", "locationDeactivate",
}  # fmt: skip


@pytest.fixture(params=VERSIONS)
def schema(request: pytest.FixtureRequest, specs_dir: Path) -> GraphQLSchema:
    return official(specs_dir, request.param)[0]


def test_every_document_is_valid_in_both_versions(schema: GraphQLSchema) -> None:
    faults = {name: validate(schema, parse(document(name, folder))) for name, folder in DOCUMENTS}
    assert {name: found for name, found in faults.items() if found} == {}
    assert validate(schema, parse(bulk_text("bulk_products"))) == []


def test_what_must_be_idempotent_says_so(specs_dir: Path) -> None:
    mutations = official(specs_dir, "2026-10")[0].mutation_type
    assert mutations is not None
    told = {
        name
        for name, field in mutations.fields.items()
        if "idempotency key is required" in (field.description or "") and "@idempotent" in (field.description or "")
    }
    for name, folder in DOCUMENTS:
        for field in _roots(document(name, folder)):
            marked = any(item.name.value == "idempotent" for item in field.directives or ())
            assert marked == (field.name.value in told | IDEMPOTENT), f"{name}: {field.name.value}"
    assert {"refundCreate", "inventorySetQuantities"} <= told


def _roots(text: str) -> list[FieldNode]:
    operations = [item for item in parse(text).definitions if isinstance(item, OperationDefinitionNode)]
    return [field for item in operations for field in item.selection_set.selections if isinstance(field, FieldNode)]


def test_no_document_writes_quantities_by_itself() -> None:
    """changeFromQuantity is nullable in the schema and demanded at run time: it is always a part of the variables, where
    stock.py puts it."""
    texts = "".join(document(name, folder) for name, folder in DOCUMENTS)
    assert "quantities: [{" not in texts
    assert "changeFromQuantity" not in texts


def test_the_sandbox_serves_shopifys_own_types(specs_dir: Path) -> None:
    """Each type, field, argument and value of the part that is served is the official one, to the letter."""
    whole = official(specs_dir, "2026-10")[0]
    part = build_client_schema(introspection_from_schema(served()))
    wrong: list[str] = []
    for name, kind in part.type_map.items():
        if name.startswith("__"):
            continue
        there = whole.type_map[name]
        for field, mine in getattr(kind, "fields", {}).items():
            theirs = there.fields[field]  # type: ignore[attr-defined]
            if str(mine.type) != str(theirs.type) or _arguments(mine) != _arguments(theirs):
                wrong.append(f"{name}.{field}")
        if isinstance(kind, GraphQLInputObjectType | GraphQLEnumType):
            held = "fields" if isinstance(kind, GraphQLInputObjectType) else "values"
            if set(getattr(kind, held)) != set(getattr(there, held)):
                wrong.append(name)
    assert wrong == []
    assert len(part.type_map) > 100


def _arguments(field: Any) -> dict[str, str]:
    return {name: str(item.type) for name, item in getattr(field, "args", {}).items()}


class _Touched(Visitor):
    """Types and fields a document reaches."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.found: set[tuple[str, str | None]] = set()

    def enter_field(self, node: Any, *_: Any) -> None:
        parent, field = self.info.get_parent_type(), self.info.get_field_def()
        if parent is not None and field is not None:
            self.found.add((parent.name, node.name.value))
            kind = get_named_type(field.type)
            if isinstance(kind, GraphQLObjectType):
                self.found.add((kind.name, None))


def _needed(schema: GraphQLSchema, items: list[dict[str, Any]], texts: list[str]) -> list[set[str]]:
    """For each thing touched that is guarded: the scopes of which one is enough."""
    touched: set[tuple[str, str | None]] = set()
    for text in texts:
        info = TypeInfo(schema)
        visitor = _Touched(info)
        visit(parse(text), TypeInfoVisitor(info, visitor))
        touched |= visitor.found
    guarded = {
        (row["typeName"], row.get("fieldName")): set(row["offlineScopes"]) for row in items if row["offlineScopes"]
    }
    return [scopes for key, scopes in guarded.items() if key in touched]


def test_the_scopes_are_the_least_that_is_needed(specs_dir: Path) -> None:
    """Enough for every document, with write standing for read; and none that could be left out. Writing stock is the
    merchant's own choice, and so is its scope; a store whose token lacks that of returns does without them."""
    schema, items = official(specs_dir, "2026-10")
    names = [path.stem for path in FOLDER.glob("*.graphql")]
    backs = [document(name) for name in names if name.startswith("return_")]
    always = _needed(schema, items, [document(name) for name in names if name != "stock_set" and name[:7] != "return_"])
    everything = _needed(schema, items, [document(name) for name in names])
    topics = _topic_scopes(schema)
    assert _enough(SCOPES, [*always, *topics])
    assert _enough((*SCOPES, *WISHED_SCOPES), [*always, *_needed(schema, items, backs)])
    assert not _enough(SCOPES, _needed(schema, items, backs))
    assert _enough((*SCOPES, *WISHED_SCOPES, *OPTIONAL_SCOPES), everything)
    assert not _enough((*SCOPES, *WISHED_SCOPES), everything)
    for left_out in SCOPES:
        assert not _enough([name for name in SCOPES if name != left_out], [*always, *topics]), left_out


def _enough(scopes: Any, needed: list[set[str]]) -> bool:
    has = set(scopes) | {name.replace("write_", "read_") for name in scopes if name.startswith("write_")}
    return all(has & choice for choice in needed)


def test_every_topic_exists_and_may_be_subscribed_to(specs_dir: Path) -> None:
    needed = _topic_scopes(official(specs_dir, "2026-10")[0])
    assert len(needed) > 8
    assert _enough(SCOPES, needed)


def _topic_scopes(schema: GraphQLSchema) -> list[set[str]]:
    """For each topic the scopes that its description names, of which one is enough."""
    values = schema.type_map["WebhookSubscriptionTopic"].values  # type: ignore[attr-defined]
    texts = [values[enum(topic)].description for topic in TOPICS]
    return [found for text in texts if (found := set(re.findall(r"\bread_\w+", text)))]


def test_everything_that_is_sent_fits_the_official_schema(specs_dir: Path) -> None:
    schema = official(specs_dir, "2026-10")[0]
    with open_shop() as shop:
        shop.control("seed", products=2, variable=1)
        account = Account(shop, settings={"stock_writes": True, "buyer_email": True})
        platform = account.platform
        platform.check()
        refs = platform.list_products(None, None).items
        products = platform.fetch_products([ref.external_id for ref in refs]).products
        platform.list_variants(None)
        variant = products[0].variants[0]
        platform.set_stock(variant.product_id, variant.external_id, 9)
        made = platform.create_order(draft(variant, quantity=3, total="10.00", tax="1.74", shipping="2.99"))
        platform.find_orders([made.marketplace_ref or "", "bol:none"])
        account.hands.ship(made.external_id, "DHL", "JD1")
        platform.refund_lines(
            made.external_id, [RefundLine(store_line_id=made.lines[0].external_id, quantity=1)], "r", "x"
        )
        _returned(shop, platform, made, variant)
        other = platform.create_order(draft(variant, external_id="2"))
        platform.cancel_order(other.external_id, "enough")
        platform.add_note(other.external_id, "seen")
        platform.ensure_webhooks(f"{shop.url}/hooks/x/1", "secret")
        platform.remove_webhooks(f"{shop.url}/hooks/x/1")
        rows = [json.loads(row["body"]) for row in shop.look("requests") if row["path"].endswith("graphql.json")]
    faults = list(itertools.chain.from_iterable(_faults(schema, row) for row in rows))
    assert faults == []
    assert len({row["query"] for row in rows}) > 28


def _returned(shop: Shop, platform: ShopifyPlatform, order: StoreOrder, variant: StoreVariant) -> None:
    """Accepted in part; asked for by the buyer in the store and taken over; dropped."""
    line = order.lines[0].external_id
    back = RefundLine(store_line_id=line, quantity=1)
    platform.announce_return(order.external_id, notice("bol:1/return/1", line, units=2))
    platform.accept_return(order.external_id, "", back, "r", "bol:1/return/1")
    shop.control("return", order=int(order.external_id), lines={line: 1}, asked=True)
    found = platform.announce_return(order.external_id, notice("bol:1/return/2", line))
    platform.accept_return(order.external_id, found.external_id, back, "r", "bol:1/return/2")
    other = platform.create_order(draft(variant, external_id="3"))
    shop.control("ship", order=int(other.external_id), tracking="X", carrier="DHL")
    platform.announce_return(other.external_id, notice("bol:3/return/3", other.lines[0].external_id))
    platform.drop_return(other.external_id, "bol:3/return/3")


def _faults(schema: GraphQLSchema, row: dict[str, Any]) -> list[str]:
    parsed = parse(row["query"])
    operation = next(item for item in parsed.definitions if isinstance(item, OperationDefinitionNode))
    values = get_variable_values(schema, operation.variable_definitions or (), row["variables"])
    errors = values if isinstance(values, list) else []
    return [str(error) for error in [*validate(schema, parsed), *errors]]
