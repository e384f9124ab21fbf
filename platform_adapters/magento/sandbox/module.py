"""The store with our module: its endpoints, the changes it tells, and Magento's activation of an integration."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

import httpx
from flask import Flask, Response, request

from bridge.ports.sandbox import SandboxKit
from bridge.ports.sandbox_module import About, SandboxModule, add_module_controls
from platform_adapters.magento.sandbox.api import Api, Call
from platform_adapters.magento.sandbox.auth import PAIR, Auth
from platform_adapters.magento.sandbox.errors import MagentoError
from platform_adapters.magento.sandbox.options import SANDBOX_KEYS
from platform_adapters.magento.sandbox.placing import Placer
from platform_adapters.magento.sandbox.shop import Doc, Shop
from platform_adapters.magento.storemodule import PACKAGE

MARKER = re.compile(r"[0-9A-Za-z]{1,40}")
RESOURCE = "Storebridge_Connect::api"
PLATFORM_VERSION = "Magento 2.4.8"


class ModuleRoutes:
    """Magento's REST answers with a list where a service answers with a table (see client.py)."""

    def __init__(self, api: Api, module: SandboxModule, placer: Placer) -> None:
        self.module = module
        add = api.add
        add("GET", "storebridge/health", "module.health", RESOURCE, lambda _call: [module.health()])
        add("POST", "storebridge/prove", "module.prove", RESOURCE, self.prove)
        add("POST", "storebridge/test", "module.test", RESOURCE, self.test)
        add("POST", "storebridge/orders", "module.order", RESOURCE, lambda call: [placer.place(call.body.get("order"))])
        add("POST", "storebridge/orders/find", "module.find", RESOURCE, lambda call: placer.find(call.body.get("refs")))
        add("POST", "storebridge/salable", "module.salable", RESOURCE, lambda call: placer.salable(call.body["skus"]))

    def test(self, call: Call) -> Any:
        marker = str(call.body.get("marker"))
        if not MARKER.fullmatch(marker):
            raise MagentoError(400, 'Invalid value of "%value" provided for the %fieldName field.')
        if self.module.is_connected:
            self.module.note("test", marker, "test")
        return [{"connected": self.module.is_connected, "trouble": ""}]

    def prove(self, call: Call) -> Any:
        found = self.module.prove(str(call.body.get("code")), str(call.body.get("challenge")))
        if found is None:
            raise MagentoError(403, "This connection code is not known, was used, or is too old.")
        return [found]


class Activation:
    """What Magento does on *Activate*: the consumer and a verifier to the callback address, then a token for them."""

    def __init__(self, shop: Shop, auth: Auth, base: Callable[[], str]) -> None:
        self.shop, self.auth, self.base = shop, auth, base

    def begin(self, bridge: str) -> str:
        verifier = secrets.token_hex(16)
        self.shop.put("oauth", "verifier", {"verifier": verifier})
        form = {
            "oauth_consumer_key": SANDBOX_KEYS["consumer_key"],
            "oauth_consumer_secret": SANDBOX_KEYS["consumer_secret"],
            "store_base_url": f"{self.base()}/",
            "oauth_verifier": verifier,
        }
        httpx.post(f"{bridge}/modules/activate/magento", data=form, timeout=5, trust_env=False)
        return SANDBOX_KEYS["consumer_key"]

    def token(self, step: str) -> Doc:
        given = {name: unquote(value) for name, value in PAIR.findall(request.headers.get("Authorization", ""))}
        pending = self.shop.get("oauth", "request") or {}
        if step == "request":
            self.auth.check_handshake(given, "", "")
            pending = {"token": secrets.token_hex(16), "secret": secrets.token_hex(16)}
            self.shop.put("oauth", "request", pending)
            return {"oauth_token": pending["token"], "oauth_token_secret": pending["secret"]}
        self.auth.check_handshake(given, pending.get("token", ""), pending.get("secret", ""))
        known = self.shop.get("oauth", "verifier") or {}
        if not known or given.get("oauth_verifier") != known["verifier"]:
            raise MagentoError(401, "verifier_invalid")
        self.shop.docs.remove("oauth", "verifier")
        self.shop.docs.remove("oauth", "request")
        keys = SANDBOX_KEYS
        return {"oauth_token": keys["access_token"], "oauth_token_secret": keys["access_token_secret"]}


def note_changes(shop: Shop, module: SandboxModule) -> None:
    """What triggers and observers of the module see."""

    def changed(kind: str, key: str, doc: Doc) -> None:
        if kind == "products":
            module.note("product", key, "product.changed")
        elif kind in {"source_items", "reservations"} and (product := shop.by_sku(doc["sku"])) is not None:
            module.note("stock", product["id"], f"{kind}.changed")
        elif kind in {"orders", "shipments", "creditmemos"}:
            module.note("order", doc.get("order_id") or key, f"{kind}.saved")

    shop.changed = changed


def add_module(app: Flask, kit: SandboxKit, api: Api, shop: Shop, placer: Placer) -> SandboxModule:
    """The base address is known with the first request."""
    known: dict[str, str] = {}

    def learn() -> None:
        known.setdefault("base", request.host_url.rstrip("/"))

    app.before_request(learn)
    activation = Activation(shop, api.auth, lambda: known["base"])
    about = About("magento", PACKAGE.version, PLATFORM_VERSION)
    module = SandboxModule(
        kit,
        about,
        lambda: (f"{known['base']}/", f"{known['base']}/rest/"),
        activation.begin,
        lambda: shop.clock_shift,
    )
    ModuleRoutes(api, module, placer)
    note_changes(shop, module)

    def token(step: str) -> Response:
        def answer() -> Response:
            try:
                with kit.transaction():
                    return Response(urlencode(activation.token(step)), content_type="text/html; charset=UTF-8")
            except MagentoError as error:
                told = urlencode({"oauth_problem": error.message})
                return Response(told, error.status, content_type="text/html; charset=UTF-8")

        return kit.respond(f"oauth.{step}", answer, throttled=lambda: Response(status=429))

    app.post("/oauth/token/<step>")(token)
    add_module_controls(app, module, page_body)
    return module


def page_body(asked: Doc) -> Doc:
    """What the module's admin page asks for, as its controller builds it."""
    query = parse_qs(str(asked.get("query") or ""))
    frame = {
        "skin": "magento",
        "fixed": {},
        "path_name": "path",
        "csrf": {"name": "form_key", "value": "k"},
        "style": "",
    }
    body: Doc = {"method": asked.get("method", "GET"), "path": asked.get("path", ""), "query": query}
    body |= {"form": asked.get("form") or {}, "files": {}, "user": {"id": "1", "name": "anna"}}
    return body | {"can": asked.get("can", ["view", "change", "customers"]), "locale": "en_GB", "frame": frame}
