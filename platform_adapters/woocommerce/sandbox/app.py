"""The store as a Flask app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response

from bridge.ports.sandbox import SandboxKit
from platform_adapters.woocommerce.sandbox import control, php, system, wcauth
from platform_adapters.woocommerce.sandbox.api import Api
from platform_adapters.woocommerce.sandbox.delivery import Runner
from platform_adapters.woocommerce.sandbox.errors import no_route
from platform_adapters.woocommerce.sandbox.module import add_module, lack_module
from platform_adapters.woocommerce.sandbox.options import Options
from platform_adapters.woocommerce.sandbox.order_routes import OrderRoutes, TrackingRoutes
from platform_adapters.woocommerce.sandbox.order_view import OrderView
from platform_adapters.woocommerce.sandbox.orders import Orders
from platform_adapters.woocommerce.sandbox.product_view import ProductView
from platform_adapters.woocommerce.sandbox.products import Products
from platform_adapters.woocommerce.sandbox.routes import ProductRoutes, VariationRoutes, WebhookRoutes
from platform_adapters.woocommerce.sandbox.shop import Shop
from platform_adapters.woocommerce.sandbox.totals import Calculator
from platform_adapters.woocommerce.sandbox.tracking import Tracking
from platform_adapters.woocommerce.sandbox.webhooks import Webhooks


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """The store as a Flask app; its state is kept in ``state_path`` when one is given."""
    app = Flask("woocommerce_sandbox", static_folder=None)
    chosen = Options(**options)
    kit = SandboxKit(app, state_path)
    shop = Shop(kit.docs, chosen)
    api = Api(app, kit, shop, chosen)
    products, calculator = Products(shop), Calculator(chosen)
    orders = Orders(shop, products, calculator)
    tracking = Tracking(orders)
    product_view, order_view = ProductView(shop, api.base), OrderView(shop, api.base, calculator)
    webhooks = Webhooks(shop, api.base)

    def payload(resource: str, number: int) -> dict[str, Any] | None:
        doc = shop.get(f"{resource}s", number)
        if doc is None:
            return None
        return order_view.order(doc) if resource == "order" else product_view.product(doc)

    runner = Runner(kit, shop, webhooks, api.base, payload)
    ProductRoutes(api, products, product_view)
    VariationRoutes(api, products, product_view)
    WebhookRoutes(api, webhooks, runner)
    OrderRoutes(api, orders, order_view)
    TrackingRoutes(api, orders, tracking)
    system.add_routes(api)
    wcauth.add_routes(app, api, chosen)
    if chosen.module:
        add_module(app, kit, api, orders, tracking, chosen)
    else:
        lack_module(api)
    control.add_routes(app, control.Control(kit, shop, orders, tracking, runner), order_view)
    _finish(app, kit, shop, webhooks, runner)
    return app


def _finish(app: Flask, kit: SandboxKit, shop: Shop, webhooks: Webhooks, runner: Runner) -> None:
    def missing(_: Exception) -> Response:
        error = no_route()
        return Response(php.encode(error.body()), 404, content_type="application/json; charset=UTF-8")

    app.register_error_handler(404, missing)
    app.register_error_handler(405, missing)
    kit.on_reset += [shop.reindex, webhooks.reindex, runner.log.clear]
    if webhooks.next_due() is not None:
        runner.ring()
