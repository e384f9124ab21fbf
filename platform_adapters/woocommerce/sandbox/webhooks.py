"""Webhooks as the store keeps them: rules, failure counting, and the queue of what is to be delivered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from platform_adapters.woocommerce.sandbox.errors import WooError, invalid_id
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop

RESOURCES = ("coupon", "customer", "order", "product")
EVENTS = ("created", "updated", "deleted", "restored")
STATUSES = ("active", "paused", "disabled")
# The count stops at 6; the failure after that switches the webhook off.
MAX_FAILURES = 5
HOOKS = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "product.created": [
        "woocommerce_process_product_meta",
        "woocommerce_new_product",
        "woocommerce_new_product_variation",
    ],
    "product.updated": [
        "woocommerce_process_product_meta",
        "woocommerce_update_product",
        "woocommerce_update_product_variation",
    ],
    "product.deleted": ["wp_trash_post"],
}


class Webhooks:
    """Webhook documents, and pending deliveries: at most one for each (webhook, object) that has not begun."""

    def __init__(self, shop: Shop, base: Callable[[], str]) -> None:
        self.shop = shop
        self.base = base
        self.wake: Callable[[], None] = lambda: None
        self._waiting: set[tuple[int, int]] = set()
        self.reindex()
        shop.listener = self.fire

    def reindex(self) -> None:
        self._waiting = {(item["webhook"], item["object"]) for item in self.shop.all("queue")}

    # -- the documents ----------------------------------------------------------------------------------------

    def find(self, number: int, status: int = 404) -> Doc:
        doc = self.shop.get("webhooks", number)
        if doc is None:
            raise invalid_id("shop_webhook", status)
        return doc

    def create(self, body: Mapping[str, Any]) -> Doc:
        topic, url = str(body.get("topic") or "").lower(), str(body.get("delivery_url") or "")
        _check_topic(topic)
        _check_url(url)
        now = self.shop.now()
        doc = {"id": self.shop.next_number("webhook"), "name": body.get("name") or f"Webhook created on {now}"}
        doc |= {"status": body.get("status") or "active", "topic": topic, "delivery_url": url}
        doc |= {"secret": body.get("secret") or secrets.token_urlsafe(37), "failure_count": 0}
        doc |= {"pending_delivery": True, "created": now, "modified": now}
        _check_status(str(doc["status"]))
        self.shop.save("webhooks", doc)
        return doc

    def update(self, doc: Doc, body: Mapping[str, Any]) -> Doc:
        """Switching on again does not reset the failure counter: the next single failure switches off."""
        new = dict(doc)
        for name in ("name", "secret", "status", "topic", "delivery_url"):
            if body.get(name):
                new[name] = body[name]
        _check_topic(new["topic"])
        _check_url(new["delivery_url"])
        _check_status(new["status"])
        new["modified"] = self.shop.now()
        self.shop.save("webhooks", new)
        return new

    def delete(self, doc: Doc, *, force: bool) -> None:
        if not force:
            raise WooError("woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501)
        self.shop.remove("webhooks", doc["id"])

    def view(self, doc: Doc) -> dict[str, Any]:
        """Neither the secret nor the failure counter is shown."""
        shop, (resource, _, event) = self.shop, doc["topic"].partition(".")
        root = f"{self.base()}/wp-json/wc/v3/webhooks"
        view = {key: doc[key] for key in ("id", "name", "status", "topic")}
        view |= {"resource": resource, "event": event, "hooks": HOOKS.get(doc["topic"], [event])}
        view |= {"delivery_url": doc["delivery_url"]}
        view |= {"date_created": shop.local(doc["created"]), "date_created_gmt": shop.gmt(doc["created"])}
        view |= {"date_modified": shop.local(doc["modified"]), "date_modified_gmt": shop.gmt(doc["modified"])}
        return view | {"_links": {"self": [{"href": f"{root}/{doc['id']}"}], "collection": [{"href": root}]}}

    # -- the queue --------------------------------------------------------------------------------------------

    def fire(self, topic: str, number: int) -> None:
        """Queue a delivery for each active webhook of this topic, unless the same one is already waiting."""
        hooks = [hook for hook in self.shop.all("webhooks") if hook["topic"] == topic and hook["status"] == "active"]
        hooks = [hook for hook in hooks if (hook["id"], number) not in self._waiting]
        for hook in hooks:
            self._waiting.add((hook["id"], number))
            item = {"id": self.shop.next_number("action"), "webhook": hook["id"], "object": number}
            self.shop.save("queue", item | {"due": time.time() + self.shop.options.delay})
        if hooks:
            self.wake()

    def due(self, before: float) -> list[Doc]:
        return [item for item in self.shop.all("queue") if item["due"] <= before]

    def next_due(self) -> float | None:
        return min((item["due"] for item in self.shop.all("queue")), default=None)

    def begin(self, item: Doc) -> None:
        """From here on a further change queues a delivery of its own."""
        self._waiting.discard((item["webhook"], item["object"]))
        self.shop.remove("queue", item["id"])

    def record(self, number: int, *, success: bool) -> None:
        """Count failures in a row; any success starts anew."""
        doc = self.shop.get("webhooks", number)
        if doc is None:
            return
        if success:
            doc = doc | {"failure_count": 0}
        elif doc["failure_count"] > MAX_FAILURES:
            doc = doc | {"status": "disabled"}
        else:
            doc = doc | {"failure_count": doc["failure_count"] + 1}
        self.shop.save("webhooks", doc)

    def pinged(self, number: int) -> None:
        doc = self.shop.get("webhooks", number)
        if doc is not None:
            self.shop.save("webhooks", doc | {"pending_delivery": False})


def sign(body: bytes, secret: str) -> str:
    """Base64 HMAC-SHA256 with the secret as WordPress decodes it (&amp; and its like)."""
    key = html.unescape(secret).encode()
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


def _check_topic(topic: str) -> None:
    resource, _, event = topic.partition(".")
    custom = resource == "action" and re.match(r"(woocommerce|wc)_", event)
    if not custom and not (resource in RESOURCES and event in EVENTS):
        text = "Webhook topic is required and must be valid."
        raise WooError("woocommerce_rest_shop_webhook_invalid_topic", text, 400)


def _check_url(url: str) -> None:
    if not re.match(r"https?://[^/\s]+", url):
        text = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise WooError("woocommerce_rest_shop_webhook_invalid_delivery_url", text, 400)


def _check_status(status: str) -> None:
    if status not in STATUSES:
        raise WooError("woocommerce_rest_shop_webhook_invalid_status", "Webhook status must be valid.", 400)
