"""connect, disconnect, pause, resume, new-webhook-secret: stores and marketplaces without the page."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from bridge.commands.door import (
    FLOWS,
    author,
    json_option,
    opened,
    pairs,
    print_facts,
    print_json,
    says_what_to_do,
    shop_option,
)

if TYPE_CHECKING:
    from bridge.flows.admin import Connected, Disconnected
    from bridge.flows.engine import Engine

# Told in their own way, or noted for the engine alone.
APART = ("choices", "expires", "site_names", "score", "changed", "match")


@click.command()
@click.argument("adapter")
@click.option("--account", metavar="NAME", help="Your name for it; default: the store's host, the marketplace's name.")
@click.option(
    "--credential",
    "-c",
    "credentials",
    metavar="NAME=VALUE",
    multiple=True,
    callback=pairs,
    help="A credential field; @FILE as the value reads it from a file. What is missing is asked for.",
)
@click.option("--set", "-s", "settings", metavar="NAME=VALUE", multiple=True, callback=pairs, help="A setting.")
@click.option(
    "--url",
    "-u",
    "urls",
    metavar="NAME=URL",
    multiple=True,
    callback=pairs,
    help="Another base address, such as the marketplace's own demo environment.",
)
@click.option("--hold", "held", is_flag=True, help="A new marketplace rests: nothing is sent before it goes live.")
@shop_option
@json_option
@says_what_to_do
def connect(
    adapter: str,
    account: str | None,
    credentials: dict[str, str],
    settings: dict[str, str],
    urls: dict[str, str],
    held: bool,
    shop: str | None,
    as_json: bool,
) -> None:
    """Connect a store or a marketplace, or renew it.

    The credentials are tried before anything is saved. `storebridge adapters` lists what can be connected and
    which fields each one needs. Private and loopback hosts must be named in STOREBRIDGE_PRIVATE_HOSTS.

    \b
    storebridge connect woocommerce -c url=https://shop.example -c consumer_key=ck_… -c consumer_secret=@secret.txt
    storebridge connect bol -c client_id=… -s buffer=3 --hold
    """
    from bridge.flows import admin

    with opened() as engine:
        role = admin.role_of(engine, adapter)
        asked = _ask_missing(engine, adapter, credentials)
        owner = admin.pick_shop(engine, shop, create=True)
        given = admin.Given(account or "", asked, settings, urls, admin.Manner(held=held, author=author()))
        done = admin.attach(engine, owner.id, role, adapter, given)
    _say_connected(done, owner.name, as_json)
    if held and role == "channel" and done.created and not as_json:
        click.echo("It rests: go live on the page (Setup), or with `storebridge resume`. Until then nothing is sent.")


def _ask_missing(engine: Engine, adapter: str, given: Mapping[str, str]) -> dict[str, Any]:
    """At a terminal, what is missing is asked for, secrets unseen; elsewhere the error names it."""
    found = engine.platforms.get(adapter) or engine.channels.get(adapter)
    answers: dict[str, Any] = dict(given)
    if found is None or not sys.stdin.isatty():
        return answers
    for item in found.manifest.credentials:
        if item.name not in answers and item.required and item.default is None:
            answers[item.name] = click.prompt(
                item.label, hide_input=item.kind == "secret", default="", show_default=False
            )
    return answers


def _say_connected(done: Connected, shop: str, as_json: bool) -> None:
    if as_json:
        hooks = done.webhooks.as_json() if done.webhooks else None
        print_json({"id": done.id, "account": done.account, "title": done.title, "created": done.created,
                    "shop": shop, "info": done.info, "webhooks": hooks, "warnings": done.warnings})  # fmt: skip
        return
    click.echo(f"{'Connected' if done.created else 'Renewed'}: {done.title} (connection {done.id}, shop {shop!r})")
    told = {name: value for name, value in done.info.items() if name not in APART}
    facts = {name: value for name, value in told.items() if value not in (None, "", {}, [])}
    print_facts({**facts, **({"webhooks": f"{done.webhooks.active} active"} if done.webhooks else {})})
    for name, known in done.choices.items():
        click.echo(f"The setting {name} can be:")
        for item in known:
            click.echo(f"  {item.value}" + (f"  {item.label}" if item.label != item.value else ""))
    for warning in done.warnings:
        click.secho(f"Note: {warning}", fg="yellow", err=True)


@click.command()
@click.argument("connection")
@click.option(
    "--zero-listings/--keep-listings",
    default=None,
    help="Set every live listing to 0 first, or leave them as they are. Asked for when not given.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask whether you are sure.")
@shop_option
@json_option
@says_what_to_do
def disconnect(connection: str, zero_listings: bool | None, yes: bool, shop: str | None, as_json: bool) -> None:
    """Let a store or a marketplace go.

    CONNECTION is its number, account or adapter name. Orders and the journal stay. A marketplace goes on
    showing the last quantities unless they are set to 0 first.
    """
    from bridge.flows import admin

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        row = admin.pick_connection(engine, owner.id, connection)
        stakes = admin.stakes(engine, owner.id, row.id)
        if stakes.live_listings and zero_listings is None:
            zero_listings = _ask_zero(stakes.live_listings, stakes.title, yes)
        if not yes:
            click.confirm(f"Disconnect {stakes.title} ({stakes.open_orders} open orders)?", abort=True)
        done = admin.disconnect(engine, owner.id, row.id, zero_listings=bool(zero_listings))
    _say_disconnected(done, as_json)


def _ask_zero(live: int, title: str, yes: bool) -> bool:
    if yes:
        raise click.UsageError(f"{title} has {live} live listings: say --zero-listings or --keep-listings.")
    return click.confirm(f"{title} has {live} live listings. Set them to 0 first?", default=True)


def _say_disconnected(done: Disconnected, as_json: bool) -> None:
    if as_json:
        print_json(vars(done))
        return
    click.echo(f"Disconnected: {done.title}")
    print_facts({"listings set to 0": done.zeroed, "webhooks removed": done.webhooks_removed})
    for line in (*done.refused, *done.warnings):
        click.secho(f"Note: {line}", fg="yellow", err=True)


@click.command()
@click.argument("connection", required=False)
@shop_option
@says_what_to_do
def pause(connection: str | None, shop: str | None) -> None:
    """Send nothing more for a while.

    For one CONNECTION, or for the whole shop. What comes in meanwhile is kept.
    """
    from bridge.flows import admin

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        row = admin.pick_connection(engine, owner.id, connection) if connection else None
        admin.pause(engine, owner.id, row.id if row else None)
    click.echo(f"Paused: {row.title if row else owner.name}")


@click.command()
@click.argument("connection", required=False)
@click.option(
    "--flow", "flows", multiple=True, type=click.Choice(FLOWS), help="Only this, which `storebridge hold` let rest."
)
@shop_option
@says_what_to_do
def resume(connection: str | None, flows: Sequence[str], shop: str | None) -> None:
    """Go on after a pause or a hold, and catch up."""
    from bridge.flows import admin, resting

    if flows and connection is None:
        raise click.UsageError("Say which CONNECTION the flow is of.")
    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        row = admin.pick_connection(engine, owner.id, connection) if connection else None
        if row is not None and (flows or (row.state == "active" and resting.held(engine, owner.id, row.id))):
            resting.resume(engine, owner.id, row.id, flows, author())
        else:
            admin.resume(engine, owner.id, row.id if row else None)
    click.echo(f"Resumed: {row.title if row else owner.name}")


@click.command()
@click.argument("what", type=click.Choice(["on", "off"]))
@click.option("--minutes", type=click.IntRange(min=1), metavar="N", help="It is over by itself then.")
@shop_option
@says_what_to_do
def maintenance(what: str, minutes: int | None, shop: str | None) -> None:
    """Say that the store is about to be away.

    Each marketplace's listings then keep, freeze or go to 0, by its setting; orders are kept and made later.
    """
    from bridge.flows import admin, safety

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        if what == "on":
            until = safety.plan_maintenance(engine, owner.id, minutes, author())["until"]
            click.echo(f"Maintenance of the store of {owner.name}: {f'until {until}' if until else 'until you end it'}")
        else:
            safety.end_maintenance(engine, owner.id, author())
            click.echo(f"The maintenance is over: {owner.name} is compared with its store first.")


@click.command()
@click.argument("connection")
@shop_option
@says_what_to_do
def new_webhook_secret(connection: str, shop: str | None) -> None:
    """Sign a store's webhooks with a new secret.

    What was signed with the old one is accepted for 24 hours more.
    """
    from bridge.flows import admin

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        row = admin.pick_connection(engine, owner.id, connection)
        audit = admin.rotate_webhook_secret(engine, owner.id, row.id)
    click.echo(f"New secret: {audit.active} webhooks of {row.title}")
