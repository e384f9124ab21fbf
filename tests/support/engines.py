"""A small engine on a real database: a shop, a store connection, a door that reads signed JSON."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from bridge.db import crypto
from bridge.db.session import Database
from bridge.db.tables import Connection, Shop
from bridge.flows.engine import Engine
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant, Reauthorise
from bridge.ports.manifest import Manifest
from bridge.ports.platform import Hint, HintKind
from tests.support.databases import make_tables

SECRET = "whsec_test"
PUBLIC_ID = "shop-public-id"


def sign(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def signed(body: bytes, topic: str = "product.updated", secret: str = SECRET) -> dict[str, str]:
    """Headers of a delivery as WooCommerce signs it."""
    return {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": sign(body, secret),
    }


class SignedDoor:
    """A WebhookDoor of a few lines, for tests of what stands around the adapters' own."""

    def read(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Hint:
        if re.fullmatch(rb"webhook_id=\d+", body):
            return Hint(kind=HintKind.NOTHING, topic="ping", external_id="")
        given = headers.get("X-WC-Webhook-Signature", "").encode()
        if not any(hmac.compare_digest(given, sign(body, secret).encode()) for secret in secrets):
            raise Reauthorise("The signature does not fit.")
        content = json.loads(body)
        if not isinstance(content, dict) or "id" not in content:
            raise AskMerchant("The delivery has no id.", field="id")
        topic = headers.get("X-WC-Webhook-Topic", "")
        kinds = {"product": HintKind.PRODUCT, "order": HintKind.ORDER}
        return Hint(kind=kinds.get(topic.split(".")[0], HintKind.NOTHING), topic=topic, external_id=str(content["id"]))


@dataclass
class Rung:
    """A doorbell that remembers."""

    lanes: list[str] = field(default_factory=list)

    def __call__(self, lanes: Iterable[str]) -> None:
        self.lanes.extend(lanes)


def store_adapter(door: Any = None) -> Adapter:
    manifest = Manifest(name="woocommerce", title="WooCommerce", kind="platform", capabilities=())
    return Adapter(Path(), manifest, connect=_nothing, sandbox=_nothing, webhooks=door or SignedDoor())


def channel_adapter() -> Adapter:
    manifest = Manifest(name="bol", title="bol", kind="channel", capabilities=(), currency="EUR")
    return Adapter(Path(), manifest, connect=_nothing, sandbox=_nothing)


def _nothing(*_args: Any, **_kwargs: Any) -> Any:
    raise AssertionError("not part of this test")


def small_engine(url: str, ring: Any = None, adapter: Adapter | None = None) -> Engine:
    """An engine over the tables in ``url``."""
    crypto.install(crypto.KeyRing([Fernet.generate_key().decode()]))
    make_tables(url)
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    return Engine(
        db=database,
        platforms={"woocommerce": adapter or store_adapter()},
        channels={"bol": channel_adapter()},
        make_transport=_nothing,
        clock=lambda: datetime.now(UTC),
        ring=ring or Rung(),
    )


def add_shop(engine: Engine, public_id: str = PUBLIC_ID, name: str = "Shop") -> int:
    with engine.db.write(None) as session:
        shop = Shop(public_id=public_id, name=name, created_at=engine.clock())
        session.add(shop)
        session.flush()
        return shop.id


def add_connection(engine: Engine, shop_id: int, role: str = "platform", **values: Any) -> int:
    now = engine.clock()
    adapter = "woocommerce" if role == "platform" else "bol"
    given = {"role": role, "adapter": adapter, "account": adapter, "title": adapter, "credentials": {},
             "webhook_secrets": [SECRET], "state_since": now, "created_at": now, **values}  # fmt: skip
    with engine.db.write(shop_id) as session:
        row = Connection(**given)
        session.add(row)
        session.flush()
        return row.id
