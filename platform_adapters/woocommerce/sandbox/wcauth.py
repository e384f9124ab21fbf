"""wc-auth, as class-wc-auth.php does it: a shop manager who is signed in grants an app a key of its own, which the
store posts to the app's server; where that does not answer 200, the key is gone again."""

from __future__ import annotations

import html
import secrets
from urllib.parse import unquote, urlencode, urlsplit

import httpx
from flask import Flask, Response, request

from platform_adapters.woocommerce.sandbox.api import Api
from platform_adapters.woocommerce.sandbox.options import ApiKey, Options

NEEDED = ("app_name", "user_id", "return_url", "callback_url", "scope")
SCOPES = ("read", "write", "read_write")
PAGE = (
    "<!doctype html><html lang=en><title>{app}</title><meta name=viewport content='width=device-width'>"
    "<h1>{app} would like to connect to your store</h1><p>Signed in as shop manager.</p>"
    "<p><a href='{yes}'>Approve</a> <a href='{no}'>Deny</a></p></html>"
)


def add_routes(app: Flask, api: Api, options: Options) -> None:
    """Keys that were granted are known to the door from here on, also after a restart."""
    docs = api.kit.docs
    for name, key in docs.all("granted_keys").items():
        api.door.keys[name] = ApiKey.model_validate(key)

    def authorise() -> Response:
        if (wrong := _wrong()) is not None:
            return _error(wrong)
        nonce = secrets.token_urlsafe(12)
        docs.put("auth_nonces", nonce, True)
        query = {name: request.args[name] for name in NEEDED}
        yes = f"/wc-auth/v1/access_granted?{urlencode({**query, 'wc_auth_nonce': nonce})}"
        words = {"app": query["app_name"], "yes": yes, "no": _back(query["return_url"], "0", query["user_id"])}
        return Response(PAGE.format(**{name: html.escape(word) for name, word in words.items()}), mimetype="text/html")

    def granted() -> Response:
        if (wrong := _wrong()) is not None:
            return _error(wrong)
        nonce = request.args.get("wc_auth_nonce", "")
        if docs.get("auth_nonces", nonce) is None:
            return _error("Invalid nonce verification")
        docs.remove("auth_nonces", nonce)
        key = ApiKey.model_validate(
            {
                "key": f"ck_{secrets.token_hex(20)}",
                "secret": f"cs_{secrets.token_hex(20)}",
                "permissions": request.args["scope"],
            }
        )
        api.door.keys[key.key] = key
        docs.put("granted_keys", key.key, key.model_dump())
        status = _post(key, docs.next_id("granted_key"), options)
        if status != 200:
            del api.door.keys[key.key]
            docs.remove("granted_keys", key.key)
            return _error("An error occurred in the request and at the time were unable to send the consumer data")
        back = _back(request.args["return_url"], "1", request.args["user_id"])
        return Response(status=302, headers={"Location": back})

    app.add_url_rule("/wc-auth/v1/authorize", "wcauth.authorize", authorise)
    app.add_url_rule("/wc-auth/v1/access_granted", "wcauth.granted", granted)


def _wrong() -> str | None:
    for name in NEEDED:
        if not request.args.get(name):
            return f"Missing parameter {name}"
    if request.args["scope"] not in SCOPES:
        return f"Invalid scope {request.args['scope']}"
    for name in ("return_url", "callback_url"):
        if not urlsplit(unquote(request.args[name])).hostname:
            return f"The {name} is not a valid URL"
    return None if request.args["callback_url"].startswith("https://") else "The callback_url needs to be over SSL"


def _error(words: str) -> Response:
    return Response(f"Error: {words}.", 401, mimetype="text/plain")


def _back(url: str, success: str, user_id: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'success': success, 'user_id': user_id})}"


def _post(key: ApiKey, number: int, options: Options) -> int:
    """``wp_safe_remote_post``, up to 60 seconds. 0 where nobody answers."""
    content = {"key_id": number, "user_id": request.args["user_id"], "consumer_key": key.key}
    content |= {"consumer_secret": key.secret, "key_permissions": key.permissions}
    try:
        answer = httpx.post(
            request.args["callback_url"], json=content, verify=options.verify_callbacks, timeout=60, trust_env=False
        )
    except httpx.HTTPError:
        return 0
    return answer.status_code
