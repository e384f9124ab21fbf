"""Judges one attempt: all is well, or which error it is and whether it may be tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bridge.ports.errors import (
    AskMerchant,
    BridgeError,
    NotFound,
    Reauthorise,
    RejectItem,
    RetryLater,
    SlowDown,
    Superseded,
    UnknownOutcome,
)
from bridge.ports.http.call import Call
from bridge.ports.http.context import current_lane
from bridge.ports.http.network import NO_SUCH_HOST
from bridge.ports.http.response import NotJson, Response
from bridge.ports.http.table import Said
from bridge.ports.http.wire import WireFault

_ADVICE: dict[type[BridgeError], str] = {
    SlowDown: "It goes on by itself.",
    RetryLater: "It is tried again by itself.",
    UnknownOutcome: "It is looked up before anything is repeated.",
    Reauthorise: "Connect this account again.",
    AskMerchant: "Check the settings of this connection.",
    RejectItem: "Correct the data named and save it again.",
    NotFound: "It may have been deleted there.",
    Superseded: "",
}
# A call of no lane was made because a person asked for it just now: nobody repeats it for them.
_BY_HAND: dict[type[BridgeError], str] = {
    SlowDown: "This was not done: try again in a few minutes.",
    RetryLater: "Try again in a few minutes.",
}


def _advice(error: type[BridgeError]) -> str:
    known = _ADVICE if current_lane() else _ADVICE | _BY_HAND
    return known.get(error, "")


NO_API = "Check the address that was entered; where it is right, it is tried again by itself."


@dataclass(frozen=True)
class Verdict:
    """``error`` is what the caller gets. ``repeatable``: the same call may be tried again at once, or after
    ``pause`` seconds where the other side named them. ``renew``: a new access token may mend it."""

    error: type[BridgeError]
    merchant: str
    field: str | None = None
    repeatable: bool = False
    renew: bool = False
    pause: float | None = None

    def to_error(self, developer: str) -> BridgeError:
        if issubclass(self.error, RetryLater):
            after = None if self.pause is None else timedelta(seconds=self.pause)
            return self.error(self.merchant, developer=developer, after=after)
        return self.error(self.merchant, developer=developer, field=self.field)


def on_fault(call: Call, title: str, fault: WireFault, wait: float | None) -> Verdict:
    """No whole answer came. A refusal whose body was lost on the way is still a refusal."""
    if fault.refusal:
        return Verdict(AskMerchant, f"{title}: {fault.refusal}")
    if fault.response is not None and fault.response.status >= 300:
        verdict = on_answer(call, title, fault.response, wait)
        if verdict is not None:
            return verdict
    if fault.sent and not call.idempotent:
        return _unknown(call, title)
    what = "gave no complete answer" if fault.sent else "cannot be reached"
    if NO_SUCH_HOST in fault.reason:
        what = "cannot be found; check how it is spelled"
    text = f"{title}: {call.host} {what}. {_advice(RetryLater)}"
    return Verdict(RetryLater, text, repeatable=not fault.lasting)


def _unknown(call: Call, title: str) -> Verdict:
    text = f"{title}: whether {call.operation} was done at {call.host} is not known. {_advice(UnknownOutcome)}"
    return Verdict(UnknownOutcome, text)


def on_answer(call: Call, title: str, response: Response, wait: float | None) -> Verdict | None:
    """None when the answer is what was asked for. ``wait``: seconds that it asks us to stay away."""
    welcome = 200 <= response.status < 300 or response.status == 304
    if (welcome or response.status in call.allow) and _is_readable(call, response):
        hidden = call.tables.hidden(response)
        return None if hidden is None else _on_error(call, title, response, wait, hidden)
    if welcome:
        return _on_page(call, title, response)
    if 300 <= response.status < 400:
        return _on_redirect(call, title, response)
    return _on_error(call, title, response, wait)


def _is_readable(call: Call, response: Response) -> bool:
    """Whether the body is JSON, where JSON is expected. Only where there is nothing to say may it be empty."""
    if call.expect != "json":
        return True
    if not response.content.strip():
        return call.method == "HEAD" or response.status not in (200, 201)
    try:
        response.json  # noqa: B018  parsed here once, so that the caller cannot stumble
    except NotJson:
        return False
    return True


def _on_page(call: Call, title: str, response: Response) -> Verdict:
    """A good status and no JSON: a page for maintenance, a firewall's challenge, PHP notices before the data."""
    if not call.idempotent:
        return _unknown(call, title)
    rule = call.tables.page
    what = "a web page" if response.is_page else response.media_type or "nothing"
    text = f"{title}: {call.host} answered with {what} instead of data. {rule.advice or _advice(rule.error)}"
    return Verdict(rule.error, text, repeatable=rule.error is RetryLater)


def _on_redirect(call: Call, title: str, response: Response) -> Verdict:
    rule = call.tables.rule(response.status, None)
    target = response.headers.get("location", "nowhere")
    text = f"{title}: {call.host} redirects to {target}. {rule.advice or _advice(rule.error)}"
    return Verdict(rule.error, text)


def _on_error(call: Call, title: str, response: Response, wait: float | None, hidden: Said | None = None) -> Verdict:
    if call.expect == "json" and response.is_barred:
        return _on_barrier(call, title, response, wait)
    said = hidden or call.tables.said(response)
    error, advice = call.tables.rule(response.status, said.code)
    if error is NotFound and call.expect == "json" and response.is_page:
        # A page saying 404 means that the API is not there, not that the thing is gone.
        error, advice = RetryLater, NO_API
        said = Said(f"{call.host} answered with a web page instead of data")
    if error is RetryLater and not call.idempotent and call.tables.is_unsure(response.status):
        return _unknown(call, title)
    if error is RetryLater and wait is not None:
        error = SlowDown
    words = said.message.strip().rstrip(".") or _plain_words(error, call)
    number = "" if hidden else f" ({response.status})"
    return Verdict(
        error,
        f"{title}: {words}{number}. {advice or _advice(error)}".strip(),
        field=said.field,
        repeatable=issubclass(error, RetryLater),
        renew=issubclass(error, Reauthorise),
        pause=wait,
    )


def _on_barrier(call: Call, title: str, response: Response, wait: float | None) -> Verdict:
    """Who is in the way lets through again whoever comes more rarely."""
    text = (
        f"{title}: a firewall before {call.host} turns our calls away ({response.status}). "
        f"If it lasts, have it let this server in. {_advice(SlowDown)}"
    )
    return Verdict(SlowDown, text, repeatable=True, pause=wait)


def _plain_words(error: type[BridgeError], call: Call) -> str:
    """For when the other side says nothing."""
    if issubclass(error, SlowDown):
        return f"{call.host} asks for fewer calls"
    if issubclass(error, RetryLater):
        return f"{call.host} has trouble of its own"
    if issubclass(error, Reauthorise):
        return f"{call.host} does not accept the credentials"
    return f"{call.operation} was refused"
