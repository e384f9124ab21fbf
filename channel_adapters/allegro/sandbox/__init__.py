"""Allegro in miniature: the REST API as the official specification says, over real HTTP.

Besides the control surface of all marketplaces (bridge.ports.sandbox_control) this one has, all JSON:

=======  ======================================  =========================================================
method   path under ``/_sandbox/``               effect
=======  ======================================  =========================================================
POST     orders                                  more fields: marketplace, status, payment, provider, invoice,
                                                 pickup, message, delivery_cost; of a line: original_price,
                                                 service, deposit, tax_rate
POST     orders/<order_id>/pay                   the form is filled in and paid
POST     orders/<order_id>/request-cancellation  the buyer cancels, at once
POST     orders/join                             {order_ids}: unpaid ones are paid for together and become a new one
POST     orders/<order_id>/touch                 something about the order changes: it has a new revision
POST     orders/<order_id>/status                {status}: the seller changes it by hand in My Allegro
POST     returns                                 more fields: status
POST     offers                                  more fields: prices {marketplace: amount}, status
POST     consent                                 the seller agrees once more -> {refresh_token}
POST     products                                {gtin, category, count}: what the catalogue has for a GTIN
POST     refusals                                {reason}: the next create or edit is refused after it was accepted
=======  ======================================  =========================================================

Consents are played as bridge.ports.sandbox_consent says.

Faults are named by the operationIds of the specification and ``token``. ``partial`` fails tasks of a command (params:
keys are offer numbers, or every), ``not_applied`` answers well and does nothing, ``stuck_cursor`` repeats the first
page of every list. Refresh tokens are good for one use, and are taken again for ``reuse_seconds``.
"""

from bridge.ports.adapter import later
from channel_adapters.allegro.sandbox.options import Options

__all__ = ["Options", "create_sandbox"]

create_sandbox = later("channel_adapters.allegro.sandbox.app", "create_sandbox")
