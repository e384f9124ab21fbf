"""Everything joined: the operations, and the buyers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from bridge.ports.sandbox import SandboxKit
from channel_adapters.ebay.sandbox import push
from channel_adapters.ebay.sandbox.control import Control
from channel_adapters.ebay.sandbox.gate import mount
from channel_adapters.ebay.sandbox.market import Market
from channel_adapters.ebay.sandbox.operations import operations
from channel_adapters.ebay.sandbox.options import Options


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """eBay in miniature. ``options`` are the fields of :class:`Options`."""
    app = Flask("ebay_sandbox")
    kit = SandboxKit(app, state_path)
    market = Market(kit, Options(**options))
    market.emit = partial(push.send, market)
    mount(app, market, operations())
    Control(market).mount(app)
    kit.on_reset.append(market.rebuild)
    market.rebuild()
    return app
