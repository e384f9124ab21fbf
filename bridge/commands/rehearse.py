"""rehearse: a test order through all seven steps, before going live."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

import click

from bridge.commands.door import LEVEL, Refused, json_option, pairs, print_json, says_what_to_do

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bridge.rehearsal.report import Report, Result
    from bridge.rehearsal.world import Plan

WIDTH = 40
STORIES = ("cancel", "buyer-cancel", "return", "refund-only", "late-tracking", "store-down", "revoked",
           "bundle")  # fmt: skip
DOWN = "store-down"
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@click.command()
@click.option("--platform", default="woocommerce", show_default=True, help="The store's adapter, or all.")
@click.option(
    "--channel", default="bol", show_default=True, help="The marketplace's adapter, or all; always sandboxes."
)
@click.option(
    "--story",
    "stories",
    multiple=True,
    type=click.Choice(STORIES),
    help="What may go wrong instead of the whole walk; several are told in one world.",
)
@click.option("--store", metavar="URL", help="A real (staging) store instead of a sandbox.")
@click.option("--key", "--token", "key", metavar="K", help="The real store's API key, or its access token.")
@click.option("--secret", metavar="S", help="The secret of that key; asked for when it is needed and not given.")
@click.option(
    "--credential",
    "-c",
    "named",
    metavar="NAME=VALUE",
    multiple=True,
    callback=pairs,
    help="The real store's credentials by name instead, as for connect; @FILE reads one from a file.",
)
@click.option(
    "--set",
    "-s",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    callback=pairs,
    help="A setting of the real store's connection, as for connect: its store view, locations, source of stock.",
)
@click.option(
    "--module/--no-module",
    default=None,
    help="The sandbox store has Storebridge's plugin or module installed. Default: it has not; of all stores: both.",
)
@click.option("--database", metavar="URL", help="An empty database to rehearse in; default: a temporary SQLite file.")
@click.option(
    "--patience",
    default=60.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    metavar="SECONDS",
    help="How long one thing may take before its step has failed.",
)
@click.option(
    "--at-once",
    default=4,
    show_default=True,
    type=click.IntRange(1, 16),
    metavar="N",
    help="Of all stores or marketplaces: so many rehearsals beside each other, each in a world of its own.",
)
@click.option("--keep", is_flag=True, help="Leave everything as it is at the end, to look at it.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before a real store is touched.")
@json_option
@says_what_to_do
def rehearse(  # noqa: PLR0913, PLR0917  each is an option
    platform: str,
    channel: str,
    stories: tuple[str, ...],
    store: str | None,
    key: str | None,
    secret: str | None,
    named: dict[str, str],
    settings: dict[str, str],
    module: bool | None,
    database: str | None,
    patience: float,
    at_once: int,
    keep: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Walk a test order through all seven steps.

    A product is listed on the marketplace, sold, brought into the store, shipped, confirmed, cancelled from both
    sides and returned: over real HTTP, in a world of its own, with what runs in production. With --store it is a
    real store on that side, and the marketplace stays the sandbox. With --platform all and --channel all every store
    is rehearsed with every marketplace. Ends with 1 when a step fails.
    """
    from bridge.rehearsal.matrix import ALL, apart, plans
    from bridge.rehearsal.run import announcement
    from bridge.rehearsal.run import rehearse as run
    from bridge.rehearsal.stories import steps_of
    from bridge.rehearsal.world import Plan

    level = _quiet()
    signal.signal(signal.SIGTERM, _stop)
    credentials = _credentials(platform, store, key, secret, named) if store else None
    if settings and credentials is None:
        raise Refused("--set: settings are those of a real store; name it with --store.")
    plan = Plan(platform, channel, credentials, database, keep, patience, level, bool(module), settings)
    if credentials is not None:
        if DOWN in stories:
            raise Refused(f"--story {DOWN}: a real store is not taken down; leave out --store to rehearse it.")
        click.echo(announcement(plan, stories), err=True)
        if not yes:
            click.confirm("Go on?", abort=True, err=True)
    interrupted, told = _interruption(), steps_of(stories)
    if ALL in (platform, channel):
        planned = plans(plan, module)
        done = _all(planned, at_once, interrupted, lambda one: apart(one, stories, interrupted))
        sys.exit(0 if _tell_all(done, as_json) else 1)
    report = run(plan, _nothing if as_json else _show, _notice, interrupted, told)
    if as_json:
        print_json(report.as_json())
    else:
        good = sum(step.ok for step in report.steps)
        click.secho(f"{good} of {len(report.steps)} steps passed", bold=True, fg="green" if report.ok else "red")
    sys.exit(0 if report.ok else 1)


def _all(
    planned: Sequence[Plan], at_once: int, interrupted: threading.Event, run: Callable[[Plan], Report]
) -> list[tuple[Plan, Report]]:
    """Each is told on stderr as it ends; they are given back in their order. A signal ends all."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    with ThreadPoolExecutor(at_once, "rehearsal") as pool:
        running = {pool.submit(run, one): one for one in planned}
        try:
            for future in as_completed(running):
                _show_one(running[future], future.result())
        except BaseException:
            interrupted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [(one, future.result()) for future, one in running.items()]


def _tell_all(done: Sequence[tuple[Plan, Report]], as_json: bool) -> bool:
    """Whether every step of every rehearsal passed."""
    ok = bool(done) and all(report.ok for _, report in done)
    if as_json:
        which = ("platform", "channel", "module")
        rows = [{**{name: getattr(one, name) for name in which}, **report.as_json()} for one, report in done]
        print_json({"ok": ok, "rehearsals": rows})
    else:
        good = sum(report.ok for _, report in done)
        click.secho(f"{good} of {len(done)} rehearsals passed", bold=True, fg="green" if ok else "red")
    return ok


def _show_one(plan: Plan, report: Report) -> None:
    mark, colour = ("ok  ", "green") if report.ok else ("FAIL", "red")
    name = f"{plan.platform}{' with its module' if plan.module else ''}, {plan.channel}"
    steps: Sequence[Result] = report.steps
    good, seconds = sum(step.ok for step in steps), sum(step.seconds for step in steps)
    click.echo(
        f"{click.style(mark, fg=colour)} {name.ljust(WIDTH)} {seconds:6.2f} s  {good} of {len(steps)} steps passed",
        err=True,
    )
    for step in steps:
        if not step.ok:
            _show(step, err=True)


def _nothing(_step: Result) -> None:
    """Nobody listens to each step."""


def _credentials(
    platform: str, store: str, key: str | None, secret: str | None, named: dict[str, str]
) -> dict[str, str]:
    from bridge.rehearsal.run import credentials_for, named_credentials, needs_secret

    if named:
        return named_credentials(platform, store, named)
    if not key:
        raise Refused("--key: the real store's API key is missing. Give it, a token by --token, or each value by -c.")
    if secret is None and needs_secret(platform):
        secret = click.prompt("Secret", hide_input=True)
    return credentials_for(platform, store, key, secret or "")


def _notice(line: str) -> None:
    click.echo(line, err=True)


def _quiet() -> str:
    """The level of the log: the steps say what happened, and it only matters to someone who asks for it."""
    from bridge.log import configure

    level = os.environ.get(LEVEL) or "error"
    configure("auto", level)
    return level


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _interruption() -> threading.Event:
    """Set by a signal from here on: it breaks off no call to a store, which might be done there all the same, and no
    tidying up, however often it comes."""
    interrupted = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        if not interrupted.is_set():
            interrupted.set()
            with suppress(OSError):  # the terminal may be what is gone
                os.write(2, b"\nStopping. What was made in a store is removed first; please wait.\n")

    for number in (getattr(signal, name) for name in SIGNALS if hasattr(signal, name)):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, note)
    return interrupted


def _show(result: Result, *, err: bool = False) -> None:
    mark, colour = ("ok  ", "green") if result.ok else ("FAIL", "red")
    click.echo(
        f"{click.style(mark, fg=colour)} {result.name.ljust(WIDTH)} {result.seconds:6.2f} s  {result.detail}", err=err
    )
