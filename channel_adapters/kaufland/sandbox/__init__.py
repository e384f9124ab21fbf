"""Kaufland in miniature: the Seller API v2 as the official specification says, over real HTTP.

Besides what every sandbox has (bridge.ports.sandbox, bridge.ports.sandbox_control), all JSON:

=======  ======================================  =========================================================
method   path under ``/_sandbox/``               effect
=======  ======================================  =========================================================
POST     orders                                  a buyer orders: {lines: [{sku or ean, quantity, unit_price?,
                                                 shipping?}], storefront?, status?, paid?, placed_at?,
                                                 fulfillment_type?, deemed_supplier?, pickup?, force?} ->
                                                 {order_id}; 404 or 409 when it cannot be bought
POST     orders/bulk                             {count, skus, seed, force?} -> {order_ids, refused}
GET      orders                                  all orders with pieces and shipments
POST     orders/<order_id>/pay                   the payment arrives
POST     orders/<order_id>/request-cancellation  the buyer asks in a ticket {line_id?}
POST     orders/<order_id>/expire                what was not sent in time is cancelled by Kaufland
POST     returns                                 {order_id, lines: [{sku or line_id, quantity, reason?}], arrived?}
GET      returns                                 all returns with their state
POST     returns/<return_id>/arrive              the parcel is back
GET      tickets                                 all tickets with their messages
POST     offers                                  an offer that exists already: {sku, ean, stock, price, storefront?}
GET      offers                                  all offers: what was sent, what can be bought, why not
POST     products                                {ean, missing: [...], locale?}: what its product data lacks
=======  ======================================  =========================================================

Faults are named by the operationIds of the specification. ``partial`` refuses items of a bulk update with their own
status (params: status, default 500; keys are unit numbers); ``not_applied`` answers well and does nothing;
``stuck_cursor`` repeats the first page of every list.
"""

from bridge.ports.adapter import later
from channel_adapters.kaufland.sandbox.options import Options

__all__ = ["Options", "create_sandbox"]

create_sandbox = later("channel_adapters.kaufland.sandbox.app", "create_sandbox")
