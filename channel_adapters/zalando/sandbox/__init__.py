"""Zalando's partner program in miniature: the zDirect APIs as their specifications and guides say, over real HTTP.

Besides what every sandbox has (bridge.ports.sandbox, bridge.ports.sandbox_control), all JSON:

=======  ======================================  =========================================================
method   path under ``/_sandbox/``               effect
=======  ======================================  =========================================================
POST     orders                                  besides what all have: country?, status? (initial, approved),
                                                 order_type?, shipping?
POST     orders/<order_id>/pay                   the payment arrives: the order is approved
POST     orders/<order_id>/fail                  it does not: Zalando cancels everything
POST     orders/<order_id>/request-cancellation  the buyer cancels at Zalando {line_id?}, done at once
POST     offers                                  besides what all have: country?
=======  ======================================  =========================================================

Faults are named by the operations in operations.py and ``token``. ``partial`` refuses items of a 207 (params: every);
``not_applied`` answers well and does nothing; ``stuck_cursor`` repeats the first page of every list.
"""

from bridge.ports.adapter import later
from channel_adapters.zalando.sandbox.options import Options

__all__ = ["Options", "create_sandbox"]

create_sandbox = later("channel_adapters.zalando.sandbox.app", "create_sandbox")
