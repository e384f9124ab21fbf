"""The price of a marketplace in five fields, kept as one rule: which price, a markup, an amount, an ending, a floor."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from sqlalchemy.orm import Session

from bridge.domain.values import Value
from bridge.flows import documents
from bridge.flows.documents import Wish, of_connection

NAME = "Price on this marketplace"
Base = Literal["price", "regular_price"]
Ending = Literal["none", "0.99", "0.95", "0.50", "0.00"]


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


Optional = Annotated[Decimal | None, BeforeValidator(_empty_is_none)]


class Preset(Value):
    """``base``: which of the store's prices is meant; ``markup`` in percent of it (below 0: less), ``plus`` a fixed
    amount on top, ``ending`` the cents it is rounded to, ``floor`` the lowest price; amounts in the marketplace's
    currency, or the store's."""

    base: Base = Field(
        default="price",
        title="Which price",
        description="Reductions in your store are passed on, or the price before them is the one here.",
        json_schema_extra={
            "labels": {"price": "what shoppers pay now", "regular_price": "the price before a reduction"},
        },
    )
    markup: Optional = Field(
        default=None,
        gt=-100,
        le=1000,
        title="Markup (%)",
        description="On the store's price. 10 makes 20.00 into 22.00.",
    )
    plus: Optional = Field(
        default=None, ge=-100000, le=100000, title="Fixed amount", description="Added to each price, after the markup."
    )
    ending: Ending = Field(
        default="none", title="Price ending", description="Prices are rounded to the nearest such price."
    )
    floor: Optional = Field(
        default=None, gt=0, le=10000000, title="Lowest price", description="No price goes out below it."
    )


def read(session: Session, connection_id: int) -> Preset | None:
    """As it was saved; None where the rule of this name says something that these fields cannot say."""
    row = documents.read(session, of_connection(connection_id), "rules")
    rule = next((item for item in (row.content["rules"] if row else ()) if item.get("name") == NAME), None)
    if rule is None:
        return Preset()
    try:
        return _said(rule)
    except (KeyError, ValueError):
        return None


def _said(rule: Mapping[str, Any]) -> Preset:
    given: dict[str, Any] = {}
    for action in rule["then"]:
        name, value = _READ[action["kind"]](action)
        if name in given:
            raise ValueError(name)
        given[name] = value
    if rule.get("when", {"kind": "always"}) != {"kind": "always"} or rule.get("enabled") is False:
        raise ValueError("when")
    return Preset.model_validate(given)


_READ: Mapping[str, Any] = {
    "price_of": lambda action: ("base", action["field"]),
    "markup": lambda action: ("markup", action["percent"]),
    "add_to_price": lambda action: ("plus", action["amount"]["amount"]),
    "round_ending": lambda action: ("ending", f"{Decimal(str(action['ending'])):.2f}"),
    "floor": lambda action: ("floor", action["amount"]["amount"]),
}


def wish(session: Session, connection_id: int, preset: Preset, currency: str) -> Wish:
    """The connection's rules with this one among them: before the others, or where it stood."""
    row = documents.read(session, of_connection(connection_id), "rules")
    rules = list(row.content.get("rules", ())) if row else []
    made = rule(preset, currency)
    place = next((number for number, item in enumerate(rules) if item.get("name") == NAME), None)
    if place is not None:
        rules[place : place + 1] = [made] if made else []
    elif made:
        rules.insert(0, made)
    return Wish(subject=of_connection(connection_id), kind="rules", content={"rules": rules} if rules else None)


def rule(preset: Preset, currency: str) -> dict[str, Any] | None:
    """None where nothing is asked for."""
    then: list[dict[str, Any]] = []
    if preset.base != "price":
        then.append({"kind": "price_of", "field": preset.base})
    if preset.markup:
        then.append({"kind": "markup", "percent": str(preset.markup)})
    if preset.plus:
        then.append({"kind": "add_to_price", "amount": {"amount": str(preset.plus), "currency": currency}})
    if preset.ending != "none":
        then.append({"kind": "round_ending", "ending": preset.ending, "every": "1"})
    if preset.floor:
        then.append({"kind": "floor", "amount": {"amount": str(preset.floor), "currency": currency}})
    return {"name": NAME, "when": {"kind": "always"}, "then": then} if then else None
