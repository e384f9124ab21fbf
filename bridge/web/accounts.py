"""Pages on which accounts are connected, looked after and let go."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.db.tables import Connection
from bridge.flows import account as account_info
from bridge.flows import account_settings, admin, consenting, offering, overview, polls, resting, trying
from bridge.flows.forms import FieldErrors
from bridge.flows.offering import OPERATOR, OTHER
from bridge.flows.wish import DISCONNECTED
from bridge.ports.adapter import Adapter, Consent
from bridge.ports.errors import AskMerchant, NotFound
from bridge.ports.manifest import Capability, FormField, Manifest
from bridge.web import shaping, trials, wording
from bridge.web.asked import Go
from bridge.web.drawn import Drawn, errors_of, is_told, of_fields, refused, shown, typed
from bridge.web.frames import CHANGE
from bridge.web.language import Name
from bridge.web.page import Context, Page, Sent, View

NUMBER = "<int(max=999999999999999):number>"
ROLES = {"store": "platform", "marketplace": "channel"}
WEBHOOKS = "poll.webhooks"
URL = "url_"  # before the name of an address in the form


def _connect(view: View) -> Context:
    """The list of what can be connected."""
    search = view.text("search", 80)
    connections = overview.connections(view.session, view.now)
    store = next((row for row in connections if row["role"] == "platform" and row["state"] != DISCONNECTED), None)
    return {
        "search": search,
        "store": store,
        "stores": [] if store else offering.offered(view.engine, view.session, "platform", search, view.language),
        "marketplaces": offering.offered(view.engine, view.session, "channel", search, view.language),
    }


def _connect_one(view: View) -> Context:
    adapter = offering.adapter(view.engine, str(view.arguments["adapter"]))
    operator = view.text(OPERATOR, 100)
    manifest = adapter.manifest
    settings = shown(_settings(manifest), view, ("connect", "consent"))
    needs = adapter.consent.needs if adapter.consent else ()
    fields = of_fields(_may_be_empty(adapter, _asked(manifest, operator)), {})
    return {
        "manifest": manifest,
        "name": _name(manifest, operator),
        "operator": operator,
        "is_store": manifest.kind == "platform",
        "credentials": refused(shown(fields, view, ("connect", "consent")), view.error),
        "needed": [item for item in settings if item.required or item.name in needs],
        "others": [item for item in settings if not (item.required or item.name in needs)],
        "addresses": shown(_addresses(manifest), view, ("connect", "consent")),
        "account": view.form.get("account", "") if view.form else "",
        "account_error": errors_of(view.error).get("account", ""),
        "told": is_told(fields, view.error),
        "consent": adapter.consent,
        "registers": isinstance(adapter.consent, Consent),
        "gives": _gives(adapter),
        "back": consenting.back(view.engine),
        **_consent_of(view),
        "lacks": manifest.lacks,
        "title": f"Connect {_name(manifest, operator)}",
    }


def _consent_of(view: View) -> Context:
    """A consent that is waited for, or what became of it; shown to whoever may ask for one."""
    number = view.number("consent") if view.person.may(CHANGE) else None
    if number is None:
        return {"asked": None, "answered": None, "is_over": False, "fresh": ()}
    waiting = consenting.asked(view.engine, view.session, number, view.person.name)
    answered = consenting.outcome(view.engine, view.session, number, view.person.name)
    fresh = resting.in_setup(view.session) if answered is not None else ()
    is_over = waiting is None and answered is None
    opens = waiting is not None
    return {"asked": waiting, "opens": opens, "answered": answered, "is_over": is_over, "fresh": fresh}


def _gives(adapter: Adapter) -> list[str]:
    """By their labels."""
    gives = adapter.consent.gives if adapter.consent else ()
    return [item.label for item in adapter.manifest.credentials if item.name in gives]


def _name(manifest: Manifest, operator: str) -> str:
    return operator if operator and operator != OTHER else manifest.title


def _asked(manifest: Manifest, operator: str) -> tuple[FormField, ...]:
    """The operator was chosen in the list; its address is then known."""
    hidden = {OPERATOR} | ({"url"} if operator and operator != OTHER else set())
    keep = [field for field in manifest.credentials if not (operator and field.name in hidden)]
    return tuple(
        field.model_copy(update={"required": True}) if operator == OTHER and field.name == "url" else field
        for field in keep
    )


def _may_be_empty(adapter: Adapter, fields: tuple[FormField, ...]) -> tuple[FormField, ...]:
    """What a consent gives need not be typed."""
    gives = adapter.consent.gives if adapter.consent else ()
    return tuple(item.model_copy(update={"required": item.required and item.name not in gives}) for item in fields)


def _settings(manifest: Manifest) -> list[Drawn]:
    """Of the marketplace itself: what has to be known first, then what has a default."""
    if manifest.kind == "platform":
        return of_fields(manifest.settings, {})
    fields = account_settings.group(manifest, "own")
    return of_fields(sorted(fields, key=lambda field: not (field.required and field.default is None)), {})


def _addresses(manifest: Manifest) -> list[Drawn]:
    return [Drawn(name=URL + name, label=name, kind="url", default=url, help="") for name, url in manifest.urls.items()]


def _ask_consent(sent: Sent) -> Go:
    adapter = offering.adapter(sent.engine, str(sent.arguments["adapter"]))
    given = _given(sent, adapter)
    if given.account:
        offering.refuse_known(sent.engine, sent.shop_id, adapter, given.account)
    number = consenting.begin(sent.engine, sent.shop_id, adapter.manifest.kind, adapter.name, given)
    return Go(f"connect/{adapter.name}", {"consent": number})


def _do_connect(sent: Sent) -> Go:
    adapter = offering.adapter(sent.engine, str(sent.arguments["adapter"]))
    manifest = adapter.manifest
    given = _given(sent, adapter)
    offering.refuse_known(sent.engine, sent.shop_id, adapter, given.account)
    done = admin.attach(sent.engine, sent.shop_id, manifest.kind, adapter.name, given)
    if manifest.kind == "platform":
        return Go("setup", done="connected")
    if _is_new(sent, done.id):
        return Go("setup", {"step": "match", "connection": done.id}, "connected")
    return Go(f"accounts/{done.id}", done="renewed")


def _given(sent: Sent, adapter: Adapter) -> admin.Given:
    manifest, operator = adapter.manifest, sent.form.get(OPERATOR, "")[:100]
    credentials = typed(of_fields(_asked(manifest, operator), {}), sent.form)
    if operator:
        credentials[OPERATOR] = operator
    urls = typed(_addresses(manifest), sent.form)
    return admin.Given(
        sent.form.get("account", "").strip()[:100] or operator,
        credentials,
        typed(_settings(manifest), sent.form),
        {name.removeprefix(URL): str(value) for name, value in urls.items()},
        admin.Manner(held=True, author=sent.author),
    )


def _is_new(sent: Sent, number: int) -> bool:
    with sent.engine.db.read(sent.shop_id) as session:
        return bool(resting.in_setup(session, number))


def _accounts(view: View) -> Context:
    rows = overview.connections(view.session, view.now)
    waiting = resting.in_setup(view.session)
    return {"connections": [{**row, "in_setup": row["id"] in waiting} for row in rows]}


def _account(view: View) -> Context | None:
    number = view.arguments["number"]
    row = view.session.get(Connection, number)
    if row is None or row.shop_id != view.shop.id or row.state == "connecting":
        return None
    adapters = view.engine.adapters(row.role)
    adapter = adapters.get(row.adapter)
    facts = next(item for item in overview.connections(view.session, view.now) if item["id"] == row.id)
    return {
        "row": facts,
        "title": Name(row.title),
        "webhooks": next((poll for poll in facts["polls"] if poll["flow"] == WEBHOOKS), None),
        "missing": adapter is None,
        **(trials.shown(view, row) if adapter and row.role == "platform" else {"trial": None}),
        "cannot": _cannot(row, adapter.manifest) if adapter else {},
        "no_score": adapter.manifest.lacks.get(Capability.SCORE, "") if adapter else "",
        "in_setup": bool(resting.in_setup(view.session, row.id)),
        "flows": resting.switches(view.session, [row.id])[row.id] if row.role == "channel" else [],
        "found": _found(row, adapter),
        **(_forms(view, row, adapter) if adapter else {"credentials": [], "parts": [], **_consent_of(view)}),
        "stakes": admin.stakes(view.engine, view.shop.id, row.id),
        "can_zero": adapter is not None
        and row.role == "channel"
        and Capability.OFFERS in adapter.manifest.capabilities,
    }


def _forms(view: View, row: Connection, adapter: Adapter) -> Context:
    drawn = of_fields(adapter.manifest.credentials, row.credentials or {}, renews=True)
    return {
        "credentials": refused(shown(drawn, view, ("renew", "consent")), view.error),
        "consent": adapter.consent is not None,
        **_consent_of(view),
        "told": is_told(drawn, view.error),
        "parts": [part for name in ("own", "matching") if (part := shaping.group(view, row, name))],
    }


def _cannot(row: Connection, manifest: Manifest) -> Mapping[str, str]:
    """What a store has not, by what people call it, each with the reason. Of test events it stands in their place."""
    without = [*manifest.cannot.items(), *(manifest.lacks.items() if row.role == "platform" else ())]
    return {wording.FEATURES[name]: reason for name, reason in without if name in wording.FEATURES}


def _found(row: Connection, adapter: Adapter | None) -> Context:
    """What the check of the account found."""
    info = row.info or {}
    names: Mapping[str, str] = info.get("site_names") or {}
    plain = {
        name.replace("_", " "): value
        for name, value in (info.get("details") or {}).items()
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    }
    return {
        "name": info.get("name") or row.account,
        "countries": info.get("countries") or [],
        "sites": [names.get(code, code) for code in info.get("sites") or []],
        "currency": info.get("currency") or (adapter.manifest.currency if adapter else None),
        "choices": {name: [item.label for item in items] for name, items in account_info.choices(info).items()},
        "details": plain,
        "better": info.get("better") or [],
    }


def _save(sent: Sent) -> None:
    shaping.save_group(sent, _row(sent), "own")


def _save_matching(sent: Sent) -> None:
    shaping.save_group(sent, _row(sent), "matching")


def _check_webhooks(sent: Sent) -> None:
    row = _row(sent)
    if not polls.ask_now(sent.engine, sent.shop_id, row.id, WEBHOOKS):
        raise AskMerchant(f"{row.title} has no webhooks to look after.", field="connection")


def _send_test(sent: Sent) -> Go:
    row = _row(sent)
    trying.send(sent.engine, row, sent.author)
    return Go(f"accounts/{row.id}")


def _row(sent: Sent) -> Connection:
    try:
        row = admin.get(sent.engine, sent.shop_id, sent.arguments["number"])
    except AskMerchant as error:
        raise NotFound(error.merchant) from None
    adapters = sent.engine.adapters(row.role)
    if row.adapter not in adapters:
        raise AskMerchant("What this account was connected with is not installed any more.", field="adapter")
    return row


def _renew(sent: Sent) -> Go:
    row = _row(sent)
    given = typed(of_fields(sent.engine.manifest(row).credentials, {}), sent.form)
    account_settings.renew(sent.engine, sent.shop_id, row.id, given, sent.author)
    return Go(f"accounts/{row.id}", done="renewed")


def _consent_again(sent: Sent) -> Go:
    """The same account by its seller's word: what it has stays, but for what is typed."""
    row = _row(sent)
    fields = _may_be_empty(sent.engine.adapter(row), sent.engine.manifest(row).credentials)
    manner = admin.Manner(row.sandbox, author=sent.author)
    given = admin.Given(row.account, typed(of_fields(fields, {}), sent.form), {}, {}, manner)
    number = consenting.begin(sent.engine, sent.shop_id, row.role, row.adapter, given)
    return Go(f"accounts/{row.id}", {"consent": number})


def _pause(sent: Sent) -> None:
    admin.pause(sent.engine, sent.shop_id, _row(sent).id, f"paused by {sent.author}")


def _resume(sent: Sent) -> None:
    admin.resume(sent.engine, sent.shop_id, _row(sent).id)


def _rest(sent: Sent) -> None:
    resting.hold(sent.engine, sent.shop_id, _row(sent).id, [sent.form.get("flow", "")], sent.author, "")


def _go_on(sent: Sent) -> None:
    resting.resume(sent.engine, sent.shop_id, _row(sent).id, [sent.form.get("flow", "")], sent.author)


def _let_go(sent: Sent) -> Go:
    row = _row(sent)
    what = sent.form.get("listings", "")
    errors = {}
    if row.role == "channel" and what not in ("zero", "keep"):
        errors["listings"] = "Say what shall become of the listings."
    if "sure" not in sent.form:
        errors["sure"] = "Tick the box if you are sure."
    if errors:
        raise FieldErrors(errors)
    done = admin.disconnect(sent.engine, sent.shop_id, row.id, zero_listings=what == "zero")
    if done.refused or done.warnings:
        return Go(f"accounts/{row.id}", {"refused": len(done.refused)}, "let_go_partly")
    return Go("accounts", done="let_go")


PAGES = (
    Page("connect", "connect", "Connect", "settings", _connect, under="accounts"),
    Page(
        "connect_one",
        "connect/<string(maxlength=40):adapter>",
        "Connect",
        "settings",
        _connect_one,
        under="accounts",
        acts={"connect": _do_connect, "consent": _ask_consent},
    ),
    Page("accounts", "accounts", "Accounts", "settings", _accounts, menu="Accounts", tells_accounts=True),
    Page(
        "account",
        f"accounts/{NUMBER}",
        "Account",
        "settings",
        _account,
        under="accounts",
        tells_accounts=True,
        acts={
            "save_own": _save,
            "save_matching": _save_matching,
            "renew": _renew,
            "consent": _consent_again,
            "pause": _pause,
            "resume": _resume,
            "rest": _rest,
            "go_on": _go_on,
            "let_go": _let_go,
            "check_webhooks": _check_webhooks,
            "send_test": _send_test,
        },
    ),
)
