"""bol.com: Retailer API v10, Offers v11."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from channel_adapters.bol.channel import MANIFEST, BolChannel
from channel_adapters.bol.sandbox import create_sandbox

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=BolChannel,
    sandbox=create_sandbox,
    sandbox_credentials={"client_id": "sandbox-client", "client_secret": "sandbox-secret"},
)
