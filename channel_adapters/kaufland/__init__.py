"""Kaufland Global Marketplace: Seller API v2."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from channel_adapters.kaufland.channel import MANIFEST, KauflandChannel
from channel_adapters.kaufland.sandbox import create_sandbox
from channel_adapters.kaufland.sandbox.options import CLIENT_KEY, SECRET_KEY

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=KauflandChannel,
    sandbox=create_sandbox,
    sandbox_credentials={"client_key": CLIENT_KEY, "secret_key": SECRET_KEY},
)
