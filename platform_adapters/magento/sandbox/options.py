"""What a merchant or a host can set differently, and the keys that the sandbox takes out of the box."""

from __future__ import annotations

from dataclasses import dataclass

SANDBOX_KEYS = {
    "consumer_key": "ck00sandbox00sandbox00sandbox000",
    "consumer_secret": "cs00sandbox00sandbox00sandbox000",
    "access_token": "at00sandbox00sandbox00sandbox000",
    "access_token_secret": "ts00sandbox00sandbox00sandbox000",
}


@dataclass(frozen=True)
class Options:
    """``bearer``: tokens are taken as bearers (Magento's default is no). ``msi``: Multi Source Inventory is there.
    ``salable_export``: so is its list of salable quantities, as the official description has it. ``sources`` of the
    website's stock; others than "default" make it stock 2. ``denied``: API resources, by their module's name.
    ``module``: Storebridge's own module is installed. ``attribute_set``: its only one; ``ean``: the attribute in it
    with the EAN; ``required``: those of its attributes that a new product must have. ``port_told``: its web
    server tells PHP the port that it was called at, which is then signed; Debian's nginx does not.
    ``currency_setting``: what the website is set to, where it is not its ``currency``, since prices are the same in all
    websites. ``global_currency``: the store's, where the website's ``currency`` is another; ``rate`` from this to that,
    ``rate_back`` the other way, 0 where the store has none, None where the currency is not allowed in that scope."""

    bearer: bool = False
    msi: bool = True
    salable_export: bool = True
    sources: tuple[str, ...] = ("default",)
    currency: str = "EUR"
    currency_setting: str = ""
    global_currency: str = ""
    rate: float | None = None
    rate_back: float | None = None
    timezone: str = "Europe/Amsterdam"
    denied: tuple[str, ...] = ()
    module: bool = False
    attribute_set: int = 4
    ean: str = "ean"
    required: tuple[str, ...] = ()
    port_told: bool = True
