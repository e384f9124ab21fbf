"""Shopify stores over the GraphQL Admin API."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from platform_adapters.shopify.app import ShopifyApp
from platform_adapters.shopify.platform import MANIFEST, ShopifyPlatform
from platform_adapters.shopify.rehearsal import ShopifyRehearsal
from platform_adapters.shopify.sandbox import SANDBOX_SECRET, SANDBOX_TOKEN, create_sandbox
from platform_adapters.shopify.webhooks import ShopifyDoor

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=ShopifyPlatform,
    sandbox=create_sandbox,
    sandbox_credentials={"access_token": SANDBOX_TOKEN, "client_secret": SANDBOX_SECRET},
    webhooks=ShopifyDoor(),
    app=ShopifyApp(),
    rehearsal=ShopifyRehearsal,
)
