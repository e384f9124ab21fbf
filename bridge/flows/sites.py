"""The country sites of one account: which of them a connection sells on, and how they are called."""

from __future__ import annotations

from collections import Counter

from bridge.db.tables import Connection
from bridge.ports.manifest import FormField, Manifest, Site

NAMES = "site_names"


def site_field(manifest: Manifest) -> tuple[FormField, ...]:
    """The setting ``sites``, for adapters that have any."""
    if not manifest.sites:
        return ()
    text = "The country sites to sell on. Default: those your account sells on."
    names = site_names(manifest)
    return (FormField(name="sites", label="Country sites", help=text, kind="list", required=False, choices=names),)


def used_sites(manifest: Manifest, row: Connection) -> tuple[Site, ...]:
    """By the setting, else those that the check of the account found, else all; none where an account is one site."""
    for chosen in (row.settings.get("sites"), (row.info or {}).get("sites")):
        found = tuple(site for site in manifest.sites if site.code in (chosen or ()))
        if found:
            return found
    return manifest.sites


def site_names(manifest: Manifest) -> dict[str, str]:
    """What people call each site, by its code: the country, with the language where a country has several."""
    times = Counter(site.country for site in manifest.sites)
    return {
        site.code: site.name
        or (f"{site.country} {site.language or site.code}" if times[site.country] > 1 else site.country)
        for site in manifest.sites
    }


def site_name(row: Connection, code: str) -> str:
    """As remembered when the account was checked; the code itself before that, "" where an account is one site."""
    return str((row.info or {}).get(NAMES, {}).get(code, code))


def place(row: Connection, code: str) -> str:
    """The marketplace as a person names it, with its site where it has several."""
    return f"{row.title} {site_name(row, code)}".rstrip()


def subject(sku: str, row: Connection, code: str) -> str:
    """What a problem of one listing is about."""
    return f"{sku} on {place(row, code)}"
