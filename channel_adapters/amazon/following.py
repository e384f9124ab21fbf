"""Accepted is not done: feeds and listings are looked at until what was sent shows, or the reason why it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.domain.reading import Json, text
from bridge.ports.channel import SubmissionState, SubmissionStatus
from bridge.ports.errors import NotFound, RejectItem, RetryLater
from channel_adapters.amazon import feeds
from channel_adapters.amazon import submissions as sent_before
from channel_adapters.amazon.feeds import Failures
from channel_adapters.amazon.offers import OfferSide
from channel_adapters.amazon.submissions import Submission
from channel_adapters.amazon.vocabulary import PROCESSING

REPORTS_KEPT = 50
# "Aborted due to a fatal error. Some, none, or all of the operations may have completed" (feeds_2021-06-30, Feed).
ABORTED = "FATAL"
PERHAPS = "It broke off, and what it was about may have been done all the same."


class FollowSide(OfferSide):
    """``follow`` asks once per feed and for twenty listings at a time, however many submissions there are."""

    _reports: dict[str, Failures]

    def follow(self, submissions: Sequence[str]) -> list[SubmissionStatus]:
        sent = {key: sent_before.read(key) for key in submissions}
        answers = {
            key: sent_before.gone(key, "Amazon does not know this submission.")
            for key in submissions
            if sent[key] is None
        }
        known = {key: item for key, item in sent.items() if item is not None}
        answers |= self._by_feed({key: item for key, item in known.items() if item.feed})
        left = {key: item for key, item in known.items() if key not in answers}
        answers |= self._by_listing(left)
        return [answers[key] for key in submissions]

    # Feeds

    def _by_feed(self, known: Mapping[str, Submission]) -> dict[str, SubmissionStatus]:
        """What a feed settles: messages it refused, and those of orders. A listing is looked at after a good end."""
        groups: dict[str, dict[str, Submission]] = {}
        for key, item in known.items():
            groups.setdefault(item.feed, {})[key] = item
        answers: dict[str, SubmissionStatus] = {}
        for feed, group in groups.items():
            answers |= self._of_feed(feed, group)
        return answers

    def _of_feed(self, feed: str, group: Mapping[str, Submission]) -> dict[str, SubmissionStatus]:
        try:
            raw = self.client.feed(feed)
            state = PROCESSING.get(text(raw.get("processingStatus")), SubmissionState.PENDING)
            if state is SubmissionState.PENDING:
                return {key: self._waiting(key, item) for key, item in group.items()}
            failures = self._failures(feed, raw)
        except (NotFound, RejectItem) as error:
            return {key: sent_before.gone(key, error.merchant) for key in group}
        except RetryLater:
            return {key: sent_before.pending(key) for key in group}
        aborted = text(raw.get("processingStatus")) == ABORTED
        words = failures.get(0) or f"Amazon says {text(raw.get('processingStatus'))} of the feed."
        answers: dict[str, SubmissionStatus] = {}
        for key, item in group.items():
            if item.message in failures:
                answers[key] = sent_before.failed(key, failures[item.message])
                self._forget_refund(feed)
            elif aborted and item.kind == "message":
                answers[key] = sent_before.gone(key, f"{words} {PERHAPS}")
                self._forget_refund(feed)
            elif state is SubmissionState.FAILED or 0 in failures:
                answers[key] = sent_before.failed(key, words)
                self._forget_refund(feed)
            elif item.kind == "message":
                answers[key] = SubmissionStatus(submission=key, state=SubmissionState.DONE)
        return answers

    def _forget_refund(self, feed: str) -> None:
        """Amazon refused it: asked again, it is sent again."""
        self._refunds = {ref: known for ref, known in self._refunds.items() if known != feed}

    def _waiting(self, key: str, item: Submission) -> SubmissionStatus:
        """Of a cancellation or a refund there is nothing else to look at: it is waited for."""
        if item.kind == "message" or self.clock() - item.at < sent_before.FEED_PATIENCE:
            return sent_before.pending(key)
        return sent_before.gone(key, "Amazon has not processed the feed for hours; it is looked at what it did.")

    def _failures(self, feed: str, raw: Json) -> Failures:
        """The report of a finished feed never changes, and may be asked for once in 45 seconds only: it is kept."""
        if feed not in self._reports:
            document = text(raw.get("resultFeedDocumentId"))
            self._reports[feed] = feeds.failures(self.client.feed_document(document)) if document else {}
            while len(self._reports) > REPORTS_KEPT:
                self._reports.pop(next(iter(self._reports)))
        return self._reports[feed]

    # Listings

    def _by_listing(self, known: Mapping[str, Submission]) -> dict[str, SubmissionStatus]:
        """Read back as they are now, those of one marketplace together."""
        by_site: dict[str, dict[str, Submission]] = {}
        for key, item in known.items():
            by_site.setdefault(item.site, {})[key] = item
        answers: dict[str, SubmissionStatus] = {}
        for site, group in by_site.items():
            skus = list(dict.fromkeys(item.sku for item in group.values()))
            try:
                raws = {text(raw.get("sku")): raw for raw in self._looked_up("SKU", skus, [site])}
            except RetryLater:
                answers |= {key: sent_before.pending(key) for key in group}
                continue
            now = self.clock()
            answers |= {key: sent_before.judged(key, item, raws.get(item.sku), now) for key, item in group.items()}
        return answers
