"""One process of the benchmark `project`: ``python -m bridge.bench._project ACT FOLDER DATABASE [NUMBER ...]``.

``seed`` makes the shop and its rules; ``shape``, ``validate`` and ``flow`` print what they measured of themselves.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.bench import _scale
from bridge.db.tables import Connection, Product, Variant
from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.flows import admin, documents, plan, project
from bridge.flows.documents import Wish, of_connection
from bridge.flows.engine import Engine
from bridge.flows.kinds import KINDS

CHUNK = 500


def ruleset(count: int) -> dict[str, Any]:
    """Rules of every kind in turn: one fits all products, most a part of them, some hardly any."""
    return {
        "rules": [{**_EXAMPLES[number % len(_EXAMPLES)](number), "name": f"Rule {number}"} for number in range(count)]
    }


def _text(field: str, op: str, value: str) -> dict[str, Any]:
    return {"kind": "text", "field": field, "op": op, "value": value}


def _money(field: str, op: str, amount: int) -> dict[str, Any]:
    return {"kind": "money", "field": field, "op": op, "value": {"amount": str(amount), "currency": "EUR"}}


def _words(number: int) -> dict[str, Any]:
    """The brand in front of every title; after that, words for a tenth of the products."""
    if number == 0:
        brand = {"kind": "field", "field": "brand"}
        return {"then": [{"kind": "text", "target": "title", "change": "prepend", "words": brand}]}
    words = {"kind": "text", "text": f"series {number}"}
    return {
        "when": _text("sku", "ends", str(number % 10)),
        "then": [{"kind": "text", "target": "description", "change": "append", "words": words}],
    }


_EXAMPLES: tuple[Callable[[int], dict[str, Any]], ...] = (
    _words,
    lambda number: {
        "when": {"kind": "all", "of": [_money("price", ">=", number * 5), _money("price", "<", number * 5 + 15)]},
        "then": [{"kind": "markup", "percent": "4.5"}, {"kind": "round_ending", "ending": "0.99"}],
    },
    lambda number: {
        "when": {"kind": "all", "of": [_text("title", "contains", f"{number}"), _money("price", ">", 50)]},
        "then": [{"kind": "buffer", "buffer": {"kind": "fixed", "units": number}}],
    },
    lambda number: {"when": _text("sku", "ends", f"{number:02}"), "then": [{"kind": "cap", "units": 5}]},
    lambda number: {
        "when": {
            "kind": "any",
            "of": [
                _text("brand", "equals", "Nobody"),
                {"kind": "set", "field": "tags", "op": "has any", "values": ["outlet"]},
                _text("sku", "ends", f"9{number:02}"),
            ],
        },
        "then": [{"kind": "exclude", "reason": "not sold here"}],
    },
)


def mapping(number: int) -> dict[str, Any]:
    """What a marketplace asks of a product: a title and five attributes, one of each usual kind. Each marketplace calls
    them otherwise."""
    colour = {"kind": "table", "source": {"kind": "option", "name": "Colour"}, "values": {"Marine": "Blue"}}
    material = {"kind": "first", "sources": [_attribute("Material"), {"kind": "constant", "value": "other"}]}
    attributes = {
        "brand": {"kind": "field", "field": "brand"},
        "weight": {"kind": "convert", "source": {"kind": "field", "field": "weight"}, "unit": "kg"},
        "colour": {**colour, "otherwise": "keep"},
        "material": material,
        "condition": {"kind": "constant", "value": "new"},
    }
    title = {"kind": "template", "text": "{title} {option:Size}"}
    named = {f"{name}_{number}": source for name, source in attributes.items()}
    return {"sections": [{"attributes": named, "texts": {"title": title}}]}


def _attribute(name: str) -> dict[str, Any]:
    return {"kind": "attribute", "name": name}


def seed(folder: Path, database: str, variants: str, count: str) -> dict[str, Any]:
    """A shop with its variants, three channels with their rules and mappings; nothing is compared yet."""
    _scale.seed(folder, database, int(variants))
    engine = _scale.engine_at(folder, database)
    shop_id = admin.shops(engine)[0].id
    content = KINDS["rules"].read(ruleset(int(count)))
    with engine.db.write(shop_id) as session:
        ids = session.scalars(select(Connection.id).where(Connection.role == "channel")).all()
        wishes = [Wish(subject=of_connection(item), kind="rules", content=content) for item in ids]
        own = [(of_connection(item), KINDS["attribute_mapping"].read(mapping(item))) for item in ids]
        wishes += [Wish(subject=subject, kind="attribute_mapping", content=content) for subject, content in own]
        documents.write(session, wishes, engine.clock(), "bench")
    last = 0
    while done := engine.db.transact(shop_id, _clothe, last):
        last = done
    return {}


def _clothe(session: Session, last: int) -> int:
    """What stores know of their products beside the bare minimum: a category, tags, pictures, options, a weight."""
    query = select(Variant, Product).join(Product).where(Variant.id > last).order_by(Variant.id).limit(5000)
    rows = session.execute(query).all()
    for variant, product in rows:
        pictures = [f"https://shop.example/{variant.id}/{number}.jpg" for number in range(3)]
        more = {"categories": ["Lamps"], "category_paths": [["Home", "Lamps"]], "tags": ["new", "home"]}
        product.data = {**product.data, **more, "images": pictures, "attributes": {"Material": "Wool", "Care": "30"}}
        options = {"Colour": "Marine" if variant.id % 2 else "Red", "Size": "XL"}
        variant.data = {**variant.data, "options": options, "weight": {"amount": "250", "unit": "g"}}
        last = variant.id
    return last if rows else 0


def _chunks(engine: Engine, shop_id: int, most: int) -> Iterator[tuple[Session, Sequence[int]]]:
    last = done = 0
    while done < most:
        with engine.db.read(shop_id) as session:
            query = select(Variant.id).where(Variant.id > last).order_by(Variant.id).limit(min(CHUNK, most - done))
            ids = list(session.scalars(query))
            if not ids:
                return
            yield session, ids
        last, done = ids[-1], done + len(ids)


def shape(engine: Engine, shop_id: int, most: str) -> float:
    """CPU seconds from stored data to the listing as it should be; reading the rows does not count."""
    cpu = 0.0
    for session, ids in _chunks(engine, shop_id, int(most)):
        views = project.channel_views(engine, session)
        chunk = project.read_chunk(session, views, ids, lock=False)
        began = time.process_time()
        count = sum(made.offer.stock >= 0 for *_, made, _ in chunk.outcomes(views))
        cpu += time.process_time() - began
        if count != len(ids) * len(views):
            raise RuntimeError(f"{count} listings of {len(ids)} variants")
    return cpu


def validate(engine: Engine, shop_id: int, most: str) -> float:
    """CPU seconds for pydantic to validate the same products and variants, once for each channel."""
    cpu = 0.0
    for session, ids in _chunks(engine, shop_id, int(most)):
        query = select(Variant.data, Product.data).join(Product).where(Variant.id.in_(ids))
        rows = session.execute(query).all()
        began = time.process_time()
        for variant, product in rows:
            for _ in range(_scale.CHANNELS):
                StoreProduct.model_validate(product)
                StoreVariant.model_validate(variant)
        cpu += time.process_time() - began
    return cpu


def flow(engine: Engine, shop_id: int) -> float:
    """CPU seconds of the whole flow: read, compared, written."""
    began = time.process_time()
    last = 0
    while ids := engine.db.transact(shop_id, _flow, engine, last):
        last = ids[-1]
    return time.process_time() - began


def _flow(session: Session, engine: Engine, last: int) -> list[int]:
    ids = list(session.scalars(select(Variant.id).where(Variant.id > last).order_by(Variant.id).limit(plan.CHUNK)))
    now = engine.clock()
    if ids:
        project.project(session, project.channel_views(engine, session), ids, now, now)
    return ids


_ACTS: dict[str, Any] = {"shape": shape, "validate": validate, "flow": flow}


def main(arguments: list[str]) -> None:
    act, folder, database, *more = arguments
    if act == "seed":
        found = seed(Path(folder), database, *more)
    else:
        engine = _scale.engine_at(Path(folder), database)
        cpu = _ACTS[act](engine, admin.shops(engine)[0].id, *more)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = {"cpu": cpu, "megabytes": peak / (1024 * 1024 if sys.platform == "darwin" else 1024)}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
