"""What Zalando has taken and still has to judge: prices by its price report, articles by catalogue and report. The
answer to a call is the first validation only; a price that was accepted may be refused minutes later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from bridge.domain.reading import Json, amount, moment, table, tables, text
from bridge.domain.values import Value
from bridge.ports.channel import SubmissionState, SubmissionStatus
from bridge.ports.errors import BridgeError, NotFound
from channel_adapters.zalando import report
from channel_adapters.zalando.account import Account
from channel_adapters.zalando.client import NoReport, ZalandoClient, at_most
from channel_adapters.zalando.reading import cursor_in, stamp
from channel_adapters.zalando.vocabulary import ATTEMPTS, HELD_BACK, OVERRIDDEN

PRICE, ARTICLE, CONTENT = "price", "article", "content"
# Clocks differ: an attempt made this much before we sent it may still be ours.
EARLIER = timedelta(minutes=2)
EANS_PER_QUESTION = 200
MOST_PAGES = 20
ARTICLES_AT_ONCE = 40


class Submission(Value):
    """What stands in a submission's name. ``amount`` of a price; ``at`` keeps two sendings of the same apart."""

    kind: str
    site: str
    ean: str
    amount: str = ""
    at: str

    def name(self) -> str:
        return f"{self.kind}|{self.site}|{self.ean}|{self.amount}|{self.at}"

    @property
    def sent_at(self) -> datetime:
        return datetime.fromtimestamp(float(self.at), UTC)


def submission(kind: str, site: str, ean: str, now: datetime, amount: Decimal | None = None) -> str:
    told = "" if amount is None else str(amount)
    return Submission(kind=kind, site=site, ean=ean, amount=told, at=f"{now.timestamp():.3f}").name()


def read_submission(name: str) -> Submission | None:
    """None for a name that is not ours."""
    parts = name.split("|")
    if len(parts) != 5 or parts[0] not in (PRICE, ARTICLE, CONTENT):
        return None
    try:
        Decimal(parts[3] or "0")
        float(parts[4])
    except (InvalidOperation, ValueError):
        return None
    return Submission(kind=parts[0], site=parts[1], ean=parts[2], amount=parts[3], at=parts[4])


class Submissions:
    def __init__(self, client: ZalandoClient, account: Account, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._account = account
        self._clock = clock
        self._turn = 0

    def follow(self, names: Sequence[str]) -> list[SubmissionStatus]:
        known = {name: item for name in names if (item := read_submission(name)) is not None}
        prices = {name: item for name, item in known.items() if item.kind == PRICE}
        found = self._prices(prices) if prices else {}
        found |= self._articles({name: item for name, item in known.items() if name not in prices})
        gone = SubmissionState.GONE
        return [found.get(name) or SubmissionStatus(submission=name, state=gone) for name in names]

    def _articles(self, known: dict[str, Submission]) -> dict[str, SubmissionStatus]:
        """A few at a time: people look at them for days, and each costs two calls. The rest is for next time."""
        found = {name: SubmissionStatus(submission=name, state=SubmissionState.PENDING) for name in known}
        articles = self._turn_of(list(known))
        answers = self._client.each(lambda name: self._article(name, known[name]), articles)
        for name, answer in zip(articles, answers, strict=True):
            if isinstance(answer, BridgeError):
                raise answer
            found[name] = answer
        return found

    def _turn_of(self, names: list[str]) -> list[str]:
        if len(names) <= ARTICLES_AT_ONCE:
            return names
        start = self._turn % len(names)
        self._turn += ARTICLES_AT_ONCE
        return (names[start:] + names[:start])[:ARTICLES_AT_ONCE]

    # Prices

    def _prices(self, wanted: dict[str, Submission]) -> dict[str, SubmissionStatus]:
        """Without a report the first word is the last one."""
        try:
            attempts = self._attempts_at(wanted)
        except NotFound:
            done = SubmissionState.DONE
            return {name: SubmissionStatus(submission=name, state=done) for name in wanted}
        return {
            name: price_status(name, item, attempts.get((item.site, item.ean), ())) for name, item in wanted.items()
        }

    def _attempts_at(self, wanted: dict[str, Submission]) -> dict[tuple[str, str], list[Json]]:
        """By site and EAN."""
        attempts: dict[tuple[str, str], list[Json]] = {}
        channels = {place.channel.lower(): place.site.code for place in self._account.places()}
        for group in at_most(list(wanted.values()), EANS_PER_QUESTION):
            for raw in self._attempts(group):
                site = channels.get(text(raw.get("sales_channel_id")).lower(), "")
                attempts.setdefault((site, text(raw.get("ean"))), []).append(raw)
        return attempts

    def _attempts(self, group: Sequence[Submission]) -> Iterable[Json]:
        """Of these articles since the first of them was sent. Zalando keeps them for seven days."""
        since = min(item.sent_at for item in group) - EARLIER
        query: Json = {"eans": sorted({item.ean for item in group}), "start": stamp(since)}
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            answer = self._client.price_attempts(self._account.merchant, query, cursor)
            found = tables(answer, "items")
            yield from found
            cursor = cursor_in(table(answer, "cursors").get("next"))
            if cursor is None or not found:
                return

    # Articles

    def _article(self, name: str, item: Submission) -> SubmissionStatus:
        """There as soon as the catalogue has it; refused when the report says so. Until then people look at it, for
        days perhaps."""
        state, message = SubmissionState.PENDING, ""
        article = next((shown for shown in self._shown(item.ean) if shown.ean == item.ean), None)
        if article is not None and report.is_refused(article):
            state, message = SubmissionState.FAILED, "Zalando refused the article: see zDirect, Article listing."
        elif self._client.knows(item.ean):
            state = SubmissionState.DONE
        entity = report.offer_id(item.site, item.ean) if state is SubmissionState.DONE else None
        return SubmissionStatus(submission=name, state=state, entity_id=entity, message=message)

    def _shown(self, ean: str) -> list[report.Shown]:
        try:
            return list(report.shown(self._client.report(report.question(self._account.merchant, search=ean))))
        except NoReport:
            return []


def price_status(name: str, item: Submission, attempts: Sequence[Json]) -> SubmissionStatus:
    """By the newest attempt at just this price; until there is one, it is on its way."""
    ours = [raw for raw in attempts if _is_ours(item, table(raw, "base_price"))]
    newest = max((table(raw, "base_price") for raw in ours), key=_moved_at, default=None)
    if newest is None:
        return SubmissionStatus(submission=name, state=SubmissionState.PENDING)
    word = text(newest.get("status"))
    state = ATTEMPTS.get(word, SubmissionState.PENDING)
    message = _words(newest, word) if state is SubmissionState.FAILED else ""
    return SubmissionStatus(submission=name, state=state, message=message)


def _is_ours(item: Submission, price: Json) -> bool:
    told = amount(table(price, "regular_price").get("amount"))
    moves = [at for move in tables(price, "status_transitions") if (at := moment(move.get("timestamp")))]
    late_enough = not moves or max(moves) >= item.sent_at - EARLIER
    return told is not None and told == Decimal(item.amount or "0") and late_enough


def _moved_at(price: Json) -> datetime:
    """One that has not moved yet was received just now."""
    moves = [at for move in tables(price, "status_transitions") if (at := moment(move.get("timestamp")))]
    return max(moves, default=datetime.max.replace(tzinfo=UTC))


def _words(price: Json, word: str) -> str:
    """The reasons, worst first, and what can be done about a mere warning."""
    if word == "OVERRIDDEN":
        return OVERRIDDEN
    said = [message for move in tables(price, "status_transitions") for message in tables(move, "messages")]
    serious = [item for item in said if text(item.get("severity")) != "INFO"]
    words = [text(item.get("message")) or text(item.get("code")) for item in serious]
    if serious and not any(text(item.get("severity")) == "ERROR" for item in serious):
        words.append(HELD_BACK)
    return "; ".join(dict.fromkeys(filter(None, words))) or f"Zalando says {word.lower()} without a reason"
