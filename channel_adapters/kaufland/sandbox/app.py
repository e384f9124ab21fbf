"""Everything joined: the operations, and what happens by itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from bridge.ports.sandbox import SandboxKit
from channel_adapters.kaufland.sandbox import products
from channel_adapters.kaufland.sandbox.control import Control
from channel_adapters.kaufland.sandbox.gate import mount
from channel_adapters.kaufland.sandbox.market import Market
from channel_adapters.kaufland.sandbox.operations import operations
from channel_adapters.kaufland.sandbox.options import Options
from channel_adapters.kaufland.sandbox.push import Pusher


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """Kaufland in miniature. ``options`` are the fields of :class:`Options`."""
    app = Flask("kaufland_sandbox")
    kit = SandboxKit(app, state_path)
    market = Market(kit, Options(**options))
    Pusher(market)
    market.actions["product_data"] = partial(products.judge, market)
    market.rebuilders.append(partial(products.schedule_judgements, market))
    mount(app, market, operations())
    Control(market).mount(app)
    kit.on_reset.append(market.rebuild)
    market.rebuild()
    return app
