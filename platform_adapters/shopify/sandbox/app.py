"""The store as a Flask app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from bridge.ports.sandbox import SandboxKit
from platform_adapters.shopify.sandbox import control
from platform_adapters.shopify.sandbox.api import Api, Bucket
from platform_adapters.shopify.sandbox.bulk import Bulk
from platform_adapters.shopify.sandbox.oauth import Tokens
from platform_adapters.shopify.sandbox.options import Options
from platform_adapters.shopify.sandbox.orders import Orders
from platform_adapters.shopify.sandbox.products import Products
from platform_adapters.shopify.sandbox.schema import Root, official
from platform_adapters.shopify.sandbox.store import Store
from platform_adapters.shopify.sandbox.views import Views
from platform_adapters.shopify.sandbox.webhooks import Webhooks


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """The store as a Flask app; its state is kept in ``state_path`` when one is given."""
    app = Flask("shopify_sandbox", static_folder=None)
    chosen = Options(**options)
    kit = SandboxKit(app, state_path)
    store = Store(kit.docs, chosen)
    orders, products, hooks, tokens = Orders(store), Products(store), Webhooks(store), Tokens(store)
    bulk = Bulk(store, lambda: request.host_url.rstrip("/"))
    bucket = Bucket(chosen.bucket, chosen.restore)
    root = Root(store, Views(store), orders, products, hooks, bulk)
    api = Api(app, kit, store, root, tokens, bucket)
    bulk.schema, bulk.execute = official(), api.export
    control.add_routes(app, control.Control(kit, root, tokens, bucket))
    app.register_error_handler(404, _not_found)
    kit.on_reset += [store.reindex, hooks.forget]
    return app


def _not_found(_: Exception) -> tuple[Response, int]:
    return jsonify(errors="Not Found"), 404
