"""Nothing secret and nothing personal is written, whoever wrote it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bridge import log

SECRETS = [
    "Authorization: Bearer abcDEF123456",
    "Basic dXNlcjpodW50ZXIyMg==",
    "https://user:hunter22@shop.example/wp-json",
    "postgresql+psycopg://bridge:hunter22@db/name",
    "redis://:hunter22@127.0.0.1:6379/0",
    "?consumer_key=ck_hunter22hunter22&consumer_secret=cs_hunter22hunter22",
    '{"client_secret": "hunter22", "password":"hunter22"}',
    "token=hunter22hunter",
    "eyJhbGciOiJIUzI1NiJ9.hunter22hunter22.hunter22",
    "gAAAAABhunter22hunter22hunter22==",
    "shpat_hunter22hunter22",
    "mail of jan.hunter22@example.com",
]


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    log.configure("json", "info", stream)
    yield stream
    root.handlers[:], level = before[0], before[1]
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_masked_by_their_shape(text: str) -> None:
    masked = log.mask_text(text)
    assert "hunter22" not in masked
    assert "dXNlcjpod" not in masked
    assert "abcDEF" not in masked


@pytest.mark.parametrize("text", SECRETS)
def test_by_whichever_way_they_come(written: io.StringIO, text: str) -> None:
    logger = log.get_logger("ours")
    logger.info(text, detail=text, nested={"deep": [text]})
    logging.getLogger("a.library").warning("it said %s", text)
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logger.exception("broke off")
    output = written.getvalue()
    assert len(output.splitlines()) == 3
    for word in ("hunter22", "dXNlcjpod", "abcDEF"):
        assert word not in output


def test_values_are_masked_by_their_name(written: io.StringIO) -> None:
    names = ["password", "api_key", "webhook_secret", "email", "phone", "first_name", "street", "postcode", "keys"]
    log.get_logger("ours").info("all", **dict.fromkeys(names, "hunter22"), sku="A-1", key="order:7", count=3)
    [line] = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {line[name] for name in names} == {log.MASK}
    assert (line["sku"], line["key"], line["count"]) == ("A-1", "order:7", 3)


def test_a_line_is_json_with_time_level_and_name(written: io.StringIO) -> None:
    logging.getLogger("a.library").error("once", extra={"order": "B-1"})
    line = json.loads(written.getvalue())
    assert line["event"] == "once"
    assert line["level"] == "error"
    assert line["logger"] == "a.library"
    assert line["order"] == "B-1"
    assert line["timestamp"].endswith("Z")


def test_endless_values_are_cut(written: io.StringIO) -> None:
    log.get_logger("ours").info("long", body="x" * 100_000)
    assert len(written.getvalue()) < 3000


def test_what_is_repeated_is_said_once_a_minute() -> None:
    once = log.Repeated(every=60)
    record = logging.LogRecord("rq", logging.ERROR, "", 1, "away: %s", ("a",), None)
    assert [once.filter(record) for _ in range(3)] == [True, False, False]
