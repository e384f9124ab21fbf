"""Templates are compiled once for all apps and processes, and a page never fails for it."""

from __future__ import annotations

import os
from pathlib import Path

import jinja2
import pytest
from flask import Flask

from bridge.web import create_web, templating

NAME = "parts.html"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is compiled, by name; what was kept before is elsewhere."""
    names: list[str] = []
    compile_it = jinja2.Environment.compile

    def noted(self: jinja2.Environment, source: str, name: str | None = None, *more: object) -> object:
        names.append(name or "")
        return compile_it(self, source, name, *more)  # type: ignore[call-overload]

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(jinja2.Environment, "compile", noted)
    return names


def furnished() -> Flask:
    app = Flask(create_web.__module__)
    templating.furnish(app)
    return app


def show(app: Flask) -> None:
    assert app.jinja_env.get_template(NAME).root_render_func is not None


def folder(tmp_path: Path) -> Path:
    return next(tmp_path.glob("_jinja2-cache-*"))


def test_a_second_app_compiles_nothing(compiled: list[str]) -> None:
    show(furnished())
    assert NAME in compiled
    compiled.clear()
    show(furnished())
    assert compiled == []


@pytest.mark.parametrize("content", [b"", b"something else", None])
def test_what_cannot_be_read_is_compiled_again(compiled: list[str], tmp_path: Path, content: bytes | None) -> None:
    show(furnished())
    for kept in folder(tmp_path).iterdir():
        kept.write_bytes(kept.read_bytes()[:-9] if content is None else content)
    compiled.clear()
    show(furnished())
    assert NAME in compiled


def test_a_page_does_not_need_the_place_where_they_are_kept(compiled: list[str], tmp_path: Path) -> None:
    app = furnished()
    folder(tmp_path).rmdir()
    show(app)
    tmp_path.joinpath(f"_jinja2-cache-{os.getuid()}").write_text("in the way")
    show(furnished())
    assert compiled.count(NAME) == 2
