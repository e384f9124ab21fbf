"""Which webhooks a store should have, against those it has. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from platform_adapters.woocommerce.reading import Json

TOPICS = tuple(
    f"{what}.{event}" for what in ("product", "order") for event in ("created", "updated", "deleted", "restored")
)
OURS = "Storebridge"


@dataclass
class Plan:
    """Rows for one batch call. ``mended`` says in words what was lost or switched off."""

    create: list[Json] = field(default_factory=list)
    update: list[Json] = field(default_factory=list)
    delete: list[int] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)

    def body(self) -> Json:
        parts = {"create": self.create, "update": self.update, "delete": self.delete}
        return {name: rows for name, rows in parts.items() if rows}


def plan(existing: Sequence[Json], url: str, secret: str) -> Plan:
    """What has to change so that each topic has one active webhook at ``url`` with ``secret``."""
    result = Plan()
    ours = [hook for hook in existing if is_ours(hook, url)]
    for topic in TOPICS:
        _plan_topic(result, topic, [hook for hook in ours if hook.get("topic") == topic], url, secret)
    result.delete += [int(hook["id"]) for hook in ours if hook.get("topic") not in TOPICS]
    return result


def _plan_topic(result: Plan, topic: str, hooks: Sequence[Json], url: str, secret: str) -> None:
    good = [hook for hook in hooks if hook.get("status") == "active"]
    # A switched-off webhook is made anew: switching it on keeps its count of failures, and the next one ends it.
    result.delete += [int(hook["id"]) for hook in hooks if hook not in good[:1]]
    if not good:
        body = {"name": name(topic, secret), "topic": topic, "delivery_url": url, "secret": secret}
        result.create.append(body | {"status": "active"})
        result.mended.append(f"{topic} ({'switched off' if hooks else 'missing'})")
    elif good[0].get("name") != name(topic, secret) or good[0].get("delivery_url") != url:
        body = {"id": good[0]["id"], "name": name(topic, secret), "delivery_url": url, "secret": secret}
        result.update.append(body)


def name(topic: str, secret: str) -> str:
    """A store never shows a secret; the name tells which one a webhook was given."""
    return f"{OURS} {topic} {hashlib.sha256(secret.encode()).hexdigest()[:8]}"


def is_ours(hook: Json, url: str) -> bool:
    """At our address, or at an earlier one of ours: the path names the shop and the connection."""
    there = str(hook.get("delivery_url") or "")
    moved = str(hook.get("name") or "").startswith(OURS) and urlsplit(there).path == urlsplit(url).path
    return there == url or moved
