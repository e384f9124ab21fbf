"""A product while the rules go over it: the only thing here that changes, and it never leaves ``Compiled.apply``."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cached_property, lru_cache

from bridge.domain.buffers import Buffer
from bridge.domain.listing import Finding
from bridge.domain.mapping.evaluate import Mapped
from bridge.domain.money import Money
from bridge.domain.rules.shaped import Change, Shaped
from bridge.domain.rules.subject import Attributes, Subject

# What a currency's lowest or highest price is, and the rule that says so.
Bound = tuple[Callable[[str], Decimal], str]


class CannotPrice(Exception):
    """An action has no price to give: its text says what is missing, ``field`` where to mend it."""

    def __init__(self, field: str, text: str, fix: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text
        self.fix = fix


class State:
    """The working copy. ``vat`` is the percentage that ``amount`` contains, None where that is not known. What most
    products never get has its default on the class: there are hundreds of thousands of these."""

    floor: Bound | None = None
    ceiling: Bound | None = None
    buffer: Buffer | None = None
    cap: int | None = None
    handling_days: int | None = None
    excluded: str | None = None
    held: str | None = None
    findings: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()

    def __init__(self, subject: Subject, vat: Decimal | None, mapped: Mapped | None = None) -> None:
        self.subject = subject
        self.title = subject.title
        self.description = subject.description
        self.bullets = subject.bullets
        self.brand = subject.brand
        self.written: Attributes = {}
        self._mapped = mapped
        if mapped is not None:
            for name, text in mapped.texts.items():
                setattr(self, name, text)
            self.bullets = mapped.bullets
        price = subject.price
        self.amount: Decimal | None = price.amount if price else None
        self.currency = price.currency if price else ""
        self.vat = vat
        self.changes: list[Change] = []

    @cached_property
    def attributes(self) -> Attributes:
        """Those of the store, under what the mapping makes of them."""
        mapped = self._mapped
        return self.subject.attributes if mapped is None else {**self.subject.attributes, **mapped.attributes}

    def write_attribute(self, name: str, value: str | tuple[str, ...]) -> None:
        """The subject's own attributes are shared by all channels and stay as they are."""
        self.attributes = {**self.attributes, name: value}
        self.written = {**self.written, name: value}

    def lacks(self, what: str) -> None:
        """What a condition would have to know."""
        self.missing = (*self.missing, what)

    def lacking(self, ask: Judge) -> tuple[str, ...]:
        """What this condition lacks. It is asked once more: those before it have noted what they lacked, too."""
        self.missing = ()
        ask(self)
        return self.missing

    def priced(self, rule: str, amount: Decimal, currency: str, note: str = "") -> None:
        """The price becomes this; traced where that is a change."""
        if amount != self.amount or currency != self.currency:
            self.changes.append(("price", rule, (self.amount, self.currency), (amount, currency), note))
        self.amount, self.currency = amount, currency

    def unpriced(self, error: CannotPrice) -> None:
        """There is no price from here on, for the first reason found; everything else goes on."""
        self.amount = None
        if not any(finding.rule == "price_rule" for finding in self.findings):
            self.complain("price_rule", error.field, True, error.text, error.fix)

    def complain(self, rule: str, field: str, blocking: bool, text: str, fix: str) -> None:
        self.findings = (*self.findings, Finding(rule, field, blocking, text, fix))

    def shaped(self) -> Shaped:
        """The result; a product that is excluded has no price."""
        return Shaped(
            self.title,
            self.description,
            self.bullets,
            self.brand,
            self.written,
            None if self.excluded is not None or self.amount is None else _money(self.amount, self.currency),
            self.buffer,
            self.cap,
            self.handling_days,
            self.excluded,
            self.held,
            self.findings,
            tuple(self.changes),
        )


@lru_cache(maxsize=10000)
def _money(amount: Decimal, currency: str) -> Money:
    """Prices repeat: most end alike. All of one currency have the same number of places, so equal ones look equal."""
    return Money(amount=amount, currency=currency)


Judge = Callable[[State], bool | None]
Act = Callable[[State], None]
