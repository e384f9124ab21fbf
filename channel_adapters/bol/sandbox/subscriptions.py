"""Push subscriptions v10. What is sent to them: push.py."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import Response

from channel_adapters.bol.sandbox.market import Call, Document, Market
from channel_adapters.bol.sandbox.processes import Refused, accept
from channel_adapters.bol.sandbox.protocol import answer, bad_request, not_found


def post_subscription(call: Call) -> Response:
    return accept(call, "CREATE_SUBSCRIPTION", "", _checked(call))


def put_subscription(call: Call) -> Response:
    key = call.path["subscription-id"]
    return accept(call, "UPDATE_SUBSCRIPTION", key, _checked(call) | {"id": key})


def _checked(call: Call) -> Document:
    """https only, as bol says; http to this very machine is let through, so that it can be tried at home."""
    body: Document = call.body.model_dump()
    url = urlsplit(body["url"])
    at_home = url.scheme == "http" and _is_loopback(url.hostname or "")
    if body["subscriptionType"] == "WEBHOOK" and url.scheme != "https" and not at_home:
        raise bad_request("url", "Only https is supported.")
    if body["subscriptionType"] == "AWS_SQS" and not body["identity"]:
        raise bad_request("identity", "Required for subscription type AWS_SQS.")
    return body


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def delete_subscription(call: Call) -> Response:
    key = call.path["subscription-id"]
    return accept(call, "DELETE_SUBSCRIPTION", key, key)


def post_test(call: Call) -> Response:
    key = call.path["subscription-id"]
    return accept(call, "SEND_SUBSCRIPTION_TST_MSG", key, key)


def get_subscriptions(call: Call) -> Response:
    if call.faulty("empty_list") is not None:
        return answer({})
    found = list(call.market.docs.all("subscriptions").values())
    return answer({"subscriptions": found} if found else {})


def get_subscription(call: Call) -> Response:
    found = call.market.docs.get("subscriptions", call.path["subscription-id"])
    if found is None:
        raise not_found("Subscription")
    return answer(found)


def create(market: Market, payload: Document) -> str:
    key = str(market.docs.next_id("subscription", 1054))
    market.docs.put("subscriptions", key, {"id": key} | _without_nulls(payload))
    return key


def update(market: Market, payload: Document) -> str:
    key = str(payload["id"])
    require(market, key)
    market.docs.put("subscriptions", key, _without_nulls(payload))
    return key


def delete(market: Market, key: str) -> str:
    require(market, key)
    market.docs.remove("subscriptions", key)
    return key


def require(market: Market, key: str) -> Document:
    found: Document | None = market.docs.get("subscriptions", key)
    if found is None:
        raise Refused(f"Subscription {key} was not found.")
    return found


def _without_nulls(payload: Document) -> Document:
    return {name: value for name, value in payload.items() if value is not None}
