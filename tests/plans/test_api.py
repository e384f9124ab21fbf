"""The JSON door, over real HTTP: the four rules of the brief from the plan to the marketplace, explained, undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask, Response

from bridge.db.tables import Listing, Shop
from bridge.flows import rates
from bridge.flows.engine import Engine
from bridge.web import create_web
from bridge.web.api_links import ROUTES as LINKS
from bridge.web.api_routes import ROUTES
from tests.faults.test_marketplace_faults import listed
from tests.support.lively import TOKEN, config
from tests.support.stack import Stack

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).parents[2]
TABLE = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject>
<Cube><Cube time='{day}'><Cube currency='USD' rate='1.1'/><Cube currency='GBP' rate='0.8'/></Cube></Cube>
</gesmes:Envelope>"""


class Api:
    """A program of the merchant's."""

    def __init__(self, url: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.http = httpx.Client(base_url=f"{url}/api/", headers=headers, trust_env=False, timeout=60)

    def __call__(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        answer = self.http.request(method, path, json=body or None)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:2000])
        return answer.json()


@pytest.fixture
def api(stack: Stack, serve: Callable[..., str]) -> Iterator[Api]:
    api = Api(serve(create_web(stack.engine, config(page_token=TOKEN, is_loopback=False))))
    yield api
    api.http.close()


def ecb(engine: Engine, serve: Callable[..., str]) -> list[str]:
    """The bank's table, and what was asked for."""
    bank, asked = Flask("ecb"), list[str]()

    @bank.get("/daily.xml")
    def daily() -> Response:
        asked.append("daily")
        return Response(TABLE.format(day=engine.clock().date().isoformat()), mimetype="text/xml")

    url = serve(bank)
    engine.rates_url = f"{url}/daily.xml"
    return asked


RULES = {
    "rules": [
        {
            "name": "Enough margin",
            "when": {"kind": "money", "field": "margin", "op": "<", "value": {"amount": "15", "currency": "EUR"}},
            "then": [{"kind": "exclude", "reason": "less than 15 euro margin"}],
        },
        {
            "name": "Brand in front",
            "then": [
                {"kind": "text", "target": "title", "change": "prepend", "words": {"kind": "field", "field": "brand"}}
            ],
        },
        {
            "name": "Pounds for the UK",
            "when": {"kind": "text", "field": "country", "op": "equals", "value": "GB"},
            "then": [{"kind": "convert", "currency": "GBP"}],
        },
        {"name": "Safety", "then": [{"kind": "buffer", "buffer": {"kind": "fixed", "units": 5}}]},
    ]
}


def test_a_rule_goes_from_the_plan_to_the_marketplace_and_back(stack: Stack, api: Api) -> None:
    listed(stack, A=9, B=12)
    path = f"connections/{stack.channel_id}/rules"
    made = api("PUT", path, 201, content={"rules": RULES["rules"][1:2] + RULES["rules"][3:]}, note="Safety")
    assert made["total"]["changed"] == 2
    assert api("GET", path)["content"] is None, "nothing took effect"
    assert stack.shown("A") == 9
    change = api("POST", f"plans/{made['id']}/apply")
    stack.drain()
    assert (stack.shown("A"), stack.shown("B")) == (4, 7)
    assert api("GET", path)["content"]["rules"][1]["name"] == "Safety"
    [told] = api("GET", "explain?sku=A&channel=bol")["listings"]
    assert told["published"] == 4
    assert told["sum"] == "9 on hand \N{MINUS SIGN} 0 reserved \N{MINUS SIGN} 5 buffer = 4"
    assert [step["by"] for step in told["facets"]["stock"]["steps"]] == ["Safety"]
    assert told["facets"]["price"]["steps"][0] == {"field": "price", "by": "store", "after": "10.00 EUR"}
    assert told["sent_at"] <= told["acked_at"]
    assert [item["note"] for item in api("GET", "versions")["versions"]] == ["Safety"]
    undone = api("POST", "undo", version=change["number"])
    stack.drain()
    assert undone["undoes"] == change["number"]
    assert (stack.shown("A"), stack.shown("B")) == (9, 12)


def test_bad_input_is_refused_with_the_path_of_its_field(stack: Stack, api: Api) -> None:
    path = f"connections/{stack.channel_id}/rules"
    wrong = {
        "rules": [
            {
                "name": "x",
                "when": {"kind": "money", "field": "titel", "op": "<", "value": {"amount": "1", "currency": "EUR"}},
                "then": [{"kind": "margin", "percent": "100"}],
            }
        ]
    }
    refused = api("PUT", path, 422, content=wrong)["errors"]
    assert any(name.startswith("rules.rules.0.then.0") for name in refused), refused
    wrong["rules"][0]["then"] = [{"kind": "exclude", "reason": "y"}]  # type: ignore[index]
    assert "rules.rules.0.when.field" in api("PUT", path, 422, content=wrong)["errors"]
    assert list(api("PUT", path, 422, contents={})["errors"]) == ["contents"]
    assert list(api("PUT", path, 422, content=3)["errors"]) == ["content"]
    assert list(api("POST", "plans", 422, changes=[{"subject": "shop"}])["errors"]) == [
        "changes.0.kind",
        "changes.0.content",
    ]
    assert list(api("POST", f"connections/{stack.channel_id}/hold", 422, flows=["price", "prices"])["errors"]) == [
        "flow"
    ]
    assert list(api("POST", "undo", 422, version="1")["errors"]) == ["version"]
    assert list(api("PUT", path, 422, content={"rules": [{"name": "\x00"}]})["errors"]) == ["body"]
    assert list(api("PUT", f"shared/{'x' * 99}/rules", 422, content={})["errors"]) == ["name"]
    api("GET", "explain?sku=%00", 404)
    assert list(api("GET", "explain", 422)["errors"]) == ["sku"]
    assert list(api("GET", "versions?below=x", 422)["errors"]) == ["below"]
    assert api.http.post("plans", content=b"{", headers={"Content-Type": "application/json"}).json()["errors"] == {
        "body": "The message is no JSON."
    }
    assert (
        api.http.post("plans", content=b'{"a": NaN}', headers={"Content-Type": "application/json"}).status_code == 422
    )
    assert api("GET", f"connections/{stack.channel_id}/nonsense", 404)["error"].startswith("There is no setting")
    for lost in ("plans/99", "explain?sku=nothing", f"connections/{stack.store_id}/rules", "connections/999/rules"):
        api("GET", lost, 404)


def test_another_shops_things_are_not_there(stack: Stack, api: Api) -> None:
    with stack.engine.db.write(None) as session:
        session.add(Shop(public_id="other", name="Other", created_at=stack.clock(), settings={}))
    made = api("PUT", f"connections/{stack.channel_id}/stock", 201, content={"buffer": 2})
    base = str(api.http.base_url).replace("/api/", "/s/other/api/")
    for method, path in (
        ("GET", f"plans/{made['id']}"),
        ("POST", f"plans/{made['id']}/apply"),
        ("GET", f"connections/{stack.channel_id}/stock"),
        ("PUT", f"connections/{stack.channel_id}/stock"),
        ("POST", f"connections/{stack.channel_id}/hold"),
        ("POST", f"connections/{stack.channel_id}/confirm"),
        ("GET", f"connections/{stack.channel_id}/suggestions"),
        ("GET", "explain?sku=A"),
    ):
        body = {} if method == "GET" else {"json": {"content": {}} if method == "PUT" else {}}
        assert api.http.request(method, base + path, **body).status_code == 404, (method, path)
    assert api.http.get(base + "plans").json() == {"plans": []}
    assert api.http.get(str(api.http.base_url).replace("/api/", "/s/nobody/api/plans")).status_code == 404


def test_a_change_needs_json_and_a_token_no_other_site_has(stack: Stack, serve: Callable[..., str]) -> None:
    url = serve(create_web(stack.engine, config(page_token=TOKEN, is_loopback=False)))
    path = f"/api/connections/{stack.channel_id}/hold"
    with httpx.Client(base_url=url, auth=("me", TOKEN), trust_env=False) as browser:
        assert httpx.get(f"{url}/api/plans", trust_env=False).status_code == 401
        assert browser.post(path, json={}).status_code == 403, "a browser would send the password by itself"
        token = {"X-Csrf-Token": browser.get("/api/token").json()["token"]}
        assert browser.post(path, data={"flows": "x"}, headers=token).status_code == 415
        assert browser.post(path, json={}, headers=token | {"Origin": "http://evil.test"}).status_code == 403
        held = browser.post(path, json={"flows": ["price"]}, headers=token)
        assert [item["flow"] for item in held.json()["rests"]] == ["price"]
        assert held.headers["Cache-Control"] == "no-store"
        browser.cookies.clear()
        assert browser.post(path, json={}, headers=token).status_code == 403, "the token is the visitor's own"


def test_rates_are_read_kept_and_nothing_odd_is_believed(stack: Stack, serve: Callable[..., str]) -> None:
    asked = ecb(stack.engine, serve)
    with pytest.raises(ValueError, match="entities or a document type"):
        rates.parse(b"<!DOCTYPE x [<!ENTITY a 'b'>]><Cube time='2026-01-01'><Cube currency='USD' rate='1'/></Cube>")
    for text in (
        "",
        "<x/>",
        TABLE.format(day="yesterday"),
        TABLE.format(day="2026-01-01").replace("1.1", "0"),
        TABLE.format(day="2026-01-01").replace("1.1", "NaN"),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            rates.parse(text.encode())
    assert rates.parse(TABLE.format(day="2026-01-01").encode()).rates["GBP"].as_tuple().digits == (8,)
    assert asked == [], "nobody needs a rate yet"


def test_the_documentation_names_every_route() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(GET|PUT|POST) /api/([^`]+)`", text))
    there = {(route.method, re.sub(r"<(?:int\([^)]*\):)?(\w+)>", r"{\1}", route.path)) for route in (*ROUTES, *LINKS)}
    assert told == there


def test_listings_that_are_held_show_it(stack: Stack, api: Api) -> None:
    listed(stack, A=9)
    made = api(
        "PUT",
        f"connections/{stack.channel_id}/rules",
        201,
        content={"rules": [{"name": "No", "then": [{"kind": "exclude", "reason": "test"}]}]},
    )
    assert made["total"]["ended"] == 1
    [example] = made["channels"][0]["examples"]
    assert (example["kind"], example["why"]) == ("ended", "test")
    api("POST", f"plans/{made['id']}/apply")
    stack.drain()
    assert stack.offer("A") is None
    [row] = stack.rows(Listing)
    assert (row.state, row.findings[0]["rule"]) == ("ended", "excluded")
    assert api("GET", f"connections/{stack.channel_id}/report")["excluded"] == 1
    [told] = api("GET", "explain?sku=A")["listings"]
    assert told["why_not"][0]["text"] == "Not sold here, by a rule: test"
    api("POST", "undo")
    stack.settle(40)
    assert stack.shown("A") == 9
