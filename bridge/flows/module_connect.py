"""A store's module asks to be connected. Nothing it says is believed: its store is called back, and what that answers
is tried before it is kept. A store that is known gets its keys and its secret renewed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import SplitResult, urlsplit

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.db import author
from bridge.db.records import close_problem, note
from bridge.db.tables import ActivationRow, Connection, ModuleRow, Shop
from bridge.flows import connecting, installing
from bridge.flows.admin import DEMO
from bridge.flows.connecting import Connected
from bridge.flows.engine import Engine
from bridge.flows.module_calls import OVERLAP
from bridge.flows.module_health import KINDS
from bridge.flows.wish import CONNECTING, DISCONNECTED, LEFT, store_host
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise
from bridge.ports.storemodule import Activation, Asked, Proof, StoreModule

HANDSHAKE = timedelta(seconds=300)
PORTS = {"https": 443, "http": 80}


class NotAsItIs(AskMerchant):
    """The store was proved, and cannot be connected as it is. The field names what is in the way."""


@dataclass(frozen=True)
class Joined:
    """What the module is told: its address here."""

    shop: str
    connection: int
    title: str


def takes_strangers(engine: Engine) -> bool:
    """Whether any store out there that proves itself is connected here: no install key, and an address others reach."""
    if not engine.open_door or not any(adapter.module for adapter in engine.platforms.values()):
        return False
    name = urlsplit(engine.public_url).hostname or ""
    try:
        return not ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name != "localhost"


def host(asked: Asked) -> str:
    """The host that will be called, as far as it can be told."""
    try:
        return (urlsplit(asked.api_url).hostname or "")[:200].lower()
    except ValueError:
        return ""


def module_of(engine: Engine, platform: str) -> tuple[Adapter, StoreModule]:
    """Raises AskMerchant where stores of this platform have no module."""
    adapter = engine.platforms.get(platform)
    if adapter is None or adapter.module is None:
        raise AskMerchant(f"There is no module for stores on {platform[:40]!r} here.", field="platform")
    return adapter, adapter.module


def activate(engine: Engine, platform: str, form: dict[str, str]) -> None:
    """Keep what the platform's own handshake brought, for the module to come back for. Raises AskMerchant."""
    _, module = module_of(engine, platform)
    wrong = next((name for name, value in form.items() if not (name + value).isprintable()), None)
    if wrong is not None:
        raise AskMerchant("Send printable text.", field=ascii(wrong)[:80])
    found = module.activated(form)
    if found is None:
        raise NotFound(f"Stores on {platform} have no such handshake.")
    row = ActivationRow(
        name=_hashed(found.name), platform=platform, content=found.as_json(), until=engine.clock() + HANDSHAKE
    )
    engine.db.transact(None, lambda session: session.merge(row))


def connect(engine: Engine, asked: Asked, install_key: str = "", given_key: str = "") -> Joined:
    """Raises Reauthorise (a wrong install key or code, or keys that do not work), NotAsItIs, AskMerchant naming the
    field of what was sent, and RetryLater where the store could not be called back."""
    if install_key and not hmac.compare_digest(given_key.encode(), install_key.encode()):
        raise Reauthorise("The install key is wrong. Whoever runs this Storebridge has it (STOREBRIDGE_INSTALL_KEY).")
    adapter, module = module_of(engine, asked.platform)
    place = _place(engine, asked.api_url, "api_url")
    if place.netloc != _place(engine, asked.store_url, "store_url").netloc:
        raise AskMerchant("The store's address and the address of its API have different hosts.", field="api_url")
    proof = _prove(engine, adapter, module, asked, place)
    _refuse_other_hosts(engine, adapter, proof, place)
    who = f"{asked.user or 'somebody'}, in the store's admin"
    with author.by(who), installing.alone(engine, f"module:{asked.platform}:{place.netloc}"[:120]):
        done, shop_id = _attach(engine, adapter, proof, _known(engine, adapter, proof), lone=bool(install_key))
        _keep_secret(engine, shop_id, done, asked, proof)
    with engine.db.read(None) as session:
        return Joined(session.get_one(Shop, shop_id).public_id, done.id, done.title)


def _prove(engine: Engine, adapter: Adapter, module: StoreModule, asked: Asked, place: SplitResult) -> Proof:
    if engine.outside is None:
        raise NotFound("Nothing can be called from here.")
    activation = _take_activation(engine, asked) if asked.activation else None
    transport = engine.outside(f"module:{place.netloc}", adapter.manifest.title)
    try:
        return module.prove(asked, secrets.token_hex(32), transport, engine.clock, activation)
    finally:
        transport.close()


def _take_activation(engine: Engine, asked: Asked) -> Activation:
    """Used up by being read. Raises Reauthorise where there is none (any more)."""

    def act(session: Session) -> Activation | None:
        row = session.get(ActivationRow, _hashed(asked.activation), with_for_update=True)
        if row is None or row.platform != asked.platform or row.until < engine.clock():
            return None
        found = Activation.model_validate(row.content)
        session.delete(row)
        return found

    found = engine.db.transact(None, act)
    if found is None:
        raise Reauthorise("The activation is over after five minutes, and good once. Activate the integration again.")
    return found


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _refuse_other_hosts(engine: Engine, adapter: Adapter, proof: Proof, called: SplitResult) -> None:
    """A store speaks for itself only: what it is known by is on the host that was called."""
    for name, url in (("store_url", proof.store_url), *_urls(adapter, proof)):
        if _place(engine, url, name).netloc != called.netloc:
            text = f"The store answered at {called.netloc} and calls itself {url[:200]}: both have to be the same host."
            raise NotAsItIs(text, field=name)


def _urls(adapter: Adapter, proof: Proof) -> list[tuple[str, str]]:
    fields = [item.name for item in adapter.manifest.credentials if item.kind == "url"]
    return [(name, proof.credentials.get(name, "")) for name in fields]


def _place(engine: Engine, url: str, field: str) -> SplitResult:
    """An address in one form: lower case, without its scheme's own port. Raises AskMerchant naming the field."""
    if "?" in url:
        text = "This address has a ? in it. Where WordPress's permalinks are set to Plain, choose others (Settings)."
        raise AskMerchant(text, field=field)
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip(".").encode("idna").decode(), parts.port
    except ValueError:  # UnicodeError is one
        host, port = "", None
    if not host or parts.scheme not in PORTS or parts.username or "#" in url:
        raise AskMerchant("This is no address of a store: write https:// and its name.", field=field)
    where = host if port in (None, PORTS[parts.scheme]) else f"{host}:{port}"
    if parts.scheme == "http" and not {host, f"{host}:{port or 80}"} & engine.private_hosts:
        raise AskMerchant(
            f"{host} is not reached by https, so its keys could be read on the way. Give the store a certificate.",
            field=field,
        )
    return parts._replace(netloc=where, path=parts.path.rstrip("/"))


def _known(engine: Engine, adapter: Adapter, proof: Proof) -> Connection | None:
    """The connection of this store, one in use before one that was let go. Stores in folders of a host are several."""
    here = [_place(engine, url, name)[1:3] for name, url in _urls(adapter, proof)]
    query = select(Connection).where(Connection.role == "platform", Connection.adapter == adapter.name)
    with engine.db.read(None) as session:
        rows = list(session.scalars(query.where(Connection.state != CONNECTING).order_by(Connection.id)))
    found = [row for row in rows if _stands_at(engine, adapter, row) == here]
    return next(iter(sorted(found, key=lambda row: (row.state == DISCONNECTED, -row.id))), None)


def _stands_at(engine: Engine, adapter: Adapter, row: Connection) -> list[tuple[str, str]]:
    """Host and path of a store that is known; nothing where that is no longer known."""
    given = {**(row.credentials or {}), **((row.info or {}).get(LEFT) or {})}
    try:
        return [
            _place(engine, str(given.get(item.name, "")), item.name)[1:3]
            for item in adapter.manifest.credentials
            if item.kind == "url"
        ]
    except AskMerchant:
        return []


def _attach(
    engine: Engine, adapter: Adapter, proof: Proof, known: Connection | None, *, lone: bool
) -> tuple[Connected, int]:
    """Connected in the shop it is known in, else in a shop of its own. Where strangers need a key, the one shop there
    is that has no store yet is meant."""
    waiting = _waiting_shop(engine) if lone and known is None else None
    shop_id = known.shop_id if known is not None else waiting or installing.new_shop(engine, _name(adapter, proof))
    account = known.account if known is not None else None
    sandbox = known.sandbox if known is not None else False
    try:
        done = connecting.connect(
            engine, shop_id, "platform", adapter.name, account, proof.credentials, {}, {}, sandbox=sandbox
        )
    except BaseException as error:
        if known is None and waiting is None:
            engine.db.transact(None, lambda session: session.execute(delete(Shop).where(Shop.id == shop_id)))
        if isinstance(error, AskMerchant):
            raise NotAsItIs(error.merchant, developer=error.developer, field=error.field) from error
        raise
    return done, shop_id


def _name(adapter: Adapter, proof: Proof) -> str:
    return store_host(adapter, proof.credentials) or adapter.manifest.title


def _waiting_shop(engine: Engine) -> int | None:
    stores = select(Connection.shop_id).where(
        Connection.role == "platform", Connection.state.not_in((CONNECTING, DISCONNECTED))
    )
    with engine.db.read(None) as session:
        shops = list(session.scalars(select(Shop).where(Shop.name != DEMO)))
        taken = set(session.scalars(stores))
    return shops[0].id if len(shops) == 1 and shops[0].id not in taken else None


def _keep_secret(engine: Engine, shop_id: int, done: Connected, asked: Asked, proof: Proof) -> None:
    now = engine.clock()

    def act(session: Session) -> None:
        row = session.get(ModuleRow, done.id, with_for_update=True)
        if row is None:
            row = ModuleRow(connection_id=done.id, secrets=[], made_at=now, beat=0, health={}, epoch="")
            session.add(row)
        _renew(row, proof.secret, now)
        row.version = asked.version[:40]
        for kind in KINDS:
            close_problem(session, now, kind, f"connection {done.id}")
        note(session, now, "connect", f"{done.title}: its module was connected", connection_id=done.id)

    engine.db.transact(shop_id, act)


def _renew(row: ModuleRow, secret: str, now: datetime) -> None:
    """In front; what was signed with the one before is taken for OVERLAP more: two clicks at once are two secrets."""
    before = [item for item in row.secrets or [] if item != secret][:1]
    row.secrets, row.made_at = [secret, *before], now
    row.retired_until = now + OVERLAP if before else None
