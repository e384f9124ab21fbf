"""The story of a rehearsal: steps as data, told one after the other, each with what it needs and what was seen."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from bridge.domain.order import StoreOrder
from bridge.flows.project import REHEARSED
from bridge.ports.errors import AskMerchant, BridgeError, Reauthorise
from bridge.ports.manifest import Capability
from bridge.rehearsal.report import Failed, Result
from bridge.rehearsal.world import World

T = TypeVar("T")
LOOK, AT_MOST = 0.1, 0.4  # between two looks, which become rarer: what looks is a load on what it looks at
INSTEAD = " Instead: "


@dataclass(frozen=True)
class Step:
    """``act`` returns what was seen, or raises Failed. It is not run when a step in ``needs`` failed. When the
    marketplace does not offer one of ``wants`` it is passed over, or ``instead`` shows whom it is put to."""

    name: str
    act: Callable[[Story], str]
    needs: tuple[str, ...] = ()
    wants: tuple[Capability, ...] = ()
    instead: Callable[[Story], str] | None = None


@dataclass
class Story:
    """What the steps hand on to each other. ``stock`` is what the store's shelf should hold."""

    world: World
    interrupted: threading.Event
    sku: str
    gtin: str
    title: str
    price: str = "19.95"
    stock: int = 8
    product_id: str = ""
    orders: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @property
    def patience(self) -> float:
        return self.world.plan.patience

    def until(self, what: str, look: Callable[[], T | None], seen: Callable[[], object] | None = None) -> T:
        """The first answer that is not None and not False. Raises Failed, telling what was seen last."""
        deadline, pause = time.monotonic() + self.patience, LOOK
        while True:
            answer = look()
            if answer is not None and answer is not False:
                return answer
            if time.monotonic() > deadline:
                last = f"; seen last: {seen()}" if seen is not None else ""
                raise Failed(f"not within {self.patience:g} s: {what}{last}")
            if self.interrupted.wait(pause):
                raise KeyboardInterrupt
            pause = min(AT_MOST, pause * 1.2)

    def until_offered(self, what: str, **expected: object) -> float:
        """Wait until the marketplace shows our offer like this; seconds it took."""
        began = time.monotonic()

        def look() -> bool:
            offer = self.world.market.offer(self.sku)
            return offer is not None and all(_same(offer.get(name), value) for name, value in expected.items())

        self.until(what, look, self.offer_seen)
        return time.monotonic() - began

    def offer_seen(self) -> str:
        offer = self.world.market.offer(self.sku)
        if offer is None:
            return f"no offer for {self.sku}"
        names = ("stock", "price", "title", "live", "reasons")
        return ", ".join(f"{name} {offer[name]!r}" for name in names if name in offer)

    def until_shelf(self, units: int, why: str) -> None:
        """Wait until the store itself holds this many."""
        self.until(f"{units} in the store ({why})", lambda: self._shelf() == units, lambda: f"{self._shelf()} there")

    def _shelf(self) -> int:
        return self.world.store.stock_of(self.sku)

    def listed_orders(self, ref: str) -> list[StoreOrder]:
        """The same, as soon as the store's list has one: in a real store the list runs behind what was created."""
        return self.until(f"the store's list has an order for {ref}", lambda: self.store_orders(ref) or None)

    def store_orders(self, ref: str) -> list[StoreOrder]:
        """Every order in the store that carries this reference: found by reading the list, not by asking for it."""
        platform = self.world.platform
        since = self.world.row(self.world.store_id).created_at - timedelta(minutes=5)
        ids: list[str] = []
        cursor: str | None = None
        while True:
            page = platform.list_orders(since, cursor)
            ids += [item.external_id for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        return [order for order in platform.fetch_orders(list(dict.fromkeys(ids))) if order.marketplace_ref == ref]


def _same(seen: object, expected: object) -> bool:
    if isinstance(expected, str) and isinstance(seen, int | float):
        return f"{seen:.2f}" == f"{float(expected):.2f}"
    return seen == expected


def begin(world: World, interrupted: threading.Event) -> Story:
    """A product nobody else has: its SKU says what it is, its EAN is valid."""
    marker = "".join(random.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=6))
    return Story(world, interrupted, f"{REHEARSED}{marker}", new_ean(), f"Rehearsal article {marker}")


def new_ean() -> str:
    """A valid EAN-13 under a prefix of GS1 Netherlands."""
    body = "8719" + "".join(random.choices("0123456789", k=8))
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(body))
    return body + str(-total % 10)


def tell(story: Story, steps: Sequence[Step]) -> Iterator[Result]:
    """Each step as it ends. Raises KeyboardInterrupt at the first moment at which nothing is under way."""
    failed: set[str] = set()
    for step in steps:
        if story.interrupted.is_set():
            raise KeyboardInterrupt
        result = _take(story, step, failed)
        if not result.ok:
            failed.add(step.name)
        yield result


def _take(story: Story, step: Step, failed: set[str]) -> Result:
    if blocked := [name for name in step.needs if name in failed]:
        return Result(step.name, False, 0.0, f"not tried: it needs {blocked[0]!r}")
    manifest = story.world.engine.channels[story.world.plan.channel].manifest
    act, said = step.act, ""
    if lacking := [item for item in step.wants if item not in manifest.capabilities]:
        said = f"lacks: {manifest.lacks.get(lacking[0], f'{manifest.title} has no {lacking[0]}')}"
        if step.instead is None:
            return Result(step.name, True, 0.0, said)
        act, said = step.instead, f"{said}{INSTEAD}"
    began = time.monotonic()
    try:
        detail, ok = f"{said}{act(story)}", True
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is this step's result
        detail, ok = _why(story, error), False
    return Result(step.name, ok, round(time.monotonic() - began, 2), detail)


def _why(story: Story, error: Exception) -> str:
    """What a merchant can mend needs no exchange beside it."""
    text = error.merchant if isinstance(error, BridgeError) else str(error)
    if not isinstance(error, Failed | BridgeError):
        text = f"{type(error).__name__}: {error}"
    elif isinstance(error, BridgeError) and error.developer and not isinstance(error, AskMerchant | Reauthorise):
        text += f" [{error.developer[:500]}]"
    troubles = story.world.troubles()
    return f"{text.rstrip('.')}. Storebridge says: {troubles}" if troubles else text
