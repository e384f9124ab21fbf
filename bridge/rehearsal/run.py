"""One rehearsal from beginning to end, with everything tidied up afterwards, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridge.ports.errors import AskMerchant, BridgeError, RetryLater
from bridge.ports.http import patience
from bridge.ports.manifest import Capability
from bridge.registry import discover
from bridge.rehearsal import aftersales, selling
from bridge.rehearsal.report import Report, Result
from bridge.rehearsal.story import Step, begin, tell
from bridge.rehearsal.world import Plan, World, open_world

INSIST = 90.0
STEPS: tuple[Step, ...] = (*selling.STEPS, *aftersales.STEPS)


def rehearse(plan: Plan, heard: Callable[[Result], None], notice: Callable[[str], None]) -> Report:
    """Tell the whole story; ``heard`` gets each step as it ends, ``notice`` what else a person should know.

    Raises AskMerchant when the plan cannot be carried out at all.
    """
    results: list[Result] = []
    with open_world(plan) as world:
        try:
            for result in tell(begin(world), STEPS):
                results.append(result)
                heard(result)
        finally:
            world.stop()
            for line in _tidy(world):
                notice(line)
    if plan.keep:
        notice(f"Kept: {world.folder}")
    return Report(results)


def _tidy(world: World) -> list[str]:
    """A sandbox is thrown away whole; in a real store everything of ours is removed, and what stays is named."""
    if not world.is_real or not world.store_id or world.plan.keep:
        return []
    said: list[str] = []
    for what, act in (("products and orders", _remove_everything), ("webhooks", _remove_webhooks)):
        try:
            said += insist(world, act)
        except BridgeError as error:
            said.append(f"Not removed from the store, please do it there: {what} ({error.merchant})")
    return said


def insist(world: World, act: Callable[[World], list[str]]) -> list[str]:
    """A store in trouble is asked again for a while."""
    deadline = time.monotonic() + INSIST
    while True:
        try:
            with patience(INSIST):
                return act(world)
        except RetryLater:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def _remove_everything(world: World) -> list[str]:
    return [f"Removed from the store: {item}" for item in world.store.remove_everything()]


def _remove_webhooks(world: World) -> list[str]:
    row = world.row(world.store_id)
    if Capability.WEBHOOKS not in world.engine.manifest(row).capabilities:
        return []
    removed = world.platform.remove_webhooks(world.hook_url)
    return [f"Removed from the store: {removed} webhooks"]


def credentials_for(platform: str, url: str, key: str, secret: str) -> dict[str, str]:
    """Address, key and secret under the names this platform's manifest gives them. Raises AskMerchant."""
    adapter = discover().platforms.get(platform)
    if adapter is None:
        raise AskMerchant(f"There is no store platform {platform!r} here.", field="platform")
    fields = adapter.manifest.credentials
    others = [field.name for field in fields if field.kind != "url"]
    place = [field.name for field in fields if field.kind == "url"]
    if len(place) != 1 or len(others) != 2:
        title = adapter.manifest.title
        raise AskMerchant(f"{title} is not reached with an address, a key and a secret; rehearse with its sandbox.")
    return {place[0]: url, others[0]: key, others[1]: secret}


def announcement(plan: Plan) -> str:
    """What a rehearsal does in a real store, before it does it."""
    return (
        "This rehearsal will, in the store you named:\n"
        "  - create one product (SKU REHEARSAL-…), change its stock and its title\n"
        "  - create three orders for it as they come from a marketplace, ship one, cancel two, refund one unit\n"
        "  - register webhooks (a store that cannot reach this machine is asked every few seconds instead)\n"
        "and delete all of that at the end, also when a step fails. The store may send its usual e-mails about these\n"
        f"orders to its owner. The marketplace ({plan.channel}) is a sandbox; nothing is published anywhere."
    )
