"""Zalando's words and ours. Where a table names a page, it is one of developers.merchants.zalando.com/docs."""

from __future__ import annotations

from bridge.domain.order import FulfilledBy, OrderPhase
from bridge.domain.requirement import AttributeKind
from bridge.domain.returns import ReturnCause
from bridge.ports.channel import Outcome, SubmissionState

# Countries of sales channels that are named otherwise than by ISO 3166 (sales-channels.html: uk).
COUNTRIES = {"uk": "gb"}

FULFILLED_BY = {"PartnerFulfilled": FulfilledBy.MERCHANT, "ZalandoFulfilled": FulfilledBy.CHANNEL}
PARTNER_FULFILLED = "PartnerFulfilled"

# "initial: not yet paid for; approved: may be processed and shipped; fulfilled: completed" (orders-status.html).
PHASES = {"initial": OrderPhase.PENDING, "approved": OrderPhase.READY, "fulfilled": OrderPhase.READY}
# In the order in which they follow each other: what moves on while the lists are read is met again, and never missed.
OPEN_STATUSES = ("initial", "approved")

# A line is one unit. A word that is not here is neither shipped nor cancelled, and not to be shipped either.
CANCELLED, SHIPPED, RETURNED = "canceled", "shipped", "returned"
GONE = frozenset({SHIPPED, RETURNED})
LINE_STATUSES = frozenset({"initial", "reserved", SHIPPED, RETURNED, CANCELLED})
NOTHING = frozenset[str]()
# What may follow on what, where the answer does not tell itself (meta.possible_status_transitions).
NEXT = {
    "initial": frozenset({"reserved", SHIPPED, CANCELLED}),
    "reserved": frozenset({SHIPPED, CANCELLED}),
    SHIPPED: frozenset({RETURNED}),
    RETURNED: NOTHING,
    CANCELLED: NOTHING,
}

# Results of one item of a 207: stocks 1.1.0 and prices 1.1.2. An unlisted status "must be treated as FAILED".
STATUSES = {
    "ACCEPTED": Outcome.APPLIED,
    "PARTIALLY_ACCEPTED": Outcome.APPLIED,
    "REJECTED": Outcome.REJECTED,
    "FAILED": Outcome.RETRY,
}
WAITS_FOR_PRODUCT = 104
CODES = {
    101: "Zalando's validation refused it",
    102: "Zalando had trouble of its own",
    103: "your account is not active in this country",
    104: "kept by Zalando until the article is onboarded",
    105: "some scheduled prices were refused",
    106: "the price is below the lowest that is allowed",
    107: "the price is above the highest that is allowed",
    108: "the discount is larger than is allowed",
}

# A price update's way (offers-price-reporting.html, Price Reporting 1.0.0). AWAITING_ONBOARDING: it is valid and
# applied with the article, days later perhaps. An unknown word is no end.
ATTEMPTS = {
    "RECEIVED": SubmissionState.PENDING,
    "ACCEPTED": SubmissionState.PENDING,
    "SCHEDULED": SubmissionState.PENDING,
    "SUBMITTED": SubmissionState.DONE,
    "AWAITING_ONBOARDING": SubmissionState.DONE,
    "REJECTED": SubmissionState.FAILED,
    "FAILED": SubmissionState.FAILED,
    "OVERRIDDEN": SubmissionState.FAILED,
}
OVERRIDDEN = "another price was sent to Zalando for this article later; look who else changes prices there"
HELD_BACK = (
    "Zalando holds a suspicious price back: correct it, or release it in zDirect under price updates if it is meant"
)

# Of an offer or an article in the product status report. Other words are not for sale.
LIVE = "LIVE"
REFUSED_CLUSTER = "REJECTED"

ATTRIBUTE_KINDS = {
    "BooleanDefinition": AttributeKind.FLAG,
    "StringDefinition": AttributeKind.TEXT,
    "LocalizedStringDefinition": AttributeKind.TEXT,
    "IntegerDefinition": AttributeKind.INTEGER,
    "DecimalDefinition": AttributeKind.NUMBER,
    "DatetimeDefinition": AttributeKind.DATE,
    "StructuredDefinition": AttributeKind.TEXT,
}

# Reasons of a return (orders-returns.html). Buyers' reasons are free words: what they contain decides.
RETURN_REASONS = (
    ("LARGE", 2),
    ("BIG", 2),
    ("SMALL", 3),
    ("DEFECT", 10),
    ("DAMAGE", 10),
    ("FAULTY", 10),
    ("WRONG", 9),
    ("LATE", 5),
    ("VALUE", 4),
    ("PRICE", 4),
    ("LOOK", 6),
    ("IMAGIN", 6),
    ("EXPECT", 6),
    ("LIKE", 1),
)
UNKNOWN_CAUSE = 0
# The same in our vocabulary.
RETURN_CAUSES = {
    "LARGE": ReturnCause.TOO_LARGE,
    "BIG": ReturnCause.TOO_LARGE,
    "SMALL": ReturnCause.TOO_SMALL,
    "DEFECT": ReturnCause.DEFECTIVE,
    "DAMAGE": ReturnCause.DEFECTIVE,
    "FAULTY": ReturnCause.DEFECTIVE,
    "WRONG": ReturnCause.WRONG_ITEM,
    "LATE": ReturnCause.LATE,
    "LOOK": ReturnCause.NOT_AS_DESCRIBED,
    "IMAGIN": ReturnCause.NOT_AS_DESCRIBED,
    "LIKE": ReturnCause.CHANGED_MIND,
}


def return_reason(words: str) -> int:
    """Zalando's number for a buyer's reason."""
    return next((code for part, code in RETURN_REASONS if part in words.upper()), UNKNOWN_CAUSE)


def country(code: str) -> str:
    """A sales channel's country, by ISO 3166 in small letters."""
    return COUNTRIES.get(code.lower(), code.lower())
