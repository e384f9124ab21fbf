"""Returns, cancellations and refunds of eBay to our domain and back. Pure.

The Post-Order API has no machine-readable description; its fields are those of developer.ebay.com/devzone/post-order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from bridge.domain.money import Money
from bridge.domain.reading import Json, table, tables, text, whole
from bridge.domain.reading import amount as number
from bridge.domain.returns import ChannelRefund, MarketplaceReturn, ReturnCause, ReturnLine
from bridge.ports.channel import SubmissionState, SubmissionStatus
from bridge.ports.errors import RejectItem
from channel_adapters.ebay import orders
from channel_adapters.ebay.account import MANIFEST
from channel_adapters.ebay.mapping import store_sku
from channel_adapters.ebay.reading import amount, moment, stamp
from channel_adapters.ebay.vocabulary import (
    CANCELLED,
    COMPLETED,
    REFUND_FAILED,
    REFUND_STATES,
    REJECTED,
    RETURN_BACK,
    RETURN_CAUSES,
    RETURN_CLOSED,
)

COMMENT_MAX = 100


class Submission(NamedTuple):
    """What is followed: ``cancel/<order>/<request>``, ``refund/<order>/<refund>`` or ``return/<order>/<return>``, of
    which the refund is under way."""

    kind: str
    order_id: str
    key: str

    def __str__(self) -> str:
        return "/".join(self)

    @classmethod
    def read(cls, given: str) -> Submission | None:
        parts = given.split("/")
        return cls(*parts) if len(parts) == 3 and parts[0] in ("cancel", "refund", "return") else None


# Cancellations


def cancellation(raw: Json, code: str) -> Json:
    """Of a whole order, by its seller."""
    body: Json = {"legacyOrderId": text(raw.get("orderId")), "cancelReason": code}
    paid = [moment(item.get("paymentDate")) for item in tables(table(raw, "paymentSummary"), "payments")]
    when = next((at for at in paid if at is not None), None)
    return body | ({"buyerPaid": True, "buyerPaidDate": {"value": stamp(when)}} if when else {})


def refusal(fulfilments: Sequence[Json]) -> Json:
    """With the parcel that is on its way, where there is one; an empty object is wanted otherwise."""
    for parcel in fulfilments:
        if number := text(parcel.get("shipmentTrackingNumber")):
            shipped = moment(parcel.get("shippedDate"))
            date: Json = {"shipmentDate": {"value": stamp(shipped)}} if shipped else {}
            return {"trackingNumber": number} | date
    return {}


def cancel_status(given: Submission, raw: Json) -> SubmissionStatus:
    if orders.cancel_state(raw) == CANCELLED:
        return _status(given, SubmissionState.DONE)
    state = text(orders.cancel_request(raw, given.key).get("cancelRequestState"))
    if state == COMPLETED:
        return _status(given, SubmissionState.DONE)
    if state == REJECTED:
        return _status(given, SubmissionState.FAILED, "eBay has refused or dropped the cancellation.")
    return _status(given, SubmissionState.PENDING)


# Refunds


def _refund_reason(line: ChannelRefund) -> str:
    return MANIFEST.refund_reasons.code(line.reason, line.code)


def refund(raw: Json, lines: Sequence[ChannelRefund], comment: str) -> Json:
    """Of single lines; of the order where it has only one, as eBay wants it then."""
    body: Json = {"reasonForRefund": _refund_reason(lines[0]), "comment": comment[:COMMENT_MAX]}
    if len(tables(raw, "lineItems")) == 1 and len(lines) == 1:
        return body | {"orderLevelRefundAmount": amount(paid_back(lines[0]))}
    items = [{"lineItemId": line.line_id, "refundAmount": amount(paid_back(line))} for line in lines]
    return body | {"refundItems": items}


def without_tax(raw: Json, line: ChannelRefund) -> ChannelRefund:
    """What of a refund the seller pays. A tax that eBay collects is paid back by eBay on top: "eBay-collected tax will
    not be included in this amount, so the actual amount of the buyer's refund may be higher" (LineItemRefund)."""
    item = next((item for item in tables(raw, "lineItems") if text(item.get("lineItemId")) == line.line_id), {})
    currency = line.amount.currency
    tax, paid = orders.collected(item, currency), orders.paid_for(item, currency)
    if not tax.amount or paid is None or paid.amount <= 0:
        return line
    before = line.before or Money.zero(currency)

    def share(of: Money) -> Money:
        return Money(amount=of.amount * (paid - tax).amount / paid.amount, currency=currency).quantised()

    return line.model_copy(update={"amount": share(before + line.amount) - share(before)})


def cancelling_refund(back: Mapping[str, Money], *, by_buyer: bool) -> Json:
    """One line of several is not cancelled but paid back, for that reason."""
    reason = "BUYER_CANCEL" if by_buyer else "SELLER_CANCEL"
    items = [{"lineItemId": key, "refundAmount": amount(part)} for key, part in back.items()]
    return {"reasonForRefund": reason, "refundItems": items}


def paid_back(line: ChannelRefund) -> Money:
    return line.amount + line.shipping if line.shipping is not None else line.amount


def refunds(raw: Json) -> list[tuple[str, SubmissionState]]:
    """All refunds of an order by their number. Those of lines have no state of their own: with a date they are done."""
    found = []
    for item in tables(raw, "lineItems"):
        for entry in tables(item, "refunds"):
            done = bool(text(entry.get("refundDate")) or text(entry.get("refundReferenceId")))
            found.append((_id_of(entry), SubmissionState.DONE if done else SubmissionState.PENDING))
    for entry in tables(table(raw, "paymentSummary"), "refunds"):
        state = REFUND_STATES.get(text(entry.get("refundStatus")), SubmissionState.PENDING)
        found.append((_id_of(entry), state))
    return found


def _id_of(entry: Json) -> str:
    return text(entry.get("refundId")) or text(entry.get("refundReferenceId"))


def refund_status(given: Submission, raw: Json) -> SubmissionStatus:
    states = {state for key, state in refunds(raw) if key == given.key}
    if SubmissionState.FAILED in states:
        return _status(given, SubmissionState.FAILED, "eBay could not pay the refund: see Seller Hub, Payments.")
    done = SubmissionState.DONE in states
    return _status(given, SubmissionState.DONE if done else SubmissionState.PENDING)


def return_status(given: Submission, raw: Json) -> SubmissionStatus:
    """Of the refund inside a return: paid once its amount stands there."""
    states = {text(raw.get("state")), text(raw.get("status"))}
    if number(table(raw, "sellerTotalRefund", "actualRefundAmount").get("value")) or RETURN_CLOSED & states:
        return _status(given, SubmissionState.DONE)
    if REFUND_FAILED in states:
        return _status(given, SubmissionState.FAILED, "eBay could not pay the refund: see Seller Hub, Payments.")
    return _status(given, SubmissionState.PENDING)


def _status(given: Submission, state: SubmissionState, message: str = "") -> SubmissionStatus:
    return SubmissionStatus(submission=str(given), state=state, message=message)


def return_refund(lines: Sequence[ChannelRefund]) -> Json:
    """The same inside a return: one part for each type of refund (ItemizedRefundDetailType), which add up to the
    total."""
    nothing = Money.zero(lines[0].amount.currency)
    price = sum((line.amount for line in lines), nothing).quantised()
    shipping = sum((line.shipping for line in lines if line.shipping), nothing).quantised()
    kinds = (("PURCHASE_PRICE", price), ("ORIGINAL_SHIPPING", shipping))
    parts = [{"refundAmount": _number(part), "refundFeeType": kind} for kind, part in kinds if part.amount > 0]
    return {"refundDetail": {"itemizedRefundDetail": parts, "totalAmount": _number(price + shipping)}}


def _number(given: Money) -> Json:
    """Amounts are numbers in the Post-Order API."""
    return {"value": given.quantised().amount, "currency": given.currency}


# Returns


def marketplace_return(raw: Json, order: Json, now: datetime) -> MarketplaceReturn:
    """A return has one line. ``order`` is the order it is of, empty where it is not known any more: the return names
    the listing, and only the order says which line and SKU that was. Raises RejectItem."""
    about, return_id = table(raw, "creationInfo"), text(raw.get("returnId"))
    if not return_id:
        raise RejectItem("A return of eBay has no number.", field="returnId")
    goods, item = table(about, "item"), sold_line(raw, order)
    status = (text(raw.get("state")), text(raw.get("status")))
    line = ReturnLine(
        external_id=return_id,
        order_id=text(raw.get("orderId")) or text(order.get("orderId")) or None,
        order_line_id=text(item.get("lineItemId")) or text(goods.get("transactionId")) or None,
        sku=store_sku(text(item.get("sku")), orders.site_of(item)) or None,
        title=text(item.get("title")) or text(goods.get("itemTitle")),
        quantity=max(1, whole(goods.get("returnQuantity")) or 1),
        reason=text(about.get("reason")),
        cause=RETURN_CAUSES.get(text(about.get("reason")), ReturnCause.OTHER),
        comment=text(table(about, "comments").get("content")),
        handled=bool(RETURN_CLOSED & set(status)),
        received=True if RETURN_BACK in status else None,
        respond_by=moment(table(raw, "sellerResponseDue").get("respondByDate")),
    )
    registered = moment(about.get("creationDate")) or now
    return MarketplaceReturn(external_id=return_id, registered_at=registered, lines=(line,), raw=raw)


def sold_line(raw: Json, order: Json) -> Json:
    """The line of the order that a return is of: by its own number, else by its listing where that is clear."""
    goods, items = table(raw, "creationInfo", "item"), tables(order, "lineItems")
    listing, transaction = text(goods.get("itemId")), text(goods.get("transactionId"))
    exact = [item for item in items if transaction and text(item.get("lineItemId")) == transaction]
    alike = [item for item in items if listing and text(item.get("legacyItemId")) == listing]
    return next(iter(exact), alike[0] if len(alike) == 1 else {})


def options(raw: Json) -> set[str]:
    """What the seller may do next."""
    return {text(item.get("actionType")) for item in tables(raw, "sellerAvailableOptions")}


def decision(word: str, comment: str, language: str) -> Json:
    body: Json = {"decision": word}
    return body | ({"comments": {"content": comment, "language": language}} if comment else {})


REFUSED_WORDS: Mapping[str, str] = {
    "de": "Die Rückgabe wird leider nicht angenommen.",
    "en": "Unfortunately this return is not accepted.",
    "es": "Lamentablemente no se acepta esta devolución.",
    "fr": "Ce retour n'est malheureusement pas accepté.",
    "it": "Purtroppo questo reso non viene accettato.",
    "nl": "Deze retour wordt helaas niet geaccepteerd.",
    "pl": "Niestety ten zwrot nie zostaje przyjęty.",
}
