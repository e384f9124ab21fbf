"""alerts: who is told of problems, by e-mail and webhook, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bridge.commands.door import (
    Refused,
    author,
    json_option,
    opened,
    print_facts,
    print_json,
    says_what_to_do,
    shop_option,
)

WHEN = click.Choice(("now", "digest", "off"))
HOUR = click.IntRange(0, 23)


@click.group(invoke_without_command=True)
@shop_option
@json_option
@click.pass_context
@says_what_to_do
def alerts(context: click.Context, shop: str | None, as_json: bool) -> None:
    """Show who is told of problems, set that, or try it.

    `storebridge alerts` shows it; `alerts set`, `alerts test` and `alerts secret` change and try it.
    """
    if context.invoked_subcommand is None:
        _show(shop, as_json)


@alerts.command()
@shop_option
@json_option
@says_what_to_do
def show(shop: str | None, as_json: bool) -> None:
    """Show who is told, how and when, and what waits."""
    _show(shop, as_json)


def _show(shop: str | None, as_json: bool) -> None:
    from bridge.flows import admin, alert_settings

    with opened() as engine:
        found = alert_settings.shown(engine, admin.pick_shop(engine, shop).id)
    if as_json:
        print_json(found)
    else:
        _say(found)


def _say(found: Mapping[str, Any]) -> None:
    known = found["settings"]
    quiet = "none"
    if known["quiet_from"] is not None:
        quiet = (
            f"{known['quiet_from']} to {known['quiet_until']} o'clock, for {' and '.join(known['quiet']) or 'nothing'}"
        )
    receivers = known["email"] or found["default_receivers"]
    facts = {
        "e-mail to": ", ".join(receivers) or "nobody",
        "language": known["language"] or f"{found['language_seen']}, as the pages were last used",
        "mail server": found["mail_server"] or "none: set STOREBRIDGE_SMTP_HOST",
        "webhook": known["webhook"] or "none",
        "failures": known["error"],
        "warnings": known["warning"],
        "when over": "told" if known["closed"] else "not told",
        "digest at": f"{known['digest_hour']} o'clock, {found['time_zone']}",
        "quiet": quiet,
    }
    for name, way in found["ways"].items():
        trouble = f"; {way['error']}" if way["error"] else ""
        facts[f"by {name}"] = f"{way['sent']} sent, {way['waiting']} waiting, {way['failed']} given up{trouble}"
    print_facts(facts)


@alerts.command("set")
@click.option("--email", multiple=True, metavar="ADDRESS", help="Who gets e-mail; may be repeated.")
@click.option("--no-email", is_flag=True, help="Nobody of this shop: the installation's own receivers.")
@click.option("--language", metavar="CODE", help="Language of e-mails, such as de; '' for that of the pages.")
@click.option("--sender", metavar="ADDRESS", help="Whom e-mail comes from; '' for the installation's sender.")
@click.option("--webhook", metavar="URL", help="An address that is called for each alert; '' for none.")
@click.option("--failures", type=WHEN, help="When failures are told.")
@click.option("--warnings", type=WHEN, help="When warnings are told.")
@click.option("--closed/--no-closed", default=None, help="Whether the end of a problem is told.")
@click.option("--digest-hour", type=HOUR, metavar="H", help="Hour of the daily digest, in the shop's time zone.")
@click.option("--quiet", nargs=2, type=HOUR, metavar="FROM UNTIL", help="Quiet hours, such as: --quiet 22 7")
@click.option("--no-quiet", is_flag=True, help="No quiet hours.")
@click.option(
    "--quiet-for", multiple=True, type=click.Choice(("error", "warning")), help="Which severities quiet hours hold for."
)
@shop_option
@json_option
@says_what_to_do
def set_(shop: str | None, as_json: bool, no_email: bool, no_quiet: bool, **given: Any) -> None:
    """Set who is told, and when. What is not named stays as it is."""
    from bridge.flows import admin, alert_settings

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        known = alert_settings.shown(engine, owner.id)["settings"]
        content = {**known, **_named(given)}
        content |= {"email": []} if no_email else {}
        content |= {"quiet_from": None, "quiet_until": None} if no_quiet else {}
        found = alert_settings.put(engine, owner.id, content, author())
    if as_json:
        print_json(found)
        return
    _say(found)
    if "secret" in found:
        _say_secret(found["secret"])


def _named(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, under the names the settings have."""
    names = {"failures": "error", "warnings": "warning", "quiet_for": "quiet"}
    found = {names.get(name, name): value for name, value in given.items() if value is not None and value != ()}
    span = given["quiet"]
    if span:
        found |= {"quiet_from": span[0], "quiet_until": span[1]}
    found["quiet"] = given["quiet_for"]
    return {name: value for name, value in found.items() if value != ()}


def _say_secret(secret: str) -> None:
    click.echo(f"\nWebhooks are signed with this secret. It is not shown again:\n{secret}")


@alerts.command()
@shop_option
@json_option
@says_what_to_do
def secret(shop: str | None, as_json: bool) -> None:
    """Make a new secret for the webhook's signature.

    It is printed once; for a day more calls are signed with the one before as well.
    """
    from bridge.flows import admin, alert_settings

    with opened() as engine:
        made = alert_settings.renew_secret(engine, admin.pick_shop(engine, shop).id, author())
    if as_json:
        print_json(made)
    else:
        _say_secret(made["secret"])


@alerts.command()
@shop_option
@json_option
@says_what_to_do
def test(shop: str | None, as_json: bool) -> None:
    """Send a test by every way, now."""
    from bridge.flows import admin
    from bridge.flows import alerts as telling

    with opened() as engine:
        results = telling.try_out(engine, admin.pick_shop(engine, shop).id)
    if as_json:
        print_json(results)
    else:
        for route, fault in results.items():
            click.echo(f"{route}: {fault or 'it was taken'}")
    if not as_json and any(results.values()):
        raise Refused("Not every way works yet.")
