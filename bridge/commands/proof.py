"""proof: the orders of a day are the same on the marketplace, here and in the store."""

from __future__ import annotations

from datetime import datetime

import click

from bridge.commands.door import json_option, opened, print_json, print_table, says_what_to_do, shop_option


@click.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Which day, by the store's clock; default: yesterday.")
@click.option("--channel", "-C", metavar="C", help="Only this marketplace: its account, adapter or number.")
@shop_option
@json_option
@says_what_to_do
def proof(day: datetime | None, channel: str | None, shop: str | None, as_json: bool) -> None:
    """Prove that no order is missing.

    The orders of a day on each marketplace, here and in the store are compared, id by id. What differs is listed and
    read again; exit 1 while something does.
    """
    from bridge.flows import admin
    from bridge.flows import proof as proving

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        rows = proving.channels(engine, owner.id)
        if channel is not None:
            chosen = admin.pick_connection(engine, owner.id, channel).id
            rows = [row for row in rows if row.id == chosen]
        when = day.date() if day else proving.yesterday(engine, owner.id)
        proofs = [proving.prove(engine, row, when) for row in rows]
        engine.ring({"orders"})
    if as_json:
        print_json(proofs)
    else:
        print_table(
            ("marketplace", "day", "there", "here", "in the store", "of", "differences"),
            [
                (
                    item["connection"],
                    item["day"],
                    item["marketplace"],
                    item["here"],
                    "not asked" if item["store"] is None else item["store"],
                    item["expected"],
                    proving.said(item) or ("none: signed off" if item["signed_at"] else ""),
                )
                for item in proofs
            ],
            empty="No marketplace at work has orders to prove.",
        )
    if any(item["signed_at"] is None for item in proofs):
        raise click.exceptions.Exit(1)
