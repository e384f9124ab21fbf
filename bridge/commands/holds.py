"""confirm, hold: what waits for a person's word, and flows that are told to rest."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bridge.commands.door import FLOWS, author, json_option, opened, print_json, says_what_to_do, shop_option


@click.command()
@click.argument("connection")
@shop_option
@json_option
@click.option("--list", "listing", is_flag=True, help="Only show what waits.")
@click.option("--sku", "skus", metavar="SKU", multiple=True, help="Only this one; may be given again.")
@click.option("--site", metavar="CODE", help="Only on this country site, where there are several.")
@says_what_to_do
def confirm(
    connection: str, shop: str | None, as_json: bool, listing: bool, skus: Sequence[str], site: str | None
) -> None:
    """Say that held changes are meant.

    Changes that reach further than your limits wait, whatever brought them about; CONNECTION is the marketplace. All of
    them, or those of single SKUs.
    """
    from bridge.flows import admin, held

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        row = admin.pick_connection(engine, owner.id, connection)
        with engine.db.read(owner.id) as session:
            waiting = held.waiting(session, row.id)
        only = held.Only(skus=tuple(skus), site=site) if skus or site is not None else None
        count = 0 if listing else held.confirm(engine, owner.id, row.id, author(), only)
        waiting = [item for item in waiting if only is None or only.means(item)]
    if as_json:
        print_json({"waiting": waiting, "confirmed": count})
        return
    for item in waiting:
        click.echo(item["text"])
    click.echo(f"{count} confirmed." if not listing else "" if waiting else "Nothing waits.")


@click.command()
@click.argument("connection")
@click.option("--flow", "flows", multiple=True, type=click.Choice(FLOWS), help="Which; default: all of them.")
@click.option("--reason", default="", help="A word on why.")
@shop_option
@says_what_to_do
def hold(connection: str, flows: Sequence[str], reason: str, shop: str | None) -> None:
    """Let flows of a marketplace rest.

    Nothing of them goes out until `storebridge resume CONNECTION --flow …`; what is live stays as it is. Orders at rest
    are read and their units reserved; they are not accepted or created in the store. Shipments, cancellations, and
    returns with their refunds rest by themselves.
    """
    from bridge.flows import admin, resting

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        row = admin.pick_connection(engine, owner.id, connection)
        rests = resting.hold(engine, owner.id, row.id, flows, author(), reason)
    click.echo(f"{row.title}: {', '.join(item['flow'] for item in rests)} at rest.")
