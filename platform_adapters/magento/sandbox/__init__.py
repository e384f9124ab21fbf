"""A Magento store in miniature: REST V1, sources and reservations, orders that are saved as they are sent.

Everything here behaves as measured on Magento Open Source 2.4.7-p3; what a merchant can set differently is an option
(:class:`Options`). Control surface: :mod:`platform_adapters.magento.sandbox.control`.
"""

from bridge.ports.adapter import later
from platform_adapters.magento.sandbox.options import SANDBOX_KEYS, Options

__all__ = ["SANDBOX_KEYS", "Options", "create_sandbox"]

create_sandbox = later("platform_adapters.magento.sandbox.app", "create_sandbox")
