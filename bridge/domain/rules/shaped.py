"""What rules make of a product, with a trace of every field they touched."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from bridge.domain.buffers import AdaptiveBuffer, Buffer, FixedBuffer, PercentBuffer
from bridge.domain.listing import Finding
from bridge.domain.money import Money
from bridge.domain.rules.subject import Attributes

_FINEST = Decimal("0.000001")


# A price on its way, not rounded yet.
Price = tuple[Decimal | None, str]
Traced = str | tuple[str, ...] | int | Price | Buffer | None
# A touch before anybody reads it: field, rule, before, after, note. Putting it in words is left until then.
Change = tuple[str, str, Traced, Traced, str]


class Touch(NamedTuple):
    """``rule`` changed ``field`` from ``before`` to ``after`` (as text, empty = nothing). ``note``: the rate, the VAT.

    What no rule did but a setting of the connection has a rule name in brackets: ``(VAT)``, ``(rounding)``.
    """

    field: str
    rule: str
    before: str
    after: str
    note: str = ""


class Shaped(NamedTuple):
    """The product after all rules. None in ``buffer``, ``cap`` and ``handling_days``: the connection's own setting.

    ``attributes`` are those that rules have written; the others stay as the store or the mapping has them.
    ``price`` is in the smallest coin of its currency and contains VAT; None where there is none or it could not be
    worked out, which a blocking finding explains. ``excluded`` and ``held`` give the reason.
    """

    title: str
    description: str
    bullets: tuple[str, ...]
    brand: str
    attributes: Attributes
    price: Money | None
    buffer: Buffer | None
    cap: int | None
    handling_days: int | None
    excluded: str | None
    held: str | None
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]

    @property
    def blocked(self) -> bool:
        return any(finding.blocking for finding in self.findings)

    @property
    def trace(self) -> tuple[Touch, ...]:
        """Every change of every field, in order."""
        return tuple(
            Touch(field, rule, _words(field, before), _words(field, after), note)
            for field, rule, before, after, note in self.changes
        )


def _words(field: str, value: Any) -> str:
    """Several values one under the other; a price that is not rounded yet with six places at most."""
    match value:
        case None:
            return ""
        case FixedBuffer():
            return f"{value.units} units"
        case PercentBuffer():
            return f"{value.percent} %"
        case AdaptiveBuffer():
            return f"by rate of sale, risk {value.risk * 100:.3g} %"
        case tuple():
            return _price(*value) if field == "price" else "\n".join(value)
        case _:
            return str(value)


def _price(amount: Decimal | None, currency: str) -> str:
    if amount is None:
        return ""
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -6:
        amount = amount.quantize(_FINEST)
    return f"{amount:f} {currency}"
