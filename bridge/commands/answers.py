"""What a merchant answers, without the page: orders to accept, buyers who ask to cancel, refunds in doubt."""

from __future__ import annotations

import click

from bridge.commands.door import opened, says_what_to_do, shop_option


@click.command()
@click.argument("reference", metavar="ORDER")
@click.option("--refuse", "refused", metavar="LINE", multiple=True, help="A line to leave out, by its number there.")
@click.option("--only-covered", is_flag=True, help="Leave out what stock does not cover.")
@shop_option
@says_what_to_do
def accept_order(reference: str, refused: tuple[str, ...], only_covered: bool, shop: str | None) -> None:
    """Accept an order that waits for it.

    ORDER is its number on the marketplace. What is left out is declined for good.
    """
    from bridge.flows import admin, attend

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        click.echo(attend.accept_order(engine, owner.id, reference, refused, only_covered=only_covered))


@click.command()
@click.argument("reference", metavar="ORDER")
@shop_option
@says_what_to_do
def decline_order(reference: str, shop: str | None) -> None:
    """Decline an order that waits to be accepted.

    ORDER is its number on the marketplace. The units kept back for it are free again when the marketplace says so.
    """
    from bridge.flows import admin, attend

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        click.echo(attend.decline_order(engine, owner.id, reference))


@click.command()
@click.argument("reference", metavar="ORDER")
@shop_option
@says_what_to_do
def refuse_cancellation(reference: str, shop: str | None) -> None:
    """Say no to a cancellation that is asked for.

    To a buyer who asks to cancel; or what is out of stock is kept as a backorder.

    ORDER is its number on the marketplace or in the store. Where the marketplace takes no such answer, ship the order.
    """
    from bridge.flows import admin, attend

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        click.echo(attend.refuse_cancellation(engine, owner.id, reference))


REASONS = ("out_of_stock", "buyer_request", "price_error", "cannot_ship_in_time", "damaged", "other")


@click.command()
@click.argument("reference", metavar="ORDER")
@click.option("--reason", required=True, type=click.Choice(REASONS), help="What the marketplace is told.")
@click.option("--line", metavar="LINE", help="One line only: its number on the marketplace, or its SKU.")
@click.option("--quantity", type=click.IntRange(min=1), metavar="N", help="So many of it; default: all that is left.")
@shop_option
@says_what_to_do
def cancel(reference: str, reason: str, line: str | None, quantity: int | None, shop: str | None) -> None:
    """Cancel an order, or a part of it.

    ORDER is its number on the marketplace or in the store. The marketplace is told, and the store follows.
    """
    from bridge.flows import admin, attend

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        click.echo(attend.cancel_order(engine, owner.id, reference, reason, line, quantity))


@click.command()
@click.argument("references", metavar="ORDER...", nargs=-1, required=True)
@shop_option
@says_what_to_do
def parts_off(references: tuple[str, ...], shop: str | None) -> None:
    """Say that the parts of bundles are off the store's stock.

    ORDER is its number on the marketplace or in the store. Its parts are kept back on every marketplace until then.
    """
    from bridge.flows import admin, part_units

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        for reference in references:
            click.echo(part_units.taken_off(engine, owner.id, reference))


refund_option = click.option("--refund", "number", metavar="N", type=click.IntRange(min=1), help="One of several.")


@click.command()
@click.argument("reference", metavar="ORDER")
@refund_option
@shop_option
@says_what_to_do
def refund_paid(reference: str, number: int | None, shop: str | None) -> None:
    """Say that a refund in doubt was paid.

    ORDER is its number on the marketplace or in the store. Nothing is sent.
    """
    from bridge.flows import admin, attend

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        click.echo(attend.judge_refund(engine, owner.id, reference, paid=True, number=number))


@click.command()
@click.argument("reference", metavar="ORDER")
@refund_option
@shop_option
@says_what_to_do
def refund_again(reference: str, number: int | None, shop: str | None) -> None:
    """Have a refund in doubt paid again.

    ORDER is its number on the marketplace or in the store. Look in the marketplace's portal first that it was not paid.
    """
    from bridge.flows import admin, attend

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        click.echo(attend.judge_refund(engine, owner.id, reference, paid=False, number=number))
