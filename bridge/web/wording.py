"""Our words for what the engine calls by names: for people, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.flows import listing_view
from bridge.web.language import current

# Kind of problem: the heading of its group.
PROBLEMS: Mapping[str, str] = {
    "reauthorise": "Connections that need new credentials",
    "order_held": "Orders that wait for a product",
    "line_unlinked": "Orders with a line that is no product of the store",
    "tracking_missing": "Shipped without a tracking number",
    "acknowledgement_refused": "Orders the marketplace does not know to be here",
    "shipment_refused": "Shipments the marketplace refused",
    "shipped_cancelled": "Shipped after the buyer cancelled",
    "acceptance_asked": "Orders to accept or decline",
    "acceptance_refused": "Answers to orders the marketplace did not take",
    "refund_differs": "Other amounts given back in the store than on the marketplace",
    "refund_refused": "Refunds the marketplace refused",
    "refund_doubtful": "Refunds of which nobody knows whether they were paid",
    "expiring": "Credentials to renew",
    "stock_gone": "Sold and not in stock",
    "cancellation_asked": "Buyers who ask to cancel",
    "cancellation_refused": "Cancellations the marketplace refused",
    "cancellation_overtaken": "Cancelled too late",
    "order_total": "Orders with another total in the store",
    "order_twice": "Orders that are in the store twice",
    "return_open": "Returns to decide",
    "return_due": "Returns whose time to decide runs out",
    "return_late": "Returns that should have been decided",
    "return_refused": "Return decisions the marketplace refused",
    "return_unmatched": "Returns without an order",
    "return_shelf": "Returned parts to put on the shelf",
    "bundle_parts": "Parts of bundles to take off the stock",
    "bundle_parts_back": "Parts of cancelled bundles to put back into the stock",
    "offer_refused": "Listings the marketplace refused",
    "products_wait": "Products that wait for the account",
    "not_for_sale": "Listed, but cannot be bought",
    "drift": "Changed by somebody else",
    "vat_unsaid": "Prices without VAT",
    "oss_threshold": "Sales to other EU countries and the OSS threshold",
    "change_held": "Changes that reach far and wait for your word",
    "requirements_changed": "Listings that lack what the marketplace asks for now",
    "category_gone": "Categories the marketplace no longer has",
    "feed_unfetched": "Feeds that nobody fetches",
    "shipment_by_hand": "Shipments to enter on the marketplace",
    "alerts_unsent": "Alerts that reach nobody",
    "silence": "Unusually quiet",
    "orders_incomplete": "Orders that differ between marketplace and store",
    "stale": "Questions that get no answer",
    "work_late": "Work that is not done in time",
    "stock_stuck": "Stock changes that do not arrive",
    "ship_by": "Shipments that are due",
    "disk": "The disk is nearly full",
    "adapter_missing": "Accounts whose adapter is not installed",
    "module_silent": "A store's module is silent",
    "module_outbox": "Changes that wait in the store",
    "module_cron": "The store's cron does not run well",
    "module_version": "A store's module is out of date",
    "database": "The database is held up",
    "store_away": "The store does not answer",
    "store_left": "Stores that let Storebridge go",
    "privacy_request": "Requests of buyers about their data",
    "score_near": "Close to a limit of the marketplace",
}
PREFIXES: Mapping[str, str] = {
    "parked.": "Set aside after several tries",
    "rejected.": "Changes the marketplace refused",
}

# State: (text, tone). Tones are colours; the text says it without them.
STATES: Mapping[str, tuple[str, str]] = {
    "plan open": ("Not applied", "info"),
    "plan applied": ("Applied", "good"),
    "plan out of date": ("Out of date", "plain"),
    "active": ("Connected", "good"),
    "paused": ("Paused", "warn"),
    "needs_reauth": ("Needs new credentials", "bad"),
    "disconnected": ("Disconnected", "plain"),
    "held": ("Waits for a product", "bad"),
    "ready": ("On its way to the store", "info"),
    "creating": ("Being created", "info"),
    "unknown": ("Being looked up", "warn"),
    "created": ("In the store", "good"),
    "failed": ("Failed", "bad"),
    "cancelled": ("Cancelled", "plain"),
    "skipped": ("Not for the store", "plain"),
    "new": ("Will be listed", "info"),
    "blocked": ("Not listed", "bad"),
    "live": ("Listed", "good"),
    "rejected": ("Refused", "bad"),
    "ending": ("Being taken off", "info"),
    "ended": ("Taken off", "plain"),
    "unlinked": ("Unlinked by hand", "warn"),
    "none": ("No listing yet", "plain"),
    "waiting": ("Waits for tracking", "warn"),
    "sending": ("Being sent", "info"),
    "submitted": ("Sent, not answered yet", "info"),
    "confirmed": ("Confirmed", "good"),
    "dropped": ("Not needed", "plain"),
    "doubtful": ("Paid or not? Please look", "bad"),
    "by_hand": ("To be entered by hand", "warn"),
    "asked": ("Waits for your answer", "warn"),
    "kept": ("Kept as a backorder", "info"),
    "withdrawn": ("Not needed any more", "plain"),
    "refusing": ("Being answered: no", "info"),
    "refusal_sent": ("Answered: no, not confirmed yet", "info"),
    "refused": ("Answered: not cancelled", "plain"),
    "awaiting_acceptance": ("Waits to be accepted", "warn"),
    "pending": ("Waits for payment", "info"),
    "wanted": ("Being carried out", "info"),
    "done": ("Done", "good"),
    "overtaken": ("Too late: shipped", "warn"),
    "open": ("To decide", "warn"),
    "decided": ("Decided", "info"),
    "closed": ("Closed", "good"),
    "error": ("Needs you", "bad"),
    "warning": ("Worth a look", "warn"),
}

# What an entry of the activity is about.
JOURNAL: Mapping[str, str] = {
    "acknowledged": "acknowledged",
    "alerts": "alerts",
    "cancellation": "cancellation",
    "change": "change",
    "confirmed": "confirmed",
    "connect": "account",
    "connection": "account",
    "drift": "difference",
    "feed": "product feed",
    "gap": "orders missing",
    "hold": "rest",
    "offer": "listing",
    "order": "order",
    "parcel": "parcel",
    "privacy": "privacy",
    "proof": "proof",
    "rates": "exchange rates",
    "refund": "refund",
    "replay": "gone through again",
    "requirements": "requirements",
    "return": "return",
    "safe mode": "safe mode",
    "score": "score",
    "settings": "settings",
    "setup": "setup",
    "webhooks": "webhooks",
}
# Who began a cancellation.
ORIGINS: Mapping[str, str] = {
    "buyer": "the buyer",
    "store": "the store",
    "bridge": "Storebridge",
    "channel": "the marketplace",
}
BY: Mapping[str, str] = {"store": "the store"}
# What is told of a product, as the way of its values names it.
FIELDS: Mapping[str, str] = {
    "title": "title",
    "description": "description",
    "brand": "brand",
    "category": "category",
    "price": "price",
    "stock": "stock",
    "buffer": "buffer",
    "cap": "most units shown",
    "handling_days": "handling time",
    "gtin": "EAN",
    "images": "pictures",
    "attributes": "attributes",
    "bullets": "bullet points",
    "excluded": "excluded",
    "held": "held",
}
STEPS: Mapping[str, str] = {"now": "waiting", "later": "to come", "trouble": "needs you", "never": "not needed"}
RESULTS: Mapping[str, str] = {
    "accepted": "Accepted: refund it",
    "refused": "Refused: send it back",
    "replaced": "Replaced",
    "repaired": "Repaired",
    "kept_by_buyer": "The buyer keeps it",
}
CONDITIONS: Mapping[str, str] = {"as_new": "As new", "opened": "Opened", "damaged": "Damaged"}
FILTERS: Mapping[str, str] = {
    "": "All",
    "live": "Listed",
    "waiting": "On the way",
    "blocked": "Not listed",
    "not-for-sale": "Cannot be bought",
}
FLOWS: Mapping[str, str] = {
    "stock": "Stock",
    "price": "Prices",
    "content": "Titles, texts and pictures",
    "offers": "New listings, and endings",
    "orders": "Orders",
    "shipments": "Shipments and tracking",
    "cancellation": "Cancellations",
    "refunds": "Returns and refunds",
}
LANES: Mapping[str, str] = {
    "stock": "stock",
    "orders": "orders",
    "shipments": "shipments",
    "content": "content",
    "sweep": "regular checks",
}
# What the check of an account tells of it, by the adapters' own names (AccountInfo.details, choices of settings).
FACTS: Mapping[str, str] = {
    "retailer": "Seller number",
    "economic operator": "Economic operator (GPSR)",
    "account type": "Kind of account",
    "may sell a month": "Units that may be sold in a month",
    "merchant": "Merchant",
    "shop": "Shop number",
    "plugin": "Plugin",
    "wordpress": "WordPress",
    "software": "Software",
    "inventory": "Stock",
    "warning": "Note",
}
# What merchants look for in a store and not every store has (bridge/ports/manifest.py, Feature and Capability).
FEATURES: Mapping[str, str] = {
    "free_lines": "Order lines without a product",
    "order_tags": "Tags of orders",
    "returns": "Returns",
    "webhooks": "Webhooks",
    "shipped_statuses": "Statuses that mean an order has left",
}
# How a store calls the state of an order, of the stores whose words these are.
STORE_STATUSES: Mapping[str, str] = {
    "pending": "Waits for payment",
    "processing": "In progress",
    "on-hold": "On hold",
    "holded": "On hold",
    "completed": "Completed",
    "complete": "Completed",
    "closed": "Closed",
    "cancelled": "Cancelled",
    "canceled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
}
# What figures of marketplaces count in.
UNITS: Mapping[str, str] = {"of 5": "of 5", "of 10": "of 10", "seconds": "seconds"}
# What was done on a page and says nothing of itself in the activity.
NO_ANSWER = "no answer"
# What an error of the ports says is to be done next (bridge/ports/errors.py), as the outcome of one call.
OUTCOMES: Mapping[str, str] = {
    "RetryLater": "to be tried again",
    "SlowDown": "to be asked more slowly",
    "AskMerchant": "a person has to look",
    "Reauthorise": "the credentials are refused",
    "RejectItem": "refused",
    "NotFound": "not there",
    "UnknownOutcome": "nobody knows whether it was done",
}
DID: Mapping[str, str] = {
    "set": "saved",
    "compare": "compared again",
    "suggest": "suggestions asked for",
    "test": "a test sent",
    "dismiss": "put away",
    "done": "a step done",
    "begin": "begun",
    "consent": "consent asked for",
    "start": "started",
    "stop": "stopped",
    "ask": "asked anew",
    "check_webhooks": "webhooks checked",
    "send_test": "a test event asked for",
    "replay": "gone through again",
    "retry": "tried again",
    "close": "marked as dealt with",
    "plan": "a plan made",
    "discard": "a draft thrown away",
    "up": "the sequence changed",
    "down": "the sequence changed",
    "remove": "removed",
    "on": "turned on",
    "off": "turned off",
    "clear": "taken away",
    "choose": "chosen",
    "accept": "accepted",
    "above": "suggestions accepted",
    "copy-from": "copied",
    "copy-into": "copied",
}
# What has to be done by when (bridge/flows/due.py).
DUE: Mapping[str, str] = {
    "accept": "Accept the order",
    "ship": "Ship the order",
    "cancel": "Answer the buyer, who asks to cancel",
    "gone": "Cancel what is out of stock, or keep it",
    "decide": "Decide on the return",
    "refund": "The return is being paid back",
}
# What a plan does to a listing.
EXAMPLES: Mapping[str, str] = {
    "created": "listed anew",
    "changed": "changed",
    "ended": "taken off",
    "blocked": "blocked",
    "unblocked": "unblocked",
}
NOTICES: Mapping[str, str] = {
    "linked": "Linked. Its stock and price are on their way; orders for it go to that product.",
    "unlinked": "Unlinked. The offer stays there; its product is not offered anew before you compare again or say so.",
    "offered_anew": "The product is looked for there by SKU and EAN, and offered where it is not found.",
    "comparing": "The offers are being compared; look again in a minute.",
    "drafted": "Kept as a draft. Nothing changes for your listings before you have seen the plan and applied it.",
    "discarded": "The draft is thrown away. What holds is untouched.",
    "fetch": "It is looked up there, and comes in if it exists. Reload in a moment.",
    "again": "It is sent again now, whatever the marketplace was told last.",
    "started": "It begins in a moment. You may leave this page; it goes on.",
    "stopping": "It stops after the part that is being done.",
    "suggested": "Worked out. Nothing is mapped before you accept it.",
    "check_webhooks": "They are looked at in the store now, and made again where they are missing; look in a minute.",
    "asked_now": "The marketplace is asked now; look again in a minute.",
    "planned": "This is what would happen. Nothing changes before you apply it.",
    "connected": "Connected: the credentials work. Nothing is sent before you go live.",
    "renewed": "The new credentials work and are in use.",
    "save_own": "Saved. The account was checked with it.",
    "save_orders": "Saved. It holds from now on.",
    "save_cancellations": "Saved. It holds from now on.",
    "save_pace": "Saved. It holds from now on.",
    "save_keeping": "Saved. What is too old then goes with the next clearing, within a day.",
    "shop_ends": "Asked for. Everything goes on until it is over; you can take it back here.",
    "shop_stays": "Taken back. Nothing is deleted.",
    "save_matching": "Saved. Offers are compared anew, and orders that wait for a product are looked at again.",
    "rest": "It rests from now on. What comes up meanwhile is kept.",
    "go_on": "It goes on. What waited goes out now.",
    "erase_buyer": "Erased for good. What was sold, and for how much, stays.",
    "let_go": "Disconnected. Orders and history stay.",
    "let_go_partly": "Disconnected, but not everything could be taken down: look at the account on the other side.",
    "excluded": "Excluded. They are not sold on this marketplace.",
    "included": "Taken in again.",
    "live": "Live. Listings, stock and prices go out now.",
    "maintain": "Your store is under maintenance. Listings follow within a minute.",
    "maintained": "The maintenance is over. The store is compared with first.",
    "test_on": "Test mode is on: nothing goes out any more.",
    "test_off": "Test mode is off. What waited goes out now.",
    "pause": "Paused. What comes in meanwhile is kept, and caught up with when you resume.",
    "resume": "Resumed. What waited goes out now.",
    "replay": "The order is gone through again; nothing is done twice.",
    "match": "The line is matched, and the order goes on.",
    "refuse": "The marketplace is told that the order is not cancelled.",
    "keep": "Kept as a backorder. Ship it as soon as you can.",
    "cancel": "It is cancelled on the marketplace, and in the store then.",
    "take": "The marketplace is told that the order is accepted.",
    "take_covered": "The marketplace is told what is accepted and what is not.",
    "decline": "The marketplace is told that the order is declined.",
    "accept": "The marketplace is told that the cancellation is accepted.",
    "refund_paid": "Noted as paid. Nothing is sent.",
    "refund_again": "It is paid back again.",
    "retry": "It is tried again. The problem closes by itself when that works.",
    "close": "Marked as dealt with.",
    "apply": "Applied. The listings follow by themselves; the version can be taken back under Plans.",
    "undo": "Taken back. The listings follow by themselves.",
    "confirm": "Confirmed. What waited goes out now.",
    "confirm_one": "Confirmed. It goes out now; what else waits goes on waiting.",
    "go-on": "It goes on. What waited goes out now.",
    "set": "Saved. It holds from now on.",
    "test": "The test was sent.",
    "decide": "Decided. The marketplace is told, and the store follows by itself.",
}


def problem_title(kind: str) -> str:
    if kind in PROBLEMS:
        return PROBLEMS[kind]
    prefix = next((title for start, title in PREFIXES.items() if kind.startswith(start)), None)
    return prefix or kind.replace("_", " ").replace(".", " ").capitalize()


def done_words(do: str) -> str:
    """For the activity; a person changed something by this button."""
    return DID["set"] if do.startswith("save") else DID.get(do, do.replace("_", " "))


def outcome(exchange: Mapping[str, Any]) -> str:
    """What came of a call to the outside: ``200``, ``no answer, to be tried again``."""
    words = OUTCOMES.get(str(exchange["error"] or "").partition(":")[0], "")
    answer = exchange["status"] or current().said(NO_ANSWER)
    return f"{answer}, {current().said(words)}" if words else str(answer)


def reason(exchange: Mapping[str, Any]) -> str:
    """Why, as far as it is told: the other side's words stay."""
    return str(exchange["error"] or "").partition(": ")[2]


def field_name(name: str) -> str:
    """An attribute has the marketplace's own name, which stays."""
    return current().said(FIELDS[name]) if name in FIELDS else name.replace("_", " ")


def step_text(step: Mapping[str, Any]) -> str:
    by = BY.get(step["by"], step["by"])
    return listing_view.step_text({**step, "by": by}, current().said)


def state_badge(state: str) -> tuple[str, str]:
    """Text and tone; a state we do not know is shown as it is."""
    text, tone = STATES.get(state, (state.replace("_", " ").capitalize(), "plain"))
    return current().said(text), tone
