"""One rehearsal from beginning to end, with everything tidied up afterwards, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import Capability
from bridge.registry import discover
from bridge.rehearsal import aftersales, module, selling
from bridge.rehearsal.report import Report, Result
from bridge.rehearsal.story import Step, begin, tell
from bridge.rehearsal.tidy import tidy
from bridge.rehearsal.world import Plan, open_world

ENOUGH = 20  # on the shelf, for all stories together
PRODUCT = "create one product (SKU REHEARSAL-…)"
# What each story makes in a store, in words; "" is the whole walk.
IN_STORE: Mapping[str, str] = {
    "": f"{PRODUCT}, change its stock and its title;\n    create three orders for it as they come from a marketplace, "
    "ship one, cancel two, refund one unit",
    "cancel": f"{PRODUCT}, change its stock; create up to two orders for it and cancel them",
    "buyer-cancel": f"{PRODUCT}; create two orders for it, cancel one, ship one",
    "return": f"{PRODUCT}; create one order for it, ship it, refund one unit",
    "refund-only": f"{PRODUCT}; create one order for it, ship it, refund one unit",
    "late-tracking": f"{PRODUCT}; create one order for it, ship it, add its tracking number later",
    "revoked": f"{PRODUCT}, change its stock; create one order for it",
    "bundle": "create three products (SKU REHEARSAL-…), change their stock; create two orders, cancel one",
}
FIRST = tuple(step.name for step in selling.STEPS[:2])
STEPS: tuple[Step, ...] = (*selling.STEPS, *aftersales.STEPS)


def steps(plan: Plan) -> tuple[Step, ...]:
    """The story; with a module it is connected right after its store, and asked at the end what it has told."""
    if not plan.module:
        return STEPS
    first, *others = STEPS
    return (first, module.CONNECT, *others, module.TOLD)


def rehearse(
    plan: Plan,
    heard: Callable[[Result], None],
    notice: Callable[[str], None],
    interrupted: threading.Event,
    told: Sequence[Step] = (),
) -> Report:
    """Tell the whole story, or the steps ``told``; ``heard`` gets each step as it ends, ``notice`` what else a
    person should know.

    Raises AskMerchant when the plan cannot be carried out at all, and KeyboardInterrupt when ``interrupted`` was set:
    between two calls to the outside, never within one, and with everything tidied up.
    """
    results: list[Result] = []
    with open_world(plan) as world:
        story = begin(world, interrupted)
        story.stock = ENOUGH if told else story.stock
        wanted = told or steps(plan)
        try:
            for result in tell(story, wanted):
                results.append(result)
                heard(result)
                if plan.store and not result.ok and result.name in FIRST:
                    break  # nothing else can be tried, and what to do is said
        finally:
            world.stop()
            for line in tidy(world, story.sku):
                notice(line)
    if interrupted.is_set():
        raise KeyboardInterrupt
    if plan.keep:
        notice(f"Kept: {world.folder}")
    return Report(results)


def needs_secret(platform: str) -> bool:
    """Whether this store cannot be reached with an address and a key alone."""
    adapter = discover().platforms.get(platform)
    others = [field for field in adapter.manifest.credentials if field.kind != "url"] if adapter else []
    return not others or others[-1].required


def credentials_for(platform: str, url: str, key: str, secret: str) -> dict[str, str]:
    """Address, key and secret under the names this platform's manifest gives them. Raises AskMerchant."""
    adapter = discover().platforms.get(platform)
    if adapter is None:
        raise AskMerchant(f"There is no store platform {platform!r} here.", field="platform")
    fields = adapter.manifest.credentials
    others = [field.name for field in fields if field.kind != "url"]
    place = [field.name for field in fields if field.kind == "url"]
    alone = [field.name for field in fields if field.kind != "url" and field.required]
    title = adapter.manifest.title
    if len(place) != 1:
        raise AskMerchant(f"{title} is not reached with an address, a key and a secret; name each with -c.")
    if len(others) == 2:
        given = {place[0]: url, others[0]: key, others[1]: secret}
    elif len(alone) == 1 and not secret:
        given = {place[0]: url, alone[0]: key}
    else:
        names = " ".join(f"-c {name}=…" for name in others)
        raise AskMerchant(f"{title} takes a token alone (--token), or all its values by name: {names}.", field="key")
    return {name: value for name, value in given.items() if value}


def named_credentials(platform: str, url: str, named: Mapping[str, str]) -> dict[str, str]:
    """The address, and all else under its own name in this platform's manifest. Raises AskMerchant."""
    adapter = discover().platforms.get(platform)
    if adapter is None:
        raise AskMerchant(f"There is no store platform {platform!r} here.", field="platform")
    fields = {field.name: field for field in adapter.manifest.credentials}
    if strange := [name for name in named if name not in fields]:
        raise AskMerchant(f"{adapter.manifest.title} has no credential {strange[0]!r}.", field=strange[0])
    return {**{name: url for name, field in fields.items() if field.kind == "url"}, **named}


def announcement(plan: Plan, stories: Sequence[str] = ()) -> str:
    """What a rehearsal does in a real store, before it does it."""
    manifest = discover().platforms[plan.platform].manifest
    made = [IN_STORE[story] for story in stories] or [IN_STORE[""]]
    hooks = "register webhooks (a store that cannot reach this machine is asked every few seconds instead)"
    told = Capability.WEBHOOKS in manifest.capabilities
    lines = [*made, hooks if told else "ask every few seconds what has changed"]
    return (
        f"This rehearsal will, in the store you named ({manifest.title}):\n"
        + "".join(f"  - {line}\n" for line in lines)
        + "and delete all of that at the end, also when a step fails or you stop it; orders that the store does not\n"
        "let go of (Magento's) stay there as cancelled or complete, and are named. The store may send its usual\n"
        f"e-mails about these orders to its owner. The marketplace ({plan.channel}) is a sandbox; nothing is\n"
        "published anywhere."
    )
