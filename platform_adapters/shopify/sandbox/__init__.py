"""A Shopify store in miniature: the GraphQL Admin API on the part of the official schema that is used, really executed;
with costs and throttling, exports, webhooks that are signed and repeated, session tokens and access tokens that expire.

What a merchant or Shopify can set differently is an option (:class:`Options`). Control surface:
:mod:`platform_adapters.shopify.sandbox.control`. It is one process; its bucket and its deliveries are not shared.
"""

from bridge.ports.adapter import later
from platform_adapters.shopify.sandbox.options import SANDBOX_CLIENT, SANDBOX_SECRET, SANDBOX_TOKEN, Options, Place

__all__ = ["SANDBOX_CLIENT", "SANDBOX_SECRET", "SANDBOX_TOKEN", "Options", "Place", "create_sandbox"]

create_sandbox = later("platform_adapters.shopify.sandbox.app", "create_sandbox")
