"""From a status to what to do next, as data: the default for everyone, and what an adapter knows better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bridge.ports.errors import (
    AskMerchant,
    BridgeError,
    NotFound,
    Reauthorise,
    RejectItem,
    RetryLater,
    SlowDown,
)
from bridge.ports.http.response import NotJson, Response


class Said(NamedTuple):
    """The other side's own words: ``message`` for people, ``field`` it is about, ``code`` for tables."""

    message: str
    field: str | None = None
    code: str | None = None


class Rule(NamedTuple):
    """An error class and, for the merchant, what to do about it."""

    error: type[BridgeError]
    advice: str = ""


Key = int | range | tuple[int, str]
Describe = Callable[[Response], tuple[str, str | None] | Said]


def _member(body: Any, *names: str) -> Any:
    if not isinstance(body, Mapping):
        return None
    return next((body[name] for name in names if body.get(name) not in (None, "", [], {})), None)


def _problems(body: Any) -> list[Any]:
    found = _member(body, "violations", "errors", "error", "details")
    return found if isinstance(found, list) else [found] if isinstance(found, Mapping) else []


def _words(problem: Any) -> str:
    if isinstance(problem, Mapping):
        return str(_member(problem, "reason", "message", "detail", "description", "title") or "")
    return str(problem)


def describe(response: Response) -> Said:
    """The words of the usual error bodies: RFC 7807 with violations, message and code, error lists, OAuth."""
    try:
        body = response.json
    except NotJson:
        return Said("")
    if isinstance(body, list):
        body = {"errors": body}
    problems = _problems(body)
    head = _member(body, "detail", "message", "error_description", "title", "error")
    words = [head] if isinstance(head, str) else []
    words += [text for text in map(_words, problems[:5]) if text and text not in words]
    fields = (_member(problem, "name", "field", "parameter", "path") for problem in problems)
    field_name = next(filter(None, fields), None)
    code = _member(body, "code", "error", "type") or next((_member(p, "code") for p in problems), None)
    return Said(
        "; ".join(words),
        field_name if isinstance(field_name, str) else None,
        str(code) if isinstance(code, str | int) else None,
    )


@dataclass(frozen=True)
class ErrorTable:
    """What each status of one system means.

    ``rules``: a key is (status, code), a status, or a range of statuses, looked up in this order; a value is
    an error class, or a Rule with advice for the merchant. What is not in it is looked up in the next table.
    ``describe`` gets the other side's words out of a body: (message, field), or Said with a code too. ``page``
    is raised for a web page (or anything else that is no JSON) with a good status where JSON was expected.
    ``unsure``: with these statuses a write that must not be repeated may have been done all the same, and is
    UnknownOutcome instead of RetryLater. None: as the next table says. ``hidden`` finds the refusal in the body of an
    answer of good status (GraphQL), whose code is looked up under that status.
    """

    rules: Mapping[Key, type[BridgeError] | Rule] = field(default_factory=dict)
    describe: Describe | None = None
    page: type[BridgeError] | Rule | None = None
    unsure: range | frozenset[int] | None = None
    hidden: Callable[[Response], Said | None] | None = None

    def find(self, status: int, code: str | None) -> type[BridgeError] | Rule | None:
        """The entry for this status and code, None when there is none."""
        particular = self.rules.get((status, code)) if code is not None else None
        return particular or self.rules.get(status) or self._in_range(status)

    def _in_range(self, status: int) -> type[BridgeError] | Rule | None:
        return next((value for key, value in self.rules.items() if isinstance(key, range) and status in key), None)


def _as_rule(value: type[BridgeError] | Rule) -> Rule:
    return value if isinstance(value, Rule) else Rule(value)


DEFAULT = ErrorTable(
    rules={
        401: Rule(Reauthorise, "Connect this account again."),
        402: Rule(AskMerchant, "Check the subscription or the payment of this account."),
        403: Rule(AskMerchant, "Check that the credentials have the permissions named in the instructions."),
        404: NotFound,
        408: RetryLater,
        410: NotFound,
        421: RetryLater,
        423: RetryLater,
        425: RetryLater,
        429: SlowDown,
        451: AskMerchant,
        range(300, 400): Rule(AskMerchant, "Enter the address it points to, or mend the redirect."),
        range(400, 500): RejectItem,
        range(500, 600): RetryLater,
    },
    describe=describe,
    page=RetryLater,
    unsure=range(500, 600),
)

# A token endpoint: every refusal means that the merchant has to connect again (RFC 6749, 5.2).
TOKEN_ERRORS = ErrorTable(rules={400: Reauthorise, 401: Reauthorise, 403: Reauthorise})


class Tables:
    """Tables one above the other, the most particular first, the default last."""

    def __init__(self, *tables: ErrorTable | None) -> None:
        self._tables = [table for table in (*tables, DEFAULT) if table is not None]

    def rule(self, status: int, code: str | None) -> Rule:
        """The first entry that any table has."""
        found = (table.find(status, code) for table in self._tables)
        return _as_rule(next((entry for entry in found if entry), RetryLater))

    @property
    def page(self) -> Rule:
        return _as_rule(next(table.page for table in self._tables if table.page is not None))

    def is_unsure(self, status: int) -> bool:
        """Whether a write may have been done although this status came back."""
        return status in next(table.unsure for table in self._tables if table.unsure is not None)

    def hidden(self, response: Response) -> Said | None:
        """The refusal inside an answer of good status; None where there is none."""
        particular = next((table.hidden for table in self._tables if table.hidden is not None), None)
        return particular(response) if particular is not None else None

    def said(self, response: Response) -> Said:
        """The other side's words. A describer that stumbles over an odd body yields those of the default."""
        usual = describe(response)
        particular = next(table.describe for table in self._tables if table.describe is not None)
        try:
            said = Said(*particular(response))
        except (NotJson, LookupError, TypeError, ValueError, AttributeError):
            return usual
        return said if said.code is not None else said._replace(code=usual.code)
