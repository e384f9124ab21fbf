"""What a shop's owner does: shops and connections made, paused, resumed, given new secrets, and let go."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db import work
from bridge.db.records import note
from bridge.db.tables import Connection, Shop
from bridge.flows import push, signing, spoken
from bridge.flows.connecting import Connected, attach, connect, get, hook_url
from bridge.flows.engine import LANES, Engine
from bridge.flows.leaving import Disconnected, Stakes, disconnect, stakes
from bridge.flows.signing import valid_secrets
from bridge.flows.wish import CONNECTING, DISCONNECTED, Given, Manner, adapter_of, role_of
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant
from bridge.ports.platform import WebhookAudit

__all__ = [
    "Connected",
    "Disconnected",
    "Given",
    "Manner",
    "Named",
    "Stakes",
    "attach",
    "connect",
    "disconnect",
    "ensure_demo",
    "ensure_shop",
    "get",
    "hook_url",
    "meant",
    "pause",
    "pick_connection",
    "pick_shop",
    "resume",
    "role_of",
    "rotate_webhook_secret",
    "shops",
    "stakes",
    "valid_secrets",
]

DEMO = "Demo shop"
FIRST = "My shop"


class Named(NamedTuple):
    """A shop as callers need it. ``language``: the code of that which its pages were last used in."""

    id: int
    public_id: str
    name: str
    language: str = ""

    @classmethod
    def of(cls, row: Shop) -> Named:
        return cls(row.id, row.public_id, row.name, str((row.settings or {}).get(spoken.KEY) or ""))


def ensure_shop(engine: Engine, name: str) -> Named:
    """The shop of this name; made when there is none."""
    wanted = name.strip()
    if not wanted or len(wanted) > 200:
        raise AskMerchant("Give the shop a name of 1 to 200 characters.", field="name")

    def act(session: Session) -> Named:
        row = session.scalars(select(Shop).where(Shop.name == wanted).order_by(Shop.id)).first()
        if row is None:
            row = Shop(public_id=secrets.token_urlsafe(12), name=wanted, created_at=engine.clock())
            session.add(row)
            session.flush()
        return Named.of(row)

    return engine.db.transact(None, act)


def shops(engine: Engine) -> list[Named]:
    with engine.db.read(None) as session:
        return [Named.of(row) for row in session.scalars(select(Shop).order_by(Shop.id))]


def rotate_webhook_secret(engine: Engine, shop_id: int, connection_id: int) -> WebhookAudit:
    """A new secret for the store's webhooks. What was signed with the old one is accepted for 24 hours more."""
    now = engine.clock()

    def act(session: Session) -> Connection:
        row = session.scalars(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
        signing.rotate(row, now)
        note(session, now, "webhooks", "new webhook secret; the old one is accepted for 24 hours", connection_id=row.id)
        return row

    if get(engine, shop_id, connection_id).role != "platform":
        raise AskMerchant("Only a store has a webhook secret.", field="connection")
    if engine.manifest(get(engine, shop_id, connection_id)).webhook_secret:
        raise AskMerchant("This store signs with a secret of its own: change it there, then connect again with it.")
    row = engine.db.transact(shop_id, act)
    return engine.platform(row).ensure_webhooks(hook_url(engine, shop_id, row.id), row.webhook_secrets[0])


def _change(engine: Engine, shop_id: int, connection_id: int, act: Callable[[Session, Connection], None]) -> None:
    get(engine, shop_id, connection_id)
    engine.db.transact(
        shop_id,
        lambda session: act(
            session, session.scalars(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
        ),
    )


def pick_shop(engine: Engine, name: str | None, *, create: bool = False) -> Named:
    """The shop of this name, or the one that can only be meant: the single one beside the demonstration.

    ``create`` makes a shop that is not there. Raises AskMerchant naming the choices.
    """
    known = shops(engine)
    if name:
        found = [shop for shop in known if name in (shop.name, shop.public_id, str(shop.id))]
        if len(found) == 1:
            return found[0]
        if create and not found:
            return ensure_shop(engine, name)
        raise AskMerchant(f"There is no single shop {name!r}; there are: {_names(known)}.", field="shop")
    real = [shop for shop in known if shop.name != DEMO] if create else meant(engine)
    if len(real) == 1:
        return real[0]
    if not real and create:
        return ensure_shop(engine, FIRST)
    if not real:
        raise AskMerchant("There is no shop yet: connect a store first (storebridge connect).", field="shop")
    raise AskMerchant(f"Say which shop is meant: {_names(real)}.", field="shop")


def meant(engine: Engine) -> list[Named]:
    """The shops that can be meant where none is named: those with connections beside the demonstration, else the
    demonstration, else what there is. A shop whose first connection failed hides nothing."""
    known = shops(engine)
    with engine.db.read(None) as session:
        query = select(Connection.shop_id).where(Connection.state != CONNECTING).distinct()
        used = set(session.scalars(query))
    connected = [shop for shop in known if shop.id in used]
    return [shop for shop in connected if shop.name != DEMO] or connected or known


def _names(known: list[Named]) -> str:
    return ", ".join(repr(shop.name) for shop in known) or "none"


def pick_connection(engine: Engine, shop_id: int, name: str) -> Connection:
    """A connection by its number, its account or its adapter, when only one can be meant. Raises AskMerchant."""
    with engine.db.read(shop_id) as session:
        rows = session.scalars(select(Connection).where(Connection.state != CONNECTING).order_by(Connection.id)).all()
    found = [row for row in rows if name in (str(row.id), row.account, row.adapter)]
    standing = [row for row in found if row.state != DISCONNECTED] or found
    if len(standing) == 1:
        return standing[0]
    choices = ", ".join(f"{row.id} ({row.title})" for row in standing or rows) or "none"
    raise AskMerchant(f"{name!r} names no single connection; there are: {choices}.", field="connection")


def pause(
    engine: Engine, shop_id: int, connection_id: int | None = None, reason: str = "paused by the merchant"
) -> None:
    """Nothing goes out any more; what comes in is kept. None: the whole shop."""
    now = engine.clock()

    def act(session: Session, row: Connection) -> None:
        if row.state == DISCONNECTED:
            raise AskMerchant("This connection is disconnected; connect it again.", field="connection")
        row.state, row.state_reason, row.state_since = "paused", reason, now
        note(session, now, "connect", f"{row.title}: paused", connection_id=row.id)

    if connection_id is None:
        _pause_shop(engine, shop_id, paused=True)
    else:
        _change(engine, shop_id, connection_id, act)


def resume(engine: Engine, shop_id: int, connection_id: int | None = None) -> None:
    """What has gathered meanwhile is done now."""
    now = engine.clock()

    def act(session: Session, row: Connection) -> None:
        if row.state != "paused":
            raise AskMerchant(f"This connection is not paused but {row.state}.", field="connection")
        row.state, row.state_reason, row.state_since = "active", "", now
        work.unpark(session, now, connection_id=row.id)
        push.wake(session, row.id, now)
        note(session, now, "connect", f"{row.title}: resumed", connection_id=row.id)

    if connection_id is None:
        _pause_shop(engine, shop_id, paused=False)
    else:
        _change(engine, shop_id, connection_id, act)
    engine.ring(LANES)


def _pause_shop(engine: Engine, shop_id: int, *, paused: bool) -> None:
    now = engine.clock()

    def act(session: Session) -> None:
        session.get_one(Shop, shop_id).paused = paused
        note(session, now, "connect", "shop paused" if paused else "shop resumed")

    engine.db.transact(shop_id, act)


def sandbox_place(adapter: Adapter, base_url: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Credentials and addresses by which an adapter meets its sandbox at ``base_url``."""
    base = base_url.rstrip("/")
    credentials: dict[str, Any] = dict(adapter.sandbox_credentials)
    for item in adapter.manifest.credentials:
        if item.kind == "url":
            credentials[item.name] = base
    urls = {name: base + urlsplit(url).path.rstrip("/") for name, url in adapter.manifest.urls.items()}
    return credentials, urls


def ensure_demo(engine: Engine, store_url: str, channel_urls: Mapping[str, str], store: str = "woocommerce") -> Named:
    """The demonstration shop, connected to sandboxes at these addresses. Nothing happens when it already is."""
    shop = ensure_shop(engine, DEMO)
    _ensure_sandbox(engine, shop.id, "platform", store, store_url)
    for name, url in channel_urls.items():
        _ensure_sandbox(engine, shop.id, "channel", name, url)
    return shop


def _ensure_sandbox(engine: Engine, shop_id: int, role: str, name: str, url: str) -> None:
    adapter = adapter_of(engine, role, name)
    credentials, urls = sandbox_place(adapter, url)
    with engine.db.read(shop_id) as session:
        query = select(Connection).where(Connection.adapter == name, Connection.state.in_(("active", "paused")))
        row = session.scalars(query).first()
    if row is None or (dict(row.credentials or {}), row.urls) != (credentials, urls):
        account, settings = row.account if row else None, adapter.sandbox_settings
        connect(engine, shop_id, role, name, account, credentials, settings, urls, sandbox=True)
