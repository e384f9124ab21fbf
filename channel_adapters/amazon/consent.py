"""A seller's consent in the browser: OAuth's authorization code, asked for in Seller Central of the account's region
(developer-docs.amazon.com/sp-api/docs/website-authorization-workflow)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from bridge.domain.reading import table, text
from bridge.ports.adapter import Connection, Consent, Granted
from bridge.ports.errors import AskMerchant, RetryLater
from channel_adapters.amazon.client import CODE_ERRORS

CODE = "spapi_oauth_code"


def address(connection: Connection, state: str, back: str) -> str:
    """An application that is no more than a draft is authorised as ``beta``."""
    settings = connection.settings
    host = connection.urls[f"consent_{settings.get('region') or 'eu'}"].rstrip("/")
    query = {"application_id": text(settings.get("application_id")), "state": state, "redirect_uri": back}
    if settings.get("application_draft"):
        query["version"] = "beta"
    return f"{host}/apps/authorize/consent?{urlencode(query)}"


def redeem(connection: Connection, answer: Mapping[str, str], back: str) -> Granted:
    """A code is good for five minutes. The answer tells the seller ID as well. The day is kept, and reminded of."""
    given, seller = connection.credentials, answer.get("selling_partner_id", "")
    if not seller:
        raise AskMerchant("Amazon's answer does not tell the seller ID: ask for the consent again.")
    got = connection.transport.request(
        "POST",
        connection.urls["login"].rstrip("/") + "/token",
        operation="token",
        data={
            "grant_type": "authorization_code",
            "code": answer[CODE],
            "redirect_uri": back,
            "client_id": given["client_id"],
            "client_secret": given["client_secret"],
        },
        errors=CODE_ERRORS,
    )
    refresh = text(table(got.json).get("refresh_token"))
    if not refresh:
        words = "Amazon gave no refresh token; ask for the consent again."
        raise RetryLater(words, developer=str(sorted(table(got.json))))
    kept = {"authorised_on": connection.clock().date().isoformat()}
    return Granted({"seller_id": seller[:100], "refresh_token": refresh}, kept)


CONSENT = Consent(("seller_id", "refresh_token"), address, redeem, needs=("region", "application_id"), code=CODE)
