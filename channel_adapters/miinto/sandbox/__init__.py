"""Miinto in miniature, as far as public clients and pages tell how it is: the auth service, the order API, the product
map, and a fetcher of feeds, over real HTTP.

Besides the kit's control surface (bridge.ports.sandbox) this one has, all JSON:

=======  ===============================  =========================================================================
method   path under ``/_sandbox/``        effect
=======  ===============================  =========================================================================
POST     feed                             {url}: fetch the feed there, now and at every look
POST     feed/fetch                       fetch it now -> {fetched, rows, faults}
GET      feed                             what the last whole file held, and what was wrong with it
GET      offers                           looks at the feed, then all products as they were taken from it
POST     orders                           a buyer orders: {lines: [{sku, quantity, unit_price?}], transfer?, shop?,
                                          currency?, placed_at?, unmapped?, force?} -> {order_id}; accepted already
                                          unless it is a transfer; 404 or 409 when it cannot be bought
GET      orders                           transfers and orders
POST     orders/<number>/withdraw         a transfer goes to another shop
POST     channels/end                     every channel has ended
=======  ===============================  =========================================================================

The file is taken whole; of a product that is known only stock and prices are taken over, and one whose brand, colour,
size or group has changed goes offline. Faults are named by the operations of ``operations.py``.
"""

from bridge.ports.adapter import later
from channel_adapters.miinto.sandbox.options import Options

__all__ = ["Options", "create_sandbox"]

create_sandbox = later("channel_adapters.miinto.sandbox.app", "create_sandbox")
