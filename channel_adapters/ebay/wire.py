"""The wire to eBay: tokens, headers, signatures, and what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from bridge.domain.reading import Json, lifetime, table, tables, text
from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RejectItem, RetryLater, UnknownOutcome
from bridge.ports.http import ErrorTable, MemoryVault, Response, Rule, Said, Token, TokenSource, basic_auth
from channel_adapters.ebay import signature

POST_ORDER = "/post-order/v2"
PUBLIC = "https://api.ebay.com/oauth/api_scope"

RENEW = "Make a new user token for your application (developer.ebay.com, User Tokens) and enter its refresh token here."
KEYS = "Check App ID and Cert ID (developer.ebay.com, Application Keysets)."
LATE = "eBay's consent came too late or was used before: ask for it again."
SCOPE = "Make a new user token with all the scopes that the instructions name: eBay adds none to an old one."
ELSEWHERE = "A return, a case or a dispute is open for this order: pay it back there, in eBay's Seller Hub."
PAID_ALREADY = "Nothing more is to be done if the buyer has all of it: look at the order in eBay's Seller Hub."
TOO_LATE = "eBay pays nothing back so late: agree with the buyer on another way."
PAYMENT = "Check what eBay may charge for refunds (Seller Hub, Payments), then press Try again."
SIGN = (
    "eBay wants this call signed for sellers in the EU and the UK: enter signing key and its JWE (developer.ebay.com, "
    "Digital Signatures), and see that this machine's clock is right."
)


def describe(response: Response) -> Said:
    """``{errors: [{errorId, message, longMessage, parameters}]}``; in the Post-Order API the list is called ``error``,
    at times in an ``errorMessage``. A fault of our signature has one of the numbers 215000 to 215999."""
    body = response.json
    errors = tables(body, "errors") or tables(body, "error") or tables(table(body, "errorMessage"), "error")
    if not errors:
        return Said(text(table(body).get("error_description") if isinstance(body, dict) else ""), None, _oauth(body))
    code = text(errors[0].get("errorId"))
    return Said(words_of(errors), field_of(errors), "signature" if code.startswith("215") else code or None)


def _oauth(body: Any) -> str | None:
    return text(body.get("error")) or None if isinstance(body, dict) else None


def words_of(errors: Sequence[Json]) -> str:
    """eBay's own words, the long ones where there are any, and what its parameters add to them."""
    said = []
    for error in errors[:5]:
        words = text(error.get("longMessage")) or text(error.get("message"))
        more = [text(item.get("value")) for item in tables(error, "parameters")]
        said.append(" ".join([words, *(word for word in more if word and word not in words and len(word) < 300)]))
    return "; ".join(dict.fromkeys(word for word in said if word))


def field_of(errors: Sequence[Json]) -> str | None:
    for error in errors:
        for item in tables(error, "parameters"):
            if text(item.get("name")) in ("fieldName", "field") and text(item.get("value")):
                return text(item.get("value"))
    return None


ERRORS = ErrorTable(
    rules={
        # "A system error has occurred", "Concurrent access of the same Inventory object is not allowed": both pass.
        **{(status, code): RetryLater for status in (400, 409) for code in ("25001", "25025", "30500", "34900")},
        # "Refund can't be issued while previous refund is processing", "the buyer payment has not been processed".
        **{(status, code): RetryLater for status in (400, 409) for code in ("34922", "34929")},
        # Refunds that eBay does not pay, and why (issueRefund).
        (400, "34916"): Rule(RejectItem, ELSEWHERE),
        (400, "34917"): Rule(RejectItem, PAID_ALREADY),
        (400, "34920"): Rule(RejectItem, TOO_LATE),
        **{(409, code): Rule(RejectItem, PAYMENT) for code in ("34925", "34926", "34927", "34928", "34930")},
        # Not available in the system; not the resource you are requesting; this offer is not available.
        **{(400, code): NotFound for code in ("25702", "25710", "25713", "32100")},
        **{(status, "signature"): Rule(AskMerchant, SIGN) for status in (400, 401, 403, 409)},
        # "Not authorized for this topic": for this application there is none.
        (403, "195011"): NotFound,
        400: RejectItem,
        401: Rule(Reauthorise, RENEW),
        403: Rule(AskMerchant, SCOPE),
    },
    describe=describe,
)
TOKEN_ERRORS = ErrorTable(
    rules={
        **{(status, "invalid_client"): Rule(Reauthorise, KEYS) for status in (400, 401)},
        (400, "invalid_scope"): Rule(AskMerchant, SCOPE),
        400: Rule(Reauthorise, RENEW),
        401: Rule(Reauthorise, KEYS),
        403: Rule(Reauthorise, KEYS),
    }
)

# Of the exchange of a code for the first tokens.
CODE_ERRORS = ErrorTable(rules={**TOKEN_ERRORS.rules, (400, "invalid_grant"): Rule(AskMerchant, LATE)})


class Wire:
    """Every call of one account goes through here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._transport = connection.transport
        self._urls = {name: url.rstrip("/") for name, url in connection.urls.items()}
        vault, refresh = self._transport.services.tokens, connection.credentials["refresh_token"]
        self._user = TokenSource(connection.key, self._user_token, vault, refresh=refresh, clock=connection.clock)
        # The application's own is no secret of the account and quickly had: each process keeps one for itself.
        self._app = TokenSource(connection.key, self._app_token, MemoryVault(), clock=connection.clock)
        self._key: signature.PrivateKey | None = None

    # Tokens

    def _user_token(self, refresh: str | None) -> Token:
        """The refresh token stays the same for its 18 months; without a scope the new one has all that were granted."""
        given = refresh or self._connection.credentials["refresh_token"]
        return self._token({"grant_type": "refresh_token", "refresh_token": given})

    def _app_token(self, _refresh: str | None) -> Token:
        return self._token({"grant_type": "client_credentials", "scope": PUBLIC})

    def _token(self, form: Mapping[str, str]) -> Token:
        given, asked_at = self._connection.credentials, self._connection.clock()
        answer = self._transport.request(
            "POST",
            f"{self._urls['api']}/identity/v1/oauth2/token",
            operation="token",
            data=form,
            auth=basic_auth(given["client_id"], given["client_secret"]),
            idempotent=True,
            write=False,
            errors=TOKEN_ERRORS,
        ).json
        access = text(table(answer).get("access_token"))
        if not access:
            raise RetryLater("eBay gave no access token; it is asked again.", developer=str(sorted(table(answer))))
        return Token(
            access,
            asked_at + lifetime(table(answer).get("expires_in"), 7200),
            text(table(answer).get("refresh_token")) or None,
        )

    # The wire

    def send(self, operation: str, method: str, path: str, **options: Any) -> Response:
        """``host`` names one of the manifest's addresses; ``app``: with the application's own token; ``signed``: with a
        digital signature, where the merchant has a key; ``locale`` of the texts in the body; ``body`` as JSON."""
        host, app = options.pop("host", "api"), options.pop("app", False)
        signed, body = options.pop("signed", False), options.pop("body", None)
        headers = {"Content-Language": locale} if (locale := options.pop("locale", None)) else {}
        if method in ("POST", "PUT"):
            headers["Content-Type"] = "application/json"
        headers |= options.pop("headers", {})

        def authorise(request: httpx.Request) -> None:
            if path.startswith(POST_ORDER):
                # The older API knows OAuth tokens by another word.
                token = request.headers.pop("Authorization", "").removeprefix("Bearer ")
                request.headers["Authorization"] = f"IAF {token}"
            if signed:
                self._sign(request)

        return self._transport.request(
            method,
            f"{self._urls[host]}{path}",
            operation=operation,
            json=body,
            headers=headers,
            bearer=self._app if app else self._user,
            auth=authorise,
            errors=ERRORS,
            **options,
        )

    def _sign(self, request: httpx.Request) -> None:
        """Sellers elsewhere have no key and need none; where eBay misses it, its answer says so."""
        given = self._connection.credentials
        if not given.get("signing_key") or not given.get("signing_jwe"):
            return
        if self._key is None:
            try:
                self._key = signature.private_key(given["signing_key"])
            except ValueError as error:
                words = f"eBay: the signing key cannot be read ({error}). Copy the private key again, whole."
                raise AskMerchant(words, field="signing_key") from None
        created = int(self._connection.clock().timestamp())
        signature.sign(request, self._key, given["signing_jwe"].strip(), created)

    def call(self, operation: str, method: str, path: str, **options: Any) -> Json:
        """The answer; empty where there is nothing to say (204)."""
        answer = self.send(operation, method, path, **options)
        found = answer.json if answer.content.strip() else {}
        if not isinstance(found, dict):
            words = "eBay answered with something unexpected; it is asked again."
            raise RetryLater(words, developer=answer.text[:500])
        return found

    def act(self, operation: str, method: str, path: str, **options: Any) -> Response:
        """A call whose good answer may have no body at all."""
        answer = self.send(operation, method, path, expect="any", **options)
        if answer.content.strip() and answer.is_page:
            words = f"eBay answered {operation} with a web page: whether it was done is looked up."
            raise UnknownOutcome(words, developer=answer.text[:200])
        return answer
