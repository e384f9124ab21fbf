"""replay: do it again, by hand."""

from __future__ import annotations

import click

from bridge.commands.door import json_option, opened, print_json, says_what_to_do, shop_option


@click.command()
@click.argument("reference")
@click.option("--channel", metavar="ACCOUNT", help="The marketplace of the order; also imports one never seen before.")
@shop_option
@json_option
@says_what_to_do
def replay(reference: str, channel: str | None, shop: str | None, as_json: bool) -> None:
    """Go through a delivery or an order again.

    REFERENCE is the number of a stored webhook delivery, or of an order: here, on the marketplace or in the
    store. Nothing is
    done twice by this: every step looks at what is there before it acts. Work that was set aside goes on.
    """
    from bridge.flows import admin
    from bridge.flows.replay import replay as again

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        replayed = again(engine, owner.id, reference, channel)
    if as_json:
        print_json({"what": replayed.what, "done": replayed.done})
        return
    click.echo(f"Again: {replayed.what}")
    for line in replayed.done:
        click.echo(f"  - {line}")
