"""feeds, new-feed-address: the files that marketplaces fetch."""

from __future__ import annotations

import click

from bridge.commands.door import author, json_option, opened, print_facts, print_json, says_what_to_do, shop_option


@click.command()
@shop_option
@json_option
@says_what_to_do
def feeds(shop: str | None, as_json: bool) -> None:
    """List the files that marketplaces fetch.

    Each with its address, when it was written and when it was last fetched. The address is a secret: whoever has it
    can read the file. The one to look at it is also for checking programs, and does not count as fetched.
    """
    from bridge.flows import admin, feed_address

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        with engine.db.read(owner.id) as session:
            found = list(feed_address.shown(engine, session).values())
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No marketplace here fetches a file.")
    for feed in found:
        click.secho(str(feed["title"]), bold=True)
        written = f"{feed['made_at']:%Y-%m-%d %H:%M:%S} UTC" if feed["made_at"] else "not yet"
        fetched = f"{feed['fetched_at']:%Y-%m-%d %H:%M:%S} UTC" if feed["fetched_at"] else "not yet"
        stale = "" if feed["fetched_current"] or not feed["fetched_at"] else ", the file before this one"
        print_facts(
            {
                "  for the marketplace": feed["address"],
                "  to look at it": feed["look"],
                "  written": f"{written}, {feed['entries']} products, {feed['left_out']} left out",
                "  last fetched": f"{fetched}{stale}",
            }
        )


@click.command("new-feed-address")
@click.argument("connection")
@shop_option
@says_what_to_do
def new_feed_address(connection: str, shop: str | None) -> None:
    """Give a feed a new address.

    The old one answers no more, so tell the marketplace the new one.
    """
    from bridge.flows import admin, feed_address

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        row = admin.pick_connection(engine, owner.id, connection)
        click.echo(feed_address.renew(engine, owner.id, row.id, author())["address"])
