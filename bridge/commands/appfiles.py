"""app-files: what registers this installation as an app of a store platform."""

from __future__ import annotations

import click

from bridge.commands.door import Refused, opened, says_what_to_do


@click.command("app-files")
@click.argument("platform", default="shopify")
@says_what_to_do
def app_files(platform: str) -> None:
    """Print the files that register this installation as an app.

    For Shopify that is shopify.app.toml, to be given to `shopify app deploy`. STOREBRIDGE_PUBLIC_URL and
    STOREBRIDGE_SHOPIFY_CLIENT_ID are written into it.
    """
    with opened() as engine:
        adapter, keys = engine.platforms.get(platform), engine.apps.get(platform)
        if adapter is None or adapter.app is None:
            raise Refused(f"There is no app for {platform!r} here.")
        files = adapter.app.files(keys.client_id if keys else "", engine.public_url)
    for name, content in files.items():
        click.echo(f"# {name}\n{content}")
