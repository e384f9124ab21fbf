"""Everything joined: the operations, and what happens by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask

from bridge.ports.sandbox import SandboxKit
from channel_adapters.mirakl.sandbox import imports, orders
from channel_adapters.mirakl.sandbox.control import Control
from channel_adapters.mirakl.sandbox.gate import mount
from channel_adapters.mirakl.sandbox.market import Market
from channel_adapters.mirakl.sandbox.operations import operations
from channel_adapters.mirakl.sandbox.options import Options


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """A Mirakl operator in miniature. ``options`` are the fields of :class:`Options`."""
    app = Flask("mirakl_sandbox")
    kit = SandboxKit(app, state_path)
    market = Market(kit, Options(**options))
    imports.hire(market)
    orders.hire(market)
    mount(app, market, operations())
    Control(market).mount(app)
    return app
