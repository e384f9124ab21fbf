"""Being connected by the plugin: the bridge calls the store back with the code it was given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from bridge.ports.http import Transport
from bridge.ports.package import Package
from bridge.ports.storemodule import Activation, Asked, Proof, call_back
from platform_adapters.woocommerce.plugin import SPACE

_SOURCE = Path(__file__).parent / "plugin" / "storebridge"


def _version() -> str:
    header = re.search(r"^ \* Version: (\S+)$", (_SOURCE / "storebridge.php").read_text("utf-8"), re.MULTILINE)
    assert header is not None  # noqa: S101 - our own file, held by a test
    return header[1]


PACKAGE = Package(source=_SOURCE, name="storebridge-woocommerce", version=_version(), root="storebridge")


class WooModule:
    """The StoreModule of WooCommerce. Its plugin makes the keys itself; there is no handshake of the platform's."""

    version = PACKAGE.version

    def activated(self, form: Mapping[str, str]) -> Activation | None:
        return None

    def prove(
        self,
        asked: Asked,
        challenge: str,
        transport: Transport,
        clock: Callable[[], datetime],
        activation: Activation | None,
    ) -> Proof:
        return call_back(transport, f"{asked.api_url}{SPACE}/prove", asked, challenge)
