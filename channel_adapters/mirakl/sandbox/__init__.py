"""A Mirakl operator in miniature: the seller API as the official specification says, over real HTTP.

Besides what every sandbox has (bridge.ports.sandbox, bridge.ports.sandbox_control), all JSON:

=======  ======================================  =========================================================
method   path under ``/_sandbox/``               effect
=======  ======================================  =========================================================
POST     orders                                  a buyer orders: {lines: [{sku, quantity, unit_price?, discount?,
                                                 fee?}], buyer?, placed_at?, pickup_point?, centre?,
                                                 shipping_price?, state?, force?} -> {order_id}; 404 or 409
POST     orders/bulk                             {count, skus, seed, force?} -> {order_ids, refused}
GET      orders                                  all orders with lines, refunds and shipments
POST     orders/<order_id>/request-cancellation  the operator cancels for the buyer what has not left
POST     orders/<order_id>/state                 {state, line_state?}: the order is in this state now
POST     returns                                 {order_id, lines: [{sku or line_id, quantity, reason?}]}
GET      returns                                 all returns with what was decided
POST     offers                                  an offer that exists already: {sku, ean, stock, price, more?}
GET      offers                                  all offers: what was sent, what can be bought, why not
POST     plans                                   {kind, reason}: the next import of this kind (stock, price,
                                                 offer, product) fails as a whole
=======  ======================================  =========================================================

Faults are named by the operationIds of the specification. ``partial`` refuses lines of an import (``every`` n-th, or
those with SKUs in ``keys``), the shipments of ST01 and the returns of RT21 to RT26; ``not_applied`` answers as always
and does nothing; ``stuck_cursor`` repeats the first page of lists.
"""

from bridge.ports.adapter import later
from channel_adapters.mirakl.sandbox.options import Options

__all__ = ["Options", "create_sandbox"]

create_sandbox = later("channel_adapters.mirakl.sandbox.app", "create_sandbox")
