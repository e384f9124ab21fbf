"""bench: measure one part, or all of them."""

from __future__ import annotations

import click

from bridge.commands.door import json_option, print_json, print_table, says_what_to_do

PACKAGE = "bridge.bench"


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("name", required=False)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.option("--list", "listing", is_flag=True, help="Name the benchmarks.")
@click.option("--help", "asks", is_flag=True, help="This, or with NAME the options of that benchmark.")
@json_option
@click.pass_context
@says_what_to_do
def bench(
    context: click.Context, name: str | None, options: tuple[str, ...], listing: bool, asks: bool, as_json: bool
) -> None:
    """Measure one part, or all of them.

    Runs the benchmark NAME, or all of them; OPTIONS go to the benchmark. Each compares with a reference
    measured in the same run. Figures are only worth anything on a quiet machine.
    """
    if asks and name is None:
        click.echo(context.get_help())
        return
    known = benchmarks()
    if listing:
        _list(known, as_json)
        return
    if name is not None and name not in known:
        raise click.BadParameter(
            f"there is no benchmark {name!r}; there are: {', '.join(known) or 'none'}.", param_hint="NAME"
        )
    given = (*options, "--help") if asks else options
    results = [_run(item, given if name else ()) for item in ([name] if name else known)]
    if as_json:
        print_json(results[0] if name else results)
        return
    for result in results:
        _show(result)


def benchmarks() -> list[str]:
    """The modules of bridge.bench that can be run: each has ``run(arguments) -> dict`` and a first docstring line."""
    import importlib
    import pkgutil

    try:
        package = importlib.import_module(PACKAGE)
    except ModuleNotFoundError:
        return []
    return sorted(item.name for item in pkgutil.iter_modules(package.__path__) if not item.name.startswith("_"))


def _list(known: list[str], as_json: bool) -> None:
    import importlib

    about = {
        name: (importlib.import_module(f"{PACKAGE}.{name}").__doc__ or "").strip().split("\n")[0] for name in known
    }
    if as_json:
        print_json([{"name": name, "about": text} for name, text in about.items()])
    else:
        print_table(["NAME", "MEASURES"], list(about.items()), "No benchmark is installed.")


def _run(name: str, options: tuple[str, ...]) -> dict[str, object]:
    import importlib

    result: dict[str, object] = importlib.import_module(f"{PACKAGE}.{name}").run(list(options))
    return {"name": name, **result}


def _show(result: dict[str, object]) -> None:
    verdict = "within its goal" if result.get("within_goal") else "MISSES its goal"
    click.secho(f"{result['name']}: {'not judged' if result.get('ratio') is None else verdict}", bold=True)
    figures = result.get("figures")
    if isinstance(figures, dict):
        print_table(["FIGURE", "VALUE"], list(figures.items()))
    for key in ("reference", "ratio", "goal"):
        click.echo(f"{key}: {result.get(key)}")
    click.echo()
