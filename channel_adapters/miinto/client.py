"""The order API over the wire: the channel, signatures and endpoints. JSON in, JSON out; nothing is understood here."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx

from bridge.domain.reading import Json, following, table, text
from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, Response, Rule, Token, TokenSource
from bridge.ports.http.table import Said
from channel_adapters.miinto.reading import whole
from channel_adapters.miinto.signature import AUTH_TYPE, FLAVOUR, sign

VERSION = "2.6"  # of the order API, as the newest public client asks for it
AUTH_VERSION = "1.0"
PAGE = 50
# How long a channel lives is not published: it is made anew daily, and whenever it is refused.
LIFETIME = timedelta(hours=24)
RENEW = "Check the user name and password of Miinto Admin, and that this machine's clock is right."
FAILURE = "failure"


def _said(response: Response) -> Said:
    body = response.json
    meta = table(body, "meta")
    found = next((text(part.get("message")) for part in (meta, body, table(body, "data")) if part.get("message")), "")
    return Said(found)


ERRORS = ErrorTable(
    rules={
        400: RejectItem,
        401: Rule(Reauthorise, RENEW),
        403: Rule(Reauthorise, "Check in Miinto Admin what this user may do."),
        404: NotFound,
    },
    describe=_said,
)
AUTH_ERRORS = ErrorTable(rules={status: Rule(Reauthorise, RENEW) for status in (400, 401, 403, 404)}, describe=_said)


class MiintoClient:
    """One method per endpoint. A refused channel is made anew once, and the call repeated: nothing was done by it."""

    def __init__(self, connection: Connection) -> None:
        self._transport = connection.transport
        self._credentials = connection.credentials
        self._clock = connection.clock
        self._urls = {name: url.rstrip("/") for name, url in connection.urls.items()}
        vault = self._transport.services.tokens
        self._tokens = TokenSource(connection.key, self._open, vault, clock=connection.clock)
        self._as_objects = connection.settings.get("positions", "objects") == "objects"

    # The channel

    def channel(self) -> Json:
        """A new channel, with the rights of the user."""
        given = {"identifier": self._credentials["identifier"], "secret": self._credentials["secret"]}
        answer = self._transport.request(
            "POST",
            f"{self._urls['auth']}/channels",
            operation="CreateChannel",
            json=given,
            idempotent=True,
            write=False,
            errors=AUTH_ERRORS,
        )
        if _failed(answer):
            raise Reauthorise(f"Miinto: {_said(answer).message or 'the user is refused.'} {RENEW}".strip())
        data = table(answer.json, "data")
        if not data.get("id") or not data.get("token"):
            raise RetryLater("Miinto gave no channel; it is asked again.", developer=str(sorted(data)))
        self._transport.redactor.learn(str(data["token"]))
        return data

    def _open(self, _refresh: str | None) -> Token:
        data = self.channel()
        # What the user may see comes with the channel, and is kept with it for all workers.
        return Token(f"{data['id']} {data['token']}", self._clock() + LIFETIME, refresh=json.dumps(shops_of(data)))

    def shops(self) -> dict[str, str]:
        """The shops of the channel in force, by number with their country."""
        found: dict[str, str] = json.loads(self._tokens.current().refresh or "{}")
        return found

    def _signed(self, token: Token, version: str) -> Any:
        channel, _, key = token.access.rpartition(" ")

        def authorise(request: httpx.Request) -> None:
            """Last of all: what is signed is what goes out."""
            path, _, query = request.url.raw_path.decode().partition("?")
            timestamp, seed = str(int(self._clock().timestamp())), secrets.token_hex(8)
            signature = sign(
                key,
                channel,
                timestamp,
                seed,
                method=request.method,
                host=request.url.host,
                path=path,
                query=query,
                body=request.content,
            )
            request.headers["Miinto-Api-Auth-ID"] = channel
            request.headers["Miinto-Api-Auth-Signature"] = signature
            request.headers["Miinto-Api-Auth-Timestamp"] = timestamp
            request.headers["Miinto-Api-Auth-Seed"] = seed
            request.headers["Miinto-Api-Auth-Type"] = AUTH_TYPE
            request.headers["Miinto-Api-Control-Flavour"] = FLAVOUR
            request.headers["Miinto-Api-Control-Version"] = version

        return authorise

    def _call(self, operation: str, method: str, url: str, *, version: str = VERSION, **options: Any) -> Any:
        token = self._tokens.current()
        try:
            answer = self._send(operation, method, url, token, version, options)
        except Reauthorise:
            return self._checked(self._send(operation, method, url, self._tokens.renew(token), version, options))
        if _failed(answer):
            # The public clients make a new channel at any failure: its end is not told apart from other refusals.
            answer = self._send(operation, method, url, self._tokens.renew(token), version, options)
        return self._checked(answer)

    def _send(
        self, operation: str, method: str, url: str, token: Token, version: str, options: Mapping[str, Any]
    ) -> Response:
        self._transport.redactor.learn(token.access.rpartition(" ")[2])
        headers = {"Content-Type": "application/json"}
        return self._transport.request(
            method,
            url,
            operation=operation,
            headers=headers,
            auth=self._signed(token, version),
            errors=ERRORS,
            **options,
        )

    def _checked(self, answer: Response) -> Any:
        if _failed(answer):
            words = _said(answer).message or "it does not say why"
            raise RejectItem(f"Miinto refuses this: {words}.")
        return answer.json

    # The shops

    def shop(self, shop: str) -> Json:
        return table(self._call("GetShop", "GET", self._place(shop)), "data")

    def transfers(self, shop: str, offset: int) -> tuple[list[Json], int | None]:
        return self._page("GetTransfers", f"{self._place(shop)}/transfers", "pending", offset)

    def orders(self, shop: str, offset: int, status: str = "accepted") -> tuple[list[Json], int | None]:
        return self._page("GetOrders", f"{self._place(shop)}/orders", status, offset)

    def order(self, shop: str, number: str) -> Json:
        data = table(self._call("GetOrder", "GET", f"{self._place(shop)}/orders/{quote(number, safe='')}"), "data")
        if not data:
            raise NotFound(f"Miinto has no order {number}.")
        return data

    def answer_transfer(self, shop: str, number: str, accepted: Sequence[str], declined: Sequence[str]) -> Json:
        """Not safe to repeat by itself: whoever asks reads the transfer again first."""
        body = {
            name: [self._position(key) for key in keys]
            for name, keys in (("acceptedPositions", accepted), ("declinedPositions", declined))
            if keys
        }
        path = f"{self._place(shop)}/transfers/{quote(number, safe='')}"
        return table(self._call("UpdateTransfer", "PATCH", path, json=body, idempotent=False), "data")

    def _position(self, key: str) -> Any:
        number: Any = int(key) if key.isdecimal() else key
        return {"id": number} if self._as_objects else number

    def product_map(self, shop: str) -> list[list[str]]:
        """``[item_group_id or style_id, id, gtin, miintoItemID]`` of what Miinto knows; empty for shops that are not in
        its Product Centre."""
        url = f"{self._urls['products']}/productmaps"
        try:
            answer = self._call("GetProductMap", "GET", url, version=AUTH_VERSION, params={"unifiedLocationId": shop})
        except Reauthorise as error:  # with a new channel too: this shop has none
            raise RejectItem(error.merchant, developer=error.developer) from error
        rows = answer if isinstance(answer, list) else []
        return [[text(cell) for cell in row] for row in rows if isinstance(row, list) and len(row) >= 4]

    def _place(self, shop: str) -> str:
        return f"{self._urls['order']}/shops/{quote(shop, safe='!')}"

    def _page(self, operation: str, url: str, status: str, offset: int) -> tuple[list[Json], int | None]:
        """A page, newest first, and the offset of the next one. One without entries is the last, whatever the total
        says."""
        params = {"status[]": status, "sort": "-createdAt", "limit": PAGE, "offset": offset}
        answer = self._call(operation, "GET", url, params=params)
        found = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise RetryLater("Miinto answered with something unexpected; it is asked again.")
        total = whole(table(answer, "meta").get("totalItemCount"), -1)
        after = offset + len(found)
        more = bool(found) and (after < total if total >= 0 else len(found) >= PAGE)
        return [item for item in found if isinstance(item, dict)], following(offset, len(found)) if more else None


def _failed(answer: Response) -> bool:
    return text(table(answer.json, "meta").get("status")) == FAILURE


def shops_of(channel: Json) -> dict[str, str]:
    """Shop by number with its country, from the rights of the user: ``{"__GLOBAL__": {"Store": {shop: …}},
    "Platform-NL": {"ShopAdmin": {shop: …}}}``. The country is "" where no platform names the shop."""
    rights = table(channel, "privileges")
    found = dict.fromkeys(table(table(rights, "__GLOBAL__"), "Store"), "")
    for name, right in rights.items():
        if name != "__GLOBAL__":
            for shop in table(right, "ShopAdmin"):
                found[shop] = name.rpartition("-")[2].upper()
    if not found:
        raise AskMerchant("Miinto: this user may see no shop. Give it the rights in Miinto Admin.")
    return found
