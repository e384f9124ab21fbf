"""A product while the rules go over it: the only thing here that changes, and it never leaves ``Compiled.apply``."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from bridge.domain.buffers import Buffer
from bridge.domain.listing import Finding
from bridge.domain.money import Money
from bridge.domain.rules.shaped import Change, Shaped
from bridge.domain.rules.subject import Attributes, Subject


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

    floor: tuple[Money, str] | None = None
    ceiling: tuple[Money, str] | None = None
    buffer: Buffer | None = None
    cap: int | None = None
    handling_days: int | None = None
    excluded: str | None = None
    held: str | None = None
    findings: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()

    def __init__(self, subject: Subject, vat: Decimal | None) -> None:
        self.subject = subject
        self.title = subject.title
        self.description = subject.description
        self.bullets = subject.bullets
        self.brand = subject.brand
        self.attributes: Attributes = subject.attributes
        price = subject.price
        self.amount: Decimal | None = price.amount if price else None
        self.currency = price.currency if price else ""
        self.vat = vat
        self.changes: list[Change] = []

    def lacks(self, what: str) -> None:
        """What a condition would have to know."""
        self.missing = (*self.missing, what)

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
        finding = Finding(rule=rule, field=field, blocking=blocking, text=text, fix=fix)
        self.findings = (*self.findings, finding)

    def shaped(self) -> Shaped:
        """The result; a product that is excluded has no price."""
        return Shaped(
            self.title,
            self.description,
            self.bullets,
            self.brand,
            self.attributes,
            None if self.excluded is not None else self._price(),
            self.buffer,
            self.cap,
            self.handling_days,
            self.excluded,
            self.held,
            self.findings,
            tuple(self.changes),
        )

    def _price(self) -> Money | None:
        if self.amount is None:
            return None
        own = self.subject.price
        if own is not None and own.amount is self.amount and own.currency == self.currency:
            return own
        return Money(amount=self.amount, currency=self.currency)


Judge = Callable[[State], bool | None]
Act = Callable[[State], None]
