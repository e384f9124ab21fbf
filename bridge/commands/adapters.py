"""adapters: what can be connected, and how good each one is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bridge.commands.door import json_option, print_json, print_table, says_what_to_do

if TYPE_CHECKING:
    from bridge.ports.adapter import Adapter


@click.command()
@click.argument("name", required=False)
@json_option
@says_what_to_do
def adapters(name: str | None, as_json: bool) -> None:
    """List what can be connected, and how well.

    Stores and marketplaces, the tier each has reached on the quality scale, and what each can do. With
    NAME: the credentials and settings it asks for, and what it still lacks.
    """
    from bridge.log import configure
    from bridge.registry import discover

    configure("console", "error")
    registry = discover()
    found = [item for item in registry.all() if name in (None, item.name)]
    if not found and name:
        known = ", ".join(item.name for item in registry.all()) or "none"
        raise click.BadParameter(f"there is no adapter {name!r}; installed are: {known}.", param_hint="NAME")
    if as_json:
        print_json([_entry(item) for item in found])
    elif name:
        _describe(found[0])
    else:
        rows = [[item.name, item.manifest.title, item.manifest.kind, *_quality(item)] for item in found]
        print_table(
            ["NAME", "TITLE", "KIND", "QUALITY", "RULES", "STILL OPEN", "CAN"], rows, "No adapter is installed."
        )
    for broken in registry.broken:
        click.secho(f"Broken: {broken.kind} {broken.name} ({broken.module}): {broken.reason}", fg="red", err=True)


def _entry(adapter: Adapter) -> dict[str, Any]:
    from bridge.flows.sites import site_field

    manifest = adapter.manifest
    return {
        "name": adapter.name,
        "kind": manifest.kind,
        "quality": _tier(adapter),
        "tried": _tried(adapter),
        "capabilities": [str(item) for item in manifest.capabilities],
        "lacks": {str(item): reason for item, reason in manifest.lacks.items()},
        "title": manifest.title,
        "countries": manifest.countries,
        "policies": manifest.policies.model_dump(mode="json"),
        "credentials": [item.model_dump(mode="json") for item in manifest.credentials],
        "sites": [item.model_dump(mode="json") for item in manifest.sites],
        "settings": [item.model_dump(mode="json") for item in (*manifest.settings, *site_field(manifest))],
    }


def _choice(value: str, label: str) -> str:
    """``VAT (VAT invoice)``, ``EBAY_DE (Germany)``."""
    from bridge.domain import names

    said = names.called(label, names.ENGLISH) or label
    return value if said == value else f"{value} ({said})"


def _tier(adapter: Adapter) -> str:
    from bridge.ports.quality import load_quality

    return load_quality(adapter.folder, adapter.manifest.kind).tier


def _tried(adapter: Adapter) -> str:
    from bridge.ports.quality import load_quality

    return load_quality(adapter.folder, adapter.manifest.kind).tried


def _quality(adapter: Adapter) -> tuple[str, str, str, str]:
    from bridge.ports.quality import load_quality, scale

    found = load_quality(adapter.folder, adapter.manifest.kind)
    count = sum(len(rules) for rules in scale(adapter.manifest.kind).values())
    left = ", ".join(rule for rules in found.open.values() for rule in rules) or "-"
    return found.tier, f"{len(found.done) + len(found.exempt)} of {count}", left, _capabilities(adapter)


def _capabilities(adapter: Adapter) -> str:
    return ", ".join(str(item) for item in adapter.manifest.capabilities)


def _describe(adapter: Adapter) -> None:
    from bridge.flows.sites import site_field
    from bridge.ports.quality import load_quality

    manifest, quality = adapter.manifest, load_quality(adapter.folder, adapter.manifest.kind)
    settings = (*manifest.settings, *site_field(manifest))
    click.secho(f"{manifest.title} ({adapter.name}, {manifest.kind}), quality: {quality.tier}", bold=True)
    click.echo(f"can: {_capabilities(adapter)}")
    for lacking, reason in manifest.lacks.items():
        click.echo(f"lacks {lacking}: {reason}")
    terms = manifest.policies.returns
    if terms.sentences:
        click.echo(f"returns: {'; '.join(terms.sentences)} (read on {terms.read_on}: {terms.source})")
    for heading, fields in (("credentials", manifest.credentials), ("settings", settings)):
        click.echo(f"\n{heading}:")
        for item in fields:
            note = "required" if item.required and item.default is None else f"default {item.default}"
            click.echo(f"  {item.name} ({item.kind}, {note}): {item.label}. {item.help}".rstrip())
            if item.choices:
                click.echo(f"    {', '.join(_choice(value, label) for value, label in item.choices.items())}")
    click.echo(f"\ntried against: {quality.tried or 'not said'}")
    for rule, note in (*quality.notes.items(), *quality.exempt.items()):
        click.echo(f"{rule}: {'does not apply: ' if rule in quality.exempt else ''}{note}")
    for tier, rules in quality.open.items():
        click.echo(f"\nmissing for {tier}: {', '.join(rules)}")
