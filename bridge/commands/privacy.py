"""privacy: what stores have asked about their buyers' data, and what was done."""

from __future__ import annotations

import click

from bridge.commands.door import json_option, opened, print_json, says_what_to_do


@click.command()
@click.argument("number", required=False, type=int)
@json_option
@says_what_to_do
def privacy(number: int | None, as_json: bool) -> None:
    """What was asked about buyers' data, and done.

    With the NUMBER of a request: its report. Of a request to know what is held, that is the data to hand on.
    """
    from bridge.flows import privacy as flow

    with opened() as engine:
        found = flow.requests(engine) if number is None else flow.request(engine, number)
    if as_json or isinstance(found, dict):
        print_json(found)
        return
    if not found:
        click.echo("No store has asked for anything.")
    for row in found:
        done = f"done {row['done_at']:%Y-%m-%d %H:%M}" if row["done_at"] else f"due {row['due_at']:%Y-%m-%d}"
        click.echo(
            f"{row['id']}  {row['kind']:<12} {row['store']}  received {row['received_at']:%Y-%m-%d %H:%M}, {done}"
        )
