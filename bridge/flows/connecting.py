"""Attaching an account to a shop, or renewing it.

A connection is saved only after its credentials have proved themselves. The proof runs as a row of its own
(state ``connecting``, an account name nobody else has), so that a token fetched with new credentials never
meets one fetched with the old; when it succeeds, that row becomes the connection or hands its token to it.
With the credentials it has already, a connection proves itself by the token it has: a refresh token that is good once
(Allegro, Shopify) was used long ago, and may not be shown again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.records import close_problem, note
from bridge.db.tables import Connection, Shop, TokenRow
from bridge.domain.matching import BY, COMPARED
from bridge.flows import account, audit, feed_address, forms, matching, polls, push, resting, signing, unmatched
from bridge.flows.allowance import take_one
from bridge.flows.engine import LANES, Engine
from bridge.flows.overview import zone
from bridge.flows.sites import NAMES, site_names
from bridge.flows.wish import (
    CONNECTING,
    DISCONNECTED,
    Given,
    Manner,
    Wish,
    adapter_of,
    plain_name,
    read_wish,
    store_host,
)
from bridge.ports.adapter import Connection as OpenConnection
from bridge.ports.channel import AccountInfo, Choice
from bridge.ports.errors import AskMerchant, BridgeError, NotFound
from bridge.ports.manifest import Capability
from bridge.ports.platform import StoreInfo, WebhookAudit

CONSENT = "consent"  # why a draft waits longer (bridge/flows/consenting.py)
STALE_PROOF = timedelta(minutes=10)


@dataclass(frozen=True)
class Connected:
    """What became of a connect. ``warnings`` are things that work less well until a person mends them."""

    id: int
    account: str
    title: str
    created: bool
    info: dict[str, Any]
    webhooks: WebhookAudit | None = None
    warnings: tuple[str, ...] = ()
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)


def connect(
    engine: Engine,
    shop_id: int,
    role: str,
    adapter: str,
    account: str | None,
    credentials: Mapping[str, Any],
    settings: Mapping[str, Any],
    urls: Mapping[str, str],
    *,
    sandbox: bool = False,
    grant: Callable[[OpenConnection], None] | None = None,
) -> Connected:
    """Attach an account, or renew it when it is attached already. ``grant`` gets it its token before it is tried.

    ``account`` None: the store's host, or the marketplace's own name. Raises FieldErrors and AskMerchant naming
    the field, Reauthorise when the credentials are refused, RetryLater when nobody answers.
    """
    given = Given(account or "", credentials, settings, urls, Manner(sandbox))
    return attach(engine, shop_id, role, adapter, given, grant)


def attach(
    engine: Engine,
    shop_id: int,
    role: str,
    adapter: str,
    asked: Given,
    grant: Callable[[OpenConnection], None] | None = None,
) -> Connected:
    """As ``connect``, which see; ``asked`` also says in which manner."""
    found = adapter_of(engine, role, adapter)
    name = asked.account or store_host(found, asked.credentials) or _only_account(engine, shop_id, adapter) or adapter
    known = None if asked.manner.adds else known_account(engine, shop_id, adapter, name)
    given = asked.of(name, known)
    wish = read_wish(shop_id, role, found, known, given, here(engine, shop_id))
    refuse_second_store(engine, wish)
    if known is not None and grant is None and _is_proved(known, wish):
        info = engine.check(_as_wished(known, wish))
        wish = _whose(engine, wish, asked, info)
        _refuse_currency(engine, wish, info)
        _refuse_strange_choices(wish, info)
        return _connected(engine, _settle(engine, wish, None, info), wish)
    proof = _start_proof(engine, wish)
    try:
        if grant is not None:
            grant(engine.connection(get(engine, shop_id, proof)))
        info = engine.check(get(engine, shop_id, proof))
        wish = _whose(engine, wish, asked, info)
        _refuse_currency(engine, wish, info)
        _refuse_strange_choices(wish, info)
        connected = _settle(engine, wish, proof, info)
    except BaseException:
        engine.db.transact(shop_id, lambda session: session.execute(delete(Connection).where(Connection.id == proof)))
        raise
    return _connected(engine, connected, wish)


def here(engine: Engine, shop_id: int) -> datetime:
    """Now, as the clock in the store shows it."""
    with engine.db.read(shop_id) as session:
        return engine.clock().astimezone(zone(session))


def _connected(engine: Engine, connected: Connected, wish: Wish) -> Connected:
    done = _with_webhooks(engine, wish.shop_id, connected) if wish.role == "platform" else connected
    engine.ring(LANES)
    return done


def _is_proved(known: Connection, wish: Wish) -> bool:
    """The same credentials at the same addresses, of a connection that works with them."""
    wanted = (wish.credentials, wish.urls, wish.manner.sandbox)
    same = (known.credentials or {}, known.urls or {}, known.sandbox) == wanted
    return same and known.state in ("active", "paused")


def _as_wished(known: Connection, wish: Wish) -> Connection:
    """The connection with other settings, as nobody has it yet; its token is the connection's own."""
    return Connection(
        id=known.id,
        shop_id=known.shop_id,
        role=known.role,
        adapter=known.adapter,
        account=known.account,
        title=known.title,
        credentials=wish.credentials,
        settings=wish.settings,
        urls=wish.urls,
        sandbox=known.sandbox,
        state=known.state,
        info=known.info,
    )


def _whose(engine: Engine, wish: Wish, asked: Given, info: StoreInfo | AccountInfo) -> Wish:
    """An account is who it says it is, whatever it is called here: no other takes the place of one that is there, with
    its listings and orders. Raises AskMerchant."""
    if isinstance(info, StoreInfo) or not info.identity:
        return wish
    rows = _rows_of(engine, wish)
    theirs = [row for row in rows if _is(row, info)]
    mine = next((row for row in theirs if row.account == wish.account), None)
    mine = mine or next((row for row in theirs if row.state != DISCONNECTED or asked.manner.adds), None)
    meant = next((row for row in rows if row.account == wish.account), None)
    if meant is mine and not asked.manner.adds:
        return wish
    if not asked.manner.adds and (mine is None or asked.account):
        raise AskMerchant(_another(wish, info, mine, meant), field="account")
    name = mine.account if mine else _free_name(wish.account, info, {row.account for row in rows})
    now = here(engine, wish.shop_id)
    return read_wish(wish.shop_id, wish.role, wish.adapter, mine, asked.of(name, mine), now)


def _rows_of(engine: Engine, wish: Wish) -> list[Connection]:
    query = select(Connection).where(Connection.adapter == wish.adapter.name, Connection.state != CONNECTING)
    with engine.db.read(wish.shop_id) as session:
        return list(session.scalars(query.order_by(Connection.id)))


def _is(row: Connection, info: AccountInfo) -> bool:
    """One that was checked before identities were kept is known by its name."""
    known = row.info or {}
    same = known["identity"] == info.identity if known.get("identity") else known.get("name") == info.name
    return bool(same)


def _another(wish: Wish, info: AccountInfo, mine: Connection | None, meant: Connection | None) -> str:
    title = wish.adapter.manifest.title
    if mine is not None:
        return (
            f"{title}: {info.name} is connected already, as {mine.account}. Nothing was changed; open that account "
            "under Accounts to renew it."
        )
    assert meant is not None  # noqa: S101 - told apart by the caller
    there = (meant.info or {}).get("name") or meant.account
    return (
        f"{title}: this is the account {info.name}, and {meant.account} is {there}. Nothing was changed: sign in with "
        f"{there}, or connect {info.name} as another account under a name of its own."
    )


def _free_name(usual: str, info: AccountInfo, taken: set[str]) -> str:
    """The usual one, else by its own name, as far as a name here may have its letters."""
    name = plain_name(info.name) or plain_name(info.identity)
    found = (usual, name, *(f"{name}-{turn}" for turn in range(2, len(taken) + 3)))
    return next(item for item in found if item not in taken)


def _only_account(engine: Engine, shop_id: int, adapter: str) -> str | None:
    """The one account of this adapter, when there is just one."""
    with engine.db.read(shop_id) as session:
        query = select(Connection.account).where(Connection.adapter == adapter, Connection.state != CONNECTING)
        accounts = session.scalars(query).all()
    return accounts[0] if len(accounts) == 1 else None


def known_account(engine: Engine, shop_id: int, adapter: str, account: str) -> Connection | None:
    with engine.db.read(shop_id) as session:
        query = select(Connection).where(Connection.adapter == adapter, Connection.account == account)
        return session.scalars(query).first()


def refuse_second_store(engine: Engine, wish: Wish) -> None:
    if wish.role != "platform":
        return
    for row in _live_rows(engine, wish.shop_id, "platform"):
        if (row.adapter, row.account) != (wish.adapter.name, wish.account):
            raise AskMerchant(
                f"This shop already has the store {row.title}. Disconnect it first, or use another shop.",
                field="adapter",
            )


def _live_rows(engine: Engine, shop_id: int, role: str) -> list[Connection]:
    with engine.db.read(shop_id) as session:
        query = select(Connection).where(Connection.role == role, Connection.state.not_in((CONNECTING, DISCONNECTED)))
        return list(session.scalars(query.order_by(Connection.id)))


def _start_proof(engine: Engine, wish: Wish) -> int:
    now = engine.clock()

    def act(session: Session) -> int:
        stale = (Connection.state == CONNECTING, Connection.state_reason != CONSENT)
        session.execute(delete(Connection).where(*stale, Connection.state_since < now - STALE_PROOF))
        row = Connection(
            role=wish.role,
            adapter=wish.adapter.name,
            account=f"~{secrets.token_hex(8)}",
            title=wish.adapter.manifest.title,
            credentials=wish.credentials,
            settings=wish.settings,
            urls=wish.urls,
            sandbox=wish.manner.sandbox,
            state=CONNECTING,
            state_since=now,
            created_at=now,
        )
        session.add(row)
        session.flush()
        return row.id

    return engine.db.transact(wish.shop_id, act)


def get(engine: Engine, shop_id: int, connection_id: int) -> Connection:
    """A connection of this shop, detached. Raises AskMerchant when there is none."""
    with engine.db.read(shop_id) as session:
        row = session.scalars(select(Connection).where(Connection.id == connection_id)).first()
    if row is None:
        raise AskMerchant(f"There is no connection {connection_id}.", field="connection")
    return row


def _refuse_currency(engine: Engine, wish: Wish, info: StoreInfo | AccountInfo) -> None:
    """Prices and orders are never converted behind the merchant's back."""
    pairs: list[tuple[str | None, str | None, str]]
    if isinstance(info, StoreInfo):
        rows = [row for row in _live_rows(engine, wish.shop_id, "channel") if row.adapter in engine.channels]
        pairs = [(info.currency, engine.manifest(row).currency, row.title) for row in rows]
    else:
        manifest = wish.adapter.manifest
        rows = _live_rows(engine, wish.shop_id, "platform")
        pairs = [(row.info.get("currency"), manifest.currency, manifest.title) for row in rows]
    for store, channel, title in pairs:
        if store and channel and store != channel:
            raise AskMerchant(
                f"The store sells in {store} and {title} in {channel}. Prices are not converted: set the store's "
                f"currency to {channel}, or connect a store that sells in it.",
                field="currency",
            )


def _refuse_strange_choices(wish: Wish, info: StoreInfo | AccountInfo) -> None:
    """A setting whose values the account knows has one of them. What is missing is told by whoever needs it."""
    fields = account.with_choices(wish.adapter.manifest.settings, info.as_json())
    names = [name for name in account.choices(info.as_json()) if name in wish.settings]
    given = {name: wish.settings[name] for name in names}
    forms.read([field for field in fields if field.name in given], given)


def _settle(engine: Engine, wish: Wish, proof: int | None, info: StoreInfo | AccountInfo) -> Connected:
    """In one transaction the connection is there and its work known. Without a ``proof`` it has proved itself."""
    now = engine.clock()
    manifest = wish.adapter.manifest

    def act(session: Session) -> Connected:
        proved = session.get_one(Connection, proof) if proof is not None else None
        known = _same_account(session, wish)
        row = known or proved
        if row is None:
            raise NotFound("This connection was removed meanwhile.")
        changed = _changes(wish, known) if known is not None else {}
        if known is not None and proved is not None:
            _hand_over(session, proved, known)
        fresh = known is None or known.state == DISCONNECTED
        if fresh:
            _begin(session, wish, row, now)
        _fill(row, wish, info, now)
        session.flush()
        if fresh and wish.manner.held and wish.role == "channel":
            resting.begin_setup(session, row, wish.manner.author, now)
            matching.begin(session, row, now, can_list=matching.can_list(engine, row))
        for kind in ("reauthorise", "store_left"):
            close_problem(session, now, kind, f"connection {row.id}")
        account.tell_expiries(session, row, now)
        if changed.keys() & {BY, COMPARED}:
            matching.changed(engine, session, row, now)
        elif unmatched.SETTING in changed:
            matching.orders_again(session, row, now)
        start_work(session, engine, row, now, fresh=known is None)
        note(
            session,
            now,
            "connect",
            f"{manifest.title}: {'connected' if known is None else 'renewed'}"
            + (f" ({audit.words(changed)})" if changed else ""),
            connection_id=row.id,
            detail={"account": row.account, "name": info.name, **({"changed": changed} if changed else {})},
        )
        choices = account.choices(row.info)
        return Connected(row.id, row.account, row.title, known is None, dict(row.info), choices=choices)

    try:
        return engine.db.transact(wish.shop_id, act)
    except IntegrityError:  # the same account was connected by somebody else in this very moment
        return engine.db.transact(wish.shop_id, act)


def _changes(wish: Wish, known: Connection) -> dict[str, list[Any]]:
    """What is another thing now than it was: values of settings and addresses, names of credentials."""
    manifest = wish.adapter.manifest
    secret = {item.name for item in (*manifest.settings, *manifest.credentials) if item.kind == "secret"}
    return {
        **audit.changes(known.credentials or {}, wish.credentials, {item.name for item in manifest.credentials}),
        **audit.changes(known.settings, wish.settings, secret),
        **audit.changes(known.urls, wish.urls),
    }


def _same_account(session: Session, wish: Wish) -> Connection | None:
    query = select(Connection).where(Connection.adapter == wish.adapter.name, Connection.account == wish.account)
    return session.scalars(query.with_for_update()).first()


def _begin(session: Session, wish: Wish, row: Connection, now: datetime) -> None:
    if wish.role == "channel":
        take_one(session, wish.shop_id)
    row.account, row.created_at = wish.account, now  # questions about orders begin here


def _hand_over(session: Session, proved: Connection, known: Connection) -> None:
    """The token fetched in the proof belongs to the connection now; the old one is worth nothing any more."""
    session.execute(delete(TokenRow).where(TokenRow.connection_id == known.id))
    session.execute(update(TokenRow).where(TokenRow.connection_id == proved.id).values(connection_id=known.id))
    session.delete(proved)
    session.flush()


# What we know of an account ourselves, as opposed to what it says about itself.
KEPT = (signing.RETIRED, account.SCORE, account.STANDING, account.SAFE, account.GUARD, account.MATCH, account.CHANGED)


def _fill(row: Connection, wish: Wish, info: StoreInfo | AccountInfo, now: datetime) -> None:
    row.credentials, row.settings, row.urls, row.sandbox = (
        wish.credentials,
        wish.settings,
        wish.urls,
        wish.manner.sandbox,
    )
    kept = {key: row.info[key] for key in KEPT if key in (row.info or {})}
    names = site_names(wish.adapter.manifest)
    row.info = {**info.as_json(), **kept, **({NAMES: names} if names else {})}
    if wish.manner.author:
        row.info |= {account.CHANGED: {"by": wish.manner.author, "at": now.isoformat()}}
    name = info.name or wish.account
    manifest = wish.adapter.manifest
    title = manifest.title
    row.title = f"{title} – {name}"[:200] if name.lower() != title.lower() else title
    row.last_ok_at = now
    if not (wish.manner.whole and row.state == "paused"):
        row.state, row.state_reason, row.state_since = "active", "", now
    if wish.role == "platform" and manifest.webhook_secret:
        signing.given(row, str(wish.credentials.get(manifest.webhook_secret) or ""), now)
    elif wish.role == "platform" and not row.webhook_secrets:
        row.webhook_secrets = [signing.new_secret()]


def start_work(session: Session, engine: Engine, row: Connection, now: datetime, *, fresh: bool) -> None:
    """It is in use from now on: its recurring questions, and what waited unless it is ``fresh``."""
    polls.ensure(session, row, engine.manifest(row), now)
    if not fresh:
        work.unpark(session, now, connection_id=row.id)
        push.wake(session, row.id, now)
    if engine.manifest(row).feed is not None:
        feed_address.ensure(session, row, now)
    if row.role == "channel":
        marks = [
            work.Mark(row.id, "sweep", "project.connection", "all"),
            work.Mark(row.id, "shipments", "follow", "all"),  # what was under way when it was let go
        ]
        marks += [] if fresh else [work.Mark(row.id, "sweep", "poll.standing", "all")]  # within other bounds, perhaps
        work.mark(session, row.shop_id, marks, now)


def hook_url(engine: Engine, shop_id: int, connection_id: int) -> str:
    """Where the store sends what happens in it."""
    with engine.db.read(None) as session:
        shop = session.get_one(Shop, shop_id)
        return f"{engine.public_url.rstrip('/')}/hooks/{shop.public_id}/{connection_id}"


def _with_webhooks(engine: Engine, shop_id: int, connected: Connected) -> Connected:
    """Webhooks make it fast; without them the polls still find everything, so a failure here is a warning."""
    row = get(engine, shop_id, connected.id)
    if Capability.WEBHOOKS not in engine.manifest(row).capabilities:
        return connected
    try:
        secret = next(iter(row.webhook_secrets or []), "")
        audit = engine.platform(row).ensure_webhooks(hook_url(engine, shop_id, row.id), secret)
    except BridgeError as error:
        text = f"Webhooks could not be set up, so changes are found by asking every few minutes: {error.merchant}"
        return replace(connected, warnings=(*connected.warnings, text))
    return replace(connected, webhooks=audit)
