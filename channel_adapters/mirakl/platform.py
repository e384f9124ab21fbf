"""What the operator has set and what the shop is, as far as it decides anything here. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from bridge.domain.money import Money
from bridge.domain.order import CancelReason
from bridge.domain.reading import Json, table, text, whole
from bridge.domain.returns import RefundReason
from bridge.domain.values import Value
from bridge.ports.errors import AskMerchant, RejectItem
from channel_adapters.mirakl.reading import DELIMITERS, SEMICOLON
from channel_adapters.mirakl.vocabulary import CANCEL_WORDS, REFUND_WORDS

Ours = TypeVar("Ours", bound=StrEnum)
# Before the names of attributes that are about the offer: what is about the product has the operator's own names.
OF_THE_OFFER = "offer:"


class Reason(Value):
    code: str
    label: str
    kind: str


class Carrier(Value):
    """A carrier the operator knows. ``standard`` is Mirakl's own code of it."""

    code: str
    label: str
    standard: str = ""


class OfferField(Value):
    """A field of its own that the operator has for offers (AF01)."""

    code: str
    label: str = ""
    kind: str = ""
    required: bool = False
    accepted: tuple[str, ...] = ()
    pattern: str = ""

    @property
    def several(self) -> bool:
        return self.kind == "MULTIPLE_VALUES_LIST"

    def value(self, given: str) -> str | list[str]:
        """As OF24 takes it: always text, several values as a list."""
        return given.split("|") if self.several else given

    def fault(self, given: str) -> str:
        """What is wrong with a value, "" when it is fine."""
        values = given.split("|") if self.several else [given]
        if self.accepted and any(value not in self.accepted for value in values):
            return f"{self.code} must be one of {', '.join(self.accepted)}"
        if self.pattern and not re.fullmatch(self.pattern, given):
            return f"{self.code} must look like {self.pattern}"
        return ""

    def words(self) -> str:
        parts = [self.kind.lower(), "required" if self.required else "optional"]
        if self.accepted:
            parts.append(("some of " if self.several else "one of ") + ", ".join(self.accepted))
        return f"{self.label or self.code}: {', '.join(filter(None, parts))}"


class Platform(Value):
    """PC01, A01, AF01, SH21 and RE01 as far as they decide anything here."""

    shop_id: str = ""
    shop_name: str = ""
    shop_state: str = ""
    currency: str
    channels: tuple[str, ...] = ()
    manual_acceptance: bool = False
    multi_shipment: bool = False
    returns: bool = False
    price_decimals: int | None = None
    delimiter: str = SEMICOLON
    leadtime_allowed: bool = True
    own_carriers: bool = True
    tax_by_operator: bool = False
    separator: str = "|"
    carriers: tuple[Carrier, ...] = ()
    reasons: tuple[Reason, ...] = ()
    fields: tuple[OfferField, ...] = ()

    def price(self, given: Money) -> Money:
        """The price as this operator takes it. Raises AskMerchant for another currency, RejectItem for decimals."""
        if given.currency != self.currency:
            words = f"This shop sells in {self.currency} on Mirakl, the price is in {given.currency}."
            raise AskMerchant(words, field="currency")
        exact = given.quantised()
        if self.price_decimals is not None and exact.amount != round(exact.amount, self.price_decimals):
            words = f"The marketplace takes prices with {self.price_decimals} decimals, not {exact.text()}."
            raise RejectItem(words, field="price")
        return exact

    def field(self, code: str) -> OfferField:
        return next((field for field in self.fields if field.code == code), OfferField(code=code))

    def own_values(self, attributes: Mapping[str, str | tuple[str, ...]]) -> dict[str, str]:
        """What a product has for the operator's fields of offers, by their code. Raises RejectItem."""
        found: dict[str, str] = {}
        for known in self.fields:
            given = attributes.get(OF_THE_OFFER + known.code)
            if value := "|".join(given) if isinstance(given, tuple) else given:
                found[known.code] = value
                if fault := known.fault(value):
                    raise RejectItem(f"Mirakl: {fault}.", field=OF_THE_OFFER + known.code)
        return found

    def cancel_reason(self, reason: CancelReason, chosen: Mapping[str, str]) -> str | None:
        """The operator's code; None where it lets shops give no reason. Raises AskMerchant when none fits."""
        if not any(known.kind == "CANCELATION" for known in self.reasons):
            return None
        return self._reason("CANCELATION", reason, CANCEL_WORDS, chosen, "cancel_reasons")

    def refund_reason(self, reason: RefundReason, code: str = "") -> str:
        """``code``: the merchant's choice. Raises AskMerchant when none fits."""
        chosen = {reason.value: code} if code else {}
        return self._reason("REFUND", reason, REFUND_WORDS, chosen, "refund_reasons")

    def _reason(
        self, kind: str, ours: Ours, words: Mapping[Ours, tuple[str, ...]], chosen: Mapping[str, str], setting: str
    ) -> str:
        """By the setting, else by the words of the labels, else the only one there is."""
        known = [reason for reason in self.reasons if reason.kind == kind]
        if ours.value in chosen:
            return chosen[ours.value]
        for word in (*words[ours], *words[type(ours)("other")]):
            if found := next((reason for reason in known if word in reason.label.lower()), None):
                return found.code
        if len(known) == 1:
            return known[0].code
        there = ", ".join(f"{reason.code} {reason.label}" for reason in known) or "none"
        text = f"Mirakl: choose which of the marketplace's reasons means {ours.value} (there are: {there})."
        raise AskMerchant(text, field=setting)


def platform(
    account: Json,
    configuration: Json,
    carriers: Sequence[Json] = (),
    reasons: Sequence[Json] = (),
    fields: Sequence[Json] = (),
) -> Platform:
    """Raises AskMerchant when the shop's currency is not told: no price could be trusted."""
    features = table(configuration, "features")
    currency = text(account.get("currency_iso_code"))
    if len(currency) != 3:
        raise AskMerchant("Mirakl did not name the currency of this shop; ask the marketplace.", field="currency")
    tax = table(features, "tax_collection")
    channels = account.get("channels")
    return Platform(
        shop_id=text(account.get("shop_id")),
        shop_name=text(account.get("shop_name")),
        shop_state=text(account.get("shop_state")),
        currency=currency,
        channels=tuple(map(text, channels)) if isinstance(channels, list) else (),
        manual_acceptance=table(features, "order_workflows").get("order_acceptance") in ("NOT_AUTOMATIC", "BOTH"),
        multi_shipment=table(features, "shipment").get("multi_shipment") is True,
        returns=any(value is True for value in table(features, "returns").values()),
        price_decimals=whole(features.get("offer_prices_decimals")),
        delimiter=DELIMITERS.get(text(features.get("operator_csv_delimiter")), SEMICOLON),
        leadtime_allowed=features.get("lead_time_to_ship_by_sellers_enabled") != "NO",
        own_carriers=features.get("disable_seller_alternative_carrier") is not True,
        tax_by_operator=tax.get("tax_collection_by_operator") is True and tax.get("activated") == "YES",
        separator=text(table(features, "catalog").get("list_of_multiple_values_separator")) or "|",
        carriers=tuple(_carrier(raw) for raw in carriers if text(raw.get("code"))),
        reasons=tuple(_reason(raw) for raw in reasons if text(raw.get("code")) and raw.get("is_shop_right") is True),
        fields=tuple(_field(raw) for raw in fields if text(raw.get("code")) and raw.get("editable") is not False),
    )


def _carrier(raw: Json) -> Carrier:
    return Carrier(code=text(raw.get("code")), label=text(raw.get("label")), standard=text(raw.get("standard_code")))


def _field(raw: Json) -> OfferField:
    accepted = raw.get("accepted_values")
    return OfferField(
        code=text(raw.get("code")),
        label=text(raw.get("label")),
        kind=text(raw.get("type")),
        required=raw.get("required") is True,
        accepted=tuple(map(text, accepted)) if isinstance(accepted, list) else (),
        pattern=text(raw.get("regex")),
    )


def _reason(raw: Json) -> Reason:
    return Reason(code=text(raw.get("code")), label=text(raw.get("label")), kind=text(raw.get("type")))
