"""Every request to and every answer from the Magento sandbox, held against Magento's own description, of two versions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx

from bridge.domain.returns import RefundLine
from tests.support.magento import Account, all_pages, draft, eur, open_store
from tests.support.magento_spec import MagentoSpecification
from tests.support.openapi import Exchange

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def test_whatever_is_asked_and_answered_is_described(specs_dir: Path) -> None:
    files = [specs_dir / "magento" / f"admin-subset-{version}.json" for version in ("2.4.8", "2.4.9")]
    specifications = [MagentoSpecification(file) for file in files]
    exchanges: list[Exchange] = []

    def check(request: httpx.Request, response: httpx.Response) -> None:
        if "/V1/storebridge/" not in request.url.path:  # our own module's, see test_magento_module.py
            exchanges.extend(item.check(request, response) for item in specifications)

    settings = {"stock_writes": True, "prices": "without VAT", "vat_percent": "21", "vat_classes": ["Food=9"]}
    for options in ({"salable_export": False}, {"msi": False}, {}):
        with open_store(**options) as store:
            account = Account(store, settings=settings, check=check)
            _a_day(account, store.shirt(), store.product("A", 50))
    assert [str(exchange) for exchange in exchanges if exchange.faults] == []
    assert len({exchange.operation for exchange in exchanges}) > 20


def _a_day(account: Account, shirt: dict[str, str], key: str) -> None:
    platform = account.platform
    platform.check()
    all_pages(lambda cursor: platform.list_products(LONG_AGO, cursor))
    all_pages(platform.list_variants)
    assert len(platform.fetch_products([key, shirt["SHIRT"], "99"]).products) == 2
    account.hands.create_product("NEW", "8719000000008", "New", "9.95", 5)
    account.hands.change_title("NEW", "Newer")
    platform.set_stock(key, key, 40)
    given = draft(key, quantity=3, tax="6.30", shipping=eur("4.95"), shipping_tax=eur("0.86"), note="Ring twice")
    made = platform.create_order(given)
    platform.find_orders([given.ref])
    platform.add_note(made.external_id, "A note")
    account.hands.ship(made.external_id, "PostNL", "3S1")
    all_pages(lambda cursor: platform.list_orders(LONG_AGO, cursor))
    back = RefundLine(store_line_id=made.lines[0].external_id, quantity=1)
    assert platform.refund_lines(made.external_id, [back], "Returned", "1").lines[0].refunded == 1
    other = platform.create_order(draft(shirt["SHIRT-RED-S"], product=shirt["SHIRT"], external_id="2"))
    platform.cancel_order(other.external_id, "Not wanted")
    for trace in account.hands.traces(["NEW"], [given.ref]):
        account.hands.remove(trace)
