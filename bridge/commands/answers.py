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
    """Say no to a buyer who asks to cancel.

    ORDER is its number on the marketplace or in the store. Where the marketplace takes no such answer, ship the order.
    """
    from bridge.flows import admin, attend

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        click.echo(attend.refuse_cancellation(engine, owner.id, reference))


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
