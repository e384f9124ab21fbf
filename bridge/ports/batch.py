"""Batches of marketplaces that take one item per call: a result for each, as if they took many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bridge.domain.order import MarketplaceOrder
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, RejectItem, Superseded, UnknownOutcome
from bridge.ports.http import Transport


def one_by_one(
    transport: Transport, items: Sequence[Any], act: Callable[[Any], ItemResult], workers: int
) -> list[ItemResult]:
    """One call per item (they have a ``key``), several at a time. What is refused, or not known, is that item's result.
    Raises what stood in the way where nothing at all went through for the same passing cause."""
    answers = transport.each(act, items, workers)
    errors = [answer for answer in answers if isinstance(answer, BridgeError)]
    for error in errors:
        if isinstance(error, Superseded):
            raise error
    lasting = (RejectItem, UnknownOutcome)
    if errors and len(errors) == len(answers) and not any(isinstance(error, lasting) for error in errors):
        raise errors[0]
    return [
        failed(item.key, answer) if isinstance(answer, BridgeError) else answer
        for item, answer in zip(items, answers, strict=True)
    ]


def told(read: Callable[[], MarketplaceOrder]) -> MarketplaceOrder | None:
    """An order that a list tells whole; None where it cannot be read. Reading that order alone then says why, and the
    others of the list come in all the same."""
    try:
        return read()
    except RejectItem:
        return None


def failed(key: str, error: BridgeError) -> ItemResult:
    """An error as the result of one item of a batch."""
    outcome = Outcome.RETRY
    if isinstance(error, NotFound):
        outcome = Outcome.MISSING
    elif isinstance(error, (RejectItem, AskMerchant)):
        outcome = Outcome.REJECTED
    return ItemResult(key=key, outcome=outcome, message=error.merchant, field=error.field)
