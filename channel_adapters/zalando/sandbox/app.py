"""Everything joined: the operations, and what happens by itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from bridge.ports.sandbox import SandboxKit
from channel_adapters.zalando.sandbox import offers, products
from channel_adapters.zalando.sandbox.control import Control
from channel_adapters.zalando.sandbox.gate import mount
from channel_adapters.zalando.sandbox.market import Market
from channel_adapters.zalando.sandbox.operations import operations
from channel_adapters.zalando.sandbox.options import Options


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """Zalando's partner program in miniature. ``options`` are the fields of :class:`Options`."""
    app = Flask("zalando_sandbox")
    kit = SandboxKit(app, state_path)
    market = Market(kit, Options(**options))
    market.actions["price"] = partial(offers.validate, market)
    market.actions["article"] = partial(products.judge, market)
    market.rebuilders.append(partial(offers.schedule_validations, market))
    market.rebuilders.append(partial(products.schedule_judgements, market))
    mount(app, market, operations())
    Control(market).mount(app)
    kit.on_reset.append(market.rebuild)
    market.rebuild()
    return app
