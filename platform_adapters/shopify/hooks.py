"""Which webhooks a store should have, against those it has. Pure.

Only what names the thing is asked for (include_fields): a delivery carries no buyer's name or address, and nothing of
it is believed anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from platform_adapters.shopify.reading import Json, text

_ID = ("id", "updated_at")
# Topic as deliveries name it: the fields of the body that are wanted.
TOPICS: Mapping[str, tuple[str, ...]] = {
    "products/create": _ID,
    "products/update": _ID,
    "products/delete": ("id",),
    "inventory_levels/update": ("available", "inventory_item_id", "location_id", "updated_at"),
    "orders/updated": _ID,
    "orders/cancelled": _ID,
    "orders/delete": ("id",),
    "fulfillments/create": ("id", "order_id", "updated_at"),
    "fulfillments/update": ("id", "order_id", "updated_at"),
    "refunds/create": ("id", "order_id"),
    "app/uninstalled": ("id",),
}
# A store whose app was made for it alone needs no word of its removal: its token is refused from then on.
OF_A_STORE = tuple(topic for topic in TOPICS if topic != "app/uninstalled")


@dataclass
class Plan:
    """``create``: topics; ``delete``: ids. ``mended`` says in words what was lost."""

    create: list[str] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)


def enum(topic: str) -> str:
    """As GraphQL names it: ``products/update`` is PRODUCTS_UPDATE."""
    return topic.replace("/", "_").upper()


def subscription(topic: str, url: str) -> Json:
    return {"uri": url, "format": "JSON", "includeFields": list(TOPICS[topic])}


def plan(existing: Sequence[Json], url: str, topics: Sequence[str] = OF_A_STORE) -> Plan:
    """What has to change so that each topic goes to ``url`` once, and tells what is read of it."""
    result = Plan()
    ours = [hook for hook in existing if is_ours(hook, url)]
    for topic in topics:
        there = [hook for hook in ours if hook.get("topic") == enum(topic)]
        good = [hook for hook in there if hook.get("uri") == url and _tells(hook, topic)][:1]
        result.delete += [str(hook["id"]) for hook in there if hook not in good]
        if not good:
            result.create.append(topic)
            result.mended.append(f"{topic} ({'outdated' if there else 'missing'})")
    wanted = {enum(topic) for topic in topics}
    result.delete += [str(hook["id"]) for hook in ours if hook.get("topic") not in wanted]
    return result


def _tells(hook: Mapping[str, Any], topic: str) -> bool:
    """Without a choice of fields it tells all."""
    chosen = hook.get("includeFields")
    return not chosen or set(TOPICS[topic]) <= set(chosen)


def is_ours(hook: Json, url: str) -> bool:
    """At our address, or at an earlier one of ours: the path names the shop and the connection."""
    there = text(hook.get("uri"))
    return there == url or (there.startswith("http") and urlsplit(there).path == urlsplit(url).path)
