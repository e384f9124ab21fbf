"""``storebridge run --all-channels``: a sale on one marketplace is told to all the others, in the processes of production."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.registry import discover
from bridge.supervisor.run import DEFAULT_CHANNELS
from tests.support.procs import Process, Procs, free_port, free_ports, wait_until

STOREBRIDGE = Path(sys.executable).with_name("storebridge")
CHANNELS = sorted(discover().channels)
[SELLER] = DEFAULT_CHANNELS  # it rings when something is sold there


class Markets:
    """The sandboxes, at the addresses that ``run`` has printed."""

    def __init__(self, process: Process) -> None:
        self.urls = {
            name: process.wait_for_line(rf"(http://\S+)  \(sandbox of {title}\)")[1]
            for name, title in _titles().items()
        }

    def stock(self) -> dict[str, dict[str, int]]:
        """By marketplace and SKU; the least of what its sites show."""
        found: dict[str, dict[str, int]] = {}
        for name in CHANNELS:
            shown = found.setdefault(name, {})
            for offer in self._ask(name, "offers"):
                shown[offer["sku"]] = min(offer["stock"], shown.get(offer["sku"], offer["stock"]))
        return found

    def buyable(self) -> str | None:
        """A SKU that stands on all of them with the same quantity, and can be bought on the seller's."""
        stock = self.stock()
        for offer in self._ask(SELLER, "offers"):
            units = {stock[name].get(offer["sku"]) for name in CHANNELS}
            if offer["live"] and units == {offer["stock"]} and offer["stock"] > 2:
                return str(offer["sku"])
        return None

    def buy(self, sku: str, quantity: int) -> None:
        self._ask(SELLER, "orders", {"lines": [{"sku": sku, "quantity": quantity}]})

    def _ask(self, name: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.urls[name]}/_sandbox/{path}", data, timeout=30) as answer:
            return json.load(answer)


def _titles() -> dict[str, str]:
    return {name: adapter.manifest.title for name, adapter in discover().channels.items()}


@pytest.mark.timeout(400)  # two cores that others use too: it waits for processes, not for a time
def test_one_sale_lowers_the_quantity_on_all_others(procs: Procs, tmp_path: Path) -> None:
    environment = {
        "STOREBRIDGE_DATA_DIR": str(tmp_path / "var"),
        "STOREBRIDGE_PORT": str(free_port()),
        "STOREBRIDGE_DEMO_PORT": str(free_ports(len(_titles()) + 1)),
        "STOREBRIDGE_DEMO_PRODUCTS": "5",
        "DATABASE_URL": "",
        "REDIS_URL": "",
    }
    process = procs.start([STOREBRIDGE, "run", "--all-channels"], env=environment, cwd=tmp_path)
    process.wait_for_line("Storebridge is running", within=60)
    markets = Markets(process)
    sku = wait_until(markets.buyable, 200, lambda: f"{markets.stock()}\n{process.output}", every=1) or ""
    before = markets.stock()
    markets.buy(sku, 2)
    told = {name: before[name][sku] - 2 for name in CHANNELS if name != SELLER}

    def shown() -> dict[str, int]:
        return {name: units[sku] for name, units in markets.stock().items() if name != SELLER}

    wait_until(lambda: shown() == told, 100, lambda: f"{shown()} instead of {told}\n{process.output}", every=1)
    assert process.terminate() == 0
    assert "Traceback" not in process.output
