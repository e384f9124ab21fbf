"""What an account says about itself is kept, asked again daily, and told before it is too late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from bridge.db.tables import Connection, Poll, Problem, Work
from bridge.flows import account, connecting, overview, polls
from bridge.flows.doctor_connections import examine_connection
from bridge.flows.forms import FieldErrors
from bridge.flows.wish import settings_of
from bridge.ports.channel import AccountInfo, Choice, Expiry, ScoreFigure
from bridge.ports.errors import AskMerchant, SlowDown
from tests.support.demo import DEMO, Demo

LATE = ScoreFigure(name="late", title="Late shipments", value=Decimal("0.052"), limit=Decimal("0.04"))
RATING = ScoreFigure(name="rating", title="Rating", value=Decimal("4.6"), unit="stars", limit=Decimal(4), good="above")


@pytest.fixture
def world(database_url: str) -> Iterator[Demo]:
    world = Demo(database_url)
    places = (Choice(value="L1", label="Utrecht"), Choice(value="L2", label="L2"))
    world.market.account = AccountInfo(
        name="Toys", sites=("A1",), choices={"location": places},
        expires=(Expiry(what="The client secret", at=world.clock() + timedelta(days=31, hours=1), fix="Rotate it."),),
    )  # fmt: skip
    world.market.figures = (LATE, RATING)
    yield world
    world.close()


def row(world: Demo) -> Connection:
    with world.db.read(1) as session:
        return session.get_one(Connection, DEMO)


def renewal(world: Demo) -> list[tuple[str, bool]]:
    with world.db.read(1) as session:
        found = session.scalars(select(Problem).where(Problem.kind == "expiring"))
        return [(problem.severity, problem.closed_at is None) for problem in found]


def test_settings_are_drawn_with_the_choices_of_the_account_and_held_to_them(world: Demo) -> None:
    done = connecting.connect(world.engine, 1, "channel", "mem0", "mem0", {}, {"location": "L2"}, {})
    assert [item.label for item in done.choices["location"]] == ["Utrecht", "L2"]
    fields = {field.name: field for field in settings_of(world.market.manifest, row(world).info)}
    assert (fields["location"].kind, fields["location"].choices) == ("choice", {"L1": "Utrecht", "L2": "L2"})
    with pytest.raises(FieldErrors, match="Location: must be one of: L1, L2"):
        connecting.connect(world.engine, 1, "channel", "mem0", "mem0", {}, {"location": "L9"}, {})
    assert row(world).settings["location"] == "L2"


def test_what_expires_is_told_a_month_and_a_week_before_and_until_it_is_renewed(world: Demo) -> None:
    connecting.connect(world.engine, 1, "channel", "mem0", "mem0", {}, {}, {})
    assert renewal(world) == []
    told = []
    for days in (3, 22):
        world.clock.advance(days * 86400)
        world.settle(1, step=1)
        told += renewal(world)
    assert told == [("warning", True), ("error", True)]
    now = world.clock()
    findings = {item.name: item for item in examine_connection(world.engine, row(world), mend=False)}
    renewals = findings[f"connection {DEMO}, Demo \N{EN DASH} Toys: renewal"]
    assert (renewals.state, renewals.fix) == ("fail", "Rotate it.")
    assert "(in 6 days)" in renewals.detail
    with world.db.read(1) as session:
        [shown] = [item for item in overview.connections(session, now) if item["id"] == DEMO]
        assert [(item["text"], item["good"], item["value"], item["unit"]) for item in shown["score"]] == [
            ("Late shipments: 5.2 % (at most 4 %)", False, Decimal("5.2"), "%"),
            ("Rating: 4.6 stars (at least 4 stars)", True, Decimal("4.6"), "stars"),
        ]
        assert len(shown["renewals"]) == 1
    world.market.account = world.market.account.model_copy(update={"expires": (), "sites": ("A1", "B2")})
    world.store.add("A", 5)
    world.clock.advance(2 * 86400)
    world.settle(60, step=30)
    assert renewal(world) == [("error", False)]
    assert world.market.shown("A") == {"A1": 5, "B2": 5}  # a site more, as the account now says


@pytest.mark.both_databases
def test_connections_of_an_earlier_version_get_the_new_questions(world: Demo) -> None:
    with world.db.write(1) as session:
        for poll in session.scalars(select(Poll).where(Poll.flow.in_(("poll.check", "poll.score")))):
            session.delete(poll)
    polls.catch_up(world.engine)
    with world.db.read(1) as session:
        flows = set(session.scalars(select(Poll.flow).where(Poll.connection_id == DEMO)))
    assert {"poll.check", "poll.score"} <= flows


def test_who_wants_to_be_forgotten_is_asked_with_the_account(world: Demo) -> None:
    asked: list[str] = []

    def forgotten() -> list[str]:
        asked.append("asked")
        return []

    world.market.forgotten_orders = forgotten  # type: ignore[attr-defined]
    connecting.connect(world.engine, 1, "channel", "mem0", "mem0", {}, {}, {})
    world.clock.advance(2 * 86400)
    world.settle(60, step=30)
    assert asked == ["asked"]


def test_what_the_account_says_is_kept_though_nobody_says_who_wants_to_be_forgotten(world: Demo) -> None:
    def forgotten() -> list[str]:
        raise AskMerchant("This app may not read who wants to be forgotten.")

    world.market.forgotten_orders = forgotten  # type: ignore[attr-defined]
    connecting.connect(world.engine, 1, "channel", "mem0", "mem0", {}, {}, {})
    world.market.account = world.market.account.model_copy(update={"sites": ("A1", "B2")})
    world.clock.advance(2 * 86400)
    world.settle(60, step=30)
    assert (row(world).info or {})["sites"] == ["A1", "B2"]
    with world.db.read(1) as session:
        asked = session.scalars(select(Work).where(Work.kind == "poll.check", Work.connection_id == DEMO)).one()
    assert asked.done_version < asked.dirty_version
    assert "forgotten" in str(asked.error)


def test_figures_that_are_not_ready_are_asked_for_again_and_the_old_ones_stay(
    world: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting.connect(world.engine, 1, "channel", "mem0", "mem0", {}, {}, {})
    world.settle(1, step=1)
    assert account.score(row(world)) == [LATE, RATING]
    asked = []

    def not_yet() -> list[ScoreFigure]:
        asked.append(world.clock())
        raise SlowDown("Its report is being made.", after=timedelta(minutes=2))

    monkeypatch.setattr(world.market, "score", not_yet)
    with world.db.write(1) as session:
        poll = session.scalars(select(Poll).where(Poll.connection_id == DEMO, Poll.flow == "poll.score")).one()
        poll.next_at = world.clock()
    world.settle(90, step=30)
    assert len(asked) == 1
    assert account.score(row(world)) == [LATE, RATING]
    monkeypatch.undo()
    world.market.figures = (RATING,)
    world.settle(90, step=30)
    assert account.score(row(world)) == [RATING]
    with world.db.read(1) as session:
        assert session.scalars(select(Problem).where(Problem.kind.startswith("parked"))).all() == []
