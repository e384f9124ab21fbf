"""Routes and SQL statements compiled, and the machine's certificates read, once per process. Hundreds of tests make an app,
an engine and HTTP clients of their own; doing it anew for each took a quarter of the suite's time."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from _pytest.assertion import rewrite
from sqlalchemy import Engine
from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]
_builders: dict[object, Builder] = {}
_engines: dict[object, Engine] = {}
_compile_builder = Rule._compile_builder


def keep() -> None:
    Rule._compile_builder = _kept_builder  # type: ignore[method-assign]
    from bridge.db import session

    session.create_engine = _engine_like_the_first  # type: ignore[assignment]
    httpx._transports.default.create_ssl_context = _context_like_the_first  # type: ignore[attr-defined]


def _kept_builder(rule: Rule, append_unknown: bool = True) -> Builder:
    """The function is made from these and from nothing else; it is given the rule when it is called."""
    key = (repr(rule), tuple(rule._trace), repr(sorted((rule.defaults or {}).items())), append_unknown)
    if key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]


def _engine_like_the_first(url: str, **options: Any) -> Engine:
    """Its own pool and database; dialect and compiled statements are those of the first engine of its kind that has been
    connected: before, a dialect does not know the server's version."""
    engine = sqlalchemy.create_engine(url, **options)
    key = engine.dialect.name, engine.driver
    first = _engines.get(key)
    if first is None or first.dialect.server_version_info is None:
        _engines[key] = engine
        return engine
    engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine


@cache
def _usual_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _context_like_the_first(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    """A client that asks for nothing of its own trusts whom the machine trusts, as every other such client does."""
    if verify is True and cert is None:
        return _usual_context()
    return httpx.create_ssl_context(verify, cert, trust_env)


def rewrite_share(config: pytest.Config) -> None:
    """pytest rewrites every test file and keeps the result. In a fresh checkout all workers of xdist would do that for all
    files, at the same time; so each does its share of them before it collects."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if not number:
        return
    named = [Path(name) for name in config.args]
    files = sorted(path for folder in named if folder.is_dir() for path in folder.resolve().rglob("test_*.py"))
    for path in files[int(number) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]:
        _rewrite(path, config)


def _rewrite(path: Path, config: pytest.Config) -> None:
    folder = rewrite.get_cache_dir(path)
    kept = folder / (path.name.removesuffix(".py") + rewrite.PYC_TAIL)
    if rewrite._read_pyc(path, kept) is None and rewrite.try_makedirs(folder):
        source_hash, code = rewrite._rewrite_test(path, config)
        rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, source_hash, kept)


def leftovers(folder: Path) -> list[Path]:
    """What is left in a folder for temporary files, but for the compiled templates, which are there for all processes."""
    return [path for path in folder.iterdir() if not path.name.startswith("_jinja2-cache-")]
