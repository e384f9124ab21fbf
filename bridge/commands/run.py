"""storebridge run, worker, migrate, rotate-keys: the machinery."""

from __future__ import annotations

from pathlib import Path

import click

LANES = ("stock", "orders", "shipments", "content", "sweep")
data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where everything is kept (STOREBRIDGE_DATA_DIR, ./var)."
)


@click.command()
@click.option("--host", help="Address to listen on (STOREBRIDGE_HOST, 127.0.0.1).")
@click.option("--port", type=int, help="Port of the page and the webhooks (STOREBRIDGE_PORT, 8000).")
@data_dir_option
@click.option("--demo/--no-demo", default=None, help="Sandbox store and marketplace while no real store is connected.")
@click.option("--all-channels", is_flag=True, help="A sandbox of every marketplace, all connected, not only the first.")
def run(host: str | None, port: int | None, data_dir: Path | None, demo: bool | None, all_channels: bool) -> None:
    """Run everything on this machine.

    Web server, workers and scheduler, and a queue server where REDIS_URL is not set.
    """
    from bridge.config import load
    from bridge.supervisor.run import run as run_all

    run_all(load({"host": host, "port": port, "data_dir": data_dir, "demo": demo}), all_channels=all_channels)


@click.command()
@click.argument("lanes", nargs=-1, type=click.Choice(LANES))
@click.option("--scheduler/--no-scheduler", default=True, help="Run a scheduler too; of several one leads.")
@data_dir_option
def worker(lanes: tuple[str, ...], scheduler: bool, data_dir: Path | None) -> None:
    """Run workers beside those of other machines.

    For LANES, or for all of them. DATABASE_URL and REDIS_URL name the database and the Redis that all machines
    share, STOREBRIDGE_KEYS the keys.
    """
    from bridge.config import load
    from bridge.supervisor.run import work

    work(load({"data_dir": data_dir}), lanes or LANES, scheduler=scheduler)


@click.command()
@data_dir_option
def migrate(data_dir: Path | None) -> None:
    """Bring the database up to this version's tables. `storebridge run` does this by itself."""
    from bridge.app import prepare_folder
    from bridge.config import load
    from bridge.db.migrations import head
    from bridge.supervisor.checks import prepare_database

    config = load({"data_dir": data_dir})
    prepare_folder(config.data_dir)
    before = prepare_database(config)["before"]
    click.echo(f"The database is at {head()}" + (" already." if before == head() else f"; it was {before or 'empty'}."))


@click.command("rotate-keys")
@data_dir_option
def rotate_keys(data_dir: Path | None) -> None:
    """Encrypt all secrets anew with a new key.

    Credentials and personal data; everything may go on running. The new key is made and the old ones are dropped
    in the key file of the data folder. Where STOREBRIDGE_KEYS is set: put the new key before the old ones on every
    machine and restart, run this, then take the old ones away.
    """
    from bridge.app import prepare_folder
    from bridge.config import load
    from bridge.supervisor.rotation import rotate

    config = load({"data_dir": data_dir})
    prepare_folder(config.data_dir)
    click.echo(rotate(config))
