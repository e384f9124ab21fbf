"""A small believable catalogue: simple and variable products, most with a valid EAN-13, some with a fault."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from platform_adapters.woocommerce.sandbox.products import Products
from platform_adapters.woocommerce.sandbox.shop import Doc, Shop

# category, what it holds, lowest and highest price in cents
RANGES: tuple[tuple[str, tuple[str, ...], int, int], ...] = (
    ("Kitchen", ("Chef's knife 20 cm", "Cast iron pan 26 cm", "Salad bowl", "Espresso cups, set of 4"), 995, 8995),
    ("Garden", ("Pruning shears", "Watering can 10 l", "Rain barrel tap", "Bird feeder"), 695, 4995),
    ("Office", ("Notebook A5 dotted", "Desk lamp LED", "Cable box", "Monitor stand oak"), 395, 7995),
    ("Toys", ("Wooden train set", "Marble run 60 pieces", "Memory game animals", "Stacking tower"), 895, 5995),
    ("Pets", ("Dog lead 2 m", "Cat scratching mat", "Food bowl steel 0.8 l", "Travel water bottle"), 595, 3495),
    ("Bathroom", ("Soap dispenser", "Bamboo bath mat", "Toothbrush holder", "Shower caddy"), 795, 4495),
    ("Outdoor", ("Head torch 300 lm", "Dry bag 15 l", "Camping mug", "Trekking poles"), 995, 9995),
    ("Bicycle", ("Bell brass", "Rear light USB", "Saddle bag 1 l", "Floor pump"), 695, 4995),
)
WORN: tuple[tuple[str, int, int], ...] = (
    ("Merino T-shirt", 2995, 5995),
    ("Rain jacket", 5995, 14995),
    ("Running shorts", 1995, 3995),
    ("Wool socks", 995, 1995),
    ("Work apron", 2495, 4495),
    ("Fleece vest", 3495, 6995),
)
BRANDS = ("Noorderlicht", "Havenwerk", "Tinnef & Zoon", "Grünwald", "Kaya", "Oak & Ember", "Polderman", "Lumi")
COLOURS = ("Black", "Navy", "Olive", "Brick red", "Sand")
SIZES = ("S", "M", "L", "XL")
# Which simple products carry which fault, counted from 0 and repeated every 100.
FAULTS = {
    7: "check digit",
    23: "no ean",
    41: "internal ean",
    67: "short ean",
    89: "check digit",
    13: "no sku",
    57: "no sku",
    31: "unmanaged",
    59: "unmanaged",
    73: "unmanaged",
    97: "draft",
}


def seed(shop: Shop, products: Products, count: int, variable: int, number: int) -> Doc:
    """Fill an empty shop; the same request again changes nothing. No webhook tells of it."""
    wanted = {"id": 1, "products": count, "variable": variable, "seed": number}
    if shop.get("seed", 1) != wanted:
        listener, shop.listener = shop.listener, None
        try:
            _fill(products, count, variable, random.Random(number))
        finally:
            shop.listener = listener
        shop.save("seed", wanted)
    everything = shop.all("products")
    variations = sum(1 for doc in everything if doc["parent_id"])
    return {"products": len(everything) - variations, "variations": variations}


def ean13(number: int, prefix: str = "87") -> str:
    """A valid EAN-13 under a GS1 prefix (87: the Netherlands)."""
    digits = f"{prefix}{number:0{12 - len(prefix)}d}"
    odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
    return f"{digits}{-(odd + 3 * even) % 10}"


def _fill(products: Products, count: int, variable: int, rng: random.Random) -> None:
    eans = (ean13(71_000_0000 + step * 7) for step in range(10**9))
    for position in range(count - variable):
        products.create(_simple(position, rng, eans))
    for position in range(variable):
        body = _variable(position, rng)
        parent = products.create(body)
        for variation in _variations(position, parent, rng, eans):
            products.create(variation, parent["id"])


def _simple(position: int, rng: random.Random, eans: Iterator[str]) -> Doc:
    category, names, low, high = RANGES[position % len(RANGES)]
    brand = rng.choice(BRANDS)
    name = f"{brand} {names[position // len(RANGES) % len(names)]}"
    rounds = position // (len(RANGES) * 4)
    body = _common(name if rounds == 0 else f"{name} no. {rounds + 1}", brand, category)
    body |= {"sku": f"SB-{position + 1:04d}", "regular_price": _price(rng, low, high)}
    body |= {"global_unique_id": next(eans), "manage_stock": True, "stock_quantity": rng.randint(0, 60)}
    return _spoilt(body, FAULTS.get(position % 100))


def _spoilt(body: Doc, fault: str | None) -> Doc:
    ean = body["global_unique_id"]
    match fault:
        case "check digit":
            body["global_unique_id"] = f"{ean[:-1]}{(int(ean[-1]) + 1) % 10}"
        case "no ean":
            body["global_unique_id"] = ""
        case "internal ean":
            body["global_unique_id"] = ean13(int(ean[2:12]), "20")
        case "short ean":
            body["global_unique_id"] = ean[:11]
        case "no sku":
            body["sku"] = ""
        case "unmanaged":
            body |= {"manage_stock": False, "stock_quantity": None, "stock_status": "instock"}
        case "draft":
            body["status"] = "draft"
        case _:
            pass
    return body


def _variable(position: int, rng: random.Random) -> Doc:
    noun, _, _ = WORN[position % len(WORN)]
    brand = rng.choice(BRANDS)
    series = position // len(WORN) + 1
    body = _common(f"{brand} {noun}" if series == 1 else f"{brand} {noun} {series}", brand, "Clothing")
    body |= {"type": "variable", "sku": f"SV-{position + 1:03d}"}
    body["attributes"] = [
        {"name": "Colour", "variation": True, "options": list(COLOURS)},
        {"name": "Size", "variation": True, "options": list(SIZES)},
    ]
    if position == 0:
        # The parent counts the stock of all its variations.
        body |= {"manage_stock": True, "stock_quantity": 24}
    return body


def _variations(position: int, parent: Doc, rng: random.Random, eans: Iterator[str]) -> Iterator[Doc]:
    _, low, high = WORN[position % len(WORN)]
    price = _price(rng, low, high)
    for at in range(rng.randint(3, 6)):
        colour, size = COLOURS[at // len(SIZES) % len(COLOURS)], SIZES[at % len(SIZES)]
        body: Doc = {"sku": f"{parent['sku']}-{colour[:3].upper()}-{size}", "regular_price": price}
        body |= {"global_unique_id": next(eans)}
        body["attributes"] = [{"name": "Colour", "option": colour}, {"name": "Size", "option": size}]
        if position != 0:
            body |= {"manage_stock": True, "stock_quantity": rng.randint(0, 25)}
        yield body


def _common(name: str, brand: str, category: str) -> Doc:
    text = f"<p>{name}: made to last, easy to repair. Two years of guarantee.</p>"
    slug = name.lower().replace(" ", "-")
    body: dict[str, Any] = {"name": name, "description": text, "categories": [{"name": category}]}
    body |= {"brands": [{"id": BRANDS.index(brand) + 100, "name": brand, "slug": brand.lower()}]}
    return body | {"images": [{"src": f"https://images.example/{slug}.jpg", "name": name, "alt": name}]}


def _price(rng: random.Random, low: int, high: int) -> str:
    """In steps of 50 cents, ending in 95 or 45."""
    cents = rng.randrange(low, high + 1, 50)
    return f"{cents // 100}.{cents % 100:02d}"
