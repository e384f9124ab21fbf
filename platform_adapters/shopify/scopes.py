"""The access scopes the app asks for: the least that its documents and its webhooks need (held against Shopify's own
table in the tests), those it does more with, and those a merchant may add."""

from __future__ import annotations

from collections.abc import Iterable

from shopify.api_access import ApiAccess, ApiAccessError

SCOPES = ("read_fulfillments", "read_inventory", "read_locations", "read_products", "write_orders")
# Asked for at the installation; a store that was connected before, or whose token lacks it, goes on without.
RETURNS = "write_returns"
WISHED_SCOPES = (RETURNS,)
OPTIONAL_SCOPES = ("write_inventory",)
# Not asked for: Shopify gives it to few public apps.
ALL_ORDERS = "read_all_orders"
NO_RETURNS = f"The app lacks the access scope {RETURNS}, so returns are notes and refunds in the store."
GIVE_RETURNS = (
    f"With the access scope {RETURNS} the returns of marketplaces are kept as returns in the store, with their reason, "
    "the units that are awaited and their refund; without it they are notes and refunds. A custom app gets it under "
    "Settings, Apps, Develop apps; an installed app asks for it when it is opened after an update."
)


def lacking(lost: Iterable[str]) -> str:
    """What the merchant does about scopes that were not granted to an app of the store's own."""
    return (
        f"The app lacks the access scopes {', '.join(lost)}. Add them in the store's admin (Settings, Apps, Develop "
        "apps, your app, Configuration, Admin API integration), install the app again, and enter the token "
        "that is shown then."
    )


def missing(granted: Iterable[str], wanted: Iterable[str] = SCOPES) -> list[str]:
    """Scopes that were not granted; a right to write is one to read too."""
    try:
        given = ApiAccess([name for name in granted if name])
    except ApiAccessError:  # a scope of a kind that the package does not know
        given = ApiAccess([name for name in granted if name.partition("_")[0] in ("read", "write")])
    return [name for name in wanted if not given.covers(ApiAccess([name]))]
