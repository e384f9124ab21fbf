"""Everything joined: the operations, and what happens by itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from bridge.ports.sandbox import SandboxKit
from channel_adapters.allegro.sandbox import aftersales, commands, offers
from channel_adapters.allegro.sandbox.control import Control
from channel_adapters.allegro.sandbox.gate import mount
from channel_adapters.allegro.sandbox.market import Market
from channel_adapters.allegro.sandbox.operations import operations
from channel_adapters.allegro.sandbox.options import Options


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """Allegro in miniature. ``options`` are the fields of :class:`Options`."""
    app = Flask("allegro_sandbox")
    kit = SandboxKit(app, state_path)
    market = Market(kit, Options(**options))
    market.actions |= {
        "operation": partial(offers.finish, market),
        "command": partial(commands.run, market),
        "refund": partial(aftersales.paid, market),
    }
    market.rebuilders += [partial(part.pending, market) for part in (offers, commands, aftersales)]
    mount(app, market, operations())
    Control(market).mount(app)
    kit.on_reset.append(market.rebuild)
    market.rebuild()
    return app
