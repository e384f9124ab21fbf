"""shopify.app.toml: what Shopify is told about the app with ``shopify app deploy``. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from platform_adapters.shopify.documents import API_VERSION
from platform_adapters.shopify.hooks import TOPICS
from platform_adapters.shopify.scopes import OPTIONAL_SCOPES, SCOPES, WISHED_SCOPES

COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")


def app_toml(client_id: str, address: str) -> str:
    """Embedded, installed by Shopify itself, with the least scopes and one subscription for each set of fields. The
    compliance topics can be subscribed to nowhere else."""
    hooks = f"{address}/hooks"
    head = [
        f"client_id = {_text(client_id)}",
        'name = "Storebridge"',
        f"application_url = {_text(address + '/')}",
        "embedded = true",
        "",
        "[access_scopes]",
        f"scopes = {_text(','.join((*SCOPES, *WISHED_SCOPES)))}",
        f"optional_scopes = {_list(OPTIONAL_SCOPES)}",
        "use_legacy_install_flow = false",
        "",
        "[auth]",
        "redirect_urls = []",
        "",
        "[webhooks]",
        f"api_version = {_text(API_VERSION)}",
    ]
    groups: dict[tuple[str, ...], list[str]] = {}
    for topic, fields in TOPICS.items():
        groups.setdefault(fields, []).append(topic)
    rows = [_subscription(f"topics = {_list(topics)}", hooks, fields) for fields, topics in groups.items()]
    rows.append(_subscription(f"compliance_topics = {_list(COMPLIANCE)}", hooks, ()))
    return "\n".join([*head, *(line for row in rows for line in row), "", "[pos]", "embedded = false", ""])


def _subscription(topics: str, uri: str, fields: Iterable[str]) -> list[str]:
    chosen = [f"include_fields = {_list(fields)}"] if fields else []
    return ["", "[[webhooks.subscriptions]]", topics, f"uri = {_text(uri)}", *chosen]


def _text(value: str) -> str:
    return json.dumps(value)


def _list(values: Iterable[str]) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"
