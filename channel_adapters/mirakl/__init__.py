"""Every marketplace that runs on Mirakl: the seller API of the Mirakl Marketplace Platform."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from channel_adapters.mirakl.channel import MANIFEST, MiraklChannel
from channel_adapters.mirakl.operators import SANDBOX_KEY
from channel_adapters.mirakl.sandbox import create_sandbox

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=MiraklChannel,
    sandbox=create_sandbox,
    sandbox_credentials={"api_key": SANDBOX_KEY},
)
