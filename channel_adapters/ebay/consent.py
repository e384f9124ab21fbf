"""A seller's consent in the browser: OAuth's authorization code, on eBay's web host. Where the answer goes is not told
by its address but by the RuName, under which the address stands at eBay (developer.ebay.com, Getting user consent)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from bridge.domain.reading import table, text
from bridge.ports.adapter import Connection, Consent, Granted
from bridge.ports.errors import AskMerchant, RetryLater
from bridge.ports.http import basic_auth
from channel_adapters.ebay.wire import CODE_ERRORS, PUBLIC

SCOPES = (
    "",
    "/sell.inventory",
    "/sell.fulfillment",
    "/sell.account",
    "/sell.finances",
    "/sell.analytics.readonly",
    "/commerce.identity.readonly",
    "/commerce.notification.subscription",
)
# Keys name their environment: App-ID-PRD-…, PRD-…; SBX in eBay's sandbox.
ENVIRONMENTS = {"PRD": "production", "SBX": "sandbox"}


def address(connection: Connection, state: str, _back: str) -> str:
    """``prompt``: the seller signs in anew and sees which account it is. Raises AskMerchant for keys of the other
    environment, which eBay would only answer with a page of its own."""
    given, host = connection.credentials, connection.urls["auth"].rstrip("/")
    wanted = "SBX" if ".sandbox." in host else "PRD"
    for name, label in (("client_id", "App ID"), ("client_secret", "Cert ID")):
        parts = given[name].split("-")
        other = next((kind for kind in ENVIRONMENTS if kind != wanted and kind in parts), None)
        if other is not None and wanted not in parts:
            words = (
                f"This {label} is of eBay's {ENVIRONMENTS[other]} keyset, and the addresses are those of its "
                f"{ENVIRONMENTS[wanted]}: enter keys and addresses of the same environment."
            )
            raise AskMerchant(words, field=name)
    query = {"client_id": given["client_id"], "response_type": "code", "state": state, "prompt": "login"}
    query |= {"redirect_uri": runame(connection), "scope": " ".join(PUBLIC + scope for scope in SCOPES)}
    return f"{host}/oauth2/authorize?{urlencode(query)}"


def runame(connection: Connection) -> str:
    return text(connection.settings.get("runame"))


def redeem(connection: Connection, answer: Mapping[str, str], _back: str) -> Granted:
    """The refresh token is good for 18 months: the day is kept as a setting, and reminded of."""
    given = connection.credentials
    got = connection.transport.request(
        "POST",
        connection.urls["api"].rstrip("/") + "/identity/v1/oauth2/token",
        operation="token",
        data={"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": runame(connection)},
        auth=basic_auth(given["client_id"], given["client_secret"]),
        errors=CODE_ERRORS,
    )
    refresh = text(table(got.json).get("refresh_token"))
    if not refresh:
        words = "eBay gave no refresh token; ask for the consent again."
        raise RetryLater(words, developer=str(sorted(table(got.json))))
    return Granted({"refresh_token": refresh}, {"token_made": connection.clock().date().isoformat()})


CONSENT = Consent(("refresh_token",), address, redeem, needs=("runame",))
