"""The marketplaces that run on Mirakl, as data: a merchant picks a name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bridge.domain.values import Value
from bridge.ports.errors import AskMerchant
from bridge.ports.manifest import Manifest

OTHER = "Other"
# What our own sandbox takes out of the box; no marketplace gives such a key.
SANDBOX_KEY = "sandbox-mirakl-key"


class Operator(Value):
    """One marketplace. ``url`` only where it is publicly known; ``source`` says where it was seen."""

    name: str
    countries: tuple[str, ...] = ()
    url: str = ""
    source: str


@cache
def operators() -> Mapping[str, Operator]:
    content = tomllib.loads((Path(__file__).parent / "operators.toml").read_text(encoding="utf-8"))
    known = [Operator.model_validate(item) for item in content["operator"]]
    return {operator.name: operator for operator in known}


def with_operators(manifest: Manifest) -> Manifest:
    """The manifest with the names to choose from."""
    names = {OTHER: OTHER, **{name: name for name in operators()}}
    more = {"choices": names, "places": {name: found.countries for name, found in operators().items()}}
    fields = [field.model_copy(update=more) if field.name == "operator" else field for field in manifest.credentials]
    return manifest.model_copy(update={"credentials": tuple(fields)})


def base_url(credentials: Mapping[str, str]) -> str:
    """Where the API is: the address given, else the one that is known of the marketplace. Raises AskMerchant."""
    known = operators().get(str(credentials.get("operator") or ""))
    address = str(credentials.get("url") or (known.url if known else "")).rstrip("/")
    if not address:
        name = known.name if known else "this marketplace"
        text = f"The address of {name} is not known here: enter that of its back office, where you log in as a seller."
        raise AskMerchant(f"Mirakl: {text}", field="url")
    for tail in ("/api", "/login", "/mmp/shop", "/mmp"):
        address = address.removesuffix(tail)
    return address
