"""A marketplace in the hands of the suite: what a seller and its buyers do there, by the control paths all sandboxes have."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from bridge.domain.listing import LiveOffer, OfferContent
from bridge.domain.money import Money
from bridge.domain.order import MarketplaceOrder, OrderPhase, Parcel, ParcelLine
from bridge.domain.values import Value
from bridge.flows import paging
from bridge.ports.channel import Channel, ItemResult, OfferDraft, OrderRef, Outcome, Page, StockUpdate, SubmissionState
from bridge.ports.errors import BridgeError
from bridge.ports.manifest import Capability
from tests.contract.suite import Bench

T = TypeVar("T")
V = TypeVar("V", bound=Value)
EANS = ("5901234123457", "4006381333931", "9780201379624")
TEXT = "A mug of stoneware, fired twice and glazed by hand. It holds 350 ml and may go into the dishwasher."
TOKENS = ("token", "auth", "authenticate", "create-channel", "createchannel")
BETWEEN_STEPS = 5.5
GONE = "9999"


class Market:
    """One connected channel and its sandbox."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.channel: Channel = bench.connect()
        self.began = datetime.now(UTC)

    def control(self, path: str, body: Any = None) -> Any:
        """A control path, read or (with a body) written."""
        url = f"{self.bench.url}/_sandbox/{path}"
        answer = self.bench.http.get(url) if body is None else self.bench.http.post(url, json=body)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def offer(self, sku: str = "SUITE-1", ean: str = EANS[0], stock: int = 9) -> StockUpdate:
        """An offer that exists, as the adapter itself finds it, ready to be updated."""
        self.control("offers", {"sku": sku, "ean": ean, "stock": stock, "price": 19.95})
        found = soon(lambda: self._found(sku, ean))
        return StockUpdate(key=sku, site=found.site, offer_id=found.offer_id, sku=sku, gtin=ean, stock=stock)

    def goods(self) -> str:
        """A SKU that buyers can have. Where offers come by a feed, buyers are let in without one."""
        return self.offer(stock=999).sku if self.by_calls() else "SUITE-1"

    def by_calls(self) -> bool:
        return Capability.OFFERS in self.bench.adapter.manifest.capabilities

    def _found(self, sku: str, ean: str) -> LiveOffer | None:
        return next((offer for offer in self.channel.find_offers([sku], [ean]) if offer.sku == sku), None)

    def stock(self, sku: str) -> set[int]:
        """What buyers can see of a SKU, on whatever sites it is."""
        return {offer["stock"] for offer in self.control("offers") if offer["sku"] == sku}

    def listed(self, sku: str) -> list[str]:
        """The ids of the offers under this SKU."""
        return [offer["offer_id"] for offer in self.control("offers") if offer["sku"] == sku]

    def buy(self, sku: str, quantity: int = 1, **more: Any) -> str:
        body = {"lines": [{"sku": sku, "quantity": quantity}], **more}
        return str(self.control("orders", body if self.by_calls() else body | {"force": True})["order_id"])

    def buy_many(self, sku: str, count: int) -> list[str]:
        body = {"lines": [{"sku": sku, "quantity": 1}], "force": True}
        answers = self.control("batch", {"path": "orders", "bodies": [body] * count})
        return [str(answer["order_id"]) for answer in answers]

    def ready(self, order_id: str) -> MarketplaceOrder:
        """The order as soon as it may be shipped; accepted first, where the seller has to."""
        [ref] = [ref for ref in soon(self.orders) if short(ref.external_id) == short(order_id)]

        def look() -> MarketplaceOrder | None:
            order = self.channel.fetch_order(ref.external_id)
            if order.phase is OrderPhase.AWAITING_ACCEPTANCE:
                assert self.outcome(self.channel.accept_order(order, ()))[0] is Outcome.APPLIED
            return order if order.phase is OrderPhase.READY else None

        return soon(look)  # type: ignore[no-any-return]

    def parcel(self, order: MarketplaceOrder, *lines: ParcelLine) -> Parcel:
        code = self.channel.carrier_code("DHL", "00340434161094015902")
        return Parcel(reference="SUITE-P1", carrier=code, tracking="00340434161094015902", lines=lines)

    def ship(self, order: MarketplaceOrder, parcel: Parcel) -> None:
        """Confirmed in the end: some marketplaces want time between two steps."""
        for _ in range(4):
            outcome, message = self.outcome(self.channel.confirm_shipment(order, parcel))
            if outcome is Outcome.APPLIED:
                return
            assert outcome is Outcome.RETRY, message
            time.sleep(BETWEEN_STEPS)
        raise AssertionError("it is never confirmed")

    def shown(self, order_id: str) -> str:
        """All that the sandbox shows of an order."""
        return str([one for one in self.control("orders") if short(one["order_id"]) == short(order_id)])

    def site(self) -> tuple[str, str]:
        """Currency and code of a site on which this account sells."""
        code = self.offer("SITE-1", EANS[2]).site
        manifest = self.bench.adapter.manifest
        known = {site.code: site.currency for site in manifest.sites}
        return known.get(code, manifest.currency or "EUR"), code

    def orders(self) -> list[OrderRef]:
        """Every order that changed since the suite began, by the cursor, to the end."""
        return pages(lambda cursor: self.channel.list_orders(self.began - timedelta(minutes=10), cursor))

    def outcome(self, result: ItemResult) -> tuple[Outcome, str]:
        """What became of an item in the end: what was taken for later is followed."""
        if result.outcome is not Outcome.SUBMITTED:
            return result.outcome, result.message
        assert result.submission, "what is SUBMITTED names its submission"
        status = soon(lambda: self._over(str(result.submission)))
        done = status.state is SubmissionState.DONE
        return (Outcome.APPLIED if done else Outcome.REJECTED), status.message

    def _over(self, submission: str) -> Any:
        [status] = self.channel.follow([submission])
        return status if status.state is not SubmissionState.PENDING else None

    def sent(self) -> list[dict[str, Any]]:
        """Calls that reached the sandbox and write."""
        return [call for call in self.bench.seen() if call["method"] in ("POST", "PUT", "PATCH") and not is_token(call)]

    def tokens(self) -> int:
        return sum(is_token(call) for call in self.bench.seen())

    @contextlib.contextmanager
    def fault(self, kind: str, operation: str = "*", times: int | None = None, **params: Any) -> Iterator[None]:
        self.control("faults", {"kind": kind, "operation": operation, "times": times, "params": params})
        try:
            yield
        finally:
            self.bench.heal()


def short(name: str) -> str:
    """Some adapters put a site before the marketplace's own id."""
    return name.rpartition(":")[2].rpartition("/")[2]


def draft(sku: str, ean: str, currency: str, site: str = "") -> OfferDraft:
    content = OfferContent(
        title="Stoneware mug, 350 ml", description=TEXT, brand="Suite", images=(f"https://images.example/{sku}.jpg",)
    )
    price = Money(amount=Decimal("24.95"), currency=currency)
    return OfferDraft(key=sku, site=site, sku=sku, gtin=ean, stock=4, price=price, content=content)


def gone(update: StockUpdate) -> StockUpdate:
    """The same for an offer that does not exist: its name and its id end otherwise."""
    sku = f"{update.sku}{GONE}"
    number = update.offer_id.replace(update.sku, sku) if update.sku in update.offer_id else update.offer_id[:-4] + GONE
    return update.model_copy(update={"key": "gone", "offer_id": number, "sku": sku, "gtin": EANS[2]})


def pages(read: Callable[[str | None], Page[V]]) -> list[V]:
    """All items of a list, read as the engine reads it. Raises RetryLater where it never ends."""
    return [item for page in paging.pages(read) for item in page]


def pages_while(read: Callable[[str | None], Page[V]], happens: Callable[[Sequence[V]], None]) -> list[V]:
    """All items of a list, with something that happens when the first page of it has been read."""
    begun = False

    def page(cursor: str | None) -> Page[V]:
        nonlocal begun
        found = read(cursor)
        if found.items and not begun:
            begun = True
            happens(found.items)
        return found

    return pages(page)


def attempt(act: Callable[[], Sequence[T]]) -> BridgeError | list[T]:
    """What came of it: a list, or the error that says what to do next."""
    try:
        return list(act())
    except BridgeError as error:
        return error


def soon(look: Callable[[], Any], within: float = 60) -> Any:
    """The first true answer. Sandboxes take their time on purpose, some of them a second."""
    end = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
    return found


def is_token(call: dict[str, Any]) -> bool:
    """A call that asks for what other calls are signed or let in with."""
    return call["op"].lower() in TOKENS or call["path"].partition("?")[0].rstrip("/").endswith("/token")
