"""What the commands share: the engine of this machine, errors as sentences with a fix, tables and JSON."""

from __future__ import annotations

import functools
import getpass
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from bridge.flows.engine import Engine
    from bridge.ports.errors import BridgeError

P = ParamSpec("P")
R = TypeVar("R")
LEVEL = "STOREBRIDGE_LOG_LEVEL"
FLOWS = (
    "stock",
    "price",
    "content",
    "offers",
    "orders",
    "shipments",
    "cancellation",
    "refunds",
)  # those of bridge.flows.resting

# Which option mends which field.
OPTIONS = {
    "account": "--account",
    "adapter": "ADAPTER",
    "channel": "--channel",
    "connection": "CONNECTION",
    "reference": "REFERENCE",
    "shop": "--shop",
    "sku": "SKU",
}

shop_option = click.option("--shop", metavar="NAME", help="Which shop, where there is more than one.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


class Refused(click.ClickException):
    """The request makes no sense as it is: one sentence with the fix."""

    exit_code = 2


def says_what_to_do(act: Callable[P, R]) -> Callable[P, R]:
    """Errors become sentences: exit 2 for what the caller can mend, 1 for what the outside did. No traceback."""

    @functools.wraps(act)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return act(*args, **kwargs)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get(LEVEL, "").lower() == "debug":
                raise
            _explain(error)

    return wrapped


def _explain(error: Exception) -> NoReturn:
    from sqlalchemy.exc import SQLAlchemyError

    from bridge.config import ConfigError
    from bridge.ports.errors import BridgeError

    if isinstance(error, ConfigError):
        raise Refused(str(error)) from None
    if isinstance(error, BridgeError):
        _explain_bridge(error)
    if isinstance(error, SQLAlchemyError):
        text = (
            "The database does not answer as it should. Run `storebridge doctor`; `storebridge migrate` makes it ready."
        )
        raise Refused(f"{text} ({type(error).__name__})") from None
    hint = f"This is a fault of Storebridge. Run it again with {LEVEL}=debug to see where it happened."
    raise click.ClickException(f"{type(error).__name__}: {error}. {hint}") from None


def _explain_bridge(error: BridgeError) -> NoReturn:
    from bridge.flows.forms import FieldErrors
    from bridge.ports.errors import AskMerchant, RejectItem

    if isinstance(error, FieldErrors):
        said = (text if name in text else f"{name}: {text}" for name, text in error.errors.items())
        raise Refused("\n       ".join(said)) from None
    if isinstance(error, AskMerchant | RejectItem):
        option = OPTIONS.get(error.field or "")
        raise Refused(f"{option}: {error.merchant}" if option else error.merchant) from None
    raise click.ClickException(error.merchant) from None


def author() -> str:
    """Who changes something: the name of this machine's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "the command line"


@contextmanager
def opened() -> Iterator[Engine]:
    """The engine as this machine is configured; what is changed with it is this user's doing. Libraries and our own
    log are heard when something is wrong."""
    from bridge import app, config
    from bridge.db import author as authors

    settings = config.load(None if os.environ.get(LEVEL) else {"log_level": "error"})
    engine = app.bootstrap(settings)
    try:
        with authors.by(author()):
            yield engine
    finally:
        app.close(engine)


def pairs(_context: click.Context, parameter: click.Parameter, values: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE options; ``@path`` as the value reads it from a file, so that no secret stands in the process list."""
    found: dict[str, str] = {}
    for item in values:
        name, separator, value = item.partition("=")
        if not separator or not name.strip():
            raise click.BadParameter(f"{item.split('=')[0]!r} must be NAME=VALUE.", param=parameter)
        found[name.strip()] = _from_file(value[1:], parameter) if value.startswith("@") else value
    return found


def _from_file(path: str, parameter: click.Parameter) -> str:
    try:
        with click.open_file(path, encoding="utf-8") as file:
            return str(file.read()).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise click.BadParameter(f"the file {path!r} cannot be read: {reason}.", param=parameter) from None


def print_json(content: Any) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], empty: str = "Nothing here.") -> None:
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not cells:
        click.echo(empty)
        return
    widths = [max(len(row[column]) for row in [list(headings), *cells]) for column in range(len(headings))]
    click.echo(click.style(_line(headings, widths), bold=True))
    for row in cells:
        click.echo(_line(row, widths))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def print_facts(facts: Mapping[str, Any]) -> None:
    """Names and values below each other."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        click.echo(f"{name.ljust(width)}  {in_words(value)}")


def in_words(value: Any) -> str:
    """A value as a person reads it, where a program would see lists, tables, true and false."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {in_words(part)}" for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(in_words(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
