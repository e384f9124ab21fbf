"""The app a store installs: session tokens of its admin, its own webhooks, and who may frame its page.

Of the ``shopifyapi`` package: session tokens, the check of shop domains, and the signature of addresses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from shopify import session_token
from shopify.session import Session
from shopify.utils.shop_url import sanitize_shop_domain

from bridge.domain.reading import moment
from bridge.ports.adapter import Connection
from bridge.ports.errors import AskMerchant, Reauthorise
from bridge.ports.platform import HintKind
from bridge.ports.storeapp import AppEvent, AppKeys, EventKind, Frame, Visit
from platform_adapters.shopify.app_file import app_toml
from platform_adapters.shopify.reading import Json, table, text
from platform_adapters.shopify.tokens import app_of, exchange
from platform_adapters.shopify.webhooks import Headers, ShopifyDoor, is_signed

APP_BRIDGE = "https://cdn.shopify.com/shopifycloud/app-bridge.js"
POLARIS = "https://cdn.shopify.com/shopifycloud/polaris.js"
ADMIN = "https://admin.shopify.com"
SIGN_IN = "Open Storebridge from the apps of your store's admin."
KINDS = {
    "app/uninstalled": EventKind.GONE,
    "customers/data_request": EventKind.EXPORT,
    "customers/redact": EventKind.ERASE_BUYER,
    "shop/redact": EventKind.ERASE_STORE,
}
# In each compliance topic the store's orders it is about stand under a name of its own.
ORDERS = ("orders_requested", "orders_to_redact")
LONGEST_NUMBER, LONGEST_STORE = 21, 100


class ShopifyApp:
    """The StoreApp of Shopify."""

    def named_store(self, query: Mapping[str, str]) -> str | None:
        found = sanitize_shop_domain(query.get("shop")) if query.get("shop") else None
        return str(found) if found else None

    def visit(self, keys: AppKeys, authorization: str, query: Mapping[str, str]) -> Visit:
        """The header counts before the address. An address that Shopify has signed must be signed right."""
        if "hmac" in query and not any(_address_is_signed(query, secret) for secret in keys.secrets):
            raise Reauthorise(f"The address is not signed by Shopify. {SIGN_IN}")
        given = authorization or (f"Bearer {query['id_token']}" if query.get("id_token") else "")
        claims = next((found for secret in keys.secrets if (found := _claims(given, keys.client_id, secret))), None)
        if claims is None:
            raise Reauthorise(f"Nobody is signed in. {SIGN_IN}")
        store = str(urlsplit(str(claims["dest"])).hostname)
        url, proof = f"https://{store}", given.removeprefix(session_token.PREFIX)
        return Visit(store=store, url=url, user=text(claims.get("sub")), proof=proof)

    def policy(self, store: str | None) -> str:
        """Never a wildcard, and nobody at all where the store is not known."""
        frames = f"https://{store} {ADMIN}" if store else "'none'"
        script = "https://cdn.shopify.com"
        return (
            # Polaris' own elements may bring styles of theirs, and the admin's font is where they are.
            f"default-src 'self'; script-src 'self' {script}; style-src 'self' 'unsafe-inline' {script}; "
            f"font-src 'self' {script}; "
            f"connect-src 'self' {ADMIN} {script}; img-src 'self' data: {script}; base-uri 'none'; form-action 'self'; "
            f"frame-ancestors {frames};"
        )

    def frame(self, keys: AppKeys) -> Frame:
        return Frame(
            scripts=(APP_BRIDGE,),
            parts=(POLARIS,),
            kit="polaris",
            meta={"shopify-api-key": keys.client_id},
            reload="shopify-reload",
            retry={"X-Shopify-Retry-Invalid-Session-Request": "1"},
        )

    def files(self, client_id: str, public_url: str) -> Mapping[str, str]:
        return {"shopify.app.toml": app_toml(client_id, f"{public_url.rstrip('/')}/apps/shopify")}

    def grant(self, connection: Connection, proof: str) -> None:
        url, now = connection.credentials["url"], connection.clock()
        token = exchange(connection.transport, url, app_of(connection.credentials), proof, now)
        connection.transport.services.tokens.save(connection.key, token)

    def event(self, headers: Mapping[str, str], body: bytes, keys: AppKeys) -> AppEvent:
        named = Headers(headers)
        if not is_signed(body, named["hmac-sha256"], keys.secrets):
            raise Reauthorise("The delivery is not signed with this app's secret.")
        topic = named["topic"]
        about: dict[str, Any] = {"delivery": named["webhook-id"], "at": moment(named["triggered-at"])}
        if topic in KINDS:
            return _about_the_app(topic, table(json.loads(body)), named, about)
        hint = ShopifyDoor().read(headers, body, keys.secrets)
        kind = EventKind.NOTHING if hint.kind is HintKind.NOTHING else EventKind.HINT
        return AppEvent(
            kind=kind, store=_domain(named["shop-domain"], "X-Shopify-Shop-Domain"), topic=topic, hint=hint, **about
        )


def _about_the_app(topic: str, content: Json, named: Headers, about: Mapping[str, Any]) -> AppEvent:
    """Which store is meant stands in the body of the compliance topics: the header is not signed."""
    kind = KINDS[topic]
    told = named["shop-domain"] if kind is EventKind.GONE else content.get("shop_domain")
    subject = {"customer": table(content.get("customer")), "request": table(content.get("data_request")).get("id")}
    return AppEvent(
        kind=kind,
        store=_domain(told, "shop_domain"),
        topic=topic,
        orders=tuple(number for name in ORDERS for number in _numbers(content, name)),
        subject=subject if kind in (EventKind.EXPORT, EventKind.ERASE_BUYER) else {},
        **about,
    )


def _numbers(content: Json, name: str) -> list[str]:
    """Nothing is left out: what is no number of an order may be one that was meant. Raises AskMerchant."""
    given = content.get(name)
    found = [text(item) for item in given] if isinstance(given, list) else [] if given is None else [""]
    if not all(number.isascii() and number.isdigit() and len(number) < LONGEST_NUMBER for number in found):
        raise AskMerchant(f"The delivery has no usable {name}: send a list of numbers.", field=name)
    return found


def _domain(value: Any, field: str) -> str:
    """The whole name, as it is: the package would make one of half a name, too."""
    found = sanitize_shop_domain(value) if isinstance(value, str) and value else None
    if not found or found != value.lower() or len(found) > LONGEST_STORE:
        raise AskMerchant("The delivery names no store.", field=field)
    return str(found)


def _claims(authorization: str, client_id: str, secret: str) -> Json | None:
    """Of a session token: signed with the secret, for this app, in force, and of one and the same shop throughout."""
    try:
        claims = session_token.decode_from_header(authorization, client_id, secret)
    except session_token.SessionTokenError:
        return None
    # The package does not ask for these two.
    return claims if isinstance(claims, dict) and {"exp", "nbf"} <= claims.keys() else None


def _address_is_signed(query: Mapping[str, str], secret: str) -> bool:
    """In a class of its own, because the package keeps the secret in its class."""
    signer: Any = type("Signer", (Session,), {"secret": secret})
    return bool(signer.validate_hmac(dict(query)))
