"""The store as a Flask app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, request

from bridge.ports.sandbox import SandboxKit
from platform_adapters.magento.sandbox import control
from platform_adapters.magento.sandbox.api import Api
from platform_adapters.magento.sandbox.catalogue import Products
from platform_adapters.magento.sandbox.inventory import Inventory
from platform_adapters.magento.sandbox.module import add_module
from platform_adapters.magento.sandbox.options import Options
from platform_adapters.magento.sandbox.orders import Orders
from platform_adapters.magento.sandbox.placing import Placer
from platform_adapters.magento.sandbox.routes import InventoryRoutes, OrderRoutes, ProductRoutes, StoreRoutes
from platform_adapters.magento.sandbox.shop import Shop


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """The store as a Flask app; its state is kept in ``state_path`` when one is given."""
    app = Flask("magento_sandbox", static_folder=None)
    chosen = Options(**options)
    kit = SandboxKit(app, state_path)
    shop = Shop(kit.docs, chosen)
    products, inventory = Products(shop), Inventory(shop)
    orders = Orders(shop, inventory)
    api = Api(app, kit, chosen, shop.seconds)
    StoreRoutes(api, shop, lambda: request.host_url.rstrip("/"))
    ProductRoutes(api, products, inventory)
    InventoryRoutes(api, shop, inventory)
    OrderRoutes(api, shop, orders)
    if chosen.module:
        add_module(app, kit, api, shop, Placer(shop, inventory, orders))
    control.add_routes(app, control.Control(kit, shop, products, inventory, orders))
    return app
