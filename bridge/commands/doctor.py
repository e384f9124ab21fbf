"""doctor: what is wrong, and what to do about it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bridge.commands.door import json_option, opened, print_json, says_what_to_do

if TYPE_CHECKING:
    from bridge.flows.doctor import Finding

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.option("--mend", is_flag=True, help="Set up webhooks again that are missing or switched off.")
@json_option
@says_what_to_do
def doctor(mend: bool, as_json: bool) -> None:
    """Look for what is wrong, and say what to do.

    Checks configuration, database, Redis, workers, adapters, secrets and every connection with its credentials.
    Ends with 1 when something fails.
    """
    from bridge import app, config
    from bridge.flows.doctor import examine

    with opened() as engine:
        findings = []
        for finding in examine(engine, app.machine(engine, config.load()), mend=mend):
            findings.append(finding)
            if not as_json:
                _show(finding)
    failed = any(finding.state == "fail" for finding in findings)
    if as_json:
        print_json({"ok": not failed, "checks": [vars(finding) for finding in findings]})
    sys.exit(1 if failed else 0)


def _show(finding: Finding) -> None:
    mark = click.style(str(finding.state).ljust(4), fg=COLOURS[finding.state])
    click.echo(f"{mark}  {finding.name}: {finding.detail}")
    if finding.fix:
        click.echo(f"      {finding.fix}")
