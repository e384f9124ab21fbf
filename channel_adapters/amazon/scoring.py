"""Account health: a report that Amazon makes on request, found again at Amazon by whichever worker asks next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bridge.domain.reading import Json, moment, text, texts
from bridge.ports.channel import ScoreFigure, SubmissionState
from bridge.ports.errors import AskMerchant, RetryLater, SlowDown
from channel_adapters.amazon import health
from channel_adapters.amazon.account import Account
from channel_adapters.amazon.reading import stamp
from channel_adapters.amazon.vocabulary import PROCESSING

# Asked daily: what was made since the last question answers this one.
ANSWERS_FOR = timedelta(hours=20)
SOON = timedelta(minutes=2)
# Documents stuck in progress for days have been reported of feeds (selling-partner-api-models #2633).
PATIENCE = timedelta(hours=2)
AFTER_FAILURE = timedelta(hours=1)


class ScoreSide(Account):
    """Amazon's own figures on the seller."""

    def score(self) -> Sequence[ScoreFigure]:
        """Raises SlowDown while Amazon makes the report; no figures where it has nothing to report."""
        countries = {site.code: site.country for site in self.sites()}
        try:
            document = self._document(list(countries))
        except AskMerchant as error:
            words = f"{error.merchant} Amazon tells account health only to the role Selling Partner Insights."
            raise AskMerchant(words, developer=error.developer) from error
        return health.figures(self.client.report_document(document), countries) if document else []

    def _document(self, sites: Sequence[str]) -> str | None:
        """Of the youngest report that is ready; where there is none, one is asked for. Amazon cancels a report that it
        has no data for."""
        known = self._reports_for(sites)
        done = [raw for raw in known if _state(raw) is SubmissionState.DONE]
        if done or (known and known[0].get("processingStatus") == "CANCELLED"):
            return text((done or known)[0].get("reportDocumentId")) or None
        failed = bool(known) and _state(known[0]) is SubmissionState.FAILED
        left = (AFTER_FAILURE if failed else PATIENCE) - self._age(known[0]) if known else timedelta(0)
        if left <= timedelta(0):
            self.client.create_report({"reportType": health.REPORT, "marketplaceIds": list(sites)})
        elif failed:
            words = "Amazon could not make its report on account health; it is asked for again."
            raise RetryLater(words, developer=f"report {text(known[0].get('reportId'))}", after=left)
        raise SlowDown("Amazon makes its report on account health; it is read in a few minutes.", after=SOON)

    def _reports_for(self, sites: Sequence[str]) -> list[Json]:
        """Those that cover these marketplaces, youngest first; one that names none was asked for here."""
        since = stamp(self.clock() - ANSWERS_FOR)
        found = self.client.reports(reportTypes=[health.REPORT], createdSince=since, pageSize=100)
        fitting = [raw for raw in found if set(sites) <= set(texts(raw, "marketplaceIds") or sites)]
        return sorted(fitting, key=self._age)

    def _age(self, report: Json) -> timedelta:
        now = self.clock()
        return now - (moment(report.get("createdTime")) or now)


def _state(report: Json) -> SubmissionState:
    return PROCESSING.get(text(report.get("processingStatus")), SubmissionState.PENDING)
