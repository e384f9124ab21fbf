"""A Shopify store, written from Shopify's schema and pages alone: the ground, which is HTTP, tokens, points and execution.

Every document is validated and executed against the official schema. What a document asks for and nothing here knows is a
fault of whoever wrote this store (``lacking``); what Shopify would refuse or pass over in silence is in ``refused``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import log2
from typing import Any

from flask import Flask, Response, request
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    execute_sync,
    get_named_type,
    get_operation_ast,
    is_composite_type,
    parse,
    validate,
    value_from_ast_untyped,
)

from tests.support.independent_shopify_search import Asked, matching

Json = dict[str, Any]
SUPPORTED = ("2026-01", "2026-04", "2026-07", "2026-10")
DEAREST = 1000  # points that one document may cost (shopify.dev, API limits)
MOST = 250  # of a page
# Access tokens that end are good for an hour, refresh tokens for 90 days (shopify.dev, offline access tokens).
HOUR, QUARTER = timedelta(hours=1), timedelta(days=90)
SCOPES = frozenset(
    {
        "read_products", "write_products", "read_inventory", "write_inventory", "read_locations", "read_orders",
        "write_orders", "read_fulfillments", "read_merchant_managed_fulfillment_orders",
        "write_merchant_managed_fulfillment_orders", "read_returns", "write_returns",
    }
)  # fmt: skip


@dataclass
class Reply:
    """What comes instead of an answer; ``after`` the document was executed all the same."""

    status: int
    body: str | Json = "<!DOCTYPE html><html><title>Something went wrong</title></html>"
    after: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        html = isinstance(self.body, str)
        text = self.body if html else json.dumps(self.body)
        return Response(str(text), self.status, self.headers, mimetype="text/html" if html else "application/json")


class Rows(list[Any]):
    """What a connection goes through. ``at`` gives what it is sorted by; ties go by id."""

    def __init__(self, rows: Any, at: Callable[[Any], Any] | None = None) -> None:
        super().__init__(rows)
        self.at = at


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def number(of: str) -> int:
    return int(of.rpartition("/")[2].partition("?")[0])


class Ground:
    """``tables``: by type and id. Functions named ``root_x``, ``do_x`` and ``of_T_x`` answer for queries, mutations and
    fields that are worked out; all else is what the dicts hold."""

    def __init__(self, schema: GraphQLSchema, access: list[Json], *, token: str, now: Callable[[], datetime]) -> None:
        self.schema, self.now = schema, now
        self.tables: dict[str, dict[str, Json]] = {}
        self.refused: list[str] = []
        self.lacking: set[str] = set()
        self.asked: list[str] = []
        self.costs: list[tuple[str, int]] = []
        self.trouble: dict[str, list[Reply | None]] = {}
        self.state: Reply | None = None  # of the whole shop: frozen, unavailable
        self.tokens: dict[str, datetime | None] = {token: None}
        self.refresh: dict[str, datetime] = {}
        self.client: tuple[str, str] = ("", "")
        self.version = "2026-10"
        self.scopes = set(SCOPES)
        self.lag = timedelta(0)
        self.most_points, self.restored = 2000.0, 100.0
        self._points, self._points_at = 2000.0, now()
        self._last = 1000
        self._index: dict[str, list[tuple[datetime, Json]]] = {}
        self._answers: dict[str, tuple[str, Any]] = {}
        self._needs = {
            (item["typeName"], item.get("fieldName", "")): frozenset(item["offlineScopes"]) for item in access
        }
        self.on_page: Callable[[str], None] = lambda name: None

    # -- what is kept -----------------------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        self._last += 1
        return gid(kind, self._last)

    def keep(self, kind: str, row: Json, **also: Any) -> Json:
        row = {"__typename": kind, "id": self.new_id(kind), "createdAt": self.stamp(), "updatedAt": self.stamp()} | row
        row |= {"legacyResourceId": str(number(row["id"]))} | also
        self.tables.setdefault(kind, {})[row["id"]] = row
        return row

    def known(self, kind: str) -> list[Json]:
        return list(self.tables.get(kind, {}).values())

    def get(self, key: str | None) -> Json | None:
        kind = str(key).removeprefix("gid://shopify/").partition("/")[0]
        return self.tables.get(kind, {}).get(str(key))

    def stamp(self, at: datetime | None = None) -> str:
        return (at or self.now()).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def touch(self, row: Json) -> None:
        """It has changed: from now on in the tables, in the search index when that has caught up."""
        row["updatedAt"] = self.stamp()
        self._index.setdefault(row["id"], []).append((self.now() + self.lag, dict(row)))

    def indexed(self, kind: str) -> list[tuple[Json, Json]]:
        """Rows with what the search index holds of them."""
        found = []
        for key, row in self.tables.get(kind, {}).items():
            seen = [held for due, held in self._index.get(key, []) if due <= self.now()]
            if seen:
                found.append((row, seen[-1]))
        return found

    # -- HTTP -------------------------------------------------------------------------------------------------

    def app(self) -> Flask:
        app = Flask("independent_shopify")
        app.add_url_rule("/admin/api/<version>/graphql.json", "graphql", self._serve, methods=["POST"])
        app.add_url_rule("/admin/oauth/access_token", "token", self._token, methods=["POST"])
        app.add_url_rule("/files/<name>", "files", self.file)
        app.register_error_handler(404, self._lost)
        return app

    def _lost(self, _: Any) -> tuple[Json, int]:
        self.refused.append(f"{request.method} {request.path}: no such path")
        return {"errors": "Not Found"}, 404

    def file(self, name: str) -> Response:
        raise NotImplementedError

    def _serve(self, version: str) -> Response:
        if self.state is not None:
            return self.state.response()
        ends = self.tokens.get(request.headers.get("X-Shopify-Access-Token", ""), self.now() - HOUR)
        if ends is not None and ends <= self.now():
            return Reply(
                401, {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
            ).response()
        if request.mimetype != "application/json":
            self.refused.append(f"media type {request.mimetype}")
            return Reply(400, {"errors": "Bad Request"}).response()
        if version not in SUPPORTED:
            self.refused.append(f"version {version}")
        body = request.get_json()
        answer = self._answer(body["query"], body.get("variables") or {}, body.get("operationName"))
        if isinstance(answer, Reply):
            return answer.response()
        # A version that is no longer served is answered as the oldest one that is, and the header says so.
        headers = {"X-Shopify-API-Version": self.version, "X-Request-Id": f"r-{len(self.asked)}"}
        return Response(json.dumps(answer), 200, headers, mimetype="application/json")

    def _token(self) -> Any:
        """Exchange of a session token, and of a refresh token (shopify.dev, token exchange; offline access tokens)."""
        sent = request.get_json(silent=True) or request.form.to_dict()
        if (sent.get("client_id"), sent.get("client_secret")) != self.client:
            return {"error": "invalid_client"}, 400
        if sent["grant_type"] == "refresh_token":
            ends = self.refresh.get(sent.get("refresh_token", ""))
            if ends is None or ends <= self.now():
                return {"error": "invalid_grant", "error_description": "refresh token"}, 400
        elif sent.get("subject_token", "").count(".") != 2:
            return {"error": "invalid_subject_token"}, 400
        self._last += 1
        access, fresh = f"shpat_{self._last:032x}", f"shprt_{self._last:032x}"
        self.tokens[access], self.refresh[fresh] = self.now() + HOUR, self.now() + QUARTER
        return {
            "access_token": access, "scope": ",".join(sorted(self.scopes)), "expires_in": 3600,
            "refresh_token": fresh, "refresh_token_expires_in": 7776000,
        }  # fmt: skip

    # -- one document -----------------------------------------------------------------------------------------

    def _answer(self, text: str, variables: Json, operation: str | None) -> Json | Reply:
        try:
            document = parse(text)
            faults = validate(self.schema, document)
        except GraphQLError as error:
            document, faults = parse("{__typename}"), [error]
        if faults:
            self.refused += [fault.message for fault in faults]
            return {"errors": [{"message": fault.message} for fault in faults]}
        names = _roots(document, operation)
        self.asked += names
        waiting = next((self.trouble[name] for name in names if self.trouble.get(name)), [])
        trouble = waiting.pop(0) if waiting else None
        if trouble is not None and not trouble.after:
            return trouble
        cost = self.cost_of(document, variables, operation)
        self.costs.append((names[0], cost))
        if (refusal := self._pay(cost)) is not None:
            return refusal
        self._made = 0
        self.meanwhile()
        done = execute_sync(
            self.schema, document, None, variable_values=variables, operation_name=operation,
            field_resolver=self._field, type_resolver=lambda value, *_: value["__typename"],
        )  # fmt: skip
        self._points = min(self.most_points, self._points + cost - min(cost, self._made + 1))
        answer: Json = {"data": done.data, "extensions": self._cost(cost, min(cost, self._made + 1))}
        if done.errors:
            answer["errors"] = [self._error(item) for item in done.errors]
        return trouble or answer

    def meanwhile(self) -> None:
        """What Shopify has finished by now."""

    def _error(self, error: GraphQLError) -> Json:
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            self.lacking.add(f"{error.message} at {error.path}: {error.original_error!r}")
        if not error.extensions:
            self.refused.append(error.message)
        return dict(error.formatted)

    def _pay(self, cost: int) -> Json | None:
        if cost > DEAREST:
            self.refused.append(f"a document of {cost} points")
            told = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": DEAREST}
            return {"errors": [{"message": "Query cost exceeds the single query max cost limit.", "extensions": told}]}
        passed = (self.now() - self._points_at).total_seconds()
        self._points = min(self.most_points, self._points + max(0.0, passed) * self.restored)
        self._points_at = self.now()
        if cost > self._points:
            throttled = {
                "message": "Throttled",
                "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev"},
            }
            return {"errors": [throttled], "extensions": self._cost(cost, None)}
        self._points -= cost
        return None

    def _cost(self, asked: int, paid: int | None) -> Json:
        status = {"maximumAvailable": self.most_points, "currentlyAvailable": int(self._points)}
        status["restoreRate"] = self.restored
        return {"cost": {"requestedQueryCost": asked, "actualQueryCost": paid, "throttleStatus": status}}

    def drain(self, left: float = 0.0) -> None:
        self._points, self._points_at = left, self.now()

    def cost_of(  # noqa: C901  the walk and its two steps
        self, document: DocumentNode, variables: Json, operation: str | None = None
    ) -> int:
        """Objects are 1, mutations 10, connections by their size (shopify.dev, rate limits; how is not told: here it
        grows with the logarithm, as answers that people show do)."""
        found = get_operation_ast(document, operation)
        assert found is not None
        fragments = {item.name.value: item for item in document.definitions if hasattr(item, "type_condition")}

        def fields(kind: Any, selections: Any) -> Iterator[tuple[Any, FieldNode]]:
            for item in selections:
                if isinstance(item, FieldNode):
                    if not item.name.value.startswith("__") and hasattr(kind, "fields"):
                        yield kind.fields[item.name.value], item
                elif isinstance(item, FragmentSpreadNode):
                    part: Any = fragments[item.name.value]
                    yield from fields(
                        self.schema.get_type(part.type_condition.name.value), part.selection_set.selections
                    )
                elif isinstance(item, InlineFragmentNode) and item.type_condition:
                    on = self.schema.get_type(item.type_condition.name.value)
                    yield from fields(on, item.selection_set.selections)

        def cost(kind: Any, node: Any, size: int) -> float:
            total = 0.0
            for known, item in fields(kind, node.selection_set.selections if node.selection_set else ()):
                named = get_named_type(known.type)
                if not is_composite_type(named):
                    continue
                if named.name.endswith("Connection"):
                    given = {a.name.value: value_from_ast_untyped(a.value, variables) for a in item.arguments}
                    count = int(given.get("first") or given.get("last") or 0)
                    if not 0 < count <= MOST:
                        self.refused.append(f"{item.name.value} of {count}")
                    total += 2 + log2(count + 1) * max(1.0, cost(named, item, count))
                elif item.name.value in ("nodes", "edges", "node", "pageInfo"):
                    total += cost(named, item, size)
                else:
                    total += 1 + cost(named, item, size)
            return total

        base = 10.0 if found.operation.value == "mutation" else 0.0
        roots = self.schema.mutation_type if base else self.schema.query_type
        return max(1, round(base + cost(roots, found, 1)))

    # -- fields -----------------------------------------------------------------------------------------------

    def _field(self, source: Any, info: GraphQLResolveInfo, **given: Any) -> Any:
        kind, name = info.parent_type.name, info.field_name
        self._allow(info, kind, name)
        if kind == "Mutation":
            return self._mutate(name, info, given)
        if kind == "QueryRoot":
            answer = getattr(self, f"root_{name}", None)
            if answer is None:
                raise LookupError(f"query {name} is not played")
            value = answer(**given)
        elif (worked_out := getattr(self, f"of_{kind}_{name}", None)) is not None:
            value = worked_out(source, **given)
        elif isinstance(source, dict) and name in source:
            value = source[name]
        elif isinstance(info.return_type, GraphQLNonNull):
            raise LookupError(f"{kind}.{name} is not played")
        else:
            value = None
        self._made += isinstance(value, dict)
        if get_named_type(info.return_type).name.endswith("Connection") and not isinstance(value, dict):
            return self.page(value, given, name)
        return value[: given["first"]] if isinstance(value, list) and given.get("first") else value

    def _allow(self, info: GraphQLResolveInfo, kind: str, name: str) -> None:
        """By Shopify's own table of scopes; a right to write is one to read. What a mutation gives back is not asked."""
        named = get_named_type(info.return_type)
        if named.name.endswith("Connection"):
            named = get_named_type(named.fields["nodes"].type)
        given = self.scopes | {f"read_{item.removeprefix('write_')}" for item in self.scopes}
        asked = [self._needs.get((kind, name))] + ([] if kind == "Mutation" else [self._needs.get((named.name, ""))])
        for needed in asked:
            if needed and not needed & given:
                wanted = " or ".join(f"`{item}`" for item in sorted(needed))
                told = {"code": "ACCESS_DENIED", "requiredAccess": f"{wanted} access scope."}
                raise GraphQLError(f"Access denied for {name} field. Required access: {wanted}.", extensions=told)

    def _mutate(self, name: str, info: GraphQLResolveInfo, given: Json) -> Any:
        do = getattr(self, f"do_{name}", None)
        if do is None:
            raise LookupError(f"mutation {name} is not played")
        key = _idempotency(info)
        if key is None:
            if name in MUST_BE_IDEMPOTENT:
                self.refused.append(f"{name} without @idempotent")
                told = {"code": "BAD_REQUEST"}
                raise GraphQLError("The @idempotent directive is required for this mutation.", extensions=told)
            return do(**given)
        same = json.dumps([name, given], sort_keys=True, default=str)
        if key in self._answers:
            before, answer = self._answers[key]
            if before == same:
                return answer
            self.refused.append(f"{name}: idempotency key used twice")
            return self.wrong(None, "The same idempotency key cannot be used with different operation parameters.",
                              "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")  # fmt: skip
        answer = do(**given)
        if not answer.get("userErrors"):
            self._answers[key] = (same, answer)
        return answer

    @staticmethod
    def wrong(at: list[str] | None, message: str, code: str | None = None, where: str = "userErrors") -> Json:
        return {where: [{"field": at, "message": message, "code": code}]}

    # -- pages ------------------------------------------------------------------------------------------------

    def page(self, rows: Any, given: Json, name: str = "") -> Json:
        """By the value and id of the last one, as Shopify's cursors are: what moves while it is read moves in the list."""
        self.on_page(name)
        at = getattr(rows, "at", None)
        keyed = [((at(row), number(row["id"])), row) for row in rows] if at else list(enumerate(rows))
        if at:
            keyed.sort(key=lambda item: item[0], reverse=bool(given.get("reverse")))
        elif given.get("reverse"):
            keyed.reverse()
        if after := given.get("after"):
            last = json.loads(base64.b64decode(after))
            if at:
                last = (last[0], last[1])
                keyed = [item for item in keyed if (item[0] < last if given.get("reverse") else item[0] > last)]
            else:
                keyed = [item for item in keyed if item[0] > last]
        size = min(MOST, given.get("first") or 0)
        here, more = keyed[:size], len(keyed) > size
        cursors = [base64.b64encode(json.dumps(key).encode()).decode() for key, _ in here]
        info = {"hasNextPage": more, "hasPreviousPage": bool(after), "endCursor": cursors[-1] if cursors else None}
        info["startCursor"] = cursors[0] if cursors else None
        nodes = [row for _, row in here]
        edges = [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)]
        self._made += len(nodes)
        return {"nodes": nodes, "edges": edges, "pageInfo": info, "__typename": name}

    def searched(self, kind: str, given: Json, fields: Callable[[Json], Asked], sorts: dict[str, str]) -> Rows:
        """Rows that the query finds. Without one, and by id, the tables themselves answer."""
        key = sorts.get(given.get("sortKey") or "", "id")

        def at(row: Json) -> Any:
            return number(row["id"]) if key == "id" else str(row[key])

        query = given.get("query")
        if not query:
            return Rows(self.known(kind), at)
        found, unknown = matching(query, [(row, fields(held)) for row, held in self.indexed(kind)], self.now())
        self.refused += [f"{kind} by {name}: no such filter" for name in unknown]
        return Rows(found, at)


MUST_BE_IDEMPOTENT = {
    "inventorySetQuantities", "inventoryAdjustQuantities", "inventoryMoveQuantities", "inventorySetOnHandQuantities",
    "inventoryActivate", "refundCreate", "locationActivate", "locationDeactivate",
}  # fmt: skip


def _roots(document: DocumentNode, operation: str | None) -> list[str]:
    found = get_operation_ast(document, operation)
    assert isinstance(found, OperationDefinitionNode)
    return [item.name.value for item in found.selection_set.selections if isinstance(item, FieldNode)]


def _idempotency(info: GraphQLResolveInfo) -> str | None:
    for item in info.field_nodes[0].directives or ():
        if item.name.value == "idempotent":
            given: Any = info.variable_values
            return str(value_from_ast_untyped(item.arguments[0].value, getattr(given, "coerced", given)))
    return None
