"""Every request to and every answer from the Miinto sandbox, held against what is documented of it; the signature held
against one that was worked out by hand; the feed against its published columns."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml

from channel_adapters.miinto.columns import header
from channel_adapters.miinto.sandbox import create_sandbox
from channel_adapters.miinto.sandbox.operations import operations
from channel_adapters.miinto.signature import sign
from tests.support.kaufland import Serve, all_pages
from tests.support.miinto import GTINS, Account, item
from tests.support.offers import named
from tests.support.openapi import Description, Exchange

DOCUMENTED = Path(__file__).parents[1] / "support" / "miinto_documented.yaml"


@pytest.fixture(scope="session")
def documented() -> Description:
    return Description(yaml.safe_load(DOCUMENTED.read_text(encoding="utf-8")))


def _check(documented: Description, request: httpx.Request, response: httpx.Response) -> Exchange:
    exchange = Exchange(request, response, documented.operation(request.method, request.url.path) or "")
    if not exchange.operation:
        exchange.faults.append("no such operation is documented")
        return exchange
    exchange.faults += documented.faults_of_request(request)
    exchange.faults += documented.faults_of_response(request, response)
    return exchange


def test_what_is_sent_and_answered_is_as_documented(documented: Description, serve: Serve) -> None:
    seen: list[Exchange] = []

    def check(request: httpx.Request, response: httpx.Response) -> None:
        seen.append(_check(documented, request, response))

    account = Account(serve(create_sandbox()), serve, check=check)
    channel = account.channel
    channel.check()
    account.offer(item(), item("A-2", GTINS[1], group="78"))
    keys = [account.buy(("A-1", 1), ("A-2", 1), transfer=True) for _ in range(2)]
    account.buy(("A-1", 1))
    list(all_pages(lambda cursor: channel.list_orders(datetime.now(UTC) - timedelta(hours=1), cursor)))
    for key, refused in zip(keys, (1, 2), strict=True):
        order = channel.fetch_order(key)
        result = channel.accept_order(order, [line.external_id for line in order.lines[:refused]])
        if result.becomes:
            channel.fetch_order(result.becomes)
    channel.sale_status(named("A-1"))
    assert [str(exchange) for exchange in seen if exchange.faults] == []
    assert {exchange.operation for exchange in seen} == {operation.name for operation in operations()}
    list_url = next(exchange.request.url for exchange in seen if exchange.operation == "GetTransfers")
    assert list_url.query == b"status%5B%5D=pending&sort=-createdAt&limit=50&offset=0"
    assert list_url.raw_path.startswith(b"/shops/1-m!i!s-528-1001/transfers?")


def test_the_check_sees_a_wrong_request_and_a_wrong_answer(documented: Description) -> None:
    place = "https://api-order.miinto.net/shops/1-m!i!s-045-1/transfers/7"
    sent = httpx.Request("PATCH", place, json={"acceptedPositions": [{"id": "x"}]})
    answer = httpx.Response(200, json={"meta": {"status": "success", "version": "2.6"}, "data": {"newOrder": {}}})
    assert len(_check(documented, sent, answer).faults) == 2


def test_the_signature_is_the_one_that_miintos_own_client_makes() -> None:
    """Worked out here as src/Middleware/Hmac.php does it, step by step."""
    query = "status%5B%5D=pending"
    body = b'{"acceptedPositions":[{"id":1}]}'

    def sha(content: str) -> str:
        return hashlib.sha256(content.encode()).hexdigest()

    resource = sha(f"PATCH\napi-order.miinto.net\n/shops/1-m!i!s-045-1234/transfers\n{query}")
    head = sha("M!t!Ch!v1!1\n1600000000\n5f5e1\nMNT-HMAC-SHA256-1-0")
    message = f"{resource}\n{head}\n{sha(body.decode())}"
    expected = hmac.new(b"ed4c0d7320d8b78131643c83e0fbeba574c844ce", message.encode(), hashlib.sha256).hexdigest()
    token = "ed4c0d7320d8b78131643c83e0fbeba574c844ce"
    where = {"host": "api-order.miinto.net", "path": "/shops/1-m!i!s-045-1234/transfers", "query": query}
    assert sign(token, "M!t!Ch!v1!1", "1600000000", "5f5e1", method="patch", body=body, **where) == expected


def test_the_columns_are_those_of_miintos_example(specs_dir: Path) -> None:
    head = (specs_dir / "miinto" / "reference_feed_head.tsv").read_text(encoding="utf-8").splitlines()[0]
    [given] = list(csv.reader(io.StringIO(head), delimiter="\t"))
    ours = header(["NOK", "DKK", "SEK", "EUR", "PLN", "GBP", "CNY"])
    assert set(given) - set(ours) == set()
    more = {name for name in ours if name not in given}
    assert all(name.startswith("c:title_") for name in more)  # the example has an English title only
