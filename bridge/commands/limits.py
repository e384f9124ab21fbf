"""limits: how many marketplaces a shop may have, for whoever runs the bridge for several."""

from __future__ import annotations

from dataclasses import asdict

import click

from bridge.commands.door import author, json_option, opened, print_json, says_what_to_do, shop_option


@click.command()
@click.option("--marketplaces", type=click.IntRange(min=0), help="How many it may have connected.")
@click.option("--ask", default="", metavar="TEXT", help="With it: whom the merchant asks for more.")
@click.option("--none", "lifted", is_flag=True, help="No limit any more.")
@shop_option
@json_option
@says_what_to_do
def limits(marketplaces: int | None, ask: str, lifted: bool, shop: str | None, as_json: bool) -> None:
    """Show how many marketplaces a shop may have, or limit them.

    It holds for what is not connected yet: what is, goes on, also where the limit is below it.
    """
    from bridge.db.author import by
    from bridge.flows import admin, allowance

    if lifted and marketplaces is not None:
        raise click.UsageError("Give --marketplaces or --none.")
    with opened() as engine:
        owner = admin.pick_shop(engine, shop).id
        if lifted or marketplaces is not None:
            with by(author()):
                allowance.limit(engine, owner, marketplaces, ask)
        found = allowance.shown(engine, owner)
    if as_json:
        print_json({"marketplaces": asdict(found) if found else None})
    else:
        click.echo(found.text if found else "No limit: this shop may have as many marketplaces as it likes.")
