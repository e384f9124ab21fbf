"""Amazon's words and ours."""

from __future__ import annotations

from bridge.domain.order import FulfilledBy, OrderPhase
from bridge.domain.returns import ReturnCause
from bridge.ports.channel import SubmissionState

# Which endpoint a marketplace belongs to, all others eu: https://developer-docs.amazon.com/sp-api/docs/sp-api-endpoints.
REGION_OF_COUNTRY = {"US": "na", "CA": "na", "MX": "na", "BR": "na", "JP": "fe", "AU": "fe", "SG": "fe"}

FULFILLED_BY = {"MERCHANT": FulfilledBy.MERCHANT, "AMAZON": FulfilledBy.CHANNEL}
# "Placed but not ready for shipment" is PENDING. A word we do not know is no leave to ship either.
PHASES = {
    "UNSHIPPED": OrderPhase.READY,
    "PARTIALLY_SHIPPED": OrderPhase.READY,
    "SHIPPED": OrderPhase.READY,
    "CANCELLED": OrderPhase.READY,
    "UNFULFILLABLE": OrderPhase.READY,
}
OPEN_STATUSES = ("PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED")
# ItemShippingConstraints of Orders 2026-01-01, each MANDATORY or not there.
DEMANDS = {
    "palletDelivery": "Delivery by pallet is required.",
    "cashOnDelivery": "The carrier has to collect the payment on delivery.",
    "signatureConfirmation": "A signature on delivery is required.",
    "recipientIdentityVerification": "The carrier has to check who receives it.",
    "recipientAgeVerification": "The carrier has to check the age of who receives it.",
}
CUSTOMISED = "Made to the buyer's wish (Amazon Custom): the order in Seller Central shows it."
# conditionType of the listings model.
CONDITIONS = {
    "new": "new_new",
    "as_new": "used_like_new",
    "good": "used_good",
    "reasonable": "used_acceptable",
    "moderate": "used_acceptable",
    "refurbished": "refurbished_refurbished",
}
# processingStatus of feeds and reports.
PROCESSING = {
    "IN_QUEUE": SubmissionState.PENDING,
    "IN_PROGRESS": SubmissionState.PENDING,
    "DONE": SubmissionState.DONE,
    "CANCELLED": SubmissionState.FAILED,
    "FATAL": SubmissionState.FAILED,
}
# By category of an issue.
FIXES = {
    "MISSING_ATTRIBUTE": "Give the attribute named a value in the product's mapping.",
    "INVALID_ATTRIBUTE": "Correct the value of the attribute named.",
    "MISSING_IMAGE": "Add a main picture to the product.",
    "INVALID_IMAGE": "Replace the picture: white background, no text, at least 500 pixels.",
    "INVALID_PRICE": "Correct the price, or the price limits in Seller Central.",
    "MISSING_PRICE": "Give the product a price in the store.",
    "DUPLICATE": "Another listing of yours has this product already: remove one of them in Seller Central.",
    "QUALIFICATION_REQUIRED": "Apply in Seller Central for the right to sell this product or brand.",
}
CONDITION_OF_RETURN_DONE = frozenset({"completed", "closed", "declined"})
TRACKING_OF = (
    (r"1Z[A-Z0-9]{16}", "UPS"),
    (r"(JVGL|JJD|JD0)[0-9]+", "DHL"),
    (r"00340[0-9]{15}", "DHL"),
)
# Return reasons of the returns report (CR-DEFECTIVE, AMZ-PG-APP-TOO-SMALL): what they contain decides.
RETURN_CAUSES = {
    "TOO-SMALL": ReturnCause.TOO_SMALL,
    "TOO-LARGE": ReturnCause.TOO_LARGE,
    "UNWANTED": ReturnCause.CHANGED_MIND,
    "BETTER_PRICE": ReturnCause.CHANGED_MIND,
    "ORDERED_WRONG_ITEM": ReturnCause.CHANGED_MIND,
    "UNAUTHORIZED": ReturnCause.CHANGED_MIND,
    "DEFECTIVE": ReturnCause.DEFECTIVE,
    "QUALITY": ReturnCause.DEFECTIVE,
    "DAMAGED": ReturnCause.DEFECTIVE,
    "NOT_AS_DESCRIBED": ReturnCause.NOT_AS_DESCRIBED,
    "BAD-DESC": ReturnCause.NOT_AS_DESCRIBED,
    "MISSING_PARTS": ReturnCause.NOT_AS_DESCRIBED,
    "SWITCHEROO": ReturnCause.WRONG_ITEM,
    "MISSED_ESTIMATED": ReturnCause.LATE,
}
