"""Everything joined: the operations, who does the work of each process, and what happens by itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from bridge.ports.sandbox import SandboxKit
from channel_adapters.bol.sandbox import (
    content,
    labels,
    offers,
    orders,
    processes,
    reference,
    returns,
    shipments,
    subscriptions,
)
from channel_adapters.bol.sandbox.buying import schedule_expiry
from channel_adapters.bol.sandbox.control import Control
from channel_adapters.bol.sandbox.gate import mount
from channel_adapters.bol.sandbox.market import Market
from channel_adapters.bol.sandbox.operations import operations
from channel_adapters.bol.sandbox.options import Options
from channel_adapters.bol.sandbox.push import Pusher


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """bol.com in miniature. ``options`` are the fields of :class:`Options`."""
    app = Flask("bol_sandbox")
    kit = SandboxKit(app, state_path)
    market = Market(kit, Options(**options))
    _hire(market)
    mount(app, market, operations())
    Control(market).mount(app)
    kit.on_reset.append(market.rebuild)
    market.rebuild()
    return app


def _hire(market: Market) -> None:
    """Who does the work of which process, and what happens when its time has come."""
    pusher = Pusher(market)
    workers: dict[str, processes.Worker] = {
        "CREATE_SHIPMENT": shipments.ship,
        "CANCEL_ORDER": orders.cancel_item,
        "CHANGE_TRANSPORT": shipments.change_transport,
        "HANDLE_RETURN_ITEM": returns.apply_handling,
        "CREATE_RETURN_ITEM": returns.apply_creation,
        "CREATE_PRODUCT_CONTENT": content.start_report,
        "CREATE_SHIPPING_LABEL": labels.make_label,
        "CREATE_SUBSCRIPTION": subscriptions.create,
        "UPDATE_SUBSCRIPTION": subscriptions.update,
        "DELETE_SUBSCRIPTION": subscriptions.delete,
        "SEND_SUBSCRIPTION_TST_MSG": pusher.send_test,
    }
    processes.Processes(market, workers)
    market.actions["policy"] = partial(offers.check_policy, market)
    market.actions["content"] = partial(content.finish_report, market)
    market.actions["expiry"] = partial(orders.expire, market)
    for rebuild in (offers.schedule_checks, content.schedule_reports, reference.seed_operator, _schedule_expiries):
        market.rebuilders.append(partial(rebuild, market))


def _schedule_expiries(market: Market) -> None:
    for order in market.docs.all("orders").values():
        schedule_expiry(market, order)
