"""Pounds for the UK over a sandbox that sells in them: eBay's British site, planned at the command line, then published."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.flows import admin, plan
from bridge.flows.documents import SHOP, Wish
from channel_adapters.ebay.sandbox import create_sandbox
from tests.support.serve import serve
from tests.support.stack import Stack

pytestmark = pytest.mark.timeout(180)
POUNDS = {
    "rules": [
        {
            "name": "Pounds for the UK",
            "when": {"kind": "text", "field": "country", "op": "equals", "value": "GB"},
            "then": [
                {"kind": "convert", "currency": "GBP"},
                {"kind": "round_ending", "ending": "0.99", "every": "1"},
            ],
        }
    ]
}


def test_euro_prices_become_pounds_on_ebays_british_site(stack: Stack, tmp_path: Path) -> None:
    engine = stack.engine
    with serve(create_sandbox(sites=("EBAY_GB",))) as address:
        url = address.replace("127.0.0.1", "localhost")
        credentials, urls = admin.sandbox_place(engine.channels["ebay"], url)
        settings = {**engine.channels["ebay"].sandbox_settings, "sites": ["EBAY_GB"]}
        made = admin.connect(engine, stack.shop.id, "channel", "ebay", None, credentials, settings, urls)
        stack.product("TEA", 9, 1, regular_price="10.00")
        stack.settle(60)
        fixed = {"fixed": [{"base": "EUR", "currency": "GBP", "rate": "0.8"}]}
        rate = plan.make(engine, stack.shop.id, [Wish(subject=SHOP, kind="rates", content=fixed)], "Anna")
        plan.apply(engine, stack.shop.id, rate["id"], "Anna")
        file = tmp_path / "pounds.json"
        file.write_text(json.dumps(POUNDS), encoding="utf-8")
        told = CliRunner().invoke(cli, ["plan", "--rules", str(file), "--channel", str(made.id)], env=stack.env)
        assert told.exit_code == 0, told.output
        assert "1 unblocked" in told.output, told.output
        number = told.output.split("storebridge apply ")[1].split()[0]
        assert CliRunner().invoke(cli, ["apply", number], env=stack.env).exit_code == 0
        stack.settle(200)
        offers = httpx.get(f"{address}/_sandbox/offers", trust_env=False, timeout=20).json()
        shown = [(offer["site"], offer["offer"]["pricingSummary"]["price"]) for offer in offers]
        assert shown == [("EBAY_GB", {"value": "7.99", "currency": "GBP"})]
