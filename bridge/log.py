"""Structured logs: JSON lines, or plain text on a terminal. Secrets and personal data are masked by name and by
shape before anything is written, whoever wrote it: our own code or a library through ``logging``."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

MASK = "***"
_LONGEST = 2000
_SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|authori[sz]ation|api[_-]?key|access[_-]?key|consumer[_-]?key|credential"
    r"|cookie|signature|hmac|private[_-]?key|^keys$)",
    re.IGNORECASE,
)
_PERSONAL_NAME = re.compile(
    r"(^|_)(e?mail|phone|telephone|first_?name|last_?name|sur_?name|full_?name|buyer|customer|recipient|street"
    r"|address(_?\d)?|house_?number|post_?code|postal_?code|zip(_?code)?|iban|vat_?number|note)s?$",
    re.IGNORECASE,
)
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(Bearer|Basic|Digest)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*"), MASK),
    (re.compile(r"\b(ck|cs|shpat|shpss|shpca|shppa)_[A-Za-z0-9]{8,}"), rf"\1_{MASK}"),
    (re.compile(r"\bgAAAA[A-Za-z0-9_=-]{20,}"), MASK),
    (
        re.compile(
            r"(?i)\b((?:[a-z_-]*(?:password|passwd|secret|token|api_?key|signature|hmac|consumer_key))[\"']?\s*[=:]\s*[\"']?)"
            r"(?!\*\*\*)[^\s\"'&,;}\])]{3,}"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b"), MASK),
)


def mask_text(text: str) -> str:
    """``text`` without what looks like a secret or an e-mail address, and not endless."""
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def mask(value: Any, name: str = "") -> Any:
    """``value`` as it may be written under ``name``."""
    if name and (_SECRET_NAME.search(name) or _PERSONAL_NAME.search(name)) and value not in (None, "", 0, False):
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {key: mask(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask_text(str(value))


def _masked(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {key: mask(value, "" if key in ("event", "exception", "stack") else key) for key, value in event.items()}


_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)


def configure(style: str = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Set up logging for this process. ``style``: json, console, or auto (console on a terminal)."""
    stream = stream or sys.stderr
    console = style == "console" or (style == "auto" and stream.isatty())
    renderer: list[Processor] = (
        [structlog.processors.format_exc_info, _masked, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
        if console
        else [structlog.processors.format_exc_info, _masked, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=list(_SHARED),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _calm(level)


def _calm(level: str) -> None:
    """Libraries that tell every step are heard from warnings on, unless someone is debugging."""
    quiet = logging.DEBUG if level == "debug" else logging.WARNING
    for name in ("alembic", "httpcore", "httpx", "rq", "rq.worker", "sqlalchemy", "werkzeug", "gunicorn.access"):
        logging.getLogger(name).setLevel(quiet)


class Repeated(logging.Filter):
    """Lets the same message pass once a minute: for libraries that complain at every attempt."""

    def __init__(self, every: float = 60.0) -> None:
        super().__init__()
        self._every = every
        self._seen: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message, now = str(record.msg), time.monotonic()
        if now - self._seen.get(message, -self._every) < self._every:
            return False
        self._seen[message] = now
        return True


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    return structlog.stdlib.get_logger(name)


def bind(**values: Any) -> MutableMapping[str, Any]:
    """Say something about everything that this thread logs from now on."""
    return cast(MutableMapping[str, Any], structlog.contextvars.bind_contextvars(**values))
