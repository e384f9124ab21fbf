"""What can be asked of the JSON door. A route reads the call and asks a flow; the flow decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from sqlalchemy.orm import Session

from bridge.flows import (
    activity,
    admin,
    alert_settings,
    alerts,
    copying,
    documents,
    feed_address,
    held,
    listing_view,
    needs,
    overview,
    plan,
    proof,
    rates,
    report,
    resting,
    sorting,
    turnover,
)
from bridge.flows.documents import SHARED, SHOP, Wish, of_connection
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.kinds import KINDS
from bridge.ports.errors import AskMerchant, NotFound

LONGEST_NAME = 80
NUMBER = "<int(max=999999999999999):%s>"


@dataclass(frozen=True)
class Call:
    """``query`` is what stands behind the question mark, ``body`` the JSON object that was sent."""

    engine: Engine
    shop_id: int
    arguments: Mapping[str, Any]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    author: str
    token: str

    def read(self, act: Callable[[Session], Any]) -> Any:
        with self.engine.db.read(self.shop_id) as session:
            return act(session)

    def only(self, *names: str) -> None:
        """Raises FieldErrors for whatever else was sent."""
        unknown = [name for name in self.body if name not in names]
        if unknown:
            known = ", ".join(names) or "none"
            raise FieldErrors(dict.fromkeys(unknown, f"There is no such field here; the fields are: {known}."))

    def text(self, name: str, longest: int = 2000) -> str:
        value = self.body.get(name, "")
        if not isinstance(value, str) or len(value) > longest:
            raise FieldErrors({name: f"Send text of at most {longest} characters."})
        return value

    def flag(self, name: str) -> bool:
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise FieldErrors({name: "Send true or false."})
        return value

    def number(self, name: str) -> int | None:
        value = self.body.get(name)
        if value is not None and not _is_number(value):
            raise FieldErrors({name: "Send a whole number."})
        return value

    def texts(self, name: str) -> list[str]:
        value = self.body.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise FieldErrors({name: "Send a list of texts."})
        return value

    def numbers(self, name: str) -> list[int]:
        value = self.body.get(name, [])
        if not isinstance(value, list) or not all(_is_number(item) for item in value):
            raise FieldErrors({name: "Send a list of whole numbers."})
        return value

    def asked(self, name: str, default: int) -> int | None:
        """A number behind the question mark. Raises FieldErrors."""
        value = self.query.get(name, "")
        if not value:
            return default or None
        if not (value.isascii() and value.isdigit() and len(value) < 16):
            raise FieldErrors({name: "Send a whole number."})
        return int(value)

    @property
    def connection(self) -> int:
        """The connection in the address. Raises NotFound when it is not this shop's."""
        number: int = self.arguments["connection"]
        known = self.read(lambda session: [row["id"] for row in _channels(session, self.engine)])
        if number not in known:
            raise NotFound("There is no such marketplace connection.")
        return number


def _is_number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15


@dataclass(frozen=True)
class Route:
    """``about`` stands in docs/api.md; ``makes``: a new thing is the answer."""

    method: str
    path: str
    act: Callable[[Call], Any]
    about: str
    makes: bool = False


def _channels(session: Session, engine: Engine) -> list[dict[str, Any]]:
    rows = [row for row in overview.connections(session, engine.clock()) if row["role"] == "channel"]
    rests = resting.holds(session)
    names = ("id", "adapter", "account", "title", "state", "listings")
    return [
        {**{name: row[name] for name in names}, "rests": [item for item in rests if item["connection_id"] == row["id"]]}
        for row in rows
    ]


def _settings(call: Call) -> Any:
    def act(session: Session) -> dict[str, Any]:
        found = [
            {"subject": subject, "kind": kind, "content": content}
            for (subject, kind), content in sorted(documents.active(session).items())
        ]
        return {"state": documents.state(session), "settings": found}

    return call.read(act)


def _subject(call: Call) -> tuple[str, str]:
    kind = str(call.arguments["kind"])
    if kind not in KINDS:
        raise NotFound(f"There is no setting {kind!r}; there are: {', '.join(KINDS)}.")
    if "connection" in call.arguments:
        return of_connection(call.connection), kind
    if "name" in call.arguments:
        name = str(call.arguments["name"])
        if not (name.isprintable() and len(name) <= LONGEST_NAME):
            raise FieldErrors({"name": f"A rule set has a name of at most {LONGEST_NAME} printable characters."})
        return SHARED + name, kind
    return SHOP, kind


def _get(call: Call) -> Any:
    subject, kind = _subject(call)

    def act(session: Session) -> dict[str, Any]:
        row = documents.read(session, subject, kind)
        known = {"content": row.content, "version": row.version} if row else {"content": None, "version": None}
        return {"subject": subject, "kind": kind, "state": documents.state(session), **known}

    return call.read(act)


def _put(call: Call) -> Any:
    call.only("content", "note", "examples")
    subject, kind = _subject(call)
    content = call.body.get("content")
    if "content" not in call.body or not isinstance(content, dict | None):
        raise FieldErrors({"content": "Send the new content as an object, or null to go back to the default."})
    return _plan(call, [Wish(subject=subject, kind=kind, content=content)])


def _plan(call: Call, wishes: Sequence[Wish]) -> Any:
    examples = call.number("examples")
    return plan.make(
        call.engine,
        call.shop_id,
        wishes,
        call.author,
        call.text("note"),
        examples=plan.EXAMPLES if examples is None else examples,
    )


def _make_plan(call: Call) -> Any:
    call.only("changes", "note", "examples")
    return _plan(call, documents.read_wishes(call.body.get("changes")))


def _plans(call: Call) -> Any:
    return {"plans": call.read(lambda session: plan.plans(session, 25, call.asked("below", 0)))}


def _read_plan(call: Call) -> Any:
    return call.read(lambda session: plan.read(session, call.arguments["plan"]))


def _apply(call: Call) -> Any:
    call.only("confirm")
    return plan.apply(call.engine, call.shop_id, call.arguments["plan"], call.author, confirm=call.flag("confirm"))


def _undo(call: Call) -> Any:
    call.only("version", "connection", "confirm")
    return plan.undo(
        call.engine,
        call.shop_id,
        call.author,
        number=call.number("version"),
        connection_id=call.number("connection"),
        confirm=call.flag("confirm"),
    )


def _versions(call: Call) -> Any:
    return {"versions": call.read(lambda session: documents.changes(session, 50, call.asked("below", 0)))}


def _hold(call: Call) -> Any:
    call.only("flows", "reason")
    rests = resting.hold(
        call.engine, call.shop_id, call.connection, call.texts("flows"), call.author, call.text("reason", 500)
    )
    return {"rests": rests}


def _resume(call: Call) -> Any:
    call.only("flows")
    return {"rests": resting.resume(call.engine, call.shop_id, call.connection, call.texts("flows"), call.author)}


def _waiting(call: Call) -> Any:
    return {"waiting": call.read(lambda session: held.waiting(session, call.connection))}


def _confirm(call: Call) -> Any:
    call.only("skus", "listings", "site")
    skus, listings, site = call.texts("skus"), call.numbers("listings"), call.body.get("site")
    if not isinstance(site, str | None):
        raise FieldErrors({"site": "Send the code of a country site."})
    some = bool(skus or listings) or site is not None
    only = held.Only(skus=tuple(skus), listings=tuple(listings), site=site) if some else None
    return {"confirmed": held.confirm(call.engine, call.shop_id, call.connection, call.author, only)}


def _copy_mapping(call: Call) -> Any:
    call.only("from", "as", "replace", "category", "into", "note", "examples")
    source, connection = call.number("from"), call.connection
    if (source is None) == ("category" not in call.body):
        raise FieldErrors({"from": "Send the connection it is copied from, or a category of this one."})
    done = _of_category(call, connection) if source is None else _of_other(call, source, connection)
    return {**_plan(call, [done.wish]), "left_out": done.left_out}


def _of_other(call: Call, source: int, connection: int) -> copying.Copied:
    own, replace = call.body.get("as", {}), call.flag("replace")
    if not isinstance(own, dict) or not all(isinstance(item, str) for item in own.values()):
        raise FieldErrors({"as": "Send an object: our attribute for each of theirs."})
    if source not in call.read(documents.channels):
        raise NotFound("There is no such marketplace connection.", field="from")
    found: copying.Copied = call.read(
        lambda session: copying.to_connection(session, source, connection, own, replace=replace)
    )
    return found


def _of_category(call: Call, connection: int) -> copying.Copied:
    category, into = call.texts("category"), call.body.get("into", [])
    if not isinstance(into, list) or not all(_is_path(item) for item in into):
        raise FieldErrors({"into": "Send a list of categories, each a list of names."})
    found: copying.Copied = call.read(lambda session: copying.to_categories(session, connection, category, into))
    return found


def _is_path(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _feeds(call: Call) -> Any:
    return {"feeds": call.read(lambda session: list(feed_address.shown(call.engine, session).values()))}


def _renew_feed(call: Call) -> Any:
    call.only()
    return feed_address.renew(call.engine, call.shop_id, call.connection, call.author)


def _explain(call: Call) -> Any:
    sku = call.query.get("sku", "").strip()[:190]
    if not sku:
        raise FieldErrors({"sku": "Name a SKU: /api/explain?sku=..."})
    try:
        return {"listings": call.read(lambda session: listing_view.explain(session, sku, call.query.get("channel")))}
    except AskMerchant as error:
        raise NotFound(error.merchant, field=error.field) from None


def _suggestions(call: Call) -> Any:
    return {"suggestions": call.read(lambda session: sorting.suggestions(session, call.connection))}


def _suggest(call: Call) -> Any:
    call.only()
    return {"suggested": sorting.suggest(call.engine, call.shop_id, call.connection)}


def _accept(call: Call) -> Any:
    call.only("ids", "above", "note", "examples")
    ids, above = call.body.get("ids"), call.body.get("above")
    wish = call.read(lambda session: sorting.accepted(session, call.connection, ids, above))
    return _plan(call, [wish])


def _categories(call: Call) -> Any:
    search = call.query.get("search", "")[:200]
    return call.read(lambda session: sorting.targets(session, call.connection, search))


def _report(call: Call) -> Any:
    return report.report(call.engine, admin.get(call.engine, call.shop_id, call.connection))


def _requirements(call: Call) -> Any:
    return {"requirements": call.read(lambda session: needs.shown(session, call.connection))}


def _rates(call: Call) -> Any:
    def act(session: Session) -> Any:
        fixed = documents.active(session).get((SHOP, "rates"), {})
        return rates.shown(session, call.engine.clock().date(), fixed)

    return call.read(act)


def _eu_sales(call: Call) -> Any:
    return {"eu_sales": call.read(lambda session: turnover.report(session, call.engine.clock()))}


def _proofs(call: Call) -> Any:
    return {"proofs": call.read(proof.shown)}


def _activity(call: Call) -> Any:
    who = call.query.get("by", "")
    if who not in ("", "people"):
        raise FieldErrors({"by": "Leave it out, or ask for by=people."})
    order, sku, before = call.query.get("order"), call.query.get("sku"), call.asked("before", 0)

    def act(session: Session) -> list[dict[str, Any]]:
        return activity.activity(
            session, order=order or None, sku=sku or None, exchanges=False, by_people=bool(who), before=before
        )

    return {"activity": call.read(act)}


def _alerts(call: Call) -> Any:
    return alert_settings.shown(call.engine, call.shop_id)


def _put_alerts(call: Call) -> Any:
    call.only("content")
    content = call.body.get("content")
    if not isinstance(content, dict):
        raise FieldErrors({"content": "Send the settings of alerts as an object; {} for the defaults."})
    return alert_settings.put(call.engine, call.shop_id, content, call.author)


def _alert_secret(call: Call) -> Any:
    call.only()
    return alert_settings.renew_secret(call.engine, call.shop_id, call.author)


def _alert_test(call: Call) -> Any:
    call.only()
    return {"results": alerts.try_out(call.engine, call.shop_id)}


CONNECTION = f"connections/{NUMBER % 'connection'}"
_PLAN = f"plans/{NUMBER % 'plan'}"

ROUTES: Sequence[Route] = (
    Route("GET", "token", lambda call: {"token": call.token}, "The token that changes carry in X-Csrf-Token."),
    Route(
        "GET",
        "connections",
        lambda call: {"connections": call.read(lambda session: _channels(session, call.engine))},
        "The marketplaces, with what rests.",
    ),
    Route("GET", "settings", _settings, "Everything that shapes listings now, and the number of that state."),
    Route("GET", f"{CONNECTION}/<kind>", _get, "One setting of a marketplace."),
    Route("PUT", f"{CONNECTION}/<kind>", _put, "Plan a new content of it; nothing takes effect yet.", makes=True),
    Route("GET", "shared/<name>/<kind>", _get, "A shared rule set."),
    Route("PUT", "shared/<name>/<kind>", _put, "Plan a new content of it.", makes=True),
    Route("GET", "shop/<kind>", _get, "A setting of the whole shop."),
    Route("PUT", "shop/<kind>", _put, "Plan a new content of it.", makes=True),
    Route("GET", f"{CONNECTION}/categories", _categories, "The marketplace's categories, found by words."),
    Route("GET", f"{CONNECTION}/suggestions", _suggestions, "Suggested categories, as they were last worked out."),
    Route("POST", f"{CONNECTION}/suggestions", _suggest, "Work them out anew.", makes=True),
    Route("POST", f"{CONNECTION}/suggestions/accept", _accept, "Plan a mapping that takes some over.", makes=True),
    Route("POST", f"{CONNECTION}/mapping/copy", _copy_mapping, "Plan a copy of an attribute mapping.", makes=True),
    Route("GET", f"{CONNECTION}/requirements", _requirements, "What the marketplace asks of its categories."),
    Route("GET", "rates", _rates, "The exchange rates in use, with their day, source and age."),
    Route("GET", "plans", _plans, "The newest plans."),
    Route("POST", "plans", _make_plan, "Plan several changes at once.", makes=True),
    Route("GET", _PLAN, _read_plan, "One plan: counts and examples by marketplace."),
    Route("POST", f"{_PLAN}/apply", _apply, "Put it into effect."),
    Route("GET", "versions", _versions, "What was changed, by whom and when, newest first."),
    Route("POST", "undo", _undo, "Bring back what held before a change."),
    Route("POST", f"{CONNECTION}/hold", _hold, "Let flows of a marketplace rest."),
    Route("POST", f"{CONNECTION}/resume", _resume, "Set them going again."),
    Route("GET", f"{CONNECTION}/waiting", _waiting, "Changes that reach too far and wait for a word."),
    Route("POST", f"{CONNECTION}/confirm", _confirm, "Say that they are meant: all, or some of them."),
    Route("GET", f"{CONNECTION}/report", _report, "The validation report: what is ready, what is blocked, and why."),
    Route("GET", "feeds", _feeds, "The files that marketplaces fetch: where, when written, when last fetched."),
    Route("POST", f"{CONNECTION}/feed/renew", _renew_feed, "Give a feed a new address; the old one answers no more."),
    Route("GET", "eu-sales", _eu_sales, "Sales to consumers in other EU countries, against the threshold of OSS."),
    Route("GET", "proofs", _proofs, "Whether the orders of each day are the same on both sides."),
    Route("GET", "alerts", _alerts, "Who is told of problems, how and when, and what waits."),
    Route("PUT", "alerts", _put_alerts, "Set that anew; it holds at once."),
    Route("POST", "alerts/test", _alert_test, "Send a test by every way."),
    Route("POST", "alerts/secret", _alert_secret, "A new secret for the webhook's signature.", makes=True),
    Route("GET", "activity", _activity, "What was decided and done, newest first; or what people have changed."),
    Route("GET", "explain", _explain, "Where each published value of a SKU came from."),
)
