"""The templates of the pages, compiled once for all processes of this user on this machine: compiling those of one page
takes a good part of a second on a slow core, and each worker and each start of the server would do it again.
"""

from __future__ import annotations

import hashlib
import operator
from contextlib import suppress
from functools import cache
from pathlib import Path

import jinja2
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache, FileSystemBytecodeCache

from bridge.web import language, telling


def furnish(app: Flask) -> None:
    """What all templates of ``app`` can say, in the language of whoever asks. Before the first of them is rendered."""
    app.jinja_options = {**app.jinja_options, "bytecode_cache": _kept()}
    app.jinja_env.add_extension("jinja2.ext.i18n")
    said = {
        "said": language.said,
        "said_options": language.said_options,
        "begun": language.begun,
        "choice_options": language.choice_options,
        "country": telling.country,
        "order_number": telling.order_number,
        "runs": telling.runs,
    }
    app.jinja_env.filters |= {**said, "combined": operator.or_}
    spoken = (language.gettext, language.ngettext)
    app.jinja_env.install_gettext_callables(*spoken, newstyle=True)  # type: ignore[attr-defined]


class _Kept(FileSystemBytecodeCache):
    """No page fails because its compiled template cannot be kept or read: a full disk, a folder that is gone."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _kept() -> BytecodeCache | None:
    """In a folder that only this user may write to, which Jinja makes sure of; None where there is none."""
    with suppress(OSError, RuntimeError):
        return _Kept(pattern=f"storebridge-{_edition()}-%s.cache")
    return None


@cache
def _edition() -> str:
    """Jinja looks at a template's source alone. What is compiled depends on Jinja itself and on our filters, too."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    states = [(file.name, (state := file.stat()).st_size, state.st_mtime_ns) for file in files]
    return hashlib.sha256(repr((jinja2.__version__, states)).encode()).hexdigest()[:16]
