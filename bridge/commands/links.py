"""links: which offer of a marketplace is which product, said by hand."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.commands.door import author, json_option, opened, print_json, print_table, says_what_to_do, shop_option
from bridge.commands.settings import FILE, channel_id, channel_option

site_option = click.option(
    "--site", default="", metavar="S", help="The code of the country site, where it has several."
)


@click.group()
def links() -> None:
    """Offers that stand on a marketplace and are no product's yet.

    They are matched by SKU and EAN; the others are linked by hand.
    """


@links.command("show")
@click.option("--search", default="", help="Words of the title, a number, SKU or EAN there.")
@channel_option
@shop_option
@json_option
@says_what_to_do
def show(search: str, channel: str | None, shop: str | None, as_json: bool) -> None:
    """List the offers without a product, with candidates, and what was linked by hand, or unlinked."""
    from bridge.flows import admin, linking

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        number = channel_id(engine, owner.id, channel)
        with engine.db.read(owner.id) as session:
            loose = linking.loose(session, number, search, 0, 1000)
            linked = linking.linked(session, number, 1000)
            unlinked = linking.unlinked(session, number, 1000)
    if as_json:
        print_json({"loose": loose, "linked": linked, "unlinked": unlinked})
        return
    candidates = [", ".join(f"{one['sku']} ({one['why']})" for one in row["candidates"]) for row in loose]
    print_table(
        ("offer", "site", "sku there", "ean", "title", "may be"),
        [
            (row["offer_id"], row["site"], row["sku"], row["gtin"], row["title"], may)
            for row, may in zip(loose, candidates, strict=True)
        ],
        empty="No offer without a product was found there.",
    )
    for row in linked:
        click.echo(
            f"{row['offer_id']} {row['site']} is {row['sku']}: linked by {row['by']} on {row['at']:%d %b %Y %H:%M}"
        )
    for row in unlinked:
        click.echo(f"{row['sku']} {row['site']} was unlinked on {row['at']:%d %b %Y %H:%M}; it is not offered anew yet")


@links.command("set")
@click.argument("offer")
@click.argument("sku")
@site_option
@channel_option
@shop_option
@says_what_to_do
def link(offer: str, sku: str, site: str, channel: str | None, shop: str | None) -> None:
    """Say that OFFER of the marketplace is SKU of the store."""
    from bridge.flows import admin, linking

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        at = linking.Offer(channel_id(engine, owner.id, channel), site, offer)
        click.echo(linking.link(engine, owner.id, at, sku, author()))


@links.command("remove")
@click.argument("offer")
@site_option
@channel_option
@shop_option
@says_what_to_do
def unlink(offer: str, site: str, channel: str | None, shop: str | None) -> None:
    """Take back what was said of OFFER; it stays there as it is.

    Its product is offered anew after the next comparison of offers, or by `storebridge links offer`.
    """
    from bridge.flows import admin, linking

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        at = linking.Offer(channel_id(engine, owner.id, channel), site, offer)
        click.echo(linking.unlink(engine, owner.id, at))


@links.command("offer")
@click.argument("sku")
@site_option
@channel_option
@shop_option
@says_what_to_do
def offer_anew(sku: str, site: str, channel: str | None, shop: str | None) -> None:
    """Have SKU offered anew where it was unlinked."""
    from bridge.flows import admin, linking

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        click.echo(linking.offer_anew(engine, owner.id, channel_id(engine, owner.id, channel), site, sku))


@links.command("download")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
@shop_option
@says_what_to_do
def download(file: Path, shop: str | None) -> None:
    """Write every offer with its product to FILE, as CSV ("-": the screen)."""
    from bridge.flows import admin, documents, link_tables

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        with engine.db.read(owner.id) as session:
            table = link_tables.written(session, sorted(documents.channels(session)))
    with click.open_file(str(file), "w", encoding="utf-8") as out:
        out.write(table)


@links.command("upload")
@click.argument("file", type=FILE)
@click.option("--confirm", is_flag=True, help="Do it; without this it is only said what would happen.")
@shop_option
@json_option
@says_what_to_do
def upload(file: Path, confirm: bool, shop: str | None, as_json: bool) -> None:
    """Say row by row what the table FILE would change; with --confirm, change it."""
    from bridge.flows import admin, link_tables

    with click.open_file(str(file), "rb") as source:
        content = source.read(link_tables.MOST_BYTES + 1)
    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        if confirm:
            report = link_tables.apply(engine, owner.id, content, author())
        else:
            with engine.db.read(owner.id) as session:
                report = link_tables.planned(session, link_tables.read(content))
    if as_json:
        print_json(report.as_json())
        return
    told = report.of(link_tables.WRONG, link_tables.LINK, link_tables.UNLINK)
    print_table(
        ("row", "what", "column", "text"),
        [(found.row.number, found.what, found.column, found.text) for found in told],
        empty="Nothing changes.",
    )
    click.echo("Done." if confirm else "Nothing has been changed yet; --confirm does it.")
