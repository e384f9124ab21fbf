"""What marketplaces ask of returns, held against the table it was given as; and what every manifest says of it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bridge.db.tables import Connection
from bridge.domain.deadlines import Term, Unit, until
from bridge.flows.returns import terms_of
from bridge.ports.manifest import ReturnTerms
from bridge.registry import discover

CHANNELS = {name: adapter.manifest for name, adapter in discover().channels.items()}
# Marketplace: the buyer's window, the longest one, the time to respond, the time to pay back, who pays the way, penalty.
TABLE = {
    "bol": (30, 30, Term(count=48, unit=Unit.HOURS), None, "by the seller", ("performance score", "buy box")),
    "amazon": (30, 90, None, Term(count=2, unit=Unit.BUSINESS_DAYS), "by the seller", ("account health", "suspension")),
    "zalando": (100, 100, None, Term(count=14, unit=Unit.DAYS), "by the marketplace", ("partner score", "off-boarding")),
    "kaufland": (30, 30, None, Term(count=14, unit=Unit.DAYS), "by the buyer, unless defective", ("rating",)),
    "ebay": (30, 30, Term(count=3, unit=Unit.BUSINESS_DAYS), None, "by whom the seller's policy says",
             ("defect rate", "Top Rated")),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_the_table(name: str) -> None:
    window, longest, respond, refund, shipping, penalty = TABLE[name]
    terms = CHANNELS[name].policies.returns
    assert (terms.window_days, max(window, *terms.longer.values(), 0)) == (window, longest)
    assert (terms.respond, terms.refund, terms.shipping) == (respond, refund, shipping)
    assert [word for word in penalty if word not in terms.penalty] == []
    assert terms.refund is None or terms.refund_from == "received"


@pytest.mark.parametrize("name", sorted(set(CHANNELS) - set(TABLE)))
def test_the_others_say_theirs_or_the_law_s(name: str) -> None:
    terms = CHANNELS[name].policies.returns
    assert terms.window_days is not None
    assert terms.refund is not None
    assert "return_window" in terms.source  # what nobody can say is a setting, and said to be one


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_every_manifest_says_where_and_when_it_was_read(name: str) -> None:
    terms = CHANNELS[name].policies.returns
    assert terms.source
    assert terms.read_on is not None
    assert date(2026, 1, 1) <= terms.read_on <= date(2026, 12, 31)
    assert terms.sentences


def test_the_merchants_own_agreement_goes_first() -> None:
    published = ReturnTerms(window_days=14, longer={"some": 90}, source="x", read_on=date(2026, 11, 27))
    assert terms_of(published, Connection(settings={})) == published
    own = terms_of(published, Connection(settings={"return_window": 60, "refund_days": 10}))
    assert (own.window_days, own.longer, own.refund_from) == (60, {}, "announced")
    assert own.refund == Term(count=10, unit=Unit.DAYS)
    start = datetime(2026, 3, 20, 12, tzinfo=UTC)  # summer time begins on the 29th
    assert until(start, own.refund, "DE") == datetime(2026, 3, 30, 11, tzinfo=UTC)
