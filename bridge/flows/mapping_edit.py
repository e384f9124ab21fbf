"""Attribute mappings as a merchant edits them: what a marketplace asks of a category, what each attribute is filled
from, what comes of it for products of the store, and one attribute changed at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from bridge.domain import mapping
from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.categories.assign import Assigner, CategoryOverrides
from bridge.domain.mapping import AttributeMap, Evaluator, Section, Source
from bridge.domain.requirement import AttributeRequirement, CategoryRequirements, Need
from bridge.flows import copying, documents, names, needs, sorting, working
from bridge.flows.documents import of_connection
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.shape import category_paths
from bridge.flows.working import Working
from bridge.ports.errors import AskMerchant, NotFound

KIND = "attribute_mapping"
EXAMPLES = 8
MOST_VALUES = 200
TEXTS = ("title", "description", "brand")
BULLET = "@bullet "
Data = dict[str, Any]
Path = tuple[str, ...]
Pair = tuple[StoreProduct, StoreVariant]
_ORDER = (Need.REQUIRED, Need.RECOMMENDED, Need.OPTIONAL)


@dataclass(frozen=True)
class Place:
    """A category of a marketplace by its id; empty: every product. ``path`` is what a section is for."""

    connection_id: int
    category: str = ""
    path: Path = ()


@dataclass(frozen=True)
class Row:
    """One attribute: what is asked, what it is filled from (``own``: said for this very category) and an example."""

    name: str
    label: str
    wanted: AttributeRequirement | None
    source: Source | None
    is_own: bool = False
    example: str = ""
    missing: int = 0

    @property
    def is_required(self) -> bool:
        return self.wanted is not None and self.wanted.need is Need.REQUIRED


@dataclass
class Preview:
    """What comes of one attribute for products of the store."""

    looked_at: int = 0
    filled: int = 0
    rows: list[Data] = field(default_factory=list)


def place(session: Session, connection_id: int, category: str) -> Place:
    """Raises NotFound for a marketplace that is not this shop's."""
    working.must_exist(session, of_connection(connection_id))
    paths = {item.id: item.path for item in needs.tree(session, connection_id)} if category else {}
    return Place(connection_id, category, paths.get(category, (category,) if category else ()))


def categories(session: Session, connection_id: int) -> list[tuple[str, str]]:
    """The categories that products are mapped to, and those that have a section of their own: id and path."""
    tree = {item.id: item.path for item in needs.tree(session, connection_id)}
    by_path = {path: key for key, path in tree.items()}
    own = [
        by_path.get(section.path, section.path[-1])
        for section in known(session, connection_id)[1].sections
        if section.path
    ]
    used = {*needs.mapped_categories(session, connection_id), *own}
    return sorted(((key, " > ".join(tree.get(key, (key,)))) for key in used), key=lambda item: item[1])


def known(session: Session, connection_id: int) -> tuple[Working, AttributeMap]:
    """What is being edited, else what holds."""
    copy = working.read(session, of_connection(connection_id), KIND)
    return copy, AttributeMap.model_validate(copy.content)


def asked(session: Session, at: Place) -> CategoryRequirements | None:
    """What the marketplace asks there, as it was last told: of every product, and of this category."""
    found = needs.known(session, at.connection_id)
    parts = [found[key] for key in dict.fromkeys(("", at.category)) if key in found]
    if not parts:
        return None
    attributes = {item.id: item for part in parts for item in part.attributes}
    return CategoryRequirements(
        category=at.category or None, version=parts[-1].version, attributes=tuple(attributes.values())
    )


def rows(session: Session, at: Place) -> list[Row]:
    """What is asked, required first, then what is mapped besides."""
    whole = known(session, at.connection_id)[1]
    holds, own = mapping.effective(whole, at.path), _section(whole, at.path)
    wanted = asked(session, at)
    asked_of = sorted(wanted.attributes if wanted else (), key=lambda item: _ORDER.index(item.need))
    found = products(session, at)
    values = _values(whole, at, found)
    result = [
        Row(item.id, item.name, item, holds.attributes.get(item.id), item.id in own.attributes, *_seen(values, item.id))
        for item in asked_of
    ]
    others = [name for name in holds.attributes if name not in {item.id for item in asked_of}]
    result += [
        Row(name, name, None, holds.attributes[name], name in own.attributes, *_seen(values, name)) for name in others
    ]
    return result


def texts(session: Session, at: Place) -> list[Row]:
    """Title, description and brand, where they are not the store's own, and the bullet points."""
    whole = known(session, at.connection_id)[1]
    holds, own = mapping.effective(whole, at.path), _section(whole, at.path)
    found = [Row(f"@{name}", name, None, holds.texts.get(name), name in own.texts) for name in TEXTS]  # type: ignore[call-overload]
    bullets = holds.bullets or ()
    is_own = own.bullets is not None
    return [*found, *(Row(f"{BULLET}{n}", f"{n}", None, source, is_own) for n, source in enumerate(bullets, start=1))]


def _values(whole: AttributeMap, at: Place, found: Sequence[Pair]) -> list[Mapping[str, Any]]:
    evaluator = Evaluator(whole)
    return [evaluator(product, variant, at.path).attributes for product, variant in found]


def _seen(values: Sequence[Mapping[str, Any]], name: str) -> tuple[str, int]:
    """The first value there is, and how many products have none."""
    given = [mapping_text(found[name]) for found in values if found.get(name)]
    return (given[0] if given else ""), len(values) - len(given)


def mapping_text(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def products(session: Session, at: Place) -> list[Pair]:
    """Some products of the store that go to this category."""
    found = names.products(session)
    if not at.category:
        return found
    row = documents.read(session, of_connection(at.connection_id), "category_overrides")
    overrides = CategoryOverrides.model_validate(row.content if row else {})
    assigner = Assigner(sorting.mapping_of(session, at.connection_id), overrides)

    def fits(product: StoreProduct) -> bool:
        assigned = assigner.category(product.external_id, category_paths(product))
        return assigned is not None and assigned.category == at.category

    return [pair for pair in found if fits(pair[0])]


def source_of(session: Session, at: Place, name: str) -> Source | None:
    """What an attribute (or ``@title``, ``@bullet 2``) is filled from there."""
    holds = mapping.effective(known(session, at.connection_id)[1], at.path)
    if name.startswith(BULLET):
        number = _bullet(name)
        return (holds.bullets or ())[number] if number < len(holds.bullets or ()) else None
    if name.startswith("@"):
        return holds.texts.get(name.removeprefix("@"))  # type: ignore[call-overload,no-any-return]
    return holds.attributes.get(name)


def with_source(session: Session, at: Place, name: str, source: Data | None) -> Data:
    """The mapping, as data, with this source for one attribute of one category; None takes what is said there away."""
    whole = known(session, at.connection_id)[1]
    section = _section(whole, at.path).as_json()
    if name.startswith(BULLET):
        held = list(mapping.effective(whole, at.path).as_json()["bullets"] or [])
        number = _bullet(name)
        held[number : number + 1] = [source] if source is not None else []
        section["bullets"] = held
    else:
        group, key = ("texts", name.removeprefix("@")) if name.startswith("@") else ("attributes", name)
        section[group] = {other: value for other, value in section[group].items() if other != key}
        section[group] |= {key: source} if source is not None else {}
    others = [other.as_json() for other in whole.sections if other.path != at.path]
    is_empty = not (section["attributes"] or section["texts"]) and section["bullets"] is None
    return {"sections": sorted([*others, *([] if is_empty else [section])], key=lambda item: list(item["path"]))}


def _bullet(name: str) -> int:
    number = name.removeprefix(BULLET)
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 100):
        raise NotFound("There is no such bullet point.")
    return int(number) - 1


def _section(whole: AttributeMap, path: Path) -> Section:
    return next((item for item in whole.sections if item.path == path), Section(path=path))


def refusals(session: Session, at: Place, name: str, source: Data) -> dict[str, str]:
    """What is wrong with a source, by the place inside it (``text``, ``sources.1.name``)."""
    data = with_source(session, at, name, source)
    found = mapping.refused_at_saving(data, asked(session, at), at.path)
    number = [tuple(section["path"]) for section in data["sections"]].index(at.path)
    inside = (
        f"bullets.{_bullet(name)}"
        if name.startswith(BULLET)
        else f"{'texts' if name[0] == '@' else 'attributes'}.{name.lstrip('@')}"
    )
    own = f"sections.{number}.{inside}"
    return {item.path.removeprefix(own).removeprefix("."): item.text for item in found if item.path.startswith(own)}


def save(engine: Engine, shop_id: int, at: Place, name: str, source: Data | None, author: str) -> None:
    """Into the draft. Raises FieldErrors by the place inside the source."""
    with engine.db.read(shop_id) as session:
        wrong = refusals(session, at, name, source) if source is not None else {}
        data = with_source(session, at, name, source)
    if wrong:
        raise FieldErrors(wrong)
    working.keep(engine, shop_id, of_connection(at.connection_id), KIND, data, author)


def preview(session: Session, at: Place, name: str, source: Data) -> Preview:
    """What this source makes of products of that category."""
    whole = AttributeMap.model_validate(with_source(session, at, name, source))
    evaluator, result = Evaluator(whole), Preview()
    for product, variant in products(session, at):
        made = evaluator(product, variant, at.path)
        value = _made(made, name)
        result.looked_at += 1
        result.filled += bool(value)
        if len(result.rows) < EXAMPLES:
            findings = [item.text for item in made.findings if item.field.removeprefix("attributes.") == name]
            result.rows.append({"sku": variant.sku or "", "title": variant.title, "value": value, "findings": findings})
    return result


def _made(made: mapping.Mapped, name: str) -> str:
    if name.startswith(BULLET):
        number = _bullet(name)
        return made.bullets[number] if number < len(made.bullets) else ""
    if name.startswith("@"):
        return made.texts.get(name.removeprefix("@"), "")
    return mapping_text(made.attributes.get(name, ""))


def own_values(session: Session, at: Place, source: Data) -> list[str]:
    """The different values that a source has over the store's products: what a table has to know."""
    whole, faults = mapping.read_mapping({"sections": [{"attributes": {"value": source}}]})
    if whole is None or faults:
        return []
    evaluator = Evaluator(whole)
    found: dict[str, None] = {}
    for product, variant in products(session, at):
        value = evaluator(product, variant, ()).attributes.get("value", "")
        found |= dict.fromkeys((value,) if isinstance(value, str) else value)
    return sorted(value for value in found if value)[:MOST_VALUES]


def upload(engine: Engine, shop_id: int, connection_id: int, name: str, content: bytes, author: str) -> None:
    """A file in place of the mapping, into the draft: CSV or JSON, by its ending. Raises FieldErrors, AskMerchant."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AskMerchant("The file is not text in UTF-8; save it as such.", field="file") from None
    read, faults = mapping.from_json(text) if name.lower().endswith(".json") else mapping.from_csv(text)
    faults = faults or (mapping.refused_at_saving(read) if read is not None else ())
    if read is None or faults:
        raise FieldErrors(
            {f"file {item.path}".strip(): f"{item.path}: {item.text}".removeprefix(": ") for item in faults[:20]}
        )
    working.keep(engine, shop_id, of_connection(connection_id), KIND, read.as_json(), author)


def download(session: Session, connection_id: int, form: str) -> str:
    whole = known(session, connection_id)[1]
    return mapping.to_json(whole) if form == "json" else mapping.to_csv(whole)


def copy(engine: Engine, shop_id: int, copied: copying.Copied, author: str) -> tuple[str, ...]:
    """What was copied, into the draft. Returns the attributes that could not go along."""
    wish = copied.wish
    working.keep(engine, shop_id, wish.subject, KIND, wish.content or {}, author)
    return copied.left_out
