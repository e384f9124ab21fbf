"""The command line in this process, without its traces in the log of the tests that follow."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from click.testing import CliRunner, Result

from bridge.cli import cli

UNSET = {"DATABASE_URL": "", "REDIS_URL": "", "COLUMNS": "100"}


def storebridge(environment: Mapping[str, str], *arguments: str, **options: Any) -> Result:
    """One command, with nothing but ``environment`` for settings."""
    with _own_log():
        return CliRunner().invoke(cli, arguments, env={**UNSET, **environment}, **options)


@contextmanager
def _own_log() -> Iterator[None]:
    """The command writes its log to a stream that is closed when it ends."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
