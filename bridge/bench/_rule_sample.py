"""Twenty rules of a merchant with three marketplaces, and products for them that differ in what rules ask about."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.bench._seed import TEXT, ean13, sku
from bridge.domain.catalogue import StockReading, StoreProduct, StoreVariant
from bridge.domain.measure import Measure
from bridge.domain.money import Money

Json = dict[str, Any]
BRANDS = ("Acme", "Borealis", "Cirrus", "Delta")
CATEGORIES = ("Home > Lamps", "Home > Chairs", "Garden > Tools", "Toys")
MATERIALS = ("wood", "steel", "glass")


def euro(amount: str) -> Json:
    return {"amount": amount, "currency": "EUR"}


def _text(field: str, op: str, value: str = "") -> Json:
    return {"kind": "text", "field": field, "op": op, "value": value}


def _in(field: str, op: str, *values: str) -> Json:
    return {"kind": "set", "field": field, "op": op, "values": list(values)}


def _money(field: str, op: str, amount: str) -> Json:
    return {"kind": "money", "field": field, "op": op, "value": euro(amount)}


def _number(field: str, op: str, value: Any) -> Json:
    return {"kind": "number", "field": field, "op": op, "value": value}


def _both(*conditions: Json) -> Json:
    return {"kind": "all", "of": list(conditions)}


def _rule(name: str, when: Json | None, *then: Json) -> Json:
    return {"name": name, "when": when or {"kind": "always"}, "then": list(then)}


_BRAND = {"kind": "text", "target": "title", "change": "prepend", "words": {"kind": "field", "field": "brand"}}
_FIVE = {"kind": "buffer", "buffer": {"kind": "fixed", "units": 5}}
_ADAPTIVE = {"kind": "buffer", "buffer": {"kind": "adaptive", "risk": 0.01}}

RULES: Json = {
    "rules": [
        _rule("thin margins", _money("margin", "<", "15"), {"kind": "exclude", "reason": "margin below 15 EUR"}),
        _rule("brand in front", None, _BRAND),
        _rule("pounds in the United Kingdom", _in("country", "in", "GB"), {"kind": "convert", "currency": "GBP"}),
        _rule("a buffer of five", None, _FIVE),
        _rule("lamps by rate of sale", _text("categories", "starts", "Home > Lamps"), _ADAPTIVE),
        _rule("nothing for outlets", _in("tags", "has any", "outlet", "b-stock"), {"kind": "hold", "reason": "outlet"}),
        _rule("few left", _number("stock", "<", 3), {"kind": "cap", "units": 1}),
        _rule("many left", _number("stock", ">", 90), {"kind": "cap", "units": 50}),
        _rule("Acme costs more", _text("brand", "equals", "Acme"), {"kind": "markup", "percent": 4}),
        _rule(
            "chairs of wood",
            _both(_text("categories", "contains", "chairs"), _text("attributes.material", "equals", "wood")),
            {"kind": "markup", "percent": 3},
        ),
        _rule("heavy", _number("weight", ">", 20), {"kind": "add_to_price", "amount": euro("4.50")}),
        _rule("Amazon's fee", _text("channel", "equals", "amazon"), {"kind": "markup", "percent": 7}),
        _rule("dear ones slowly", _money("price", ">", "95"), {"kind": "handling", "days": 3}),
        _rule("without picture", _number("images", "=", 0), {"kind": "exclude", "reason": "no picture"}),
        _rule(
            "no old season", _text("title", "matches", "*2024*"), {"kind": "exclude", "reason": "a season that is over"}
        ),
        _rule(
            "words that are not allowed",
            _text("description", "contains", "cheapest"),
            {"kind": "replace", "target": "description", "find": "cheapest", "put": ""},
        ),
        _rule(
            "fresh", {"kind": "date", "field": "modified", "op": "within", "days": 14}, {"kind": "handling", "days": 1}
        ),
        _rule("VAT", None, {"kind": "vat"}),
        _rule("endings", None, {"kind": "round_ending", "ending": "0.95"}),
        _rule("a lowest price", None, {"kind": "floor", "amount": euro("9.95")}),
    ]
}


def product(number: int, rng: random.Random) -> tuple[Json, Json]:
    """A product and its variant as they are stored."""
    title = f"Benchmark product {number} of {2023 + number % 4}"
    whole = StoreProduct(
        external_id=str(number),
        title=title,
        description=TEXT,
        brand=rng.choice(BRANDS),
        categories=(rng.choice(CATEGORIES),),
        tags=("sale",) if rng.random() < 0.3 else (),
        images=("https://shop.example/a.jpg", "https://shop.example/b.jpg"),
        attributes={"material": rng.choice(MATERIALS), "room": "office"},
        modified_at=datetime(2026, 11, 1 + number % 28, tzinfo=UTC),
    )
    cents = rng.randrange(1500, 12000)
    variant = StoreVariant(
        external_id=str(number),
        product_id=str(number),
        sku=sku(number),
        gtin=ean13(number),
        title=title,
        options={"colour": "Red"},
        price=Money(amount=Decimal(cents) / 100, currency="EUR"),
        cost=Money(amount=Decimal(cents // 3) / 100, currency="EUR") if rng.random() < 0.95 else None,
        stock=StockReading(pool=str(number), managed=True, on_hand=rng.randrange(120)),
        weight=Measure(amount=Decimal(rng.randrange(100, 30000)), unit="g"),
    )
    return whole.as_json(), variant.as_json()
