"""WooCommerce stores over REST v3, and with our own plugin where it is installed."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from platform_adapters.woocommerce.consent import HANDOVER
from platform_adapters.woocommerce.module import PACKAGE, WooModule
from platform_adapters.woocommerce.platform import MANIFEST, WooPlatform
from platform_adapters.woocommerce.rehearsal import WooRehearsal
from platform_adapters.woocommerce.sandbox import SANDBOX_KEY, SANDBOX_SECRET, create_sandbox
from platform_adapters.woocommerce.webhooks import WooDoor

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=WooPlatform,
    sandbox=create_sandbox,
    sandbox_credentials={"consumer_key": SANDBOX_KEY, "consumer_secret": SANDBOX_SECRET},
    webhooks=WooDoor(),
    rehearsal=WooRehearsal,
    consent=HANDOVER,
    package=PACKAGE,
    module=WooModule(),
)
