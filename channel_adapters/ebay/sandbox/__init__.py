"""eBay in miniature: the Sell, Commerce and Post-Order APIs as their descriptions say, over real HTTP.

Besides what every sandbox has (bridge.ports.sandbox, bridge.ports.sandbox_control), all JSON:

=======  ======================================  =========================================================
method   path under ``/_sandbox/``               effect
=======  ======================================  =========================================================
POST     orders                                  a buyer orders: {lines: [{sku, quantity, unit_price?, shipping?,
                                                 discount?, tax?}], site?, note?, paid?, placed_at?, tax_by_ebay?,
                                                 by_ebay?, hub?, buyer?, force?} -> {order_id}; 404 or 409 when it
                                                 cannot be bought
GET      orders                                  all orders with lines, parcels and refunds
POST     orders/<order_id>/pay                   the payment arrives
POST     orders/<order_id>/request-cancellation  the buyer asks to cancel the order
POST     orders/<order_id>/fail-refunds          refunds on their way fail
POST     returns                                 {order_id, lines: [{sku or line_id, quantity, reason?}], status?,
                                                 comment?}: one line each
GET      returns                                 all returns
POST     offers                                  an offer that exists already: {sku, ean, stock, price, site?, title?,
                                                 more? (of the item), product?}
GET      offers                                  all published offers, and what a buyer sees of them
POST     offers/<offer_id>/hold                  {held}: eBay puts the listing on hold
GET      subscriptions                           who is told of orders
POST     switch-off/<kind>                       destinations or subscriptions: eBay switches them off
=======  ======================================  =========================================================

Consents are played as bridge.ports.sandbox_consent says.

Faults are named by the operationIds of eBay's descriptions (``token`` is OAuth's). ``partial`` refuses items of a bulk
call with their own status (params: status, default 500; keys are SKUs or offer numbers, or every); ``not_applied``
answers well and does nothing; ``stuck_cursor`` repeats the first page of a list.
"""

from bridge.ports.adapter import later
from channel_adapters.ebay.sandbox.options import Options

__all__ = ["Options", "create_sandbox"]

create_sandbox = later("channel_adapters.ebay.sandbox.app", "create_sandbox")
