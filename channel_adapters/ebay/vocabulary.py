"""eBay's words and ours, as tables. A word that is not here is kept as it is and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.domain.order import OrderPhase
from bridge.domain.requirement import AttributeKind, Need
from bridge.domain.returns import ReturnCause, ReturnDecision
from bridge.ports.channel import SubmissionState

# The language of each marketplace's texts, for Content-Language (developer.ebay.com, HTTP request headers). Belgium and
# Canada have two: the setting ``locales`` chooses the other.
LOCALES: Mapping[str, str] = {
    "EBAY_AT": "de-AT",
    "EBAY_AU": "en-AU",
    "EBAY_BE": "fr-BE",
    "EBAY_CA": "en-CA",
    "EBAY_CH": "de-CH",
    "EBAY_DE": "de-DE",
    "EBAY_ES": "es-ES",
    "EBAY_FR": "fr-FR",
    "EBAY_GB": "en-GB",
    "EBAY_IE": "en-IE",
    "EBAY_IT": "it-IT",
    "EBAY_NL": "nl-NL",
    "EBAY_PL": "pl-PL",
    "EBAY_US": "en-US",
}
# Item specifics are named in the marketplace's language; this is what each calls the brand.
BRAND_ASPECTS: Mapping[str, str] = {
    "de": "Marke",
    "en": "Brand",
    "es": "Marca",
    "fr": "Marque",
    "it": "Marca",
    "nl": "Merk",
    "pl": "Marka",
}
# ConditionEnum of the Inventory API.
CONDITIONS: Mapping[str, str] = {
    "new": "NEW",
    "as_new": "LIKE_NEW",
    "good": "USED_VERY_GOOD",
    "reasonable": "USED_GOOD",
    "moderate": "USED_ACCEPTABLE",
    "refurbished": "SELLER_REFURBISHED",
}
# Attributes that are fields of their own and no item specifics.
OWN_FIELDS = ("mpn", "epid", "conditionDescription")

NOT_LISTED = ("UNPUBLISHED", "")
LISTED, ON_SALE, SOLD_OUT = "PUBLISHED", "ACTIVE", "OUT_OF_STOCK"
LISTING_STATES: Mapping[str, tuple[str, str]] = {
    "OUT_OF_STOCK": (
        "Nothing is in stock.",
        "Nothing to do when it is sold out; otherwise check the stock in the store.",
    ),
    "INACTIVE": ("The listing is not active.", "Look at the listing in eBay's Seller Hub."),
    "ENDED": ("The listing has ended.", "It is made again by itself when the product changes."),
    "EBAY_ENDED": ("eBay has ended the listing.", "Look in eBay's messages for the reason."),
    "NOT_LISTED": ("The listing was never published.", "Look at the listing in eBay's Seller Hub."),
}

# OrderPaymentStatusEnum. What is not here is not to be shipped yet.
PHASES: Mapping[str, OrderPhase] = {
    "PAID": OrderPhase.READY,
    "PARTIALLY_REFUNDED": OrderPhase.READY,
    "FULLY_REFUNDED": OrderPhase.READY,
}
PAID_BACK = "FULLY_REFUNDED"
WITH_TAX_NUMBERS = frozenset({"EBAY_IT", "EBAY_ES"})
SHIPPED_BY_EBAY = "FULFILLED_BY_EBAY"
NOT_STARTED, IN_PROGRESS, FULFILLED = "NOT_STARTED", "IN_PROGRESS", "FULFILLED"
# CancelStateEnum and CancelRequestStateEnum.
NONE_REQUESTED, CANCELLED = "NONE_REQUESTED", "CANCELED"
REQUESTED, REJECTED, COMPLETED = "REQUESTED", "REJECTED", "COMPLETED"
# RefundStatusEnum.
REFUND_STATES: Mapping[str, SubmissionState] = {
    "PENDING": SubmissionState.PENDING,
    "REFUNDED": SubmissionState.DONE,
    "FAILED": SubmissionState.FAILED,
}
# DecisionEnum of the Post-Order API, as far as sellers may use it without naming an amount.
RETURN_DECISIONS: Mapping[ReturnDecision, str] = {
    ReturnDecision.ACCEPTED: "APPROVE",
    ReturnDecision.REFUSED: "DECLINE",
    ReturnDecision.KEPT_BY_BUYER: "DECLINE",
}
RETURN_CLOSED = frozenset({"CLOSED", "REPLACED", "REPLACEMENT_CLOSED"})
RETURN_BACK = "ITEM_DELIVERED"
REFUND_FAILED = "PARTIAL_REFUND_FAILED"
# AvailableOptionEnum: what the seller may do next with a return.
MAY_APPROVE, MAY_DECLINE = "SELLER_APPROVE_REQUEST", "SELLER_DECLINE_REQUEST"
MAY_RECEIVE = "SELLER_MARK_AS_RECEIVED"

# aspectDataType and aspectUsage of the Taxonomy API.
ASPECT_KINDS: Mapping[str, AttributeKind] = {
    "STRING": AttributeKind.TEXT,
    "STRING_ARRAY": AttributeKind.TEXT,
    "NUMBER": AttributeKind.NUMBER,
    "DATE": AttributeKind.DATE,
}
NEEDS: Mapping[str, Need] = {"RECOMMENDED": Need.RECOMMENDED, "OPTIONAL": Need.OPTIONAL}

ORDER_TOPIC = "ORDER_CONFIRMATION"
DELETION_TOPIC = "MARKETPLACE_ACCOUNT_DELETION"
# Metrics of the seller standards whose value is a share in percent, and has to stay below its limit.
RATE = "RATE"
# ReturnReasonEnum (Post-Order API, developer.ebay.com)
RETURN_CAUSES = {
    "NO_LONGER_NEED_ITEM": ReturnCause.CHANGED_MIND,
    "FOUND_BETTER_PRICE": ReturnCause.CHANGED_MIND,
    "ORDERED_ACCIDENTALLY": ReturnCause.CHANGED_MIND,
    "ORDERED_WRONG_ITEM": ReturnCause.CHANGED_MIND,
    "RETURNING_GIFT": ReturnCause.CHANGED_MIND,
    "ARRIVED_DAMAGED": ReturnCause.DEFECTIVE,
    "DEFECTIVE_ITEM": ReturnCause.DEFECTIVE,
    "DIFFERENT_FROM_LISTING": ReturnCause.NOT_AS_DESCRIBED,
    "NOT_AS_DESCRIBED": ReturnCause.NOT_AS_DESCRIBED,
    "FAKE_OR_COUNTERFEIT": ReturnCause.NOT_AS_DESCRIBED,
    "MISSING_PARTS": ReturnCause.NOT_AS_DESCRIBED,
    "ORDERED_DIFFERENT_ITEM": ReturnCause.WRONG_ITEM,
    "ARRIVED_LATE": ReturnCause.LATE,
}
