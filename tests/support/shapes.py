"""Random products, rules, mappings and demands, the same ones each time: what comes of them was written down once
(tests/fixtures/shapes.json.xz), and whoever makes shaping quicker has to come to the very same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from bridge import registry
from bridge.domain.buffers import Demand, Pace
from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.checks import ImageFact, Limits
from bridge.domain.listing import Facet
from bridge.domain.pricing.exchange import Rates
from bridge.domain.requirement import CategoryRequirements
from bridge.domain.safety import Away, Safe
from bridge.domain.stock import Guard
from bridge.flows.difference import desired_values
from bridge.flows.price_tables import vat_table
from bridge.flows.shape import Asked, Basis, Item, Made, Shape
from bridge.ports.manifest import Manifest

GOLDEN = Path(__file__).parent.parent / "fixtures" / "shapes.json.xz"
CASES = 300
TODAY = date(2026, 11, 27)
RATES = Rates(day=date(2026, 11, 26), source="European Central Bank", rates={
    "GBP": Decimal("0.8712"), "PLN": Decimal("4.2651"), "HUF": Decimal("391.4"), "JPY": Decimal("171.22")})  # fmt: skip
WORDS = (
    "Acme",
    "lamp",
    "Blue",
    "sale",
    "Straße",
    "x",
    "ACME",
    "wool  coat",
    "www.acme.example",
    "99 EUR",
    "a\nb",
    "ß",
    "",
)
HTML = (
    "<p>Made of <b>wool</b>.</p><ul><li>one<li>two</ul>",
    "<h1>Big</h1><script>x()</script>text &amp; more " + "long words here " * 40,
    "plain\n\n\n\ntext\x0bwith  lines",
    "call +31 20 123 4567 or mail a@b.example",
    "",
)
GTINS = ("4006381333931", "8712345678906", "2012345678900", "123", None, "4006381333932", "96385074", "9520000000004")
CATEGORIES = ("Home > Lamps", "Home", "Clothes > Coats", "Clothes")
FACTS = {
    "https://x.example/1.jpg": ImageFact(content_type="image/jpeg", width=900, height=700, size=90000),
    "https://x.example/2.png": ImageFact(content_type="image/png", width=90, height=70, size=900),
    "https://x.example/3.jpg": ImageFact(error="cannot be reached"),
}
PICTURES = (*FACTS, "http://x.example/4.jpg", "ftp://x.example/5.jpg")


class Dice(random.Random):
    """What the cases are thrown with."""

    def maybe(self, chance: float = 0.5) -> bool:
        return self.random() < chance

    def some(self, values: Any, most: int = 3) -> list[Any]:
        return [self.choice(values) for _ in range(self.randrange(most + 1))]

    def text(self, most: int = 4) -> str:
        return " ".join(self.some(WORDS, most))

    def euros(self, currency: str = "EUR") -> dict[str, str]:
        return {"amount": f"{self.randrange(0, 12000) / 100:.2f}", "currency": currency}


@lru_cache(maxsize=1)
def _plain() -> Manifest:
    return registry.discover().channels["bol"].manifest


def manifest(dice: Dice) -> Manifest:
    """A marketplace of no adapter: what those demand may change."""
    name, country, currency = dice.choice((("bol", "NL", "EUR"), ("ebay", "GB", "GBP"), ("allegro", "PL", "PLN")))
    own = {"name": name, "countries": (country,), "currency": currency, "checks": limits(dice)}
    return _plain().model_copy(update=own | {"gtin_required": dice.maybe(), "max_quantity": dice.choice((None, 30))})


# Products


def product(dice: Dice, number: int) -> StoreProduct:
    given: dict[str, Any] = {"external_id": str(number), "title": dice.text(), "description": dice.choice(HTML)}
    given |= {"brand": dice.choice((None, "Acme", "acme", "Nobody", "")), "vendor": dice.choice((None, "Vendor"))}
    given |= {"tags": dice.some(("outlet", "New", "Sale")), "images": dice.some(PICTURES)}
    given |= {"categories": dice.some(("Lamps", "Coats"), 2), "published": dice.maybe(0.9)}
    given |= {"attributes": {name: dice.text(2) for name in dice.some(("colour", "Weight", "size", "operator"))}}
    given |= {"custom": {name: dice.choice(("7", "2026-11-20", "wool", "")) for name in dice.some(("lining", "day"))}}
    given |= {"tax_class": dice.choice((None, "books", "")), "edit_link": dice.choice((None, "https://s.example/e"))}
    given |= {"category_paths": [path.split(" > ") for path in dice.some(CATEGORIES, 2)]}
    given |= {"modified_at": dice.choice((None, datetime(2026, 11, 20, 23, 30, tzinfo=UTC)))}
    if dice.maybe(0.3):
        given["image_sizes"] = {dice.choice(PICTURES): (dice.randrange(1, 2000), dice.randrange(1, 2000))}
    return StoreProduct.model_validate(given)


def variant(dice: Dice, number: int, product_id: str) -> StoreVariant:
    on_hand = dice.choice((0, 1, 3, 8, 40, 1000, -2))
    stock: dict[str, Any] = {"pool": str(number), "managed": dice.maybe(0.8), "on_hand": on_hand}
    stock |= {"in_stock": dice.maybe(0.8), "backorders": dice.maybe(0.2)}
    stock["locations"] = dice.choice(({}, {"north": 2, "south": on_hand}))
    given: dict[str, Any] = {"external_id": str(number), "product_id": product_id, "title": dice.text(), "stock": stock}
    given |= {"sku": dice.choice((None, f"S-{number:03}", f"s-{number:03}")), "gtin": dice.choice(GTINS)}
    given |= {"options": {name: dice.choice(("Marine", "XL", "red")) for name in dice.some(("Colour", "Size"))}}
    given |= {"custom": {name: dice.choice(("12.5", "silk")) for name in dice.some(("lining", "own"))}}
    for name in ("price", "regular_price", "cost"):
        given[name] = dice.euros(dice.choice(("EUR", "EUR", "EUR", "GBP"))) if dice.maybe(0.8) else None
    given |= {"image": dice.choice((None, *PICTURES)), "images": dice.some(PICTURES), "published": dice.maybe(0.9)}
    given["weight"] = dice.choice((None, {"amount": "250", "unit": "g"}, {"amount": "1", "unit": "stone"}))
    size = {"length": "10", "width": "2.5", "height": dice.choice((None, "1")), "unit": "cm"}
    given |= {"dimensions": dice.choice((None, size)), "origin": dice.choice((None, "NL"))}
    return StoreVariant.model_validate(given)


def items(dice: Dice) -> list[Item]:
    first, second = product(dice, 1), product(dice, 2)
    found = []
    for number, parent in enumerate((first, first, second), start=1):
        own = variant(dice, number, parent.external_id)
        orders = ["1001 x2"] if dice.maybe(0.3) else []
        doubles = dice.maybe(0.1), dice.maybe(0.1)
        found.append(Item(own.sku or "", own.gtin, own, parent, 2 * len(orders), orders, *doubles, FACTS))
    return found


# Rules

TEXT = ("sku", "gtin", "title", "description", "brand", "vendor", "origin", "channel", "country", "tax_class",
        "tags", "categories", "attributes.colour", "custom.lining", "attributes.Size")  # fmt: skip
AMOUNTS = ("price", "store_price", "regular_price", "cost", "margin")
NUMBERS = ("stock", "weight", "images", "margin_percent", "custom.own", "custom.lining")


def condition(dice: Dice, depth: int = 2) -> dict[str, Any]:
    if depth and dice.maybe(0.4):
        if dice.maybe(0.2):
            return {"kind": "not", "of": condition(dice, depth - 1)}
        parts = [condition(dice, depth - 1) for _ in range(dice.randrange(1, 4))]
        return {"kind": dice.choice(("all", "any")), "of": parts}
    return dice.choice(_CONDITIONS)(dice)


def _text_is(dice: Dice) -> dict[str, Any]:
    op = dice.choice(("equals", "contains", "starts", "ends", "matches", "empty"))
    value = dice.choice(("Acme", "1", "s-00", "*a*", "nl", "bol", "", "blue", "S-001", "[a]?"))
    return {"kind": "text", "field": dice.choice(TEXT), "op": op, "value": value, "exact_case": dice.maybe(0.2)}


def _number_is(dice: Dice) -> dict[str, Any]:
    op = dice.choice(("=", "<", "<=", ">", ">=", "between"))
    upto = "40" if op == "between" else None
    return {"kind": "number", "field": dice.choice(NUMBERS), "op": op, "value": dice.choice(("0", "3", "0.25")), "upto": upto}  # fmt: skip


def _money_is(dice: Dice) -> dict[str, Any]:
    op, currency = dice.choice(("<", "<=", ">", ">=", "between")), dice.choice(("EUR", "EUR", "GBP"))
    upto = {"amount": "90", "currency": currency} if op == "between" else None
    return {"kind": "money", "field": dice.choice(AMOUNTS), "op": op, "value": dice.euros(currency), "upto": upto}


_CONDITIONS: tuple[Callable[[Dice], dict[str, Any]], ...] = (
    _text_is,
    _text_is,
    _number_is,
    _money_is,
    lambda dice: {"kind": "always"},
    lambda dice: {"kind": "set", "field": dice.choice(("tags", "categories", "brand", "sku", "attributes.colour")),
                  "op": dice.choice(("in", "has any", "has all", "none")), "values": ["outlet", "acme", "Lamps"]},
    lambda dice: {"kind": "date", "field": dice.choice(("modified", "custom.day")), "op": "within",
                  "days": dice.choice((2, 30))},
    lambda dice: {"kind": "date", "field": "modified", "op": "before", "day": "2026-11-21"},
)  # fmt: skip


def action(dice: Dice) -> dict[str, Any]:
    return dice.choice(_ACTIONS)(dice)


def _words(dice: Dice) -> dict[str, Any]:
    field = dice.choice(("brand", "sku", "channel", "attributes.colour", "custom.lining", "tags", "title"))
    words = {"kind": "field", "field": field} if dice.maybe() else {"kind": "text", "text": dice.text(2)}
    target = dice.choice(("title", "description", "brand", "bullets", "attributes.colour"))
    return {"kind": "text", "target": target, "change": dice.choice(("set", "append", "prepend")), "words": words}


def _buffer(dice: Dice) -> dict[str, Any]:
    adaptive = {"kind": "adaptive", "risk": 0.01, "otherwise": 2}
    kinds = ({"kind": "fixed", "units": 2}, {"kind": "percent", "percent": 30}, adaptive)
    return {"kind": "buffer", "buffer": dice.choice(kinds)}


_ACTIONS: tuple[Callable[[Dice], dict[str, Any]], ...] = (
    _words,
    _words,
    _buffer,
    lambda dice: {"kind": "replace", "target": dice.choice(("title", "bullets")), "find": "a", "put": "o"},
    lambda dice: {"kind": "markup", "percent": dice.choice(("4.5", "-10")), "over": dice.choice(("price", "cost"))},
    lambda dice: {"kind": "margin", "percent": "20"},
    lambda dice: {"kind": "set_price", "amount": dice.euros()},
    lambda dice: {"kind": "add_to_price", "amount": dice.euros("GBP")},
    lambda dice: {"kind": "convert", "currency": dice.choice(("GBP", "HUF", "CHF"))},
    lambda dice: {"kind": "round_ending", "ending": "0.99"},
    lambda dice: {"kind": "round_step", "step": "0.5", "direction": dice.choice(("up", "down"))},
    lambda dice: {"kind": "vat", "country": dice.choice((None, "DE"))},
    lambda dice: {"kind": dice.choice(("floor", "ceiling")), "amount": dice.euros()},
    lambda dice: {"kind": "cap", "units": dice.randrange(6)},
    lambda dice: {"kind": "handling", "days": dice.randrange(4)},
    lambda dice: {"kind": "exclude", "reason": "not here"},
    lambda dice: {"kind": "include_only", "reason": "only those"},
    lambda dice: {"kind": "hold", "reason": "look first"},
)


def rules(dice: Dice) -> dict[str, Any]:
    found = []
    for number in range(dice.randrange(9)):
        then = [action(dice) for _ in range(dice.randrange(1, 3))]
        rule = {"name": f"Rule {number}", "when": condition(dice), "then": then, "stop": dice.maybe(0.1)}
        found.append(rule | {"enabled": dice.maybe(0.9), "hold_unknown": dice.maybe(0.1)})
    return {"rules": found}


# Mappings and demands


def source(dice: Dice, depth: int = 2) -> dict[str, Any]:
    inner = source(dice, depth - 1) if depth else None
    kinds: list[dict[str, Any]] = [
        {"kind": "field", "field": dice.choice(("title", "brand", "sku", "weight", "tags", "images", "category_path",
                                                "description_text", "price", "length"))},
        {"kind": "option", "name": "colour"},
        {"kind": "attribute", "name": dice.choice(("Size", "weight"))},
        {"kind": "custom", "name": "LINING"},
        {"kind": "mapped", "attribute": "one"},
        {"kind": "constant", "value": dice.choice(("fixed", ("a", "b"), ""))},
        {"kind": "nothing"},
        {"kind": "template", "text": "{brand} {title} - {option:Size} ({custom:lining})", "maximum": 30},
    ]  # fmt: skip
    if inner:
        kinds += [
            {"kind": "first", "sources": [inner, {"kind": "field", "field": "sku"}]},
            {"kind": "table", "source": inner, "values": {"marine": "Blue", "silk": "S"}, "default": "D",
             "otherwise": dice.choice(("keep", "default", "empty", "finding"))},
            {"kind": "convert", "source": inner, "unit": "kg", "unit_if_none": "g"},
            {"kind": "split", "source": inner, "separator": " "},
        ]  # fmt: skip
    return dice.choice(kinds)


def mapping(dice: Dice) -> dict[str, Any]:
    sections = []
    for path in ((), ("Light",), ("Light", "Lamp")):
        section: dict[str, Any] = {"path": path, "texts": {}, "attributes": {}}
        section["attributes"] = {name: source(dice) for name in dice.some(("two", "three", "colour", "operator"))}
        section["attributes"].setdefault("one", {"kind": "option", "name": "Colour"})
        section["texts"] = {name: source(dice) for name in dice.some(("title", "description", "brand"), 2)}
        section["bullets"] = [source(dice) for _ in range(2)] if dice.maybe() else None
        sections.append(section)
    return {"sections": sections}


def limits(dice: Dice) -> Limits:
    """Demands as marketplaces have them, a few at a time."""
    need, text = ("optional", "recommended", "required"), {"forbidden": ["url", "price", "phone", "email"]}
    kinds: list[dict[str, Any]] = [
        {"title": {"need": "required", "minimum": 3, "maximum": 12, "cut": dice.maybe(), **text}},
        {"title": {"max_bytes": 9}, "bullets": {"need": dice.choice(need), "max_count": 1, "maximum": 5, **text}},
        {"description": {"tags": ["b", "ul", "li", "p"], "maximum": 200, "max_bytes": 150, **text}},
        {"description": {"need": dice.choice(need), "forbidden_blocks": True, **text}},
        {"images": {"min_count": 1, "max_count": 2, "min_width": 100, "min_bytes": 1000, "https": True,
                    "types": ["image/jpeg"], "aspect_max": "1.2"}},
        {"price": {"minimum": "5", "maximum": "80", "parity": dice.maybe(), "decimals": {"EUR": 1}}},
        {"gtin": {"lengths": [13], "exempt_setting": "gtin_exempt", "internal": dice.maybe()}},
        {"category": dice.choice(need), "brand": dice.choice(need), "weight": dice.choice(need)},
        {"dimensions": dice.choice(need), "origin": dice.choice(need)},
        {"responsible": {"need": dice.choice(need), "setting": "operator", "fields": ["operator", "lining"]}},
    ]  # fmt: skip
    given: dict[str, Any] = {}
    for part in dice.some(kinds, 5):
        given |= part
    return Limits.model_validate(given)


REQUIREMENTS = {
    "": [{"id": "one", "name": "One", "need": "required"}, {"id": "two", "name": "Two", "kind": "measure", "units": ["kg"]}],
    "20": [
        {"id": "colour", "name": "Colour", "kind": "choice", "need": "recommended",
         "allowed": [{"value": "Blue", "label": "Marine"}, {"value": "red"}]},
        {"id": "three", "name": "Three", "required_if": [{"attribute": "colour", "values": ["Blue"]}], "max_length": 3},
    ],
}  # fmt: skip


def basis(dice: Dice, shared: dict[str, Any]) -> Basis:
    market = manifest(dice)
    settings: dict[str, Any] = {"rules": shared if dice.maybe(0.6) else rules(dice)}
    if dice.maybe():
        settings["attribute_mapping"] = mapping(dice)
    if dice.maybe(0.2):
        settings["shared"] = [rules(dice)]
    settings["market"] = {"prices_include_tax": dice.choice((None, True, False)), "home": dice.choice((None, "NL"))}
    settings["category_mapping"] = {"entries": {"Home": "10", "Home > Lamps": "20", "Coats": "30"}}
    if dice.maybe(0.2):
        settings["category_overrides"] = {"products": {"1": "40"}}
    settings["tax_classes"] = {"everywhere": {"books": "reduced"}}
    stock = {"buffer": dice.choice((0, 3)), "cap": dice.choice((None, 5)), "untracked": dice.choice(("zero", "fixed"))}
    settings["stock"] = stock | {"backorders": dice.maybe(0.3), "locations": dice.choice(([], ["north"]))}
    asked = {
        name: CategoryRequirements.model_validate({"category": name or None, "version": "1", "attributes": rows})
        for name, rows in REQUIREMENTS.items()
    }
    return Basis(
        manifest=market,
        currency=market.currency,
        country=market.countries[0],
        settings=settings,
        today=TODAY,
        store={"country": "NL"} if dice.maybe(0.9) else {},
        categories={"10": ("Light",), "20": ("Light", "Lamp")},
        requirements=asked if dice.maybe() else {},
        connection=dice.choice(({}, {"operator": "O-1"}, {"gtin_exempt": ["acme"]}, {"gtin_exempt": True})),
        state=7,
        rates=RATES if dice.maybe(0.8) else None,
        vat=vat_table() if dice.maybe(0.9) else None,
        safe=Safe(mode=Away.ZERO, since=datetime(2026, 11, 27, tzinfo=UTC)) if dice.maybe(0.05) else None,
        guard=Guard(units=2, why="few cancellations are left") if dice.maybe(0.1) else None,
    )


PACE = Pace(demand=Demand(orders=20, units=30, hours=100), latency_seconds=90)


def outcomes(number: int) -> Iterator[dict[str, Any]]:
    """Three variants of two products through three marketplaces that have some of their rules in common."""
    dice = Dice(number)
    shared = rules(dice)
    shapes = [Shape(basis(dice, shared)) for _ in range(3)]
    asked: list[list[Asked]] = [[] for _ in shapes]
    for item in items(dice):
        for mine in asked:
            gone = "deleted in the store" if dice.maybe(0.05) else ""
            mine.append((item, gone, PACE if dice.maybe() else None))
    made = [shape.offers(mine) for shape, mine in zip(shapes, asked, strict=True)]
    for same in zip(*made, strict=True):
        yield from map(told, same)


def told(made: Made) -> dict[str, Any]:
    """All that is known of a listing as it should be, as plain JSON."""
    offer = made.offer
    return {
        "values": {str(name): value for name, value in desired_values(offer).items()},
        "findings": [item.as_json() for item in offer.findings],
        "blocked": offer.blocked,
        "unwanted": made.unwanted,
        "answer": made.answer,
        "explained": {name: made.explanation(name) for name in (*(str(facet) for facet in Facet), "listing")},
    }
