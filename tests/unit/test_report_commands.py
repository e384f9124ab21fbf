"""explain, orders, problems, returns and accept-cancellation, against a shop in which everything has happened."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from sqlalchemy import select, update

from bridge.cli import cli
from bridge.db import crypto
from bridge.db.tables import Cancellation, FacetRow, Listing, Variant
from bridge.domain.money import Money
from tests.support.lively import Lively

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lively, dict[str, str]]]:
    folder, key = tmp_path_factory.mktemp("data"), Fernet.generate_key().decode()
    lively = Lively(f"sqlite:///{folder / 'storebridge.db'}", key)
    environment = {"STOREBRIDGE_DATA_DIR": str(folder), "STOREBRIDGE_KEYS": key, "DATABASE_URL": "", "REDIS_URL": ""}
    yield lively, environment
    lively.close()


@pytest.fixture
def lively(place: tuple[Lively, dict[str, str]]) -> Iterator[Lively]:
    yield place[0]
    crypto.install(place[0].keys)


@pytest.fixture
def run(place: tuple[Lively, dict[str, str]], lively: Lively) -> Run:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, [arguments[0], *arguments[1:], "--shop", "Shop"], env=place[1])

    return run


def test_explain_tells_how_the_number_came_about(run: Run, lively: Lively) -> None:
    told = run("explain", "A")
    assert told.exit_code == 0, told.output
    assert "A on Market 0: shows 2" in told.output
    assert "5 on hand \N{MINUS SIGN} 2 reserved \N{MINUS SIGN} 1 buffer = 2" in told.output
    assert f"reserved by   mem0:{lively.held} (2)" in told.output
    [row] = json.loads(run("explain", "A", "--channel", "mem0", "--json").output)
    assert (row["published"], row["on_hand"], row["reserved"], row["buffer"]) == (2, 5, 2, 1)
    assert row["orders"] == [{"ref": f"mem0:{lively.held}", "quantity": 2}]


def test_explain_tells_what_waits_in_words(run: Run, lively: Lively) -> None:
    def wait(value: Money | None) -> None:
        held = {"value": value.model_dump(mode="json")} if value else {}
        with lively.engine.db.write(1) as session:
            listing = select(Listing.id).join(Variant).where(Variant.sku == "A")
            facet = FacetRow.facet == "price", FacetRow.listing_id.in_(listing)
            session.execute(update(FacetRow).where(*facet).values(held=held, held_hash=value and "x"))

    wait(Money.of("19.9", "EUR"))
    told = run("explain", "A").output
    wait(None)
    assert "the price 19.90 EUR waits for you" in told.splitlines()[0]
    assert re.search(
        r"waits for you +price 19\.90 EUR in place of \S+ EUR, [+-]\S+ % \(it moves by more than 30 %", told
    )
    assert "If it is meant: storebridge confirm 2 --sku A; if not, correct it in the store." in told


def test_explain_says_why_something_is_not_listed(run: Run) -> None:
    told = run("explain", "C")
    assert "C on Market 0: not listed: something is missing" in told.output
    assert "GTIN 123" in told.output


def test_orders_show_how_far_each_has_come(run: Run, lively: Lively) -> None:
    told = run("orders").output
    assert "#######" in told
    assert "###!..." in told
    assert re.search(r"  \d+\.\d\d EUR  ", told)
    assert "waits for in the store: no product in the store for OLD" in told
    rows = json.loads(run("orders", "--all", "--json").output)
    assert [row["external_id"] for row in rows] == [lively.asking, lively.held, lively.through]
    assert [step["state"] for step in rows[2]["steps"]] == ["done"] * 7


def test_problems_come_with_their_fix(run: Run) -> None:
    told = run("problems").output
    assert "fix: Give the product this SKU (or EAN) in the store, or match the line on the order's page." in told
    kinds = {row["kind"] for row in json.loads(run("problems", "--all", "--json").output)}
    assert {"order_held", "cancellation_asked", "return_open", "drift"} <= kinds


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["explain", "nothing"], "SKU: The store has no product with SKU 'nothing'"),
        (["explain", "A", "--channel", "no"], "--channel: There is no marketplace 'no'; connected are: mem0."),
        (["accept-cancellation", "no"], "There is no order 'no' here"),
        (["refuse-cancellation", "no"], "There is no order 'no' here"),
        (["accept-order", "no", "--only-covered"], "There is no order 'no' here"),
        (["decline-order", "no"], "There is no order 'no' here"),
        (["returns", "decide", "no", "--result", "accepted"], "There is no return 'no'"),
        (["returns", "decide", "no", "--result", "eaten"], "'eaten' is not one of"),
    ],
)
def test_bad_input_is_answered_with_the_fix(run: Run, arguments: list[str], text: str) -> None:
    told = run(*arguments)
    assert told.exit_code == 2, told.output
    assert text in " ".join(told.output.split())


def test_a_return_is_decided_and_a_cancellation_accepted(run: Run, lively: Lively) -> None:
    assert lively.back in run("returns").output
    too_many = run("returns", "decide", lively.back, "--result", "accepted", "--quantity", "9")
    assert too_many.exit_code == 2
    assert "Give a quantity from 1 to 2." in too_many.output
    done = run("returns", "decide", lively.back, "--result", "accepted", "--quantity", "1", "--no-restock")
    assert done.output == f"Return {lively.back}: 1 of 2 accepted.\n"
    row = lively.returned()
    assert (row.decision, row.decided_quantity, row.restock, row.state) == ("accepted", 1, False, "decided")
    assert run("returns", "decide", lively.back, "--result", "refused").exit_code == 2
    assert "No return waits for a decision." in run("returns").output
    assert lively.back in run("returns", "--all").output

    assert run("accept-cancellation", lively.asking).exit_code == 0
    assert [item.state for item in lively.read(Cancellation)] == ["wanted"]
    again = run("accept-cancellation", lively.asking)
    assert again.exit_code == 2
    assert "No buyer asks to cancel" in again.output


def test_everything_reads_well(tmp_path: Path) -> None:
    told = CliRunner().invoke(cli, ["returns", "decide", "--help"]).output
    assert "kept_by_buyer" in told
    assert "decide" not in cli.commands, "a subcommand stands under its group only"


def test_who_changed_what_is_listed(run: Run) -> None:
    assert [run(command, "mem0").exit_code for command in ("pause", "resume")] == [0, 0]
    rows = json.loads(run("activity", "--people", "--json").output)
    assert [row["text"] for row in rows[:2]] == ["Market 0: resumed", "Market 0: paused"]
    assert all(row["author"] for row in rows)
    assert len(json.loads(run("activity", "--json").output)) > len(rows)
    assert "Market 0: resumed" in run("activity", "--people").output


def test_how_many_marketplaces_a_shop_may_have_is_told_set_and_lifted(run: Run) -> None:
    assert run("limits").output == "No limit: this shop may have as many marketplaces as it likes.\n"
    told = run("limits", "--marketplaces", "1", "--ask", "Acme, help@acme.example")
    assert (told.exit_code, "for more, ask Acme, help@acme.example." in told.output) == (0, True), told.output
    found = json.loads(run("limits", "--json").output)["marketplaces"]
    assert (found["most"], found["ask"]) == (1, "Acme, help@acme.example")
    [row] = [row for row in json.loads(run("activity", "--people", "--json").output) if "at most" in row["text"]]
    assert row["author"]
    assert run("limits", "--marketplaces", "1", "--none").exit_code == 2
    run("limits", "--none")
    assert json.loads(run("limits", "--json").output) == {"marketplaces": None}
