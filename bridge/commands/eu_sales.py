"""eu-sales: what consumers in other EU countries bought, against the threshold of the one-stop shop (OSS)."""

from __future__ import annotations

import click

from bridge.commands.door import json_option, opened, print_json, print_table, says_what_to_do, shop_option


@click.command()
@shop_option
@json_option
@says_what_to_do
def eu_sales(shop: str | None, as_json: bool) -> None:
    """Sums of this year and last, by country, in EUR without VAT.

    As they were last counted from the orders; what your own shop sells there itself is not among them.
    """
    from bridge.flows import admin, turnover

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        with engine.db.read(owner.id) as session:
            found = turnover.report(session, engine.clock())
    if as_json:
        print_json(found)
        return
    if found is None:
        click.echo("The shop is in no EU country, as far as is known: the threshold is not for it.")
        return
    rows = []
    for whole in found["years"]:
        rows.append((whole["year"], "together", whole["amount"], whole["currency"]))
        rows += [
            (part["year"], part["country"], part["amount"], part["currency"])
            for part in found["sums"]
            if part["year"] == whole["year"]
        ]
    print_table(("year", "country", "amount", ""), rows)
    threshold, at = found["threshold"], found["counted_at"]
    counted = f"counted {at:%d %b %Y %H:%M} UTC" if at else "none counted yet"
    click.echo(f"\nthreshold {threshold['amount']} {threshold['currency']} a year; {counted}")
    if found["registered"]:
        click.echo("The VAT of the buyers' countries is declared.")
    if found["notice"]:
        click.echo(found["notice"])
