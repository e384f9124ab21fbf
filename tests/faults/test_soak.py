"""The soak over real processes, and that its audit sees what is wrong when something is."""

from __future__ import annotations

import random
import time

import pytest

from bridge.bench import soak
from bridge.bench._audit import Audit
from bridge.bench._chaos import Done, People
from bridge.bench._markets import open_markets
from bridge.bench._stack import stack, wait_until
from bridge.flows import admin

pytestmark = pytest.mark.timeout(900)
MARKETS = ("bol", "kaufland")


@pytest.mark.parametrize("seed", [11])
def test_nothing_is_lost_doubled_or_wrong_after_random_faults(seed: int) -> None:
    arguments = ["--minutes", "0.4", "--every", "2", "--rate", "2", "--products", "6", "--seed", str(seed)]
    found = soak.run([*arguments, *(f"--channel={name}" for name in MARKETS)])
    assert found["within_goal"], found
    assert found["figures"]["faults"] > 5
    assert found["figures"]["orders of marketplaces"] > 3


def test_the_audit_sees_what_is_lost_doubled_and_wrong() -> None:
    with stack() as parts:
        world = open_markets(parts, MARKETS, 5, {})
        done = Done()
        people, audit = People(world, random.Random(1), done), Audit(world, done)
        while not done.shipped:
            people.act()
            time.sleep(0.2)
        wait_until(lambda: not audit.differences(), 90, "everything in agreement", 0.5)

        for market in world.markets.values():
            admin.pause(parts.engine, world.shop_id, market.id)
        lost = world.markets["bol"].control.post("orders", {"lines": [{"sku": world.skus[0], "quantity": 1}]})
        more = world.store.get("stock")[world.skus[1]] + 5
        world.store.post("bulk", {"changes": [{"sku": world.skus[1], "stock": more}]})
        done.shipped[max(done.shipped)] = "NEVER-TOLD"
        wrong = audit.differences()
        assert [lost["order_id"] in case for case in wrong["lost"]] == [True]
        assert any(world.skus[1] in case for case in wrong["wrong quantities"])
        assert len(wrong["parcels not told or told twice"]) == 1

        twin = next(order for order in world.store.get("orders") if order["id"] == max(done.shipped))
        leaked = twin["shipping"]["address_1"]
        assert leaked
        (parts.folder / "worker-x.log").write_text(f"sent to {leaked}\n")
        assert audit.leaks() == {"worker-x.log": 1}
