"""Parcels. The tracking number belongs to the order and is told first; the status of each line follows at least five
seconds later, for Zalando takes in changes of an order in no certain order (orders-shipping.html)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bridge.domain.order import FulfilledBy, MarketplaceOrder, Parcel
from bridge.domain.reading import Json, moment, table, text, whole
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import AskMerchant, BridgeError, RejectItem, RetryLater
from channel_adapters.zalando import mapping
from channel_adapters.zalando.account import Account
from channel_adapters.zalando.client import ZalandoClient
from channel_adapters.zalando.lines import Lines
from channel_adapters.zalando.vocabulary import SHIPPED

# Five seconds are asked for; the sixth is for clocks that differ and for the way there.
APART = timedelta(seconds=6)
# An order may be shown without its new number for a while: so long it is known here that it was told.
REMEMBERED = timedelta(minutes=10)
REFUSALS = (RejectItem, AskMerchant)
NO_WEIGHT = "Zalando wants the weight of each parcel of an order that is split. Enter it in the settings."


class Shipping:
    """Thread-safe."""

    def __init__(
        self, client: ZalandoClient, account: Account, settings: Mapping[str, Any], clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._account = account
        self._settings = settings
        self._clock = clock
        self._lines = Lines(client, account)
        self._lock = threading.Lock()
        self._told: dict[str, datetime] = {}

    def ship(self, order: MarketplaceOrder, parcel: Parcel) -> ItemResult:
        """RETRY with ``after`` between the two steps; the step that is next is told by the order itself."""
        ours = {line.external_id for line in order.lines if line.fulfilled_by is not FulfilledBy.CHANNEL}
        wanted = [line.external_id for line in parcel.lines]
        if unknown := [line for line in wanted if line not in ours]:
            words = f"Not a line that you ship for Zalando: {', '.join(unknown)}."
            return ItemResult(key=parcel.reference, outcome=Outcome.MISSING, message=words)
        if self._settings.get("split_shipments"):
            # What was begun one way is not told the other way as well, though lines were cancelled since; Zalando
            # supports no mixture (orders-split-shipment.html).
            made = self._shipment_of(order, parcel)
            begun = text(_about(order).get("tracking_number")) == parcel.tracking
            if made is not None or not (begun or set(wanted) == _to_send(order)):
                return self._as_shipment(order, parcel, made)
        return self._as_order(order, parcel, wanted)

    # The whole order

    def _as_order(self, order: MarketplaceOrder, parcel: Parcel, wanted: Sequence[str]) -> ItemResult:
        """An order has one tracking number, the first: of what is sent later only the lines are told."""
        if parcel.tracking and not text(_about(order).get("tracking_number")) and order.external_id not in self._told:
            attributes = {"tracking_number": parcel.tracking}
            if self._settings.get("return_tracking") == "same":
                attributes["return_tracking_number"] = parcel.tracking
            self._client.patch_order(self._account.merchant, order.external_id, attributes)
            return self._later(parcel, order.external_id)
        early = self._too_soon(parcel, order.external_id, moment(_about(order).get("modified_at")))
        return early or self._sent(order, parcel, wanted)

    def _later(self, parcel: Parcel, key: str) -> ItemResult:
        now = self._clock()
        with self._lock:
            self._told = {known: at for known, at in self._told.items() if now - at < REMEMBERED} | {key: now}
        return ItemResult(key=parcel.reference, outcome=Outcome.RETRY, message=_TOO_SOON, after=APART)

    def _too_soon(self, parcel: Parcel, key: str, changed: datetime | None) -> ItemResult | None:
        """By our own clock; after a restart by what Zalando says of the change."""
        known = self._told.get(key) or changed
        left = timedelta(0) if known is None else min(APART - (self._clock() - known), APART)
        if left <= timedelta(0):
            return None
        return ItemResult(key=parcel.reference, outcome=Outcome.RETRY, message=_TOO_SOON, after=left)

    def _sent(self, order: MarketplaceOrder, parcel: Parcel, wanted: Sequence[str]) -> ItemResult:
        """One call for each line: half of them told is a failure, and what was told is read back from their state."""
        attributes = {"status": SHIPPED}
        if center := text(self._settings.get("logistic_center")):
            attributes["outbound_logistic_center_id"] = center

        def send(line_id: str) -> ItemResult:
            found = mapping.find_line(order.raw, line_id)
            if found is None:
                return ItemResult(key=line_id, outcome=Outcome.MISSING, message="Zalando does not know this line.")
            return self._lines.move(order.external_id, *found, attributes, key=line_id)

        answers = self._client.each(send, wanted)
        return _together(parcel.reference, list(zip(wanted, answers, strict=True)))

    # One parcel of several (a pilot of Zalando's)

    def _shipment_of(self, order: MarketplaceOrder, parcel: Parcel) -> Json | None:
        known = self._client.shipments(self._account.merchant, order.external_id)
        return next((raw for raw in known if text(raw.get("merchant_specified_shipment_id")) == parcel.reference), None)

    def _as_shipment(self, order: MarketplaceOrder, parcel: Parcel, made: Json | None) -> ItemResult:
        key = f"{order.external_id}/{parcel.reference}"
        if made is None:
            return self._made(order, parcel, key)
        if text(made.get("status")) == SHIPPED:
            return ItemResult(key=parcel.reference, outcome=Outcome.APPLIED)
        if early := self._too_soon(parcel, key, moment(made.get("created_at"))):
            return early
        number = text(made.get("shipment_id"))
        self._client.patch_shipment(self._account.merchant, order.external_id, number, {"status": SHIPPED})
        return ItemResult(key=parcel.reference, outcome=Outcome.APPLIED)

    def _made(self, order: MarketplaceOrder, parcel: Parcel, key: str) -> ItemResult:
        weight = whole(self._settings.get("parcel_weight")) or 0
        if weight <= 0:
            no = Outcome.REJECTED
            return ItemResult(key=parcel.reference, outcome=no, message=NO_WEIGHT, field="parcel_weight")
        self._client.create_shipment(self._account.merchant, order.external_id, self._shipment(parcel, weight))
        return self._later(parcel, key)

    def _shipment(self, parcel: Parcel, weight: int) -> Json:
        body: Json = {
            "order_lines": [{"order_line_id": line.external_id} for line in parcel.lines],
            "weight": {"value": weight, "unit": "g"},
            "merchant_specified_shipment_id": parcel.reference,
            "tracking_number": parcel.tracking,
        }
        if self._settings.get("return_tracking") == "same":
            body["return_tracking_number"] = parcel.tracking
        if center := text(self._settings.get("logistic_center")):
            body["outbound_logistic_center_id"] = center
        return body


_TOO_SOON = "Zalando has the tracking number; that it is shipped is told a few seconds later."


def _to_send(order: MarketplaceOrder) -> set[str]:
    """All that is not cancelled: a parcel with just these lines is the whole order."""
    return {line.external_id for line in order.lines if line.cancelled < line.quantity}


def _about(order: MarketplaceOrder) -> Json:
    return table(order.raw, "data", "attributes")


def _together(key: str, answers: Sequence[tuple[str, ItemResult | BridgeError]]) -> ItemResult:
    """One result of all lines; it is raised what no line got past."""
    bad: list[tuple[str, Outcome, str]] = []
    for line, answer in answers:
        if isinstance(answer, RetryLater):
            bad.append((line, Outcome.RETRY, answer.merchant))
        elif isinstance(answer, REFUSALS):
            bad.append((line, Outcome.REJECTED, answer.merchant))
        elif isinstance(answer, BridgeError):
            raise answer
        elif answer.outcome is not Outcome.APPLIED:
            bad.append((line, answer.outcome, answer.message))
    if not bad:
        return ItemResult(key=key, outcome=Outcome.APPLIED)
    errors = [answer for _, answer in answers if isinstance(answer, BridgeError)]
    if errors and len(bad) == len(answers):
        raise errors[0]
    words = "; ".join(f"{line}: {message}" for line, _, message in bad[:5])
    outcome = Outcome.RETRY if any(found is Outcome.RETRY for _, found, _ in bad) else Outcome.REJECTED
    told = words if len(answers) == 1 else f"{len(answers) - len(bad)} of {len(answers)} units are told. {words}"
    return ItemResult(key=key, outcome=outcome, message=told)
