"""The web door: webhooks, health, metrics and the merchant's pages."""

from __future__ import annotations

from typing import Protocol

from flask import Flask

from bridge.flows.engine import Engine
from bridge.flows.intake import Receiver
from bridge.web.hooks import hooks
from bridge.web.pushes import pushes


class WebConfig(Protocol):
    """What the web door wants to know of the configuration."""

    @property
    def max_webhook_bytes(self) -> int: ...


def create_web(engine: Engine, config: WebConfig) -> Flask:
    """The application of one process. Nothing starts before the first request (servers fork)."""
    app = Flask(__name__)
    app.register_blueprint(hooks(Receiver(engine), config.max_webhook_bytes))
    app.register_blueprint(pushes(engine, config.max_webhook_bytes))
    return app
