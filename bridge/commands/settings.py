"""plan, apply, undo, versions, rules, mapping, categories: what shapes listings, changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bridge.commands.door import (
    author,
    json_option,
    opened,
    pairs,
    print_json,
    print_table,
    says_what_to_do,
    shop_option,
)

FILE = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)
channel_option = click.option("--channel", "-C", metavar="C", help="Which marketplace: its account, adapter or number.")
confirm_option = click.option("--confirm", is_flag=True, help="It is meant, however far it reaches.")


def _content(path: Path) -> Any:
    try:
        with click.open_file(str(path), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{path} is no JSON that can be read: {error}.") from None


def channel_id(engine: Any, shop_id: int, name: str | None) -> int:
    from bridge.flows import admin
    from bridge.ports.errors import AskMerchant

    if name is not None:
        return admin.pick_connection(engine, shop_id, name).id
    from bridge.flows.documents import channels

    with engine.db.read(shop_id) as session:
        found = channels(session)
    if len(found) != 1:
        known = ", ".join(f"{key} ({title})" for key, title in found.items()) or "none"
        raise AskMerchant(f"Say which marketplace is meant: {known}.", field="channel")
    return next(iter(found))


_KINDS = {
    "rules": ("rules", "Rules, as JSON."),
    "mapping": ("attribute_mapping", "Attribute mapping, as JSON."),
    "categories": ("category_mapping", "Category mapping, as JSON."),
    "stock": ("stock", "Stock and buffers, as JSON."),
    "market": ("market", "Country, currency and VAT, as JSON."),
    "reach": ("reach", "Limits of one change, as JSON."),
}


def _with_files(command: Any) -> Any:
    for name, (_, text) in reversed(_KINDS.items()):
        command = click.option(f"--{name}", name, type=FILE, help=text)(command)
    return command


@click.command()
@click.argument("file", type=FILE, required=False)
@_with_files
@channel_option
@click.option("--note", default="", help="A word on why, kept with the version.")
@click.option("--examples", default=10, show_default=True, type=click.IntRange(0, 200), help="Examples of each kind.")
@shop_option
@json_option
@says_what_to_do
def plan(
    file: Path | None,
    channel: str | None,
    note: str,
    examples: int,
    shop: str | None,
    as_json: bool,
    **files: Path | None,
) -> None:
    """Say what a change would do, and keep that as a plan.

    FILE is a JSON list of changes ({"subject", "kind", "content"}), or settings of one marketplace are given by the
    options. Nothing takes effect before `storebridge apply`.
    """
    from bridge.flows import admin
    from bridge.flows import plan as planning
    from bridge.flows.documents import of_connection, read_wishes

    given = {name: path for name, path in files.items() if path is not None}
    if (file is None) == (not given):
        raise click.UsageError("Give a FILE of changes, or settings by --rules, --mapping and the like.")
    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        if file is not None:
            wishes = read_wishes(_content(file))
        else:
            subject = of_connection(channel_id(engine, owner.id, channel))
            wishes = read_wishes(
                [
                    {"subject": subject, "kind": _KINDS[name][0], "content": _content(path)}
                    for name, path in given.items()
                ]
            )
        _show(planning.make(engine, owner.id, wishes, author(), note, examples=examples), as_json)


def _show(made: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    click.secho(f"Plan {made['id']}: {_counted(made['total'])}", bold=True)
    for channel in made["channels"]:
        click.echo(f"\n{channel['channel']}: {_counted(channel)}")
        for item in channel["examples"]:
            click.echo(f"  {item['kind']:9} {item['sku'] or item['title']}{_why(item)}")
            for change in item.get("changes", []):
                click.echo(f"            {change['field']}: {_value(change['old'])} -> {_value(change['new'])}")
    for item in made["over"]:
        click.secho(f"\nBeyond your limits: {item['text']}", fg="yellow")
    more = " --confirm" if made["over"] else ""
    click.echo(f"\nNothing has changed yet. To apply it: storebridge apply {made['id']}{more}")


def _counted(counts: Mapping[str, Any]) -> str:
    kinds = ("created", "changed", "ended", "blocked", "unblocked")
    return ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind]) or "no listing changes"


def _why(item: Mapping[str, Any]) -> str:
    return f": {item['why']}" if item.get("why") else ""


def _value(value: Any) -> str:
    return "nothing" if value in (None, "") else str(value)


@click.command()
@click.argument("number", metavar="PLAN", type=click.IntRange(min=1))
@confirm_option
@shop_option
@says_what_to_do
def apply(number: int, confirm: bool, shop: str | None) -> None:
    """Put a plan into effect.

    PLAN is the number `storebridge plan` gave it. It is refused when the settings have changed since, and, without
    --confirm, when it reaches beyond your limits.
    """
    from bridge.flows import admin
    from bridge.flows import plan as planning

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        change = planning.apply(engine, owner.id, number, author(), confirm=confirm)
    click.echo(
        f"Applied as version {change['number']}. Listings follow by themselves; `storebridge undo` takes it back."
    )


@click.command()
@click.argument("version", metavar="[VERSION]", type=click.IntRange(min=1), required=False)
@channel_option
@confirm_option
@shop_option
@says_what_to_do
def undo(version: int | None, channel: str | None, confirm: bool, shop: str | None) -> None:
    """Take back a change of settings.

    VERSION as `storebridge versions` lists it; default: the newest one, of one marketplace with --channel.
    """
    from bridge.flows import admin
    from bridge.flows import plan as planning

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        connection = channel_id(engine, owner.id, channel) if channel else None
        change = planning.undo(engine, owner.id, author(), number=version, connection_id=connection, confirm=confirm)
    click.echo(f"Version {change['undoes']} is undone; that is version {change['number']}.")


@click.command()
@shop_option
@json_option
@says_what_to_do
def versions(shop: str | None, as_json: bool) -> None:
    """List the changes of settings: what, by whom and when."""
    from bridge.flows import admin, documents

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        with engine.db.read(owner.id) as session:
            rows = documents.changes(session)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("version", "at", "by", "changed", "note", ""),
        [
            (
                row["number"],
                f"{row['at']:%Y-%m-%d %H:%M}",
                row["author"],
                ", ".join(f"{item['kind']} of {item['subject']}" for item in row["changed"]),
                row["note"],
                f"undone by {row['undone_by']}" if row["undone_by"] else "",
            )
            for row in rows
        ],
        empty="No settings were changed yet.",
    )


def _documents(name: str, kind: str, title: str, detail: str) -> click.Group:
    """A group of commands that export and import one kind of setting."""

    @click.group(name=name, help=f"Export and import the {title.lower()}.\n\n{detail}")
    def group() -> None:
        pass

    @group.command("export", help=f"Print the {title.lower()} of a marketplace as JSON.")
    @channel_option
    @shop_option
    @says_what_to_do
    def export_(channel: str | None, shop: str | None) -> None:
        from bridge.flows import admin
        from bridge.flows.documents import of_connection, read

        with opened() as engine:
            owner = admin.pick_shop(engine, shop)
            connection = channel_id(engine, owner.id, channel)
            with engine.db.read(owner.id) as session:
                row = read(session, of_connection(connection), kind)
        print_json(row.content if row else {})

    @group.command(
        "import", help=f"Plan the {title.lower()} of FILE for a marketplace; apply it with `storebridge apply`."
    )
    @click.argument("file", type=FILE)
    @channel_option
    @click.option("--note", default="", help="A word on why, kept with the version.")
    @shop_option
    @json_option
    @says_what_to_do
    def import_(file: Path, channel: str | None, note: str, shop: str | None, as_json: bool) -> None:
        from bridge.flows import admin
        from bridge.flows import plan as planning
        from bridge.flows.documents import of_connection, read_wishes

        with opened() as engine:
            owner = admin.pick_shop(engine, shop)
            subject = of_connection(channel_id(engine, owner.id, channel))
            wishes = read_wishes([{"subject": subject, "kind": kind, "content": _content_of(kind, file)}])
            _show(planning.make(engine, owner.id, wishes, author(), note), as_json)

    return group


def _content_of(kind: str, path: Path) -> Any:
    """Mappings may come as a table."""
    if kind != "attribute_mapping" or path.suffix.lower() != ".csv":
        return _content(path)
    from bridge.domain.mapping import from_csv

    found, refusals = from_csv(path.read_text(encoding="utf-8-sig"))
    if found is None:
        raise click.BadParameter("; ".join(f"{item.path}: {item.text}" for item in refusals))
    return found.as_json()


rules = _documents("rules", "rules", "Rules", "The form of the file: docs/settings.md.")
mapping = _documents(
    "mapping", "attribute_mapping", "Attribute mapping", "Where each attribute comes from: docs/settings.md."
)


@mapping.command()
@channel_option
@shop_option
@says_what_to_do
def table(channel: str | None, shop: str | None) -> None:
    """Print the attribute mapping as CSV; `import` reads a file that ends in .csv."""
    from bridge.domain.mapping import AttributeMap, to_csv
    from bridge.flows import admin
    from bridge.flows.documents import of_connection, read

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        connection = channel_id(engine, owner.id, channel)
        with engine.db.read(owner.id) as session:
            row = read(session, of_connection(connection), "attribute_mapping")
    click.echo(to_csv(AttributeMap.model_validate(row.content if row else {})), nl=False)


@mapping.command("copy")
@click.option("--from", "source", metavar="C", help="The marketplace it is copied from.")
@click.option("--to", "target", metavar="C", help="The marketplace it is copied to.")
@click.option("--as", "own", metavar="THEIRS=OURS", multiple=True, callback=pairs, help="An attribute of other name.")
@click.option("--replace", is_flag=True, help="What the other one maps itself goes.")
@click.option("--category", metavar="PATH", help="Within one marketplace: the category it is copied from, as 'A > B'.")
@click.option("--into", metavar="PATH", multiple=True, help="... and the one it is copied to; default: its children.")
@channel_option
@click.option("--note", default="", help="A word on why, kept with the version.")
@shop_option
@json_option
@says_what_to_do
def copy_(
    source: str | None,
    target: str | None,
    own: Mapping[str, str],
    replace: bool,
    category: str | None,
    into: Sequence[str],
    channel: str | None,
    note: str,
    shop: str | None,
    as_json: bool,
) -> None:
    """Plan a copy of the attribute mapping.

    From one marketplace to another (--from, --to), or from one category to others of the same (--category). Nothing
    takes effect before `storebridge apply`. What the other marketplace does not know is named.
    """
    from bridge.flows import admin, copying
    from bridge.flows import plan as planning

    if (source is None) != (target is None) or (source is None) == (category is None):
        raise click.UsageError("Give --from and --to, or --category.")
    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        first = channel_id(engine, owner.id, source or channel)
        other = channel_id(engine, owner.id, target or channel)
        with engine.db.read(owner.id) as session:
            if category is None:
                done = copying.to_connection(session, first, other, own, replace=replace)
            else:
                done = copying.to_categories(session, first, _path(category), [_path(item) for item in into])
        made = planning.make(engine, owner.id, [done.wish], author(), note)
    if done.left_out and not as_json:
        click.secho(f"Not known there, and left out: {', '.join(done.left_out)}", fg="yellow")
    _show({**made, "left_out": done.left_out} if as_json else made, as_json)


def _path(text: str) -> list[str]:
    return [part.strip() for part in text.split(">") if part.strip()]


categories = _documents(
    "categories",
    "category_mapping",
    "Category mapping",
    "Suggestions are never applied by themselves.",
)


@categories.command()
@channel_option
@shop_option
@json_option
@says_what_to_do
def suggest(channel: str | None, shop: str | None, as_json: bool) -> None:
    """Work out which marketplace category suits each store category that is not mapped yet."""
    from bridge.flows import admin, sorting

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        rows = sorting.suggest(engine, owner.id, channel_id(engine, owner.id, channel))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("number", "store category", "marketplace category", "sure", "because"),
        [
            (
                row["id"],
                "" if row["place"] else row["path"],
                row["target_path"],
                f"{row['confidence']:.0%}",
                row["reason"],
            )
            for row in rows
        ],
        empty="Every store category is mapped.",
    )


@categories.command()
@click.argument("numbers", nargs=-1, type=click.IntRange(min=1))
@click.option("--above", type=click.FloatRange(0, 1), help="The first of each category that is at least so sure.")
@channel_option
@shop_option
@json_option
@says_what_to_do
def accept(numbers: Sequence[int], above: float | None, channel: str | None, shop: str | None, as_json: bool) -> None:
    """Plan a mapping that takes suggestions over.

    NUMBERS as `storebridge categories suggest` lists them, or all of a confidence. Nothing takes effect before
    `storebridge apply`.
    """
    from bridge.flows import admin, sorting
    from bridge.flows import plan as planning

    if bool(numbers) == (above is not None):
        raise click.UsageError("Give NUMBERS of suggestions, or a confidence by --above.")
    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        connection = channel_id(engine, owner.id, channel)
        with engine.db.read(owner.id) as session:
            wish = sorting.accepted(session, connection, list(numbers), above)
        _show(planning.make(engine, owner.id, [wish], author()), as_json)
