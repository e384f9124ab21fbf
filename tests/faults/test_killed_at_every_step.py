"""Q1, S2: kill -9 at every step of every handler, one after the other, in one life of a shop.

The steps are read from the code: a new one is covered by being written. Children are real processes over real HTTP;
a minute passes after each death (the clock is moved), in which leases run out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bridge.flows
from bridge.db.tables import Cancellation, ReturnRow
from bridge.domain.returns import Condition, ReturnDecision
from bridge.flows import attend, documents, parts, returns
from tests.support.procs import Procs
from tests.support.stack import Stack, Worker, open_stack

KILLED = -9
# bol and WooCommerce have nothing of the kind: tests/flows/test_deaths.py, test_acknowledging.py and test_store_returns.py.
ELSEWHERE = ("orders.accept", "orders.acknowledge", "cancel.refuse", "refund.send", "return.end")
# A feed is for marketplaces that fetch, a proof is for yesterday, an alert for a problem: none comes up in this life.
# Alerts that break off: tests/flows/test_alerts.py; feeds and proofs begin anew from the database, and are not killed yet.
BESIDE = ("feed.", "proof.", "alert.")
pytestmark = [pytest.mark.both_databases, pytest.mark.timeout(900)]


def steps_in_code() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in Path(bridge.flows.__path__[0]).glob("*.py")]
    found = {name for text in texts for name in re.findall(r'\bstep\(f?"([^"]+)"\)', text)}
    assert all(f"{kind}.sent" in found for kind in ELSEWHERE)
    found = {name for name in found if not name.startswith((*ELSEWHERE, *BESIDE))}
    assert "{claim.kind}.fenced" in found
    kinds = {name.removesuffix(".sent") for name in found if name.endswith(".sent")}
    kinds -= {"push", "offer.create", "offer.end"}  # these have a fence of their own
    return (found - {"{claim.kind}.fenced"}) | {f"{kind}.fenced" for kind in kinds}


class Life:
    """A shop whose worker dies at each step it comes to for the first time."""

    def __init__(self, stack: Stack, worker: Worker, marks: Path) -> None:
        self.stack, self.worker, self.marks = stack, worker, marks
        self.deaths: list[str] = []

    def goes_on(self, rounds: int = 2) -> None:
        """Until nothing is left to do, however often the worker dies on the way."""
        quiet = 0
        while quiet < rounds:
            before = set(self.dead_at())
            code = self.worker.killed_at(self.marks)
            self.deaths += sorted(set(self.dead_at()) - before)
            assert code in (0, KILLED), f"the worker ended with {code}"
            quiet = 0 if code == KILLED or not self.stack.is_quiet() else quiet + 1
            self.stack.later(60)
            assert len(self.deaths) < 200
            if code == KILLED:
                self.nothing_is_doubled()

    def dead_at(self) -> list[str]:
        return [path.name for path in self.marks.iterdir()]

    def nothing_is_doubled(self) -> None:
        for order in self.stack.bol.control("GET", "orders"):
            assert len(self.stack.orders_of(order["order_id"])) <= 1, f"twice after {self.deaths[-1]}"
            tracks = [shipment["tracking"] for shipment in order["shipments"]]
            assert len(tracks) == len(set(tracks)), f"shipped twice after {self.deaths[-1]}"


@pytest.fixture
def life(procs: Procs, database_url: str, tmp_path: Path) -> Iterator[Life]:
    marks = tmp_path / "marks"
    marks.mkdir()
    with open_stack(tmp_path, database_url) as stack:
        yield Life(stack.connect(), Worker(procs, stack), marks)


def part_of_a_bundle_comes_back(life: Life) -> None:
    """A set is sold, its cups are taken off their shelf, once; one of them is sent back, and put there again, once."""
    stack = life.stack
    for sku, units in (("SET", 5), ("CUP", 8)):
        stack.product(sku, units)
    life.goes_on()
    bundle = {"sku": "SET", "components": [{"sku": "CUP", "quantity": 2}], "taken_by": "bridge"}
    wish = documents.Wish(subject=documents.SHOP, kind=parts.KIND, content={"bundles": [bundle]})
    with stack.engine.db.write(stack.shop.id) as session:
        documents.write(session, documents.checked(session, [wish], documents.active(session)), stack.clock(), "tests")
    life.goes_on()
    cups = stack.store.stock("CUP")
    sold = stack.sells("SET", 1)
    life.goes_on()
    stack.ships(stack.orders_of(sold)[0], "3SSET")
    life.goes_on()
    stack.bol.control("POST", "returns", {"order_id": sold, "lines": [{"sku": "SET", "quantity": 1}]})
    life.goes_on()
    [coming] = [row.external_id for row in stack.rows(ReturnRow) if row.state != "closed"]
    back = (parts.Back(sku="CUP", units=1, condition=Condition.AS_NEW),)
    attend.decide_return(stack.engine, stack.shop.id, coming, "accepted", back=back, whole=True)
    life.goes_on()
    assert {row.state for row in stack.rows(ReturnRow)} == {"closed"}
    assert stack.store.stock("CUP") == cups - 2 + 1


def test_a_worker_killed_at_every_step_loses_and_doubles_nothing(life: Life) -> None:
    stack = life.stack
    first = stack.product("A", 9)
    stack.product("B", 4)
    life.goes_on()
    assert (stack.shown("A"), stack.shown("B")) == (9, 4)

    kept, cancelled, asked = stack.sells("A", 3), stack.sells("A", 1), stack.sells("B", 1)
    life.goes_on()
    assert stack.shown("A") == 5
    stack.store.put(f"products/{first}", {"stock_quantity": 7})
    [in_store] = stack.orders_of(kept)
    stack.ships(in_store, "3SKEPT")
    [dead] = stack.orders_of(cancelled)
    stack.store.put(f"orders/{dead['id']}", {"status": "cancelled"})
    stack.bol.control("POST", f"orders/{asked}/request-cancellation", {})
    life.goes_on()
    assert stack.bol_order(kept)["status"] == "SHIPPED"
    assert [stack.bol_order(key)["status"] for key in (cancelled, asked)] == ["CANCELLED"] * 2
    assert [stack.orders_of(key)[0]["status"] for key in (cancelled, asked)] == ["cancelled"] * 2
    assert {row.state for row in stack.rows(Cancellation)} == {"done"}

    stack.bol.control("POST", "returns", {"order_id": kept, "lines": [{"sku": "A", "quantity": 1}]})
    life.goes_on()
    with stack.engine.db.write(stack.shop.id) as session:
        [row] = session.query(ReturnRow).all()
        returns.decide(session, row, ReturnDecision.ACCEPTED, 1, True, stack.clock())
    life.goes_on()
    assert [row.state for row in stack.rows(ReturnRow)] == ["closed"]
    assert len(stack.store.get(f"orders/{in_store['id']}/refunds")) == 1

    part_of_a_bundle_comes_back(life)

    again = stack.sells("B", 1)  # now it is created and shipped without a death in the middle of it
    life.goes_on()
    stack.ships(stack.orders_of(again)[0], "3SAGAIN")
    stack.store.delete(f"products/{first}", force="true")
    life.goes_on()
    assert stack.bol_order(again)["status"] == "SHIPPED"
    assert stack.offer("A") is None
    assert set(life.deaths) == steps_in_code(), "some step was never come to"
    assert stack.store.stock("B") == stack.shown("B") == 3
    stack.check_invariants()
