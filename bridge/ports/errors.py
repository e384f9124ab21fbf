"""Errors by what to do next. Each carries two texts: one for the merchant, one for the developer.

::

    BridgeError
    |-- RetryLater          nobody's fault; the same call may work soon
    |   `-- SlowDown        the outside asked us to wait until a given time
    |-- UnknownOutcome      it may or may not have happened: look, then decide
    |-- Reauthorise         the connection's credentials no longer work
    |-- AskMerchant         a setting or the data is wrong; only a person can mend it
    |-- RejectItem          this one item is refused for good; the others are fine
    |   `-- NotFound        the thing does not exist (any more)
    `-- Superseded          the work in hand is no longer the work to do (not a fault)

==========================================================  ==================
situation                                                   raise
==========================================================  ==================
5xx, connection refused, DNS, an HTML page instead of JSON  RetryLater
429, a Retry-After, an open circuit breaker                 SlowDown
time-out or reset after a write went out                    UnknownOutcome
401 after one refresh; 403 that means "expired"             Reauthorise
store URL redirects, wrong permission, wrong currency       AskMerchant
422 or 400 on one product or order                          RejectItem
404 on something we knew                                    NotFound
lease lost, or a newer value to send                        Superseded
==========================================================  ==================
"""

from __future__ import annotations

from datetime import timedelta


class BridgeError(Exception):
    """Base of all. ``merchant``: what happened and what to do. ``developer``: the redacted exchange."""

    def __init__(self, merchant: str, *, developer: str = "", field: str | None = None) -> None:
        super().__init__(merchant if not developer else f"{merchant} [{developer}]")
        self.merchant = merchant
        self.developer = developer
        self.field = field


class RetryLater(BridgeError):
    """A passing fault. ``after`` is a wish of the other side, where it has one."""

    def __init__(self, merchant: str, *, developer: str = "", after: timedelta | None = None) -> None:
        super().__init__(merchant, developer=developer)
        self.after = after


class SlowDown(RetryLater):
    """The other side wants to be left alone for ``after``; only this connection waits."""


class UnknownOutcome(BridgeError):
    """A write went out and no answer came back."""


class Reauthorise(BridgeError):
    """The credentials are refused. The connection is parked until the merchant reconnects."""


class AskMerchant(BridgeError):
    """Only a person can mend it. ``field`` names the setting or the product field. Raised by a call for many items, it
    is about the connection and not about one of them: all wait, and one problem says so."""


class RejectItem(BridgeError):
    """The other side refuses this item; sending it again unchanged is pointless."""


class NotFound(RejectItem):
    """It does not exist on the other side."""


class Superseded(BridgeError):
    """The lease was lost or a newer value exists: drop what is in hand, nothing was sent."""
