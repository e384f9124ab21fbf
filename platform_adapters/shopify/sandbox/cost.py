"""What a document costs before it runs, and what it has cost after: one point for an object, two and its rows for a
list that pages, ten for a mutation, nothing for plain values (shopify.dev, API rate limits)."""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
    value_from_ast_untyped,
)

MUTATION = 10


class Price:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]) -> None:
        self.schema = schema
        self.variables = variables
        self.fragments = {
            item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)
        }

    def of(self, operation: OperationDefinitionNode) -> int:
        if operation.operation.value == "mutation":
            return MUTATION
        return self._selection(operation.selection_set, self.schema.query_type)

    def _selection(self, selections: SelectionSetNode | None, parent: Any) -> int:
        total = 0
        for item in selections.selections if selections else ():
            if isinstance(item, FieldNode):
                total += self._field(item, parent)
            elif isinstance(item, InlineFragmentNode):
                name = item.type_condition.name.value if item.type_condition else parent.name
                total += self._selection(item.selection_set, self.schema.type_map[name])
            elif isinstance(item, FragmentSpreadNode):
                found = self.fragments[item.name.value]
                total += self._selection(found.selection_set, self.schema.type_map[found.type_condition.name.value])
        return total

    def _field(self, node: FieldNode, parent: Any) -> int:
        definition = parent.fields.get(node.name.value) if hasattr(parent, "fields") else None
        if definition is None or is_leaf_type(get_named_type(definition.type)):
            return 0
        kind = get_named_type(definition.type)
        if kind.name == "PageInfo":
            return 0
        inner = self._selection(node.selection_set, kind)
        size = self._size(node)
        if kind.name.endswith("Connection"):
            return 2 + size * max(inner, 1)
        if parent.name.endswith(("Connection", "Edge")):
            return inner + (0 if kind.name.endswith("Edge") else 1)
        return size * (1 + inner)

    def _size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            value = value_from_ast_untyped(argument.value, self.variables)
            if argument.name.value in ("first", "last") and isinstance(value, int):
                return value
            if argument.name.value == "ids" and isinstance(value, list):
                return len(value)
        return 1


def spent(data: Any, *, is_mutation: bool) -> int:
    """Of an answer."""
    return MUTATION if is_mutation else max(1, _count(data) - 1)


def _count(data: Any) -> int:
    if isinstance(data, list):
        return sum(_count(item) for item in data)
    if not isinstance(data, dict):
        return 0
    inner = sum(_count(value) for name, value in data.items() if name != "pageInfo")
    return inner + (2 if "nodes" in data or "edges" in data else 1)
