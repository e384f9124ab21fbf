"""activity: what was decided and done, and who changed what, without the page."""

from __future__ import annotations

from typing import Any

import click

from bridge.commands.door import json_option, opened, print_json, print_table, says_what_to_do, shop_option


@click.command()
@click.option("--people", is_flag=True, help="Only what people have changed (kept for two years).")
@click.option("--order", metavar="REF", help="About one order, by its account:number.")
@click.option("--sku", metavar="SKU", help="About one SKU.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many, newest first.")
@shop_option
@json_option
@says_what_to_do
def activity(people: bool, order: str | None, sku: str | None, limit: int, shop: str | None, as_json: bool) -> None:
    """List what was decided and done, newest first.

    Calls to the outside are left out.

    With --people: who changed what and when, on the page, by the API and by commands.
    """
    from bridge.flows import admin
    from bridge.flows.activity import activity as read

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        with engine.db.read(owner.id) as session:
            rows = read(session, order=order, sku=sku, exchanges=False, by_people=people, limit=limit)
    if as_json:
        print_json(rows)
        return
    print_table(["when", "who", "what", "about"], map(_cells, rows), empty="Nothing on record.")


def _cells(row: dict[str, Any]) -> list[Any]:
    about = [row["order_ref"], row["sku"], row["connection"]]
    return [f"{row['at']:%Y-%m-%d %H:%M:%S}", row["author"] or "", row["text"], ", ".join(filter(None, about))]
