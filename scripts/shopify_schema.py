"""Writes the part of Shopify's schema that its sandbox serves: what our documents select, from the official schema.

    python scripts/shopify_schema.py admin_2026-10.json.gz

The official file is an introspection result (npm @shopify/dev-mcp, dist/data). Only what describes the interface goes
along, no descriptions.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    parse,
    print_schema,
    visit,
)

ADAPTER = Path(__file__).parents[1] / "platform_adapters" / "shopify"
FOLDERS = ("graphql", "rehearsal_graphql")
TARGET = ADAPTER / "sandbox" / "schema.graphql"
DIRECTIVES = ("idempotent", "include", "skip", "deprecated", "specifiedBy", "oneOf")
# What things have in common, a kind of media that is no picture, and returned goods of which no sale is known.
MORE_FIELDS = {"Node": ("id",), "Video": ("id",), "UnverifiedReturnLineItem": ("id",)}


class _Used(Visitor):
    def __init__(self, info: TypeInfo, fields: dict[str, set[str]]) -> None:
        super().__init__()
        self.info = info
        self.fields = fields

    def enter_field(self, node: Any, *_: Any) -> None:
        parent, field = self.info.get_parent_type(), self.info.get_field_def()
        if parent is None or field is None or node.name.value.startswith("__"):
            return
        self.fields[parent.name].add(node.name.value)
        kept = get_named_type(field.type)
        if isinstance(kept, GraphQLObjectType | GraphQLInterfaceType):
            self.fields.setdefault(kept.name, set())


def used_fields(schema: GraphQLSchema) -> dict[str, set[str]]:
    """Fields by type, of all documents together."""
    fields: dict[str, set[str]] = defaultdict(set)
    for folder in FOLDERS:
        for path in sorted((ADAPTER / folder).rglob("*.graphql")):
            info = TypeInfo(schema)
            visit(parse(path.read_text(encoding="utf-8")), TypeInfoVisitor(info, _Used(info, fields)))
    for name, more in MORE_FIELDS.items():
        fields[name].update(more)
    return fields


def pruned(schema: GraphQLSchema) -> GraphQLSchema:
    fields = used_fields(schema)
    kept: dict[str, Any] = {name: schema.type_map[name] for name in fields}
    for name, type_ in kept.items():
        type_.interfaces = tuple(item for item in type_.interfaces if item.name in fields)
        wanted = fields[name].union(*(fields[item.name] for item in type_.interfaces))
        type_.fields = {field: value for field, value in type_.fields.items() if field in wanted}
    _bare(schema)
    roots = {"query": kept["QueryRoot"], "mutation": kept["Mutation"]}
    directives = [item for item in schema.directives if item.name in DIRECTIVES]
    objects = [type_ for type_ in kept.values() if isinstance(type_, GraphQLObjectType)]
    return GraphQLSchema(**roots, types=objects, directives=directives, assume_valid=True)  # type: ignore[arg-type]


def _bare(schema: GraphQLSchema) -> None:
    for type_ in schema.type_map.values():
        type_.description = None
        held: dict[str, Any] = getattr(type_, "fields", None) or getattr(type_, "values", None) or {}
        for item in held.values():
            item.description = None
            for argument in getattr(item, "args", {}).values():
                argument.description = None
    for directive in schema.directives:
        directive.description = None
        for argument in directive.args.values():
            argument.description = None


def main() -> None:
    content = json.loads(gzip.decompress(Path(sys.argv[1]).read_bytes()))
    schema = build_client_schema(content["data"], assume_valid=True)
    head = "# Made by scripts/shopify_schema.py from Shopify's own schema of the Admin API 2026-10.\n\n"
    TARGET.write_text(head + print_schema(pruned(schema)) + "\n", encoding="utf-8")
    print(f"{TARGET.name}: {len(TARGET.read_text().splitlines())} lines")


if __name__ == "__main__":
    main()
