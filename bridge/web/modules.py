"""The door of the modules inside stores: ``/modules/connect`` and ``/modules/<shop>/<connection>/<act>``
(docs/store-modules.md). A signed call is verified over its raw bytes, done by a flow, and its answer is signed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

from flask import Blueprint, Response, g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from bridge import metrics
from bridge.db import author
from bridge.domain import signed
from bridge.flows import leaving, module_calls, module_connect, module_events, module_health
from bridge.flows.bell import Bell
from bridge.flows.engine import Engine
from bridge.flows.messages import read_object
from bridge.flows.module_calls import ModuleCall
from bridge.flows.module_connect import NotAsItIs
from bridge.log import get_logger
from bridge.ports.errors import AskMerchant, BridgeError, NotFound, Reauthorise, RetryLater
from bridge.ports.http.context import hurry
from bridge.ports.manifest import Limit
from bridge.ports.storemodule import Asked
from bridge.web import language
from bridge.web.throttle import Throttle, TooMany, caller

KB, MB = 1024, 1024 * 1024
STATUS: tuple[tuple[type[BridgeError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.GONE),
    (Reauthorise, HTTPStatus.UNAUTHORIZED),
    (NotAsItIs, HTTPStatus.CONFLICT),
    (AskMerchant, HTTPStatus.BAD_REQUEST),
    (BridgeError, HTTPStatus.SERVICE_UNAVAILABLE),
)
# Of those who want to be connected nothing is proved, so a wrong code is no bad signature, and a store that cannot be
# reached is not our own trouble.
ASKING: tuple[tuple[type[BridgeError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (Reauthorise, HTTPStatus.FORBIDDEN),
    (NotAsItIs, HTTPStatus.CONFLICT),
    (AskMerchant, HTTPStatus.BAD_REQUEST),
    (BridgeError, HTTPStatus.BAD_GATEWAY),
)
# A store that answers slowly holds up one of our threads: not all of them, and not for long.
AT_ONCE, STORE_SECONDS = 3, 15.0
_OURS = "our own door"
ASKS = Limit(calls=20, seconds=600, source=_OURS)  # to be connected, of one address
ASKS_OF_STORE = Limit(calls=10, seconds=600, source=_OURS)  # each makes us call that store
ALL_ASKS = Limit(calls=300, seconds=600, source=_OURS)
WRONG = Limit(calls=30, seconds=60, source=_OURS)  # bad signatures for one connection, of one address
ALL_WRONG = Limit(calls=300, seconds=60, source=_OURS)  # of one address
CALLS = Limit(calls=600, seconds=60, source=_OURS)  # signed rightly, of one connection
log = get_logger(__name__)


class DoorConfig(Protocol):
    """What this door wants to know of the configuration."""

    @property
    def install_key(self) -> str: ...

    @property
    def proxies(self) -> int: ...


@dataclass(frozen=True)
class Act:
    """What a module can ask for. ``do`` gives the answer; it sees to it that the call is taken once, in the transaction
    of what it changes (``module_calls.once``), unless ``spend`` has that done before. ``longest``: bytes of a body."""

    do: Callable[[ModuleCall], Mapping[str, Any]]
    spend: bool = False
    longest: int = MB


def modules(engine: Engine, config: DoorConfig, more: Mapping[str, Act] | None = None) -> Blueprint:
    """``more``: acts beside those of this door, by name."""
    door = Blueprint("modules", __name__, url_prefix="/modules")
    acts = {**_acts(engine), **(more or {})}
    throttle = Throttle(engine.limiter, "modules")
    door.before_request(partial(_enter, config))
    slots = threading.BoundedSemaphore(AT_ONCE)
    door.add_url_rule("/connect", "connect", partial(_connect, engine, config, throttle, slots), methods=["POST"])
    door.add_url_rule("/activate/<platform>", "activate", partial(_activate, engine, throttle), methods=["POST"])
    path = "/<public_id>/<int(max=999999999):connection_id>/<any({}):act>".format(", ".join(sorted(acts)))
    door.add_url_rule(path, "act", partial(_act, engine, throttle, acts), methods=["POST"])
    door.register_error_handler(BridgeError, _not_done)
    door.register_error_handler(SQLAlchemyError, _not_now)
    door.register_error_handler(HTTPException, _refused)
    door.register_error_handler(Exception, _broken)
    return door


def _acts(engine: Engine) -> dict[str, Act]:
    bell = Bell(engine.ring)
    return {
        "events": Act(partial(_events, engine, bell)),
        "heartbeat": Act(partial(module_health.beat, engine), longest=64 * KB),
        "gone": Act(partial(_gone, engine), spend=True, longest=64 * KB),
    }


def _enter(config: DoorConfig) -> None:
    g.caller, g.statuses = caller(request, config.proxies), STATUS
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Send it uncompressed.")


def _body(longest: int) -> bytes:
    """Raises RequestEntityTooLarge, where the sender says so at once, else after one byte too many."""
    request.max_content_length = request.max_form_memory_size = longest + 1
    body = request.get_data(cache=False)
    if len(body) > longest:
        raise RequestEntityTooLarge
    return body


# -- signed ------------------------------------------------------------------------------------------------------------


def _act(
    engine: Engine, throttle: Throttle, acts: Mapping[str, Act], public_id: str, connection_id: int, act: str
) -> Response:
    found = acts[act]
    call = signed_call(engine, throttle, public_id, connection_id, act, found.longest)
    if found.spend:
        module_calls.spend(engine, call)
    return signed_answer(engine, call, found.do(call))


def signed_call(
    engine: Engine, throttle: Throttle, public_id: str, connection_id: int, act: str, longest: int
) -> ModuleCall:
    """The call of this request, proved and not yet spent. Raises NotFound (410), Reauthorise (401), and what says 413
    and 429."""
    pair = f"{g.caller}:{connection_id}"
    throttle.refuse_blocked("wrong", pair, WRONG)
    throttle.refuse_blocked("all-wrong", g.caller, ALL_WRONG)
    body = _body(longest)
    try:
        call = module_calls.verified(engine, public_id, connection_id, act, request.headers.get(signed.HEADER), body)
    except (Reauthorise, NotFound):
        throttle.wrong("wrong", pair, WRONG)
        throttle.wrong("all-wrong", g.caller, ALL_WRONG)
        metrics.count_delivery("module", "refused")
        raise
    throttle.count("calls", str(connection_id), CALLS)
    return call


def signed_answer(engine: Engine, call: ModuleCall, content: Mapping[str, Any]) -> Response:
    """The answer, signed with the secret that the question was signed with."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    response = Response(body, HTTPStatus.OK, mimetype="application/json")
    response.headers[signed.HEADER] = call.answer(body, engine.clock())
    return _sealed(response)


def _events(engine: Engine, bell: Bell, call: ModuleCall) -> Mapping[str, Any]:
    taken, lanes = module_events.take(engine, call)
    if lanes:
        bell.ring(*lanes)
    metrics.count_delivery(call.connection.adapter, "kept" if lanes else "ignored")
    return {"taken": taken}


def _gone(engine: Engine, call: ModuleCall) -> Mapping[str, Any]:
    told = call.content()
    who, how = told.get("user"), "disconnected" if told.get("reason") == "disconnected" else "removed"
    with author.by(f"{who if isinstance(who, str) and who else 'somebody'}, in the store's admin"):
        leaving.left(engine, call.connection, how)
    return {"ok": True}


# -- not signed --------------------------------------------------------------------------------------------------------


def _connect(engine: Engine, config: DoorConfig, throttle: Throttle, slots: threading.BoundedSemaphore) -> Response:
    g.statuses = ASKING
    throttle.count("connect", g.caller, ASKS)
    content = read_object(_body(16 * KB))
    g.locale = str(content.get("locale", ""))[:20]
    asked = _asked(content)
    throttle.count("connect", "everybody", ALL_ASKS)
    throttle.count("store", module_connect.host(asked), ASKS_OF_STORE)
    if not slots.acquire(blocking=False):
        raise TooMany(STORE_SECONDS)
    try:
        with hurry(STORE_SECONDS):
            joined = module_connect.connect(engine, asked, config.install_key, _text(content, "install_key", 200))
    finally:
        slots.release()
    answer = {"shop": joined.shop, "connection": joined.connection, "title": joined.title}
    return _sealed(Response(json.dumps(answer, ensure_ascii=False), HTTPStatus.OK, mimetype="application/json"))


def _asked(content: Mapping[str, Any]) -> Asked:
    longest = {"store_url": 500, "api_url": 500, "code": 64, "activation": 200}
    fields = {name: _text(content, name, longest.get(name, 80)) for name in Asked.model_fields}
    for name in ("platform", "store_url", "api_url", "code"):
        if not fields[name]:
            raise AskMerchant(f"The field {name} is missing.", field=name)
    return Asked(**{**fields, "api_url": fields["api_url"].rstrip("/") + "/"})


def _text(content: Mapping[str, Any], name: str, longest: int) -> str:
    value = content.get(name, "")
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise AskMerchant(f"{name}: send printable text of at most {longest} characters.", field=name)
    return value


def _activate(engine: Engine, throttle: Throttle, platform: str) -> Response:
    """Only kept: the platform waits for five seconds, and what it says is proved later."""
    g.statuses = ASKING
    throttle.count("connect", g.caller, ASKS)
    throttle.count("connect", "everybody", ALL_ASKS)
    request.max_content_length = request.max_form_memory_size = 16 * KB
    module_connect.activate(engine, platform, request.form.to_dict())
    return _text_answer("", HTTPStatus.OK)


# -- refused -----------------------------------------------------------------------------------------------------------


def _not_done(error: BridgeError) -> Response:
    statuses = g.get("statuses") or STATUS
    status = next(status for kind, status in statuses if isinstance(error, kind))
    text = f"{error.field}: {error.merchant}" if error.field and status is HTTPStatus.BAD_REQUEST else error.merchant
    response = _text_answer(text, status)
    if isinstance(error, RetryLater):
        response.headers["Retry-After"] = "10"
    return response


def _not_now(error: SQLAlchemyError) -> Response:
    log.warning("the database does not answer the modules' door", error=str(error))
    response = _text_answer("The database does not answer; nothing was kept.", HTTPStatus.SERVICE_UNAVAILABLE)
    response.headers["Retry-After"] = "10"
    return response


def _refused(error: HTTPException) -> Response:
    response = _text_answer(error.description or error.name, HTTPStatus(error.code or 500))
    response.headers.update(getattr(error, "headers", {}))
    return response


def _broken(error: Exception) -> Response:
    log.error("a module's call broke off", page=request.path, exc_info=error)
    return _text_answer("This is a fault of Storebridge; send it again later.", HTTPStatus.INTERNAL_SERVER_ERROR)


def _text_answer(text: str, status: HTTPStatus) -> Response:
    """In the language of whoever clicked, where the module has told it; the modules print it as it is."""
    with language.spoken(language.best(g.get("locale", ""))):
        told = str(language.said(text))
    return _sealed(Response(told and told + "\n", status, mimetype="text/plain"))


def _sealed(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
