"""Allegro's words and ours."""

from __future__ import annotations

from bridge.domain.order import FulfilledBy
from bridge.domain.requirement import AttributeKind
from bridge.domain.returns import ReturnCause, ReturnDecision
from bridge.ports.channel import SubmissionState

# BCP-47 codes the specification has for Accept-Language.
LANGUAGES = {"pl": "pl-PL", "cs": "cs-CZ", "sk": "sk-SK", "hu": "hu-HU"}

# DeliveryBasic.handlingTime: "must be set to one of the following"; days until the parcel is handed over.
HANDLING_TIMES = {
    0: "PT0S",
    1: "PT24H",
    2: "P2D",
    3: "P3D",
    4: "P4D",
    5: "P5D",
    7: "P7D",
    10: "P10D",
    14: "P14D",
    21: "P21D",
    30: "P30D",
    60: "P60D",
}
# LocationWithPostCode.province, mandatory in Poland.
PROVINCES = (
    "DOLNOSLASKIE",
    "KUJAWSKO_POMORSKIE",
    "LUBELSKIE",
    "LUBUSKIE",
    "LODZKIE",
    "MALOPOLSKIE",
    "MAZOWIECKIE",
    "OPOLSKIE",
    "PODKARPACKIE",
    "PODLASKIE",
    "POMORSKIE",
    "SLASKIE",
    "SWIETOKRZYSKIE",
    "WARMINSKO_MAZURSKIE",
    "WIELKOPOLSKIE",
    "ZACHODNIOPOMORSKIE",
)
# "Our description standard": block elements only, and bold inside of them.
DESCRIPTION_BLOCKS = ("h1", "h2", "p", "ul", "ol")
DESCRIPTION_TAGS = (*DESCRIPTION_BLOCKS, "li", "b")
DESCRIPTION_BYTES = 40_000

# The states of an offer; one that is not here is not for sale.
ACTIVE, ACTIVATING, ENDED, INACTIVE = "ACTIVE", "ACTIVATING", "ENDED", "INACTIVE"
FOR_SALE = {ACTIVE: True, ACTIVATING: False, ENDED: False, INACTIVE: False}
ENDED_BY = {
    "USER": "The offer was ended by you or in your name.",
    "ADMIN": "Allegro has ended the offer.",
    "EXPIRATION": "The duration of the offer is over.",
    "EMPTY_STOCK": "Nothing is in stock.",
    "PRODUCT_DETACHMENT": "Allegro has taken the product off the offer.",
    "ERROR": "Publishing failed at Allegro.",
}
TASKS = {"NEW": SubmissionState.PENDING, "SUCCESS": SubmissionState.DONE, "FAIL": SubmissionState.FAILED}

# The states of a checkout form, and the seller's own state of it.
READY, CANCELLED = "READY_FOR_PROCESSING", "CANCELLED"
NEW, PROCESSING, SENT = "NEW", "PROCESSING", "SENT"
SHIPPED = frozenset({SENT, "PICKED_UP", "RETURNED"})
OPEN = (NEW, PROCESSING, "READY_FOR_SHIPMENT", "READY_FOR_PICKUP", "SUSPENDED")
FULFILLED_BY = {"SELLER": FulfilledBy.MERCHANT, "ALLEGRO": FulfilledBy.CHANNEL}
CASH_ON_DELIVERY = "CASH_ON_DELIVERY"

# Reasons of a payment refund (InitializeRefund.reason). The first two are those of a cancellation by the seller.
UNAVAILABLE, BY_BUYER = "PRODUCT_NOT_AVAILABLE", "CANCELLED_BY_BUYER"
CANCELLING = frozenset({UNAVAILABLE, BY_BUYER})
REFUND_STATES = {
    "SUCCESS": SubmissionState.DONE,
    "PARTIAL": SubmissionState.FAILED,
    "CANCELED": SubmissionState.FAILED,
    "VALIDATE_FAILED": SubmissionState.FAILED,
    "NEW": SubmissionState.PENDING,
    "VALIDATED": SubmissionState.PENDING,
    "IN_PROGRESS": SubmissionState.PENDING,
}

# The states of a customer return; one that is not here still has to be decided.
RETURNS_DECIDED = frozenset(
    {"FINISHED", "FINISHED_APT", "REJECTED", "COMMISSION_REFUND_CLAIMED", "COMMISSION_REFUNDED"}
)
RETURNS_ON_THEIR_WAY = frozenset({"CREATED", "DISPATCHED", "IN_TRANSIT"})
REJECTIONS = {
    ReturnDecision.REFUSED: "REFUND_REJECTED",
    ReturnDecision.KEPT_BY_BUYER: "REFUND_REJECTED",
    ReturnDecision.REPLACED: "NEW_ITEM_SENT",
    ReturnDecision.REPAIRED: "ITEM_FIXED",
}
RETURN_REFUSED = {
    "pl": "Zwrot nie może zostać przyjęty.",
    "cs": "Vrácené zboží nemůžeme přijmout.",
    "sk": "Vrátený tovar nemôžeme prijať.",
    "hu": "A visszaküldött terméket nem áll módunkban elfogadni.",
}
RETURN_KEPT = {
    "pl": "Zgodnie z ustaleniami towar pozostaje u Kupującego.",
    "cs": "Podle dohody si zboží ponecháte.",
    "sk": "Podľa dohody si tovar ponecháte.",
    "hu": "A megállapodás szerint a termék Önnél marad.",
}

ATTRIBUTE_KINDS = {
    "integer": AttributeKind.INTEGER,
    "float": AttributeKind.NUMBER,
    "string": AttributeKind.TEXT,
    "dictionary": AttributeKind.CHOICE,
}

VAT_IDS = ("VAT_EU", "PL_NIP", "CZ_DIC", "SK_IC_DPH", "HU_ADOSZAM")
# CustomerReturnItemReason.type
RETURN_CAUSES = {
    "MISTAKE": ReturnCause.CHANGED_MIND,
    "DONT_LIKE_IT": ReturnCause.CHANGED_MIND,
    "NOT_AS_EXPECTED": ReturnCause.CHANGED_MIND,
    "ORDERED_FOR_COMPARISON": ReturnCause.CHANGED_MIND,
    "TOO_SMALL": ReturnCause.TOO_SMALL,
    "TOO_LARGE": ReturnCause.TOO_LARGE,
    "TRANSPORT": ReturnCause.DEFECTIVE,
    "DAMAGED": ReturnCause.DEFECTIVE,
    "HIDDEN_FLAW": ReturnCause.DEFECTIVE,
    "OTHER_FLAW": ReturnCause.DEFECTIVE,
    "NOT_AS_DESCRIBED": ReturnCause.NOT_AS_DESCRIBED,
    "INCOMPLETE": ReturnCause.NOT_AS_DESCRIBED,
    "COUNTERFEIT": ReturnCause.NOT_AS_DESCRIBED,
    "NOT_NEW": ReturnCause.NOT_AS_DESCRIBED,
    "DIFFERENT": ReturnCause.WRONG_ITEM,
    "OVERDUE_DELIVERY": ReturnCause.LATE,
}
