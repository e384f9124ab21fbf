"""bol's words and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.domain.order import FulfilledBy
from bridge.domain.returns import ReturnCause, ReturnDecision
from bridge.ports.channel import SubmissionState

FULFILLED_BY = {"FBR": FulfilledBy.MERCHANT, "FBB": FulfilledBy.CHANNEL}
CONDITIONS: Mapping[str, dict[str, Any]] = {
    "new": {"category": "NEW"},
    "as_new": {"category": "SECONDHAND", "state": "AS_NEW"},
    "good": {"category": "SECONDHAND", "state": "GOOD"},
    "reasonable": {"category": "SECONDHAND", "state": "REASONABLE"},
    "moderate": {"category": "SECONDHAND", "state": "MODERATE"},
}
USUAL = "REGULAR"  # timeFrameType of a delivery
COUNTRIES = {"NL and BE": ("NL", "BE"), "NL": ("NL",), "BE": ("BE",)}
RETURN_RESULTS = {
    ReturnDecision.ACCEPTED: "RETURN_RECEIVED",
    ReturnDecision.REFUSED: "RETURN_DOES_NOT_MEET_CONDITIONS",
    ReturnDecision.REPLACED: "EXCHANGE_PRODUCT",
    ReturnDecision.REPAIRED: "REPAIR_PRODUCT",
    ReturnDecision.KEPT_BY_BUYER: "CUSTOMER_KEEPS_PRODUCT_PAID",
}
# TIMEOUT is bol's own: whether the work was done is not said, so the thing itself has to be looked at.
PROCESS_STATES = {
    "PENDING": SubmissionState.PENDING,
    "SUCCESS": SubmissionState.DONE,
    "FAILURE": SubmissionState.FAILED,
    "TIMEOUT": SubmissionState.GONE,
}
# Declined in an upload report because bol has it just so (UploadReportAttribute and UploadReportAsset, subStatus).
SAME_AS_BEFORE = frozenset({"IDENTICAL_VALUE_AS_BEFORE", "NOT_CHANGED", "IMAGE_FLAGGED_AS_DUPLICATE"})
FIXES = {
    "CONTENT": "Complete the product's title, description, brand and attributes in the store.",
    "PRICE": "Lower the price: bol takes offers offline that are far above the market.",
    "STOCK": "Nothing to do when it is sold out; otherwise check the stock in the store.",
    "SHOP_STATUS": "Your bol shop is closed or on holiday: open it in the partner platform.",
    "SELLING_RIGHTS": "Ask bol for the selling rights of this category or brand.",
    "ACCOUNT_RIGHTS": "Ask bol's partner service for the right that is named.",
    "ON_HOLD": "The offer is put on hold in the partner platform: release it there.",
    "ASSORTMENT_POLICY": "Check the economic operator (GPSR) in the settings of this connection and at bol.",
    "OFFER": "Open the offer in the partner platform; it may have to be renewed.",
}
EVENTS = {"PROCESS_STATUS": "submission", "ORDER": "order", "OFFER": "offer"}
TRACKING_OF = ((r"3S[A-Z0-9]{8,}", "TNT"), (r"(JVGL|JJD|JD0)[0-9]+", "DHLFORYOU"), (r"1Z[A-Z0-9]{16}", "UPS"))
# Reasons are sentences in Dutch, of which the specification names one; what they contain decides.
RETURN_CAUSES = {
    "TE KLEIN": ReturnCause.TOO_SMALL,
    "TE GROOT": ReturnCause.TOO_LARGE,
    "VERKEERD BESTELD": ReturnCause.CHANGED_MIND,
    "BEDACHT": ReturnCause.CHANGED_MIND,
    "NIET NAAR VERWACHTING": ReturnCause.CHANGED_MIND,
    "DEFECT": ReturnCause.DEFECTIVE,
    "BESCHADIGD": ReturnCause.DEFECTIVE,
    "KAPOT": ReturnCause.DEFECTIVE,
    "BESCHRIJVING": ReturnCause.NOT_AS_DESCRIBED,
    "VERKEERD ARTIKEL": ReturnCause.WRONG_ITEM,
    "VERKEERD PRODUCT": ReturnCause.WRONG_ITEM,
    "TE LAAT": ReturnCause.LATE,
}
