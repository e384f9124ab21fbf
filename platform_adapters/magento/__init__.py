"""Magento 2, Mage-OS and Adobe Commerce stores over REST, better with our module in the store."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from platform_adapters.magento.platform import MANIFEST, MagentoPlatform
from platform_adapters.magento.rehearsal import MagentoRehearsal
from platform_adapters.magento.sandbox import SANDBOX_KEYS, create_sandbox
from platform_adapters.magento.storemodule import PACKAGE, MagentoModule

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=MagentoPlatform,
    sandbox=create_sandbox,
    sandbox_credentials=SANDBOX_KEYS,
    rehearsal=MagentoRehearsal,
    package=PACKAGE,
    module=MagentoModule(),
)
