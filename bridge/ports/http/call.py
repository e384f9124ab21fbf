"""One call, complete and unchangeable, before its first attempt."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode

import httpx

from bridge.ports.http.hints import Budget
from bridge.ports.http.response import Response
from bridge.ports.http.table import Tables
from bridge.ports.http.token_source import TokenSource

Expect = Literal["json", "any", "bytes"]
Auth = Callable[[httpx.Request], None]
ReadBudget = Callable[[Response], Budget | None]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
REPEATABLE = SAFE | {"PUT", "DELETE"}


@dataclass(frozen=True)
class Call:
    """What Transport.request was asked for, with its defaults filled in."""

    method: str
    url: httpx.URL
    operation: str
    headers: httpx.Headers
    content: bytes
    idempotent: bool
    write: bool
    expect: Expect
    cost: float
    timeout: float
    max_bytes: int
    max_wait: float
    allow: Collection[int]
    tables: Tables
    auth: Auth | None
    bearer: TokenSource | None
    budget: ReadBudget | None = None

    @property
    def host(self) -> str:
        return self.url.host


def basic_auth(user: str, password: str) -> Auth:
    """For ``auth=``: HTTP Basic."""
    value = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def authorise(request: httpx.Request) -> None:
        request.headers["Authorization"] = value

    return authorise


def encode_json(value: Any) -> bytes:
    """Compact JSON. Decimals become numbers (12.90 as 12.9); an amount that is wanted as a string needs str()."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain_number).encode()


def _plain_number(value: Any) -> int | float:
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def outgoing(
    json_: Any,
    content: bytes | str | None,
    data: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None,
    expect: Expect,
) -> tuple[httpx.Headers, bytes]:
    """Headers and body. Raises ValueError when more than one body is given."""
    if sum(part is not None for part in (json_, content, data)) > 1:
        raise ValueError("give one of json, content and data")
    sent = httpx.Headers(dict(headers or {}))
    sent.setdefault("Accept", "application/json" if expect == "json" else "*/*")
    if json_ is not None:
        sent.setdefault("Content-Type", "application/json")
        return sent, encode_json(json_)
    if data is not None:
        sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return sent, urlencode(data, doseq=True).encode()
    return sent, content.encode() if isinstance(content, str) else content or b""


def with_params(url: str | httpx.URL, params: Mapping[str, Any] | None) -> httpx.URL:
    """The URL with these parameters added; None values are left out."""
    wanted = {name: value for name, value in (params or {}).items() if value is not None}
    if not wanted:
        return httpx.URL(url)
    return httpx.URL(url).copy_merge_params(wanted) if "?" in str(url) else httpx.URL(url, params=wanted)
