"""privacy: what stores have asked about buyers' data, and what was done; what is held of one buyer, and its end."""

from __future__ import annotations

import click

from bridge.commands.door import json_option, opened, print_json, says_what_to_do, shop_option


@click.command()
@click.argument("number", required=False, type=int)
@click.option("--buyer", metavar="ORDER|EMAIL", help="What is held about one buyer.")
@click.option("--erase", is_flag=True, help="With --buyer: it is gone for good.")
@shop_option
@json_option
@says_what_to_do
def privacy(number: int | None, buyer: str | None, erase: bool, shop: str | None, as_json: bool) -> None:
    """What was asked about buyers' data, and done.

    With the NUMBER of a request: its report. Of a request to know what is held, that is the data to hand on.
    """
    from bridge.flows import admin, one_buyer
    from bridge.flows import privacy as flow

    if (erase and not buyer) or (buyer and number is not None):
        raise click.UsageError("Give the NUMBER of a request, or --buyer with an order or an address.")
    with opened() as engine:
        if buyer:
            owner = admin.pick_shop(engine, shop).id
            act, name = (one_buyer.erase, "erased") if erase else (one_buyer.held, "orders")
            print_json({name: act(engine, owner, buyer)})
            return
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
