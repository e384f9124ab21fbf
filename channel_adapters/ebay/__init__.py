"""eBay: Inventory, Fulfillment, Account, Taxonomy, Notification and Post-Order APIs."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from channel_adapters.ebay.account import MANIFEST
from channel_adapters.ebay.channel import EbayChannel
from channel_adapters.ebay.consent import CONSENT
from channel_adapters.ebay.sandbox import create_sandbox
from channel_adapters.ebay.sandbox.options import CREDENTIALS

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=EbayChannel,
    sandbox=create_sandbox,
    sandbox_credentials=CREDENTIALS,
    consent=CONSENT,
)
