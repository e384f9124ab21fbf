"""The pages in a browser as a merchant sees them inside an admin: everything is routed to here, nothing goes outside.

``ModuleDesk`` plays the module's part (it checks the form's token and passes on what the browser sent); ``ShopifyDesk``
is the admin with an iframe, App Bridge and Polaris played by stand-ins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

from bridge.db.tables import Connection
from bridge.ports.storeapp import AppKeys
from platform_adapters.shopify.app import ShopifyApp
from tests.support.admins import APP_BRIDGE, POLARIS, around
from tests.support.lively import Lively

NONCE = ("_wpnonce", "n0nce")
ADMINS = {
    "wordpress": ("https://shop.test/wp-admin/admin.php", {"page": "storebridge"}, "nl_NL"),
    "magento": ("https://shop.test/admin/storebridge/page/index/key/abc123/", {}, "en_US"),
}
STORE, CLIENT, SECRET = "lively.myshopify.com", "client-of-the-app", "shpss_a_secret_of_the_app_of_this_test"
BRIDGE, ADMIN, EVIL = "https://bridge.test", "https://admin.shopify.com", "https://evil.test"
HTML = {"Content-Type": "text/html; charset=utf-8"}


class ModuleDesk:
    """``ask`` has the bridge answer the act ``page``. ``outside``: whatever the browser asked of anybody else."""

    def __init__(self, context: Any, skin: str, ask: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
        self.skin, self.ask = skin, ask
        self.can = ["view", "change", "customers"]
        self.base, self.fixed, self.locale = ADMINS[skin]
        self.style, self.outside = "", list[str]()
        context.route("**/*", self._serve)

    def address(self, path: str = "", **query: str) -> str:
        return f"{self.base}?{urlencode({**self.fixed, 'path': path, **query})}"

    def content(self, method: str, query: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, Any]:
        given = dict(query)
        path = given.pop("path", [""])[0]
        for name in self.fixed:
            given.pop(name, None)
        csrf = dict(zip(("name", "value"), NONCE, strict=True))
        frame = {"skin": self.skin, "fixed": self.fixed, "path_name": "path", "csrf": csrf, "style": ""}
        return {
            "method": method, "path": path, "query": given, "form": dict(form), "files": {},
            "user": {"id": "7", "name": "Anna"}, "can": self.can, "locale": self.locale, "frame": frame,
        }  # fmt: skip

    def _serve(self, route: Any) -> None:
        asked = urlsplit(route.request.url)
        if f"{asked.scheme}://{asked.netloc}{asked.path}" != self.base:
            self.outside.append(route.request.url)
            route.abort()
            return
        form = parse_qs(route.request.post_data or "", keep_blank_values=True)
        if route.request.method == "POST" and form.pop(NONCE[0], None) != [NONCE[1]]:
            route.fulfill(status=403, body="the nonce is missing", headers=HTML)
            return
        query = parse_qs(asked.query, keep_blank_values=True)
        answer = self.ask(self.content(route.request.method, query, form))
        if answer["redirect"]:
            target = self.address(answer["redirect"]["path"], **answer["redirect"]["query"])
            route.fulfill(status=303, headers={"Location": target})
            return
        self.style = answer["style"] or self.style
        route.fulfill(status=answer["status"], body=around(self.skin, answer["html"], self.style), headers=HTML)


def installed(lively: Lively) -> None:
    """The store of ``lively`` becomes one that has installed the app at Shopify."""
    engine = lively.engine
    adapter = replace(engine.platforms["memstore"], app=ShopifyApp())
    engine.platforms = {"memstore": adapter, "shopify": adapter}
    engine.apps = {"shopify": AppKeys(client_id=CLIENT, client_secret=SECRET)}
    engine.public_url = BRIDGE
    with lively.world.db.write(1) as session:
        row = session.query(Connection).filter(Connection.role == "platform").one()
        row.adapter, row.account, row.credentials = "shopify", STORE, {"access_token": "shpat_x"}


def token(**claims: Any) -> str:
    """A session token, good for a minute."""
    now = int(time())
    told = {"iss": f"https://{STORE}/admin", "dest": f"https://{STORE}", "aud": CLIENT, "sub": "42", "exp": now + 60,
            "nbf": now - 5, "iat": now - 5, "jti": "a", "sid": "b", **claims}  # fmt: skip
    return jwt.encode(told, SECRET, algorithm="HS256")


class ShopifyDesk:
    """``mint`` gives the token App Bridge hands out next. ``host`` is who frames the page."""

    def __init__(self, context: Any, app: Any) -> None:
        self.client = app.test_client(use_cookies=False)
        self.outside, self.asked = list[str](), list[Any]()
        self.mint: Callable[[], str] = token
        context.expose_function("mintToken", self._mint)
        context.route("**/*", self._serve)

    def _mint(self) -> str:
        return self.mint()

    def address(self, path: str = "", host: str = ADMIN) -> str:
        return f"{host}/store/lively/apps/storebridge/{path}"

    def _serve(self, route: Any) -> None:
        asked = urlsplit(route.request.url)
        host = f"{asked.scheme}://{asked.netloc}"
        if host in (ADMIN, EVIL):
            given = {"shop": STORE, "host": "aG9zdA", "embedded": "1", "id_token": token()}
            path = asked.path.removeprefix("/store/lively/apps/storebridge/")
            frame = f'<iframe title="Storebridge" src="{BRIDGE}/apps/shopify/{path}?{urlencode(given)}"></iframe>'
            route.fulfill(body=around("shopify", frame), headers=HTML)
        elif asked.netloc == "cdn.shopify.com":
            body = APP_BRIDGE if asked.path.endswith("app-bridge.js") else POLARIS
            route.fulfill(body=body, headers={"Content-Type": "text/javascript"})
        elif host == BRIDGE:
            self._pass(route, asked)
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _pass(self, route: Any, asked: Any) -> None:
        request = route.request
        answer = self.client.open(
            asked.path, base_url=BRIDGE, method=request.method, query_string=asked.query,
            data=request.post_data_buffer, headers=list(request.headers.items()),
        )  # fmt: skip
        self.asked.append((request.method, asked.path, answer.status_code, "Authorization" in answer.request.headers))
        route.fulfill(status=answer.status_code, body=answer.data, headers=dict(answer.headers))
