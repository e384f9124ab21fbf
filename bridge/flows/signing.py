"""The secrets a store signs its webhooks with: the newest, and for a while the one before."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from bridge.db.tables import Connection

OVERLAP = timedelta(hours=24)
RETIRED = "retired_secret_until"


def new_secret() -> str:
    """Hex: WooCommerce decodes HTML entities in a secret before it signs with it."""
    return secrets.token_hex(32)


def given(row: Connection, secret: str, now: datetime) -> None:
    """The secret is the store's own; the one before is accepted for OVERLAP more."""
    known = [item for item in row.webhook_secrets or [] if item != secret]
    if secret and known and (row.webhook_secrets or [""])[0] != secret:
        row.info = {**(row.info or {}), RETIRED: (now + OVERLAP).isoformat()}
    row.webhook_secrets = [secret, *known[:1]] if secret else []


def rotate(row: Connection, now: datetime) -> None:
    """A new secret in front; what was signed with the old one is accepted for OVERLAP more."""
    row.webhook_secrets = [new_secret(), *(row.webhook_secrets or [])[:1]]
    row.info = {**(row.info or {}), RETIRED: (now + OVERLAP).isoformat()}


def valid_secrets(row: Connection, now: datetime) -> list[str]:
    """The secrets in force, newest first."""
    known = list(row.webhook_secrets or [])
    until = (row.info or {}).get(RETIRED)
    return known if until and now < datetime.fromisoformat(until) else known[:1]
