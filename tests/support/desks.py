"""The pages in a browser as a merchant sees them inside an admin: everything is routed to here, nothing goes outside.

``ModuleDesk`` plays the module's part (it checks the form's token and passes on what the browser sent); ``ShopifyDesk``
is the admin with an iframe, App Bridge and Polaris played by stand-ins.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from time import time
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from markupsafe import escape
from werkzeug import Request

from bridge.db.tables import Connection, ModuleRow
from bridge.domain import signed
from bridge.ports.storeapp import AppKeys
from platform_adapters.shopify.app import ShopifyApp
from tests.support.admins import APP_BRIDGE, POLARIS, around
from tests.support.lively import HOST, Lively

MODULE_SECRET = "5e" * 32
NONCE = ("_wpnonce", "n0nce")
ADMINS = {
    "wordpress": ("https://shop.test/wp-admin/admin.php", {"page": "storebridge"}, "en_GB"),
    "magento": ("https://shop.test/admin/storebridge/page/index/key/abc123/", {}, "en_US"),
    "mageos": ("https://shop.test/admin/storebridge/page/index/key/abc123/", {}, "en_US"),
}
STORE, CLIENT, SECRET = "lively.myshopify.com", "client-of-the-app", "shpss_a_secret_of_the_app_of_this_test"
BRIDGE, ADMIN, EVIL = "https://bridge.test", "https://admin.shopify.com", "https://evil.test"
# In place of a 303: what a browser follows by itself does not come by here.
ELSEWHERE = '<!doctype html><meta http-equiv="refresh" content="0;url={}">'
HTML = {"Content-Type": "text/html; charset=utf-8"}


def asked(
    skin: str,
    method: str,
    path: str,
    query: Mapping[str, Any],
    form: Mapping[str, Any],
    can: list[str],
    locale: str = "",
) -> Any:
    """What a module asks of the act ``page``."""
    _, fixed, usual = ADMINS[skin]
    csrf = dict(zip(("name", "value"), NONCE, strict=True))
    frame = {"skin": skin, "fixed": fixed, "path_name": "path", "csrf": csrf, "style": ""}
    return {
        "method": method, "path": path, "query": dict(query), "form": dict(form), "files": {},
        "user": {"id": "7", "name": "Anna"}, "can": can, "locale": locale or usual, "frame": frame,
    }  # fmt: skip


class ModuleDesk:
    """``ask`` has the bridge answer the act ``page``. ``outside``: whatever the browser asked of anybody else."""

    def __init__(self, context: Any, skin: str, ask: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
        self.skin, self.ask = skin, ask
        self.can = ["view", "change", "customers"]
        self.base, self.fixed, self.locale = ADMINS[skin]
        self.style, self.outside = "", list[str]()
        self.beside: tuple[str, ...] = ()  # addresses that are servers of their own, in windows of their own
        context.route("**/*", self._serve)

    def address(self, path: str = "", **query: str) -> str:
        return f"{self.base}?{urlencode({**self.fixed, 'path': path, **query})}"

    def _serve(self, route: Any) -> None:
        url = urlsplit(route.request.url)
        if route.request.url.startswith(self.beside):
            route.continue_()
            return
        if f"{url.scheme}://{url.netloc}{url.path}" != self.base:
            self.outside.append(route.request.url)
            route.abort()
            return
        kind = route.request.headers.get("content-type", "")
        body = route.request.post_data_buffer or b""
        with Request.from_values(method="POST", data=body, content_type=kind) as sent:
            form = sent.form.to_dict(flat=False)
        if route.request.method == "POST" and form.pop(NONCE[0], None) != [NONCE[1]]:
            route.fulfill(status=403, body="the nonce is missing", headers=HTML)
            return
        query = parse_qs(url.query, keep_blank_values=True)
        path = query.pop("path", [""])[0]
        given = {name: value for name, value in query.items() if name not in self.fixed}
        answer = self.ask(asked(self.skin, route.request.method, path, given, form, self.can, self.locale))
        if answer["redirect"]:
            target = self.address(answer["redirect"]["path"], **answer["redirect"]["query"])
            route.fulfill(body=ELSEWHERE.format(escape(target)), headers=HTML)
            return
        if answer.get("download"):
            file = answer["download"]
            headers = {"Content-Type": file["type"], "Content-Disposition": f'attachment; filename="{file["name"]}"'}
            route.fulfill(body=base64.b64decode(file["base64"]), headers=headers)
            return
        self.style = answer["style"] or self.style
        route.fulfill(status=answer["status"], body=around(self.skin, answer["html"], self.style), headers=HTML)


class Inside:
    """The module of the lively shop's store, as it calls the bridge. ``desk``: whoever asks of it, and how."""

    def __init__(self, lively: Lively, skin: str = "wordpress") -> None:
        self.lively, self.client = lively, lively.app().test_client()
        with lively.world.db.write(1) as session:
            self.connection = session.query(Connection).filter(Connection.role == "platform").one().id
            if session.get(ModuleRow, self.connection) is None:
                made = lively.world.clock()
                session.add(ModuleRow(connection_id=self.connection, secrets=[MODULE_SECRET], made_at=made))

    def post(self, content: Mapping[str, Any], secret: str = MODULE_SECRET, shop: str = "shop") -> Any:
        body = json.dumps(content).encode()
        header = str(signed.sign(secret, "page", body, self.lively.world.clock(), secrets.token_hex(16)))
        headers = {signed.HEADER: header, "Content-Type": "application/json"}
        path = f"/modules/{shop}/{self.connection}/page"
        return self.client.post(path, base_url=HOST, data=body, headers=headers)

    def answer(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The envelope, whose signature is good."""
        response = self.post(content)
        assert response.status_code == 200, response.text
        given = response.headers[signed.HEADER]
        signed.verify(given, "page.answer", response.data, [MODULE_SECRET], self.lively.world.clock())
        found: dict[str, Any] = response.json
        return found


@contextmanager
def installed(lively: Lively) -> Iterator[None]:
    """Meanwhile the store of ``lively`` is one that has installed the app at Shopify."""
    engine = lively.engine
    before = (engine.platforms, engine.apps, engine.public_url)
    adapter = replace(engine.platforms["memstore"], app=ShopifyApp())
    engine.platforms = {"memstore": adapter, "shopify": adapter}
    engine.apps = {"shopify": AppKeys(client_id=CLIENT, client_secret=SECRET)}
    engine.public_url = BRIDGE
    _rename(lively, "shopify", STORE, {"access_token": "shpat_x"})
    yield
    _rename(lively, "memstore", "store", {})
    engine.platforms, engine.apps, engine.public_url = before


def _rename(lively: Lively, adapter: str, account: str, credentials: dict[str, str]) -> None:
    with lively.world.db.write(1) as session:
        row = session.query(Connection).filter(Connection.role == "platform").one()
        row.adapter, row.account, row.credentials = adapter, account, credentials


def token(**claims: Any) -> str:
    """A session token, good for a minute."""
    now = int(time())
    told = {"iss": f"https://{STORE}/admin", "dest": f"https://{STORE}", "aud": CLIENT, "sub": "42", "exp": now + 60,
            "nbf": now - 5, "iat": now - 5, "jti": "a", "sid": "b", **claims}  # fmt: skip
    return jwt.encode(told, SECRET, algorithm="HS256")


class ShopifyDesk:
    """``mint`` gives the token App Bridge hands out next. ``host`` is who frames the page."""

    bridge, store = BRIDGE, STORE

    def __init__(self, context: Any, app: Any, mint: Callable[[], str] = token) -> None:
        self.client = app and app.test_client(use_cookies=False)
        self.outside, self.asked = list[str](), list[Any]()
        self.mint, self.locale = mint, "en"
        context.expose_function("mintToken", self._mint)
        context.route("**/*", self._serve)

    def _mint(self) -> str:
        return self.mint()

    def address(self, path: str = "", host: str = ADMIN, **query: str) -> str:
        return f"{host}/store/lively/apps/storebridge/{path}{'?' + urlencode(query) if query else ''}"

    def _serve(self, route: Any) -> None:
        asked = urlsplit(route.request.url)
        host = f"{asked.scheme}://{asked.netloc}"
        if host in (ADMIN, EVIL):
            given = {"shop": self.store, "host": "aG9zdA", "embedded": "1", "locale": self.locale}
            given |= {"id_token": self.mint()}
            given |= parse_qsl(asked.query)
            path = asked.path.removeprefix("/store/lively/apps/storebridge/")
            frame = f'<iframe title="Storebridge" src="{self.bridge}/apps/shopify/{path}?{urlencode(given)}"></iframe>'
            route.fulfill(body=around("shopify", frame), headers=HTML)
        elif asked.netloc == "cdn.shopify.com":
            body = APP_BRIDGE if asked.path.endswith("app-bridge.js") else POLARIS
            route.fulfill(body=body, headers={"Content-Type": "text/javascript"})
        elif host == BRIDGE:
            self._pass(route, asked)
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _pass(self, route: Any, url: Any) -> None:
        """What the browser would follow is followed here, with the same header, as it would not come by here again."""
        request, headers = route.request, list(route.request.headers.items())
        answer = self._open(request.method, url.path, headers, query_string=url.query, data=request.post_data_buffer)
        if answer.status_code == 303:
            kept = [(name, value) for name, value in headers if name.lower() in ("authorization", "accept")]
            target = urlsplit(answer.headers["Location"])
            answer = self._open("GET", target.path, kept, query_string=target.query)
        route.fulfill(status=answer.status_code, body=answer.data, headers=dict(answer.headers))
        answer.close()

    def _open(self, method: str, path: str, headers: list[tuple[str, str]], **more: Any) -> Any:
        answer = self.client.open(path, base_url=BRIDGE, method=method, headers=headers, **more)
        self.asked.append((method, path, answer.status_code, "Authorization" in answer.request.headers))
        return answer
