"""The web door: webhooks, health, metrics and the merchant's pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from flask import Flask

from bridge.flows.engine import Engine
from bridge.flows.intake import Receiver
from bridge.web import module_page, templating
from bridge.web.api import api
from bridge.web.apps import apps
from bridge.web.consent import consent
from bridge.web.entrance import Entrance
from bridge.web.feeds import feeds
from bridge.web.guard import Door
from bridge.web.health import health
from bridge.web.hooks import Hooks
from bridge.web.modules import MB, Act, DoorConfig, modules
from bridge.web.pages import pages
from bridge.web.pushes import pushes

STATIC_SECONDS = 3600


class WebConfig(Door, DoorConfig, Protocol):
    """What the web door wants to know of the configuration."""

    @property
    def max_webhook_bytes(self) -> int: ...

    @property
    def redis_url(self) -> str: ...


def create_web(engine: Engine, config: WebConfig, redis_url: Callable[[], str | None] | None = None) -> Flask:
    """The application of one process. Nothing starts before the first request (servers fork).

    ``redis_url`` looks up the queue's address when it is asked for; default: as configured.
    """
    app = Flask(__name__)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = STATIC_SECONDS
    templating.furnish(app)
    app.register_blueprint(pushes(engine, config.max_webhook_bytes))
    app.register_blueprint(feeds(engine))
    shown = Act(partial(module_page.act, engine), spend=True, longest=2 * MB)
    app.register_blueprint(modules(engine, config, {"page": shown}))
    app.register_blueprint(health(engine, config, redis_url or (lambda: config.redis_url or None)))
    app.register_blueprint(api(engine, config))
    app.register_blueprint(pages(engine, config))
    app.register_blueprint(consent(engine, config))
    receiver = Receiver(engine)
    entrance = Entrance(engine.limiter, config, "apps")
    app.register_blueprint(apps(engine, receiver, config.max_webhook_bytes, entrance))
    app.wsgi_app = Hooks(app.wsgi_app, receiver, config.max_webhook_bytes)  # type: ignore[method-assign]
    return app
