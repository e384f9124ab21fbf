"""Amazon, written from the official models of the Selling Partner API and from nothing of ours: the token, and what every
call has to be. What can be asked stands in ``independent_amazon_listings`` and ``independent_amazon_orders``.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from tests.support.independent import Description, Json

MODELS = (
    "sellers-api-model/sellers.json",
    "listings-items-api-model/listingsItems_2021-08-01.json",
    "listings-restrictions-api-model/listingsRestrictions_2021-08-01.json",
    "product-type-definitions-api-model/definitionsProductTypes_2020-09-01.json",
    "catalog-items-api-model/catalogItems_2022-04-01.json",
    "feeds-api-model/feeds_2021-06-30.json",
    "reports-api-model/reports_2021-06-30.json",
    "orders-api-model/orders_2026-01-01.json",
    "orders-api-model/ordersV0.json",
)


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"errors": [{"code": code, "message": message, "details": details}]}


class Expired(Exception):
    """The five minutes of a presigned address are over: the storage answers, in XML."""


def expired(_: Expired) -> Response:
    words = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    return Response(words, 403, mimetype="application/xml")


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(body), status, headers, mimetype="application/json")


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Gate:
    """What every call has to be. ``trouble``: answers to the next calls instead of what they asked for."""

    def __init__(self, specs: Path, credentials: dict[str, str]) -> None:
        self.given = credentials
        self.models = [Description.of(specs / "models" / name) for name in MODELS]
        self.tokens: set[str] = set()
        self.trouble: list[Refused] = []
        self.loses: list[str] = []  # operations that are carried out, and answer that something went wrong
        self.slow: dict[str, int] = {}  # how often an operation answers that it was asked too often
        self.expired = 0  # how many of the next presigned addresses are asked too late
        self.dead: set[str] = set()
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.numbers = itertools.count(50_001)

    def app(self) -> Flask:
        app = Flask("amazon")
        app.before_request(self._before)
        app.after_request(self._after)
        app.register_error_handler(Refused, self._refusal)
        app.register_error_handler(Expired, expired)
        for rule, method, view in self.routes():
            app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])
        return app

    def routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        return [("/auth/o2/token", "POST", self._token)]

    def _refusal(self, refused: Refused) -> Response:
        if refused.status in (400, 413, 415) or str(refused).startswith("no such operation"):
            self.refused.append(f"{request.method} {request.full_path}: {refused}")
        return answer(refused.body, refused.status)

    def _token(self) -> Response:
        """Login with Amazon: a form, and errors in OAuth's own words."""
        form, given = request.form, self.given
        if (form.get("client_id"), form.get("client_secret")) != (given["client_id"], given["client_secret"]):
            return answer({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        if (form.get("grant_type"), form.get("refresh_token")) != ("refresh_token", given["refresh_token"]):
            return answer({"error": "invalid_grant", "error_description": "The request has an invalid grant"}, 400)
        token = f"Atza|{next(self.numbers)}"
        self.tokens.add(token)
        again = given["refresh_token"]
        return answer({"access_token": token, "token_type": "bearer", "expires_in": 3600, "refresh_token": again})

    def _before(self) -> None:
        if request.path.startswith(("/auth/", "/presigned/")):
            return
        model, raw, name = self._operation()
        self.asked.append(name)
        if request.headers.get("x-amz-access-token") not in self.tokens:
            ended = "The access token you provided has expired."
            raise Refused(403, "Unauthorized", "Access to requested resource is denied.", ended)
        if self.trouble:
            raise self.trouble.pop(0)
        if self.slow.get(name):
            self.slow[name] -= 1
            raise Refused(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
        if faults := [*_query_faults(raw), *_body_faults(model, raw)]:
            raise Refused(400, "InvalidInput", f"{name}: {faults}")

    def _after(self, response: Response) -> Response:
        """Nothing leaves that the model does not know: a wrong answer is this Amazon's fault."""
        if response.status_code < 300 and not request.path.startswith(("/auth/", "/presigned/")):
            model, raw, name = self._operation()
            about = model.resolve(raw["responses"][str(response.status_code)])
            faults = model.faults(about["schema"], response.get_json()) if "schema" in about else []
            assert not faults, f"{name} answers against its model: {faults}"
            response.headers["x-amzn-RateLimit-Limit"] = "5.0"
            response.headers["x-amzn-RequestId"] = str(next(self.numbers))
            if name in self.loses:
                self.loses.remove(name)
                return answer({"errors": [{"code": "InternalFailure", "message": "Please try again."}]}, 500)
        return response

    def _operation(self) -> tuple[Description, Json, str]:
        sent = request.environ["RAW_URI"].partition("?")[0]  # a slash within an SKU is written %2F
        found = []
        for model in self.models:
            for template, methods in model.spec["paths"].items():
                parts = re.split(r"\{[^}]*\}", template)
                raw = methods.get(request.method.lower())
                if raw and re.fullmatch("[^/]+".join(map(re.escape, parts)), sent):
                    found.append((template.count("{"), model, raw))
        if not found:
            raise Refused(404, "NotFound", f"no such operation: {request.method} {request.path}")
        _, model, raw = min(found, key=lambda item: item[0])
        return model, raw, str(raw["operationId"])


def _query_faults(raw: Json) -> Iterator[str]:
    known = {item["name"]: item for item in raw.get("parameters", ()) if item.get("in") == "query"}
    yield from (f"{name}: unknown" for name in request.args if name not in known)
    for name, about in known.items():
        given = request.args.get(name)
        if given is None:
            if about.get("required"):
                yield f"{name}: missing"
            continue
        if len(request.args.getlist(name)) > 1:
            yield f"{name}: repeated, where values are divided by commas"
        values = given.split(",") if about["type"] == "array" else [given]
        allowed = about.get("enum") or about.get("items", {}).get("enum")
        if allowed and not set(values) <= set(allowed):
            yield f"{name}: {values} not in {allowed}"
        if len(values) > about.get("maxItems", len(values)):
            yield f"{name}: {len(values)} values"
        if about["type"] == "integer" and not (given.isdigit() and int(given) <= about.get("maximum", 100)):
            yield f"{name}: {given}"
        if about.get("format") == "date-time" and not re.fullmatch(
            r"\d{4}-\d\d-\d\dT[\d:]{8}(\.\d+)?(Z|[+-]\d\d:\d\d)", given
        ):
            yield f"{name}: {given}"


def _body_faults(model: Description, raw: Json) -> list[str]:
    about = next((item for item in raw.get("parameters", ()) if item.get("in") == "body"), None)
    if about is None:
        return ["a body where none is described"] if request.data else []
    if request.mimetype != "application/json":
        raise Refused(415, "UnsupportedMediaType", request.mimetype)
    return model.faults(about["schema"], request.get_json())
