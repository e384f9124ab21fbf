"""Allegro: REST API, one seller account with its marketplaces."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from channel_adapters.allegro.account import MANIFEST
from channel_adapters.allegro.channel import AllegroChannel
from channel_adapters.allegro.consent import CONSENT
from channel_adapters.allegro.sandbox import create_sandbox
from channel_adapters.allegro.sandbox.options import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=AllegroChannel,
    sandbox=create_sandbox,
    sandbox_credentials={
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
    },
    consent=CONSENT,
)
