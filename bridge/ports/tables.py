"""The tables of the READMEs that are made from manifests and quality.toml, so that they cannot say anything else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bridge.ports.adapter import Adapter
from bridge.ports.manifest import Capability, Manifest
from bridge.ports.quality import TIERS, load_quality, scale

# What each capability means to a merchant.
MEANINGS: dict[Capability, str] = {
    Capability.CHECK: "credentials are proven before they are saved, and daily",
    Capability.OFFERS: "offers are made, changed and ended; stock and prices are sent",
    Capability.CONTENT: "titles, descriptions and pictures are sent",
    Capability.READ_BACK: "what stands there is read back and compared",
    Capability.ORDERS: "orders come in",
    Capability.SHIPMENTS: "shipments are confirmed, with carrier and tracking",
    Capability.CANCEL: "order lines are cancelled",
    Capability.RETURNS: "returns come in and are decided",
    Capability.PUSH: "events arrive by themselves",
    Capability.SCORE: "the marketplace's own figures on you are shown",
    Capability.CATEGORIES: "its categories are read",
    Capability.REQUIREMENTS: "the attributes it wants of each category are read",
    Capability.ACCEPT: "orders are accepted or declined",
    Capability.ANSWER_CANCELLATION: "a buyer's request to cancel can be refused",
    Capability.FEED: "offers are written into a feed that the marketplace fetches",
    Capability.CATALOGUE: "products, variants and stock are read",
    Capability.CREATE_ORDER: "orders are created in the store",
    Capability.REFUNDS: "refunds are paid where the seller has to",
    Capability.WEBHOOKS: "changes arrive by webhooks",
    Capability.STOCK_WRITE: "stock can be set",
}
# The same of a store, where it means something else there.
OF_STORES: dict[Capability, str] = {Capability.RETURNS: "returns are kept in the store as returns, with their refund"}
_STORES = (Capability.CATALOGUE, Capability.CREATE_ORDER, Capability.WEBHOOKS, Capability.STOCK_WRITE)
# Instead of calls: no marketplace that is called lacks it.
_INSTEAD = (Capability.FEED,)
_BOTH = (Capability.CHECK, Capability.CANCEL, Capability.REFUNDS, Capability.RETURNS, Capability.SHIPMENTS)
CAPABILITIES = {
    "channel": tuple(item for item in Capability if item not in (*_STORES, *_INSTEAD)),
    "platform": (*_BOTH, *_STORES),
}


def capabilities_table(manifest: Manifest) -> str:
    """Every capability an adapter of this kind can have: there, or why not."""
    rows = ["| Capability | |", "| --- | --- |"]
    meanings = MEANINGS | (OF_STORES if manifest.kind == "platform" else {})
    for item in (*CAPABILITIES[manifest.kind], *(item for item in _INSTEAD if item in manifest.capabilities)):
        lacking = manifest.lacks.get(item)
        told = f"**no**: {lacking}" if lacking else meanings[item] if item in manifest.capabilities else "**no**"
        rows.append(f"| {item.value} | {told} |")
    return "\n".join(rows)


def quality_table(adapters: Iterable[Adapter]) -> str:
    """The tier of each adapter, what is still open, and against what it was tried."""
    rows = ["| Adapter | Quality | Rules kept | Still open | Tried against |", "| --- | --- | --- | --- | --- |"]
    for adapter in adapters:
        kind = adapter.manifest.kind
        quality = load_quality(adapter.folder, kind)
        count = sum(len(scale(kind)[tier]) for tier in TIERS)
        left = ", ".join(rule for rules in quality.open.values() for rule in rules) or "–"
        kept = f"{len(quality.done)} of {count}" + (f", {len(quality.exempt)} not applicable" if quality.exempt else "")
        rows.append(f"| {adapter.manifest.title} | {quality.tier} | {kept} | {left} | {quality.tried} |")
    return "\n".join(rows)


def table_in(path: Path, name: str) -> str | None:
    """What stands between ``<!-- name -->`` and ``<!-- end of name -->``; None where the marks are missing."""
    found = _block(name).search(path.read_text(encoding="utf-8"))
    return found[2].strip() if found else None


def put_table(path: Path, name: str, table: str) -> bool:
    """Write it there. False where the marks are missing."""
    text = path.read_text(encoding="utf-8")
    changed, count = _block(name).subn(lambda found: f"{found[1]}\n{table}\n\n{found[3]}", text)
    if count and changed != text:
        path.write_text(changed, encoding="utf-8")
    return count > 0


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- end of {name} -->)", re.DOTALL)
