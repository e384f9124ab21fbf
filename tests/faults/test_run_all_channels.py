"""``storebridge run --all-channels``: a sale on one marketplace, also of a bundle, is told to all the others, in the
processes of production."""

from __future__ import annotations

import json
import os
import subprocess
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

    def buyable(self) -> list[str] | None:
        """Three SKUs that stand on all of them with the same quantity, and can be bought on the seller's."""
        stock = self.stock()
        found = [
            str(offer["sku"])
            for offer in self._ask(SELLER, "offers")
            if offer["live"]
            and offer["stock"] > 4
            and {stock[name].get(offer["sku"]) for name in CHANNELS} == {offer["stock"]}
        ]
        return found[:3] if len(found) > 2 else None

    def elsewhere(self, *skus: str) -> list[dict[str, int]]:
        """What the others show of these, each of them once."""
        stock = self.stock()
        shown = [{sku: stock[name][sku] for sku in skus} for name in CHANNELS if name != SELLER]
        return [each for place, each in enumerate(shown) if each not in shown[:place]]

    def buy(self, sku: str, quantity: int) -> None:
        self._ask(SELLER, "orders", {"lines": [{"sku": sku, "quantity": quantity}]})

    def _ask(self, name: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.urls[name]}/_sandbox/{path}", data, timeout=30) as answer:
            return json.load(answer)


def _make_bundle(sku: str, parts: Mapping[str, int], folder: Path, environment: Mapping[str, str]) -> None:
    """As a plan, by the command line."""
    made_of = [{"sku": part, "quantity": units} for part, units in parts.items()]
    wish = {"subject": "shop", "kind": "bundles", "content": {"bundles": [{"sku": sku, "components": made_of}]}}
    changes = folder / "bundles.json"
    changes.write_text(json.dumps([wish]))
    made = json.loads(_said("plan", str(changes), "--json", folder=folder, environment=environment))
    _said("apply", str(made["id"]), "--confirm", folder=folder, environment=environment)


def _said(*command: str, folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run([STOREBRIDGE, *command], env={**os.environ, **environment}, cwd=folder, capture_output=True,
                          text=True, check=False, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _titles() -> dict[str, str]:
    return {name: adapter.manifest.title for name, adapter in discover().channels.items()}


@pytest.mark.timeout(400)  # two cores that others use too: it waits for processes, not for a time
def test_one_sale_lowers_the_quantity_on_all_others_and_what_a_bundle_is_made_of(procs: Procs, tmp_path: Path) -> None:
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
    skus = wait_until(markets.buyable, 200, lambda: f"{markets.stock()}\n{process.output}", every=1)
    assert skus is not None
    cup, pot, both = skus
    units = markets.stock()[SELLER]

    def until_shown(**changed: int) -> None:
        there = {name: units[sku] + changed.get(name, 0) for name, sku in (("cup", cup), ("pot", pot), ("both", both))}
        made = {cup: there["cup"], pot: there["pot"], both: min(there["both"], there["cup"] // 2, there["pot"])}
        told = made if changed.get("bundled", 1) else {**made, both: there["both"]}
        wait_until(lambda: markets.elsewhere(*told) == [told], 100,
                   lambda: f"{markets.elsewhere(*told)} instead of {told}\n{process.output}", every=1)  # fmt: skip

    markets.buy(cup, 2)
    until_shown(cup=-2, bundled=0)
    _make_bundle(both, {cup: 2, pot: 1}, tmp_path, environment)
    until_shown(cup=-2)
    markets.buy(both, 1)  # its parts go down with it, everywhere
    until_shown(cup=-4, pot=-1, both=-1)
    assert process.terminate() == 0
    assert "Traceback" not in process.output
