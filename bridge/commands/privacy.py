"""privacy, delete-shop: what stores have asked about buyers' data, and what was done; what is held of one buyer, and
its end; the end of everything of a shop."""

from __future__ import annotations

import click

from bridge.commands.door import author, json_option, opened, print_json, says_what_to_do, shop_option


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


@click.command()
@click.option("--name", default="", help="The name of the shop, typed as it is: that you mean it.")
@click.option("--listings", type=click.Choice(("zero", "keep")), help="Set them to 0 first, or leave them as they are.")
@click.option(
    "--when", type=click.Choice(("now", "over")), help="Now, or when what is under way is over (30 days at most)."
)
@click.option("--take-back", is_flag=True, help="A deletion that waits is not wanted any more.")
@shop_option
@says_what_to_do
def delete_shop(name: str, listings: str | None, when: str | None, take_back: bool, shop: str | None) -> None:
    """Delete everything of a shop.

    Its accounts are let go first. Prints what was deleted, and what is kept where and until when.
    """
    from bridge.flows import admin, ending

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        if take_back:
            ending.take_back(engine, owner.id, author())
            click.echo("Taken back. Nothing is deleted.")
            return
        said = {"name": name, "listings": listings or "", "when": when or ""}
        report = ending.ask(engine, owner.id, said, author())
        if report is None:
            click.echo("Asked for. Everything goes on until what is under way is over; --take-back stops it.")
        else:
            print_json(report)
