"""Who is told of problems: set on the page, through the JSON API and at the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import select

from bridge.cli import cli
from bridge.config import ConfigError, load
from bridge.db.tables import Journal
from bridge.flows import alert_settings
from bridge.ports.mail import MailServer
from bridge.web import create_web
from tests.support import desks
from tests.support.lively import HOST, TOKEN, Browser, Lively, config
from tests.support.receivers import mail_sink
from tests.support.world import World

Run = Callable[..., Result]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[World, Run]]:
    key = Fernet.generate_key().decode()
    world = World(f"sqlite:///{tmp_path / 'storebridge.db'}", markets=1, key=key)
    with mail_sink() as sink:
        environment = {
            "STOREBRIDGE_DATA_DIR": str(tmp_path), "STOREBRIDGE_KEYS": key, "DATABASE_URL": "", "REDIS_URL": "",
            "STOREBRIDGE_SMTP_HOST": "127.0.0.1", "STOREBRIDGE_SMTP_PORT": str(sink.port),
            "STOREBRIDGE_SMTP_SECURITY": "none", "STOREBRIDGE_ALERT_FROM": "bridge@shop.example",
        }  # fmt: skip
        world.engine.mail = MailServer("127.0.0.1", sink.port, "none", sender="bridge@shop.example")
        yield world, lambda *arguments: CliRunner().invoke(cli, ["alerts", *arguments], env=environment)
    world.close()


def test_the_command_line_shows_sets_and_tries(place: tuple[World, Run]) -> None:
    run = place[1]
    assert "nobody" in run().output
    nowhere = run("test")
    assert nowhere.exit_code == 2
    assert "Nobody is told yet" in nowhere.output
    told = run("set", "--email", "me@shop.example", "--quiet", "22", "7", "--quiet-for", "warning", "--warnings", "now")
    assert told.exit_code == 0, told.output
    assert "22 to 7 o'clock, for warning" in told.output
    assert run("test").output == "email: it was taken\n"
    known = json.loads(run("show", "--json").output)["settings"]
    assert (known["email"], known["quiet_from"], known["quiet"]) == (["me@shop.example"], 22, ["warning"])
    first = run("set", "--webhook", "http://127.0.0.1:9/x", "--json")
    assert json.loads(first.output)["secret"].startswith("whsec_")
    assert "secret" not in json.loads(run("set", "--no-quiet", "--json").output), "it is shown once"
    assert run("secret").output.count("whsec_") == 1
    failing = run("test")
    assert failing.exit_code == 2
    assert "webhook: The alert webhook: 127.0.0.1 cannot be called on port 9" in failing.output
    wrong = run("set", "--email", "nobody")
    assert wrong.exit_code == 2
    assert "“E-mail to” is not right: This is no e-mail address" in wrong.output


def test_the_api_sets_and_tries(place: tuple[World, Run]) -> None:
    browser = Browser(_app(place[0]))

    def call(method: str, path: str, status: int = 200, **body: object) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        sent = None if method == "GET" else body
        answer = browser.client.open(f"/api/{path}", method=method, base_url=HOST, json=sent, headers=headers)
        assert answer.status_code == status, answer.text
        return dict(answer.get_json())

    assert call("GET", "alerts")["default_receivers"] == []
    made = call("PUT", "alerts", content={"email": ["me@shop.example"], "webhook": "https://hooks.shop.example/x"})
    assert str(made["secret"]).startswith("whsec_")
    wrong = call("PUT", "alerts", 422, content={"digest_hour": 24, "quiet_from": 3, "colour": "red"})
    assert {"digest_hour", "colour"} <= set(dict(wrong["errors"]))  # type: ignore[call-overload]
    call("PUT", "alerts", 422)
    call("PUT", "alerts", content={"email": ["me@shop.example"]})
    assert call("POST", "alerts/test") == {"results": {"email": None}}
    refused = call("POST", "alerts/secret", 422)
    assert "webhook" in dict(refused["errors"])  # type: ignore[call-overload]
    call("PUT", "alerts", content={"webhook": "https://hooks.shop.example/x"})
    assert str(call("POST", "alerts/secret", 201)["secret"]).startswith("whsec_")


def test_the_page_sets_and_tries(place: tuple[World, Run]) -> None:
    world = place[0]
    browser = Browser(_app(world, page_token="", is_loopback=True))
    given: dict[str, Any] = {"email": "me@shop.example, you@shop.example", "error": "now", "warning": "off", "digest_hour": "9",
                             "quiet_from": "22", "quiet_until": "6", "quiet_warning": "yes"}  # fmt: skip
    assert browser.post("alerts", "set", **given).status_code == 303
    settings = alert_settings.shown(world.engine, 1)["settings"]
    assert settings == {
        "email": ["me@shop.example", "you@shop.example"], "language": "", "sender": "", "webhook": "", "error": "now", "warning": "off",
        "closed": False, "digest_hour": 9, "quiet_from": 22, "quiet_until": 6, "quiet": ["warning"],
    }  # fmt: skip
    page = browser.get("alerts").text
    assert 'value="me@shop.example, you@shop.example"' in page
    assert "UTC time" in page
    wrong = browser.post("alerts", "set", **{**given, "webhook": "nowhere"})
    assert wrong.status_code == 422
    assert 'value="nowhere"' in wrong.text
    assert "“Webhook” is not right: This is no web address" in wrong.text
    assert browser.post("alerts", "test").status_code == 303


def test_the_page_tells_a_secret_once_and_renews_it(place: tuple[World, Run]) -> None:
    world = place[0]
    browser = Browser(_app(world, page_token="", is_loopback=True))
    assert browser.post("alerts", "secret").status_code == 422, "there is no webhook to sign for"
    given = {"webhook": "https://hooks.shop.example/x", "error": "now", "warning": "now", "digest_hour": "9"}
    first = _secret(browser.post("alerts", "set", **given))
    assert "whsec_" not in browser.get("alerts").text
    assert browser.post("alerts", "set", **given).status_code == 303, "it is made once"
    second = _secret(browser.post("alerts", "secret"))
    page = browser.get("alerts").text
    assert "whsec_" not in page
    assert "The one before signs until" in page
    assert "storebridge alerts secret" not in page
    with world.db.read(1) as session:
        assert alert_settings.valid_secrets(session, world.clock()) == [second, first]
        told = session.scalars(select(Journal).where(Journal.kind == "alerts").order_by(Journal.id)).all()
    assert [row.author for row in told] == ["admin"] * 3
    assert not any("whsec_" in f"{row.text} {row.detail}" for row in told)
    world.clock.advance(25 * 3600)
    assert "The one before signs until" not in browser.get("alerts").text


def test_whoever_may_only_look_makes_no_secret(tmp_path: Path) -> None:
    lively = Lively(f"sqlite:///{tmp_path / 'storebridge.db'}")
    content = desks.asked("wordpress", "POST", "alerts", {}, {"do": "secret"}, ["view", "customers"])
    assert desks.Inside(lively).answer(content)["status"] == 403
    lively.close()


def _secret(answer: Any) -> str:
    """It is on this one page, in no address."""
    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    [found] = re.findall(r"whsec_[A-Za-z0-9+/=]{40,}", answer.text)
    return str(found)


def _app(world: World, **values: Any) -> Flask:
    return create_web(world.engine, config(**{"page_token": TOKEN, "is_loopback": False, **values}))


def test_the_mail_server_is_a_setting_of_the_installation() -> None:
    given = {"smtp_host": "smtp.shop.example", "alert_from": "bridge@shop.example"}
    assert load(given).effective_smtp_port == 587
    assert load({**given, "smtp_security": "tls"}).effective_smtp_port == 465
    assert load({**given, "alert_to": "a@x.example, b@x.example"}).alert_to == ("a@x.example", "b@x.example")
    for wrong, text in (
        ({"alert_from": ""}, "STOREBRIDGE_ALERT_FROM which address"),
        ({"alert_from": "me"}, "STOREBRIDGE_ALERT_FROM is wrong"),
        ({"alert_to": "me"}, "STOREBRIDGE_ALERT_TO is wrong"),
        ({"smtp_security": "none", "smtp_password": "a-secret"}, "unencrypted"),
    ):
        with pytest.raises(ConfigError, match=text) as caught:
            load({**given, **wrong})
        assert "a-secret" not in str(caught.value)
