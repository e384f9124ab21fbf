"""Notifications: addresses that answer a challenge, a subscription to orders, messages with eBay's signature."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import secrets
import threading
from typing import Literal

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Response, request
from pydantic import Field

from channel_adapters.ebay.sandbox.market import Call, Document, Market, stamp
from channel_adapters.ebay.sandbox.protocol import Problem, Strict, answer, nothing, number
from channel_adapters.ebay.signature import challenge_response

TOPIC, KEY_ID = "ORDER_CONFIRMATION", "9936261a-7d7b-4621-a0f1-96ccb428af49"
# From words, as the other key of the sandbox.
_NUMBER = int.from_bytes(hashlib.sha256(b"the sandbox's notification key").digest(), "big") >> 8
KEY = ec.derive_private_key(_NUMBER, ec.SECP256R1())


class Config(Strict):
    alert_email: str = Field(pattern=r"^[^@ ]+@[^@ ]+$")


class Delivery(Strict):
    endpoint: str
    verification_token: str = Field(pattern=r"^[A-Za-z0-9_-]{32,80}$")


class Destination(Strict):
    name: str = Field(max_length=64)
    status: Literal["ENABLED", "DISABLED"]
    delivery_config: Delivery


class Payload(Strict):
    format: Literal["JSON"]
    schema_version: Literal["1.0"]
    delivery_protocol: Literal["HTTPS"]


class Subscription(Strict):
    topic_id: str
    status: Literal["ENABLED", "DISABLED"]
    destination_id: str
    payload: Payload


class SubscriptionChange(Strict):
    status: Literal["ENABLED", "DISABLED"]
    destination_id: str
    payload: Payload


def public_key(call: Call) -> Response:
    if call.path["public_key_id"] != KEY_ID:
        raise Problem(404, 195001, "The specified key id is invalid.")
    der = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = f"-----BEGIN PUBLIC KEY-----{base64.b64encode(der).decode()}-----END PUBLIC KEY-----"
    return answer({"algorithm": "ECDSA", "digest": "SHA1", "key": pem})


def topic(call: Call) -> Response:
    if call.path["topic_id"] != TOPIC or not call.market.options.order_topic:
        raise Problem(404, 195002, "Invalid or missing topic id.")
    payload = {"format": ["JSON"], "schemaVersion": "1.0", "deliveryProtocol": "HTTPS", "deprecated": False}
    body: Document = {"topicId": TOPIC, "description": "An order was paid", "status": "ENABLED", "scope": "USER"}
    scopes = ["https://api.ebay.com/oauth/api_scope/sell.fulfillment"]
    body |= {"context": "SELL", "authorizationScopes": scopes, "filterable": False}
    return answer(body | {"supportedPayloads": [payload]})


def set_config(call: Call) -> Response:
    call.market.put("config", "alert", {"email": call.body.alert_email})
    return nothing()


# Addresses


def destinations(call: Call) -> Response:
    return _page("destinations", [_shown(item) for item in call.market.docs.all("destinations").values()])


def _page(name: str, found: list[Document]) -> Response:
    limit = number("limit", 20, 10, 100, 195004)
    start = number("continuation_token", 0, 0, len(found), 195005)
    body: Document = {"total": len(found), "limit": limit, "href": request.path, name: found[start : start + limit]}
    if start + limit < len(found):
        body["next"] = f"{request.base_url}?limit={limit}&continuation_token={start + limit}"
    return answer(body)


def _shown(item: Document) -> Document:
    return {name: value for name, value in item.items() if name != "key"} | {"destinationId": item["key"]}


def create_destination(call: Call) -> Response:
    market, given = call.market, call.body
    if market.docs.get("config", "alert") is None:
        raise Problem(409, 195003, "Please provide configurations required for notifications. Refer to /config")
    for known in market.docs.all("destinations").values():
        if known["deliveryConfig"]["endpoint"] == given.delivery_config.endpoint:
            raise Problem(409, 195021, "Destination exists for this endpoint")
    _challenge(given.delivery_config)
    key = f"d-{market.docs.next_id('destination')}"
    market.put("destinations", key, {"key": key, **given.model_dump(by_alias=True)})
    return nothing(201, Location=f"{request.base_url}/{key}")


def _challenge(delivery: Delivery) -> None:
    """The address has to know its token."""
    code = secrets.token_hex(16)
    expected = challenge_response(code, delivery.verification_token, delivery.endpoint)
    try:
        got = _client().get(delivery.endpoint, params={"challenge_code": code})
        good = got.status_code == 200 and got.json().get("challengeResponse") == expected
    except (httpx.HTTPError, ValueError):
        good = False
    if not good:
        raise Problem(409, 195020, "Challenge verification failed for requested endpoint")


@functools.cache
def _client() -> httpx.Client:
    """One for all: making it takes a while."""
    return httpx.Client(timeout=15, trust_env=False)


def update_destination(call: Call) -> Response:
    known = call.market.docs.get("destinations", call.path["destination_id"])
    if known is None:
        raise Problem(404, 195022, "Invalid or missing destination id.")
    _challenge(call.body.delivery_config)
    call.market.put("destinations", known["key"], known | call.body.model_dump(by_alias=True))
    return nothing()


# Subscriptions


def subscriptions(call: Call) -> Response:
    return _page("subscriptions", [_subscription(item) for item in call.market.docs.all("subscriptions").values()])


def _subscription(item: Document) -> Document:
    return {name: value for name, value in item.items() if name != "key"} | {"subscriptionId": item["key"]}


def subscribe(call: Call) -> Response:
    market, given = call.market, call.body
    if given.topic_id != TOPIC:
        raise Problem(400, 195027, "Invalid or missing topic id.")
    if market.docs.get("destinations", given.destination_id) is None:
        raise Problem(400, 195007, "Invalid or missing destination id.")
    if market.docs.all("subscriptions"):
        raise Problem(409, 195012, "Subscription already exists")
    key = f"s-{market.docs.next_id('subscription')}"
    made = {"key": key, "creationDate": stamp(market.now()), **given.model_dump(by_alias=True)}
    market.put("subscriptions", key, made)
    return nothing(201, Location=f"{request.base_url}/{key}")


def update_subscription(call: Call) -> Response:
    known = call.market.docs.get("subscriptions", call.path["subscription_id"])
    if known is None:
        raise Problem(404, 195013, "The subscription id does not exist.")
    if call.market.docs.get("destinations", call.body.destination_id) is None:
        raise Problem(400, 195007, "Invalid or missing destination id.")
    call.market.put("subscriptions", known["key"], known | call.body.model_dump(by_alias=True))
    return nothing()


def enable(call: Call) -> Response:
    known = call.market.docs.get("subscriptions", call.path["subscription_id"])
    if known is None:
        raise Problem(404, 195013, "The subscription id does not exist.")
    call.market.put("subscriptions", known["key"], known | {"status": "ENABLED"})
    return nothing()


# Messages


def message(market: Market, order: Document) -> bytes:
    notice = f"n-{market.docs.next_id('notification')}"
    now = stamp(market.now())
    lines = [
        {"orderLineItemId": line["id"], "listingId": line["listing"], "quantity": line["quantity"]}
        for line in order["lines"]
    ]
    data = {"user": {"userId": "SANDBOX1"}, "order": {"orderId": order["id"], "orderLineItems": lines}}
    notification = {"notificationId": notice, "eventDate": now, "publishDate": now, "publishAttemptCount": 1}
    metadata = {"topic": TOPIC, "schemaVersion": "1.0", "deprecated": False}
    return json.dumps({"metadata": metadata, "notification": notification | {"data": data}}).encode()


def header(body: bytes) -> str:
    signed = base64.b64encode(KEY.sign(body, ec.ECDSA(SHA1()))).decode()  # noqa: S303  eBay's own choice
    parts = {"alg": "ECDSA", "kid": KEY_ID, "signature": signed, "digest": "SHA1"}
    return base64.b64encode(json.dumps(parts).encode()).decode()


def send(market: Market, order: Document) -> None:
    """To every subscriber, from a thread of its own: whoever answers late holds nobody up."""
    for item in market.docs.all("subscriptions").values():
        place = market.docs.get("destinations", item["destinationId"])
        if item["status"] == "ENABLED" and place is not None and place["status"] == "ENABLED":
            given = (place["deliveryConfig"]["endpoint"], message(market, order), market.options.event_attempts)
            threading.Thread(target=_deliver, args=given, daemon=True).start()


def _deliver(url: str, body: bytes, attempts: int) -> None:
    headers = {"Content-Type": "application/json", "X-EBAY-SIGNATURE": header(body)}
    for _ in range(attempts):
        try:
            if _client().post(url, content=body, headers=headers).is_success:
                return
        except httpx.HTTPError:
            continue
