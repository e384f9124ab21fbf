"""A WooCommerce store in miniature: REST v3, orders that move stock, webhooks with their habits.

Everything here behaves as measured on WooCommerce 10.5; what a merchant or a host can set differently is an
option (:class:`Options`). Control surface: :mod:`platform_adapters.woocommerce.sandbox.control`. It is one process:
its state, its nonces and its webhook runner are not shared between several.
"""

from bridge.ports.adapter import later
from platform_adapters.woocommerce.sandbox.options import SANDBOX_KEY, SANDBOX_SECRET, ApiKey, Options

__all__ = ["SANDBOX_KEY", "SANDBOX_SECRET", "ApiKey", "Options", "create_sandbox"]

create_sandbox = later("platform_adapters.woocommerce.sandbox.app", "create_sandbox")
