"""package: what a merchant installs in the store."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.commands.door import Refused, says_what_to_do


@click.command()
@click.argument("platform")
@click.option(
    "--out",
    default=".",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write the file into.",
)
@says_what_to_do
def package(platform: str, out: Path) -> None:
    """Build the plugin or module that is installed in a store.

    The same sources give the same file, byte for byte.
    """
    from bridge.registry import discover

    known = {name: adapter.package for name, adapter in discover().platforms.items() if adapter.package is not None}
    if platform not in known:
        raise Refused(
            f"PLATFORM: there is nothing to install for {platform!r}; there is: {', '.join(known) or 'none'}."
        )
    path = out / known[platform].file_name
    try:
        out.mkdir(parents=True, exist_ok=True)
        path.write_bytes(known[platform].build())
    except OSError as error:
        raise Refused(f"--out: {path} cannot be written: {error.strerror}.") from None
    click.echo(str(path))
