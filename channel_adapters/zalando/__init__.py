"""Zalando partner program: the zDirect APIs."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from channel_adapters.zalando.channel import MANIFEST, ZalandoChannel
from channel_adapters.zalando.sandbox import create_sandbox
from channel_adapters.zalando.sandbox.options import CLIENT_ID, CLIENT_SECRET, DEFAULT_ATTRIBUTES, OUTLINE

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=ZalandoChannel,
    sandbox=create_sandbox,
    sandbox_credentials={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    sandbox_settings={"default_outline": OUTLINE, "default_attributes": list(DEFAULT_ATTRIBUTES)},
)
