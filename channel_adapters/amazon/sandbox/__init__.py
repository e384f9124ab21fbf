"""Amazon's Selling Partner API in miniature, as the official models say, over real HTTP.

Besides what every sandbox has (bridge.ports.sandbox, bridge.ports.sandbox_control), all JSON:

=======  ======================================  ==========================================================
method   path under ``/_sandbox/``               effect
=======  ======================================  ==========================================================
POST     orders                                  a buyer orders: {lines: [{sku or ean, quantity, unit_price?,
                                                 discount?, shipping?, title?}], buyer?, site?, placed_at?,
                                                 ship_by?, fulfilled_by?, tax?, business?, pending?, force?}
                                                 -> {order_id}; 404 or 409 when it cannot be bought
POST     orders/bulk                             {count, skus, seed, force?} -> {order_ids, refused}
GET      orders                                  all orders with lines, shipments and refunds
POST     orders/<order_id>/request-cancellation  the buyer asks to cancel {line_id?}
POST     orders/<order_id>/cancel                what is open is cancelled by the buyer
POST     orders/<order_id>/release               a pending order may be shipped from now on
POST     returns                                 {order_id, lines: [{sku or line_id, quantity, reason?}]}
GET      returns                                 all returns with what was refunded
POST     offers                                  a listing that exists already, see ExistingOffer
GET      offers                                  all listings, one for each marketplace they are on
POST     issues                                  what Amazon finds out later about a SKU, see Issue
POST     unknown-products                        {ean}: Amazon's catalogue does not have it
=======  ======================================  ==========================================================

Consents are played as bridge.ports.sandbox_consent says.

Faults are named by the operationIds of the models, and ``token``, ``schema``, ``upload``, ``download``. ``partial``
on createFeed refuses messages (by ``keys`` or ``every``); ``not_applied`` accepts and does nothing; ``stuck_cursor``
repeats pages of searchOrders and searchListingsItems.
"""

from bridge.ports.adapter import later
from channel_adapters.amazon.sandbox.options import FRANCE, GERMANY, Options

__all__ = ["FRANCE", "GERMANY", "Options", "create_sandbox"]

create_sandbox = later("channel_adapters.amazon.sandbox.app", "create_sandbox")
