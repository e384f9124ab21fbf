"""A seller's consent in the browser: OAuth's authorization code, on Allegro's web host
(developer.allegro.pl, authentication: authorization code)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from bridge.domain.reading import table, text
from bridge.ports.adapter import Connection, Consent, Granted
from bridge.ports.errors import RetryLater
from bridge.ports.http import basic_auth
from channel_adapters.allegro.client import agent
from channel_adapters.allegro.refusals import CODE_ERRORS


def address(connection: Connection, state: str, back: str) -> str:
    """Which permissions are asked for is set with the application. ``prompt``: the seller sees which account it is."""
    query = {"response_type": "code", "client_id": connection.credentials["client_id"], "redirect_uri": back}
    query |= {"state": state, "prompt": "confirm"}
    return f"{connection.urls['auth'].rstrip('/')}/authorize?{urlencode(query)}"


def redeem(connection: Connection, answer: Mapping[str, str], back: str) -> Granted:
    """The refresh token is good for one use; the access token that comes with it is not needed. The address is compared
    letter by letter, here and at every renewal: it is kept as a setting."""
    given, settings = connection.credentials, connection.settings
    got = connection.transport.request(
        "POST",
        connection.urls["auth"].rstrip("/") + "/token",
        operation="token",
        data={"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": back},
        headers={"User-Agent": agent(text(settings.get("app_name")), text(settings.get("app_page")))},
        auth=basic_auth(given["client_id"], given["client_secret"]),
        errors=CODE_ERRORS,
    )
    token = table(got.json)
    if not token.get("refresh_token"):
        raise RetryLater("Allegro gave no refresh token; ask for the consent again.", developer=str(sorted(token)))
    return Granted({"refresh_token": text(token["refresh_token"])}, {"redirect_uri": back})


CONSENT = Consent(("refresh_token",), address, redeem)
