"""Every marketplace that runs on Mirakl: the seller API of the Mirakl Marketplace Platform."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from bridge.ports.manifest import Limit
from channel_adapters.mirakl.channel import MANIFEST, MiraklChannel
from channel_adapters.mirakl.operators import SANDBOX_KEY
from channel_adapters.mirakl.sandbox import create_sandbox

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=MiraklChannel,
    sandbox=create_sandbox,
    sandbox_credentials={"api_key": SANDBOX_KEY},
    # It takes what it gets: "once per minute" would only make people wait.
    sandbox_limits={"*": Limit(calls=50, seconds=1, source="ours: no marketplace stands behind it")},
)
