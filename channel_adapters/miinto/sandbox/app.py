"""Everything joined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask

from bridge.ports.sandbox import SandboxKit
from channel_adapters.miinto.sandbox.control import Control
from channel_adapters.miinto.sandbox.gate import mount
from channel_adapters.miinto.sandbox.market import Market
from channel_adapters.miinto.sandbox.operations import operations
from channel_adapters.miinto.sandbox.options import Options


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """Miinto in miniature. ``options`` are the fields of :class:`Options`."""
    app = Flask("miinto_sandbox")
    market = Market(SandboxKit(app, state_path), Options(**options))
    mount(app, market, operations())
    Control(market).mount(app)
    return app
