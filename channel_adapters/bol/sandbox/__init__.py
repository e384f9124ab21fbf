"""bol.com in miniature: the Retailer API as the official specification says, over real HTTP.

Besides what every sandbox has (bridge.ports.sandbox, bridge.ports.sandbox_control), all JSON:

=======  ======================================  =========================================================
method   path under ``/_sandbox/``               effect
=======  ======================================  =========================================================
POST     orders                                  a buyer orders: {lines: [{sku or ean, quantity, unit_price?,
                                                 discount?, title?}], buyer?, placed_at?,
                                                 latest_delivery_date?, expiry_date?, fulfilment_method?,
                                                 force?} -> {order_id}; 404 or 409 when it cannot be bought
POST     orders/bulk                             {count, skus, seed, force?} -> {order_ids, refused}
GET      orders                                  all orders with lines and shipments
POST     orders/<order_id>/request-cancellation  the buyer asks to cancel {line_id?}
POST     orders/<order_id>/expire                what is open expires now
POST     returns                                 {order_id, lines: [{sku or line_id, quantity, reason?}]}
GET      returns                                 all returns with what was decided
POST     offers                                  an offer that exists already: {sku, ean, stock, price}
GET      offers                                  all offers: what was sent, what can be bought, why not
POST     products                                {ean, missing: [...]}: what bol's catalogue lacks of it
POST     outcomes                                {event_type, status, error?}: how the next process ends
=======  ======================================  =========================================================

Faults are named by the operationIds of the specification, and ``token``. ``partial`` leaves statuses out of a bulk
process status answer; ``not_applied`` answers 201, 204 or (in the end) SUCCESS without doing anything;
``stuck_cursor`` repeats the first page of orders, shipments and returns, and the cursor of offers.
"""

from bridge.ports.adapter import later
from channel_adapters.bol.sandbox.options import OPERATOR_ID, Options

__all__ = ["OPERATOR_ID", "Options", "create_sandbox"]

create_sandbox = later("channel_adapters.bol.sandbox.app", "create_sandbox")
