"""Access tokens of the installed app: an hour long, renewed with a refresh token that is good for one use.

A token comes from a session token of the embedded page (token exchange), and from then on from its own refresh token.
Both grants go to the store itself (shopify.dev, token exchange and refresh of offline tokens).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bridge.domain.reading import lifetime
from bridge.ports.adapter import Connection
from bridge.ports.errors import Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, Rule, Token, TokenSource, Transport

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a kind
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
OPEN_APP = "Open Storebridge in the store's admin once: that connects it again."
PATH = "/admin/oauth/access_token"

# A session token lives a minute: one that came too late is asked for again, and nothing else is wrong.
EXCHANGE_ERRORS = ErrorTable(
    rules={(400, "invalid_subject_token"): RetryLater, 400: Rule(RejectItem, OPEN_APP), 401: Rule(RejectItem, OPEN_APP)}
)
REFRESH_ERRORS = ErrorTable(rules={code: Rule(Reauthorise, OPEN_APP) for code in (400, 401, 403, 404)})


def exchange(transport: Transport, shop_url: str, app: dict[str, str], id_token: str, now: datetime) -> Token:
    """An offline token that expires, for the session token of whoever opened the page.

    Raises RetryLater where the session token has run out meanwhile, RejectItem where the app is not installed there.
    """
    body = app | {"grant_type": EXCHANGE, "subject_token": id_token, "subject_token_type": ID_TOKEN}
    body |= {"requested_token_type": OFFLINE, "expiring": "1"}
    answer = transport.request(
        "POST", shop_url.rstrip("/") + PATH, operation="token.exchange", json=body, idempotent=True, write=False,
        errors=EXCHANGE_ERRORS,
    )  # fmt: skip
    return _token(answer.json, now)


def renewing(connection: Connection) -> TokenSource:
    """The tokens of an installed app, shared with all workers, renewed by one of them at a time."""
    given = connection.credentials
    app = app_of(given)

    def fetch(refresh: str | None) -> Token:
        if not refresh or not app["client_id"]:
            raise Reauthorise(f"{connection.transport.title}: the app has no access to the store. {OPEN_APP}")
        body = app | {"grant_type": "refresh_token", "refresh_token": refresh}
        answer = connection.transport.request(
            "POST", given["url"].rstrip("/") + PATH, operation="token.refresh", json=body, errors=REFRESH_ERRORS
        )
        return _token(answer.json, connection.clock())

    return TokenSource(connection.key, fetch, connection.transport.services.tokens, clock=connection.clock)


def app_of(given: Any) -> dict[str, str]:
    return {"client_id": str(given.get("client_id") or ""), "client_secret": str(given.get("client_secret") or "")}


def _token(body: Any, now: datetime) -> Token:
    access, refresh = str(body.get("access_token") or ""), str(body.get("refresh_token") or "")
    if not access:
        raise RetryLater("Shopify: no access token came with the answer.", developer=repr(sorted(body))[:300])
    return Token(access, now + lifetime(body.get("expires_in"), 3600), refresh or None)
