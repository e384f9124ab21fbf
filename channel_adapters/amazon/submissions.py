"""What was accepted for later, written into one string: what it was about, when, and what has to be seen in the end.

Amazon has no status of a submission. A listing is read back until it shows what was sent, or says why it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bridge.domain.money import Money
from bridge.domain.reading import Json
from bridge.domain.values import fingerprint
from bridge.ports.channel import SubmissionState, SubmissionStatus
from channel_adapters.amazon import mapping

# An issue that stands there may be the one of the state before: only after a while it is the answer.
SETTLED = timedelta(seconds=60)
PATIENCE = timedelta(minutes=30)
# "Feeds stuck IN_PROGRESS for days" (selling-partner-api-models #2633).
FEED_PATIENCE = timedelta(hours=6)
NOWHERE = "-"
# To the microsecond: the same value sent again is another submission.
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True)
class Submission:
    """``kind``: create, content, stock, price, or message (of an XML feed, which has no listing). ``expected``: the
    quantity, the price or the fingerprint of the title; ``feed``: its number and that of the message."""

    kind: str
    at: datetime
    site: str = NOWHERE
    expected: str = ""
    feed: str = ""
    message: int = 0
    sku: str = field(default="")

    def __str__(self) -> str:
        sent = str((self.at - EPOCH) // MICROSECOND)
        return "|".join([self.kind, self.site, sent, self.expected, self.feed, str(self.message), self.sku])


def read(key: str) -> Submission | None:
    """None for what we did not write."""
    parts = key.split("|", 6)
    try:
        kind, site, sent, expected, feed, message, sku = parts
        at = EPOCH + int(sent) * MICROSECOND
        return Submission(kind, at, site, expected, feed, int(message), sku)
    except (ValueError, OverflowError):
        return None


def title_mark(title: str) -> str:
    return fingerprint(title.strip())[:12]


def price_mark(price: Money) -> str:
    return price.text()


def pending(key: str) -> SubmissionStatus:
    return SubmissionStatus(submission=key, state=SubmissionState.PENDING)


def gone(key: str, message: str) -> SubmissionStatus:
    return SubmissionStatus(submission=key, state=SubmissionState.GONE, message=message)


def failed(key: str, message: str) -> SubmissionStatus:
    return SubmissionStatus(submission=key, state=SubmissionState.FAILED, message=message)


def judged(key: str, sent: Submission, raw: Json | None, now: datetime) -> SubmissionStatus:
    """By the listing as it is now; ``raw`` None: there is none."""
    age = now - sent.at
    identity = mapping.offer_id(sent.site, sent.sku)
    summary = mapping.summary_of(raw, sent.site) if raw is not None else {}
    if raw is None or not (summary or mapping.errors_of(raw, sent.site)):
        if age < PATIENCE:
            return pending(key)
        return gone(key, "Amazon accepted the listing and does not show it.")
    if sent.kind in ("stock", "price") and mapping.is_amazons(raw):
        return failed(key, "Amazon ships this SKU from its own warehouse (FBA): its stock is not yours to set.")
    if _shows(sent, raw):
        return SubmissionStatus(submission=key, state=SubmissionState.DONE, entity_id=identity)
    errors = mapping.errors_of(raw, sent.site)
    if errors and age >= SETTLED:
        words = "; ".join(dict.fromkeys(mapping.issue_text(issue) for issue in errors[:3]))
        return failed(key, words)
    if age < PATIENCE:
        return pending(key)
    return gone(key, "Amazon accepted the change and does not show it.")


def _shows(sent: Submission, raw: Json) -> bool:
    if sent.kind == "stock":
        return str(mapping.stock_of(raw)) == sent.expected
    if sent.kind == "price":
        price = mapping.price_of(raw, sent.site)
        return price is not None and price_mark(price) == sent.expected
    if mapping.errors_of(raw, sent.site):
        return False
    shown = mapping.title_sent(raw, sent.site) or str(mapping.summary_of(raw, sent.site).get("itemName") or "")
    return sent.kind == "create" or not sent.expected or title_mark(shown) == sent.expected
