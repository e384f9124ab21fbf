"""The bootstrap: an engine from settings, with nothing connected and nothing started."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask

from bridge import app
from bridge.config import Config, ConfigError
from bridge.db.tables import Connection
from bridge.jobs.doorbell import Doorbell
from bridge.ports.adapter import Adapter
from bridge.ports.errors import BridgeError
from bridge.ports.http import MemoryRecorder
from bridge.ports.manifest import FormField
from tests.support.engines import channel_adapter


def connection(**values: object) -> Connection:
    given = {"id": 7, "shop_id": 3, "role": "channel", "adapter": "bol", "account": "a", "title": "bol of Jan",
             "credentials": {"client_secret": "hunter22"}, **values}  # fmt: skip
    return Connection(**given)


def adapter() -> Adapter:
    field = FormField(name="client_secret", label="Secret", kind="secret")
    known = channel_adapter()
    return replace(known, manifest=known.manifest.model_copy(update={"credentials": (field,)}))


def test_an_engine_without_a_database_or_a_redis_that_answers(tmp_path: Path) -> None:
    before = threading.active_count()
    config = Config(
        data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none", redis_url="redis://127.0.0.1:1/0"
    )
    engine = app.bootstrap(config)
    engine.ring(["stock"])
    assert abs(engine.clock() - datetime.now(UTC)) < timedelta(seconds=10)
    assert "bol" in engine.channels
    assert threading.active_count() == before
    app.close(engine)


def test_what_a_process_was_started_with_is_not_looked_through_for_garbage_and_settled_once(tmp_path: Path) -> None:
    app.close(app.bootstrap(Config(data_dir=tmp_path)))
    frozen = gc.get_freeze_count()
    assert frozen > 50_000
    assert gc.get_threshold()[0] == app.YOUNG
    app.close(app.bootstrap(Config(data_dir=tmp_path)))
    assert gc.get_freeze_count() <= frozen


def test_settings_reach_the_engine(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, public_url="https://bridge.example/", retention_days=7)
    engine = app.bootstrap(config)
    assert engine.public_url == "https://bridge.example"
    assert engine.retention == timedelta(days=7)
    app.close(engine)


def test_calls_are_guarded_masked_and_recorded(tmp_path: Path, serve: Callable[..., str]) -> None:
    sandbox = Flask(__name__)
    sandbox.add_url_rule("/x", view_func=lambda: {"said": "hunter22"})
    url, other = serve(sandbox), serve(sandbox)
    recorder = MemoryRecorder()
    config = Config(data_dir=tmp_path, private_hosts=(urlsplit(url).netloc,))
    engine = app.bootstrap(config, recorder=recorder)
    transport = engine.make_transport(connection(), adapter())
    assert transport.request("GET", f"{url}/x", operation="x").json == {"said": "hunter22"}
    with pytest.raises(BridgeError):
        transport.request("GET", f"{other}/x", operation="x")
    assert recorder.exchanges[0].status == 200
    assert {item.account for item in recorder.exchanges} == {"3:7"}
    assert "hunter22" not in str(recorder.exchanges)
    app.close(engine)


def test_the_redis_of_a_running_bridge_is_found(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path)
    assert app.redis_url(config) is None
    (tmp_path / app.REDIS_NOTE).write_text("redis://:secret@127.0.0.1:7000/0\n")
    assert app.redis_url(config) == "redis://:secret@127.0.0.1:7000/0"
    assert app.redis_url(Config(data_dir=tmp_path, redis_url="redis://other/0")) == "redis://other/0"
    engine = app.bootstrap(config)
    assert isinstance(getattr(engine.ring, "__self__", None), Doorbell)
    app.close(engine)


def test_a_wrong_key_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="STOREBRIDGE_KEYS"):
        app.bootstrap(Config(data_dir=tmp_path, keys=("short",)))
