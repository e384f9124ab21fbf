"""Keys by a click, without the plugin: WooCommerce's own wc-auth. A shop manager is sent to the store and agrees; its
server then posts a new key to us, before the browser comes back. That post carries neither the store's address nor a
signature: all that binds it to a question of ours is ``user_id``. Any answer but 200 makes the store delete the key
(class-wc-auth.php)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bridge.domain.reading import table, text, texts
from bridge.ports.adapter import Connection, Handed, Handover
from bridge.ports.errors import AskMerchant, NotFound
from platform_adapters.woocommerce.client import ERRORS, NO_API

NAME = "Storebridge"
INSECURE = (
    "WooCommerce hands keys to https addresses only, and this Storebridge's public address is {}. Give it a "
    "certificate and set STOREBRIDGE_PUBLIC_URL, or make a key in the store and enter it here."
)


def address(connection: Connection, state: str, back: str, keys_to: str) -> str:
    """Raises AskMerchant where the store would not post its keys."""
    if not keys_to.startswith("https://"):
        raise AskMerchant(INSECURE.format(keys_to.rpartition("/authorised")[0]), field="url")
    query = {"app_name": NAME, "scope": "read_write", "user_id": state, "callback_url": keys_to}
    query["return_url"] = f"{back}?{urlencode({'state': state})}"
    return f"{_url(connection)}/wc-auth/v1/authorize?{urlencode(query)}"


def reach(connection: Connection) -> None:
    """Whether WooCommerce answers at this address, as far as the store tells strangers. Raises AskMerchant."""
    try:
        answer = connection.transport.request(
            "GET", f"{_url(connection)}/wp-json/", operation="system.index", allow=(401, 403), errors=ERRORS
        )
    except NotFound as error:
        raise AskMerchant(f"WooCommerce does not answer at this address. {NO_API}", field="url") from error
    if answer.ok and "wc/v3" not in texts(table(answer.json), "namespaces"):
        raise AskMerchant(f"There is no WooCommerce at this address. {NO_API}", field="url")


def posted(body: Mapping[str, Any]) -> Handed:
    """Raises AskMerchant."""
    if text(body.get("key_permissions")) != "read_write":
        raise AskMerchant("WooCommerce gave a key that may not write: agree to Read/Write.")
    key, secret = text(body.get("consumer_key")), text(body.get("consumer_secret"))
    if not key or not secret:
        raise AskMerchant("WooCommerce gave no key: ask the store again.")
    return Handed(text(body.get("user_id")), {"consumer_key": key, "consumer_secret": secret})


def _url(connection: Connection) -> str:
    return connection.credentials["url"].rstrip("/")


HANDOVER = Handover(("consumer_key", "consumer_secret"), address, reach, posted)
