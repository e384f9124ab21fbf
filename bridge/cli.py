"""The command ``storebridge``. The commands themselves are in bridge/commands."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from collections.abc import Iterator

import click

import bridge.commands

# New objects before the collector looks for those that hold each other. Modules stay: while they are loaded it finds
# nothing, and looking took a sixth of the time until a process was there. Whoever begins to work sets its own.
LOADING = 100_000


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="storebridge", prog_name="storebridge")
def cli() -> None:
    """Keeps a store and the marketplaces it sells on in agreement: products, stock and prices out, orders and
    returns in.

    Start with `storebridge run`. Settings come from the environment (STOREBRIDGE_…, DATABASE_URL, REDIS_URL).
    """


def commands() -> Iterator[click.Command]:
    """Every command of every module in bridge/commands."""
    for module_info in sorted(pkgutil.iter_modules(bridge.commands.__path__), key=lambda item: item.name):
        module = importlib.import_module(f"{bridge.commands.__name__}.{module_info.name}")
        found = [value for value in vars(module).values() if isinstance(value, click.Command)]
        nested = [item for group in found if isinstance(group, click.Group) for item in group.commands.values()]
        for value in found:
            if value not in nested and value.callback and value.callback.__module__ == module.__name__:
                yield value


for command in commands():
    cli.add_command(command)


def main() -> None:
    gc.set_threshold(LOADING)
    cli.main(prog_name="storebridge")


if __name__ == "__main__":
    main()
