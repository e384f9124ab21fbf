"""Changes of many offers at once, as Allegro takes them: what is sent in which command, and what became of it. Pure.

Offers that get the same value share a command of up to 1000; the rest goes in commands of 25 changes, each its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.domain.money import Money
from bridge.domain.reading import Json, table, tables, text
from bridge.ports.channel import SubmissionState, SubmissionStatus
from channel_adapters.allegro.reading import price
from channel_adapters.allegro.refusals import words
from channel_adapters.allegro.vocabulary import TASKS

SHARED, BULK = 1000, 25
# Smaller groups fit into a bulk command together with others.
WORTH_SHARING = 5

# The name in a submission: the operation that lists the tasks, and the part of its path.
KINDS = {
    "bulk": ("batchOfferModificationCommandTaskStatusesUsingGET", "bulk-modification"),
    "quantity": ("getQuantityModificationCommandTasksStatusesUsingGET", "quantity-change"),
    "price": ("getPriceModificationCommandTasksStatusesUsingGET", "price-change"),
    "publication": ("getPublicationTasksUsingGET", "publication"),
}


@dataclass(frozen=True)
class Change:
    """What one offer gets: a quantity above 0, or a price on a marketplace. ``place`` is its place in the batch."""

    place: int
    number: str
    site: str
    value: int | Money

    @property
    def modification(self) -> Json:
        if isinstance(self.value, int):
            return {"offerId": self.number, "stock": {"changeType": "FIXED", "value": self.value}}
        return {"offerId": self.number, "prices": {self.site: {"changeType": "FIXED", "value": price(self.value)}}}


@dataclass(frozen=True)
class Command:
    kind: str
    changes: tuple[Change, ...]

    @property
    def body(self) -> Json:
        """Of a command for all its offers; a bulk command has ``modifications`` instead."""
        value = self.changes[0].value
        if isinstance(value, int):
            modification: Json = {"changeType": "FIXED", "value": value}
        else:
            modification = {"type": "FIXED_PRICE", "marketplaceId": self.changes[0].site, "price": price(value)}
        return {"modification": modification, "offerCriteria": criteria(change.number for change in self.changes)}

    @property
    def modifications(self) -> list[Json]:
        return [change.modification for change in self.changes]


def criteria(numbers: Iterable[str]) -> list[Json]:
    return [{"type": "CONTAINS_OFFERS", "offers": [{"id": number} for number in numbers]}]


def plan(changes: Sequence[Change]) -> list[Command]:
    """An offer is in one command once: of several changes of the same thing, each goes in a command of its own."""
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.site, str(change.value)), []).append(change)
    commands: list[Command] = []
    rest: list[Change] = []
    for group in groups.values():
        if len(group) < WORTH_SHARING or len({change.number for change in group}) < len(group):
            rest += group
            continue
        kind = "quantity" if isinstance(group[0].value, int) else "price"
        commands += [Command(kind, tuple(part)) for part in parts(group, SHARED)]
    return commands + _bulk(rest)


def _bulk(changes: Sequence[Change]) -> list[Command]:
    """ "Multiple modifications of the same type for the same offerId are not allowed"."""
    batches: list[list[Change]] = []
    for change in changes:
        if not batches or len(batches[-1]) >= BULK or any(other.number == change.number for other in batches[-1]):
            batches.append([])
        batches[-1].append(change)
    return [Command("bulk", tuple(batch)) for batch in batches]


def parts(items: Sequence[Change], size: int) -> list[Sequence[Change]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def submission(kind: str, command_id: str, number: str) -> str:
    return f"{kind}/{command_id}/{number}"


def outcome(key: str, number: str, tasks: Sequence[Json]) -> SubmissionStatus:
    """What became of one offer of a command. While nothing is told of it, it is on its way."""
    mine = [task for task in tasks if number in (offer_of(task), text(table(task, "subject").get("offerId")))]
    states = [TASKS.get(text(task.get("status")), SubmissionState.PENDING) for task in mine]
    if SubmissionState.FAILED in states:
        failed = [task for task, state in zip(mine, states, strict=True) if state is SubmissionState.FAILED]
        said = [word for task in failed for word in _words(task)]
        message = "; ".join(dict.fromkeys(said)) or "Allegro refused the change and gives no reason."
        return SubmissionStatus(submission=key, state=SubmissionState.FAILED, message=message)
    done = bool(states) and all(state is SubmissionState.DONE for state in states)
    return SubmissionStatus(submission=key, state=SubmissionState.DONE if done else SubmissionState.PENDING)


def offer_of(task: Json) -> str:
    return text(table(task, "offer").get("id"))


def _words(task: Json) -> list[str]:
    found = [words(error) for error in tables(task, "errors")]
    return list(filter(None, found)) or list(filter(None, [text(task.get("message"))]))
