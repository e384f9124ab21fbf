"""What was accepted is followed until it is done: commands by their tasks, creates and edits by their operation,
refunds by their state."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bridge.domain.reading import Json
from bridge.ports.channel import SubmissionState, SubmissionStatus
from bridge.ports.errors import BridgeError, NotFound, RejectItem, RetryLater
from channel_adapters.allegro import commands, forms, mapping
from channel_adapters.allegro.client import LAST_OFFSET, TASKS_PER_PAGE, AllegroClient
from channel_adapters.allegro.commands import KINDS

Job = tuple[str, str]


def follow(client: AllegroClient, submissions: Sequence[str]) -> list[SubmissionStatus]:
    """One question for each command, however many of its offers are asked for."""
    jobs: dict[Job, list[str]] = {}
    for submission in submissions:
        kind, _, rest = submission.partition("/")
        key = rest.partition("/")[0] if kind in KINDS else rest
        jobs.setdefault((kind, key), []).append(submission)
    answers = client.each(partial(_ask, client, jobs), list(jobs))
    faults = [answer for answer in answers if isinstance(answer, BridgeError)]
    if faults and (len(faults) == len(answers) or not all(isinstance(fault, RetryLater) for fault in faults)):
        raise faults[0]
    found = {status.submission: status for answer in answers if isinstance(answer, list) for status in answer}
    waiting = SubmissionState.PENDING
    return [found.get(item) or SubmissionStatus(submission=item, state=waiting) for item in submissions]


def _ask(client: AllegroClient, jobs: dict[Job, list[str]], job: Job) -> list[SubmissionStatus]:
    kind, key = job
    try:
        if kind in KINDS:
            tasks = _tasks(client, kind, key)
            return [commands.outcome(item, item.rsplit("/", 1)[-1], tasks) for item in jobs[job]]
        if kind == "operation":
            return [_operation(client, item) for item in jobs[job]]
        if kind == "refund":
            found = client.refunds(id=key)
            return [forms.refund_status(item, found) for item in jobs[job]]
    except NotFound as error:
        return [_gone(item, error.merchant) for item in jobs[job]]
    return [_gone(item, f"{kind!r} is nothing that can be followed at Allegro.") for item in jobs[job]]


def _tasks(client: AllegroClient, kind: str, key: str) -> list[Json]:
    """All pages there can be: offsets end at 999."""
    operation, path = KINDS[kind]
    found: list[Json] = []
    while len(found) <= LAST_OFFSET:
        page = client.tasks(operation, path, key, len(found))
        found += page
        if len(page) < TASKS_PER_PAGE:
            break
    return found


def _operation(client: AllegroClient, item: str) -> SubmissionStatus:
    _, operation, offer = item.split("/", 2)
    try:
        response = client.operation(mapping.place_of(offer)[1] or offer, operation)
    except NotFound:
        raise
    except RejectItem as error:
        return SubmissionStatus(submission=item, state=SubmissionState.FAILED, entity_id=offer, message=error.merchant)
    state = SubmissionState.PENDING if response.status == 202 else SubmissionState.DONE
    return SubmissionStatus(submission=item, state=state, entity_id=offer)


def _gone(submission: str, message: str) -> SubmissionStatus:
    return SubmissionStatus(submission=submission, state=SubmissionState.GONE, message=message)
