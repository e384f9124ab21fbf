"""Lists as connections: at most 250 at once, by cursors that hold while the list changes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from graphql import GraphQLError, GraphQLResolveInfo

from platform_adapters.shopify.sandbox.store import Doc

MOST = 250
Info: TypeAlias = "GraphQLResolveInfo[Any]"
Key = Callable[[Doc], tuple[Any, ...]]


def connection(info: Info, rows: Sequence[Doc], show: Callable[[Doc], Any], key: Key, args: Doc) -> Doc:
    """A page. In a bulk operation (``info.context.bulk``) there are no pages."""
    reverse = bool(args.get("reverse"))
    ordered = sorted(rows, key=key, reverse=reverse)
    stuck = info.context.stuck
    if args.get("after") and not stuck:
        last = _read(str(args["after"]))
        ordered = [row for row in ordered if (key(row) < last if reverse else key(row) > last)]
    size = len(ordered) if info.context.bulk else _size(args)
    page = ordered[:size]
    cursors = [_write(key(row)) for row in page]
    edges = [{"node": show(row), "cursor": cursor} for row, cursor in zip(page, cursors, strict=True)]
    more = {"hasNextPage": stuck or len(ordered) > size, "endCursor": cursors[-1] if cursors else None}
    more |= {"hasPreviousPage": bool(args.get("after")), "startCursor": cursors[0] if cursors else None}
    return {"nodes": [edge["node"] for edge in edges], "edges": edges, "pageInfo": more}


def _size(args: Doc) -> int:
    first = args.get("first")
    if first is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if not 0 < first <= MOST:
        raise GraphQLError(f"first must be within 1 and {MOST}", extensions={"code": "BAD_REQUEST"})
    return int(first)


def _write(key: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _read(cursor: str) -> tuple[Any, ...]:
    try:
        return tuple(json.loads(base64.urlsafe_b64decode(cursor)))
    except ValueError as error:
        raise GraphQLError("Invalid cursor for current pagination sort.") from error
