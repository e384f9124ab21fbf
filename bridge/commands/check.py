"""check: what stands between each product and its listing on a marketplace, before anything is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from bridge.commands.door import json_option, opened, print_json, says_what_to_do, shop_option

if TYPE_CHECKING:
    from bridge.db.tables import Connection
    from bridge.flows.engine import Engine
    from bridge.flows.report import Line


@click.command()
@click.option("--channel", "-C", metavar="C", help="One marketplace only: its account, adapter or number.")
@click.option("--images", "look", is_flag=True, help="Look at the pictures first, where that is due.")
@click.option("--list", "listed", is_flag=True, help="Also every listing that is not ready.")
@shop_option
@json_option
@says_what_to_do
def check(channel: str | None, look: bool, listed: bool, shop: str | None, as_json: bool) -> None:
    """Say which products can be listed, and what the others lack.

    For each marketplace: how many listings are ready, ready with warnings, or blocked, and for each rule how often it
    is broken, with examples and the fix. Nothing is sent. With --json and --list: one object a line, the report last.
    """
    from bridge.flows import admin, report

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        if look:
            _look(engine, owner.id)
        with engine.db.read(owner.id) as session:
            rows = report.marketplaces(session, channel)
        if not rows:
            raise click.UsageError("No marketplace is connected yet.")
        found = [report.report(engine, row, _shower(row, as_json) if listed else None) for row in rows]
    if as_json:
        _say_json(found, lines=listed)
        return
    for item in found:
        _say(item)


def _look(engine: Engine, shop_id: int) -> None:
    from bridge.flows import image_rounds
    from bridge.flows.draft import store_connection

    with engine.db.read(shop_id) as session:
        store = store_connection(session)
    if store is not None:
        count = image_rounds.refresh_shop(engine, store)
        click.echo(f"{count} pictures were looked at.", err=True)


def _shower(row: Connection, as_json: bool) -> Any:
    def show(line: Line) -> None:
        if line.state not in ("blocked", "warnings"):
            return
        if as_json:
            click.echo(json.dumps({"account": row.account, **line.as_dict()}, ensure_ascii=False))
            return
        click.secho(f"{line.sku or line.title} on {row.title} {line.site}".rstrip() + f": {line.state}", bold=True)
        for finding in line.findings:
            click.echo(f"  {'blocks' if finding.blocking else 'warning'}: {finding.text} {finding.fix}")

    return show


def _say_json(found: list[dict[str, Any]], *, lines: bool) -> None:
    if not lines:
        print_json(found)
        return
    for item in found:
        click.echo(json.dumps(item, ensure_ascii=False, default=str))


def _say(item: dict[str, Any]) -> None:
    counts = f"{item['ready']} ready, {item['warnings']} with warnings, {item['blocked']} blocked"
    left = f", {item['excluded']} left out by rules" if item["excluded"] else ""
    click.secho(f"{item['channel']}: {item['listings']} listings, {counts}{left}", bold=True)
    for rule in item["rules"]:
        if rule["rule"] == "excluded":
            continue
        times = rule["blocking"] or rule["warnings"]
        colour, word = ("red", "blocks") if rule["blocking"] else ("yellow", "warning")
        click.secho(f"  {word} {times}: {rule['examples'][0]['text']}", fg=colour)
        click.echo(f"    fix: {rule['fix']}")
        click.echo(f"    such as: {', '.join(example['sku'] or example['title'] for example in rule['examples'])}")
