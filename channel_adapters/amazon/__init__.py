"""Amazon: Selling Partner API; Orders 2026-01-01, Listings Items 2021-08-01, Feeds and Reports 2021-06-30."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from channel_adapters.amazon.account import MANIFEST
from channel_adapters.amazon.channel import AmazonChannel
from channel_adapters.amazon.consent import CONSENT
from channel_adapters.amazon.sandbox import create_sandbox

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=AmazonChannel,
    sandbox=create_sandbox,
    sandbox_credentials={
        "seller_id": "A2SANDBOXSELLER",
        "client_id": "amzn1.application-oa2-client.sandbox",
        "client_secret": "amzn1.oa2-cs.v1.sandbox-secret",
        "refresh_token": "Atzr|sandbox-refresh-token",
    },
    consent=CONSENT,
)
