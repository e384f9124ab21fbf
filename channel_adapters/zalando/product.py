"""The product that is submitted by an outline: a model with its configs with their simples. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from bridge.domain.listing import OfferContent
from bridge.domain.reading import Json, tables, text
from bridge.ports.errors import RejectItem
from channel_adapters.zalando.outlines import (
    BRAND,
    CONFIG_ID,
    DESCRIPTION,
    EAN,
    IDS,
    MEDIA,
    MODEL_ID,
    NAME,
    SIMPLE_ID,
    Type,
    base_of,
    label_of,
    types_of,
)

TRUE = ("1", "true", "yes", "ja", "oui", "sì", "si")


@dataclass(frozen=True)
class Article:
    """One thing to sell: a simple with what it needs of its config and its model."""

    sku: str
    ean: str
    content: OfferContent

    def identifiers(self) -> Json:
        """What Zalando is to know the article by; those that are not named are not told."""
        found = {SIMPLE_ID: self.sku} | {name: text(self.content.attributes.get(name)) for name in IDS}
        return {name: value for name, value in found.items() if value}

    @property
    def model(self) -> str:
        return self.identifiers().get(MODEL_ID) or self.sku

    @property
    def config(self) -> str:
        return self.identifiers().get(CONFIG_ID) or self.identifiers().get(MODEL_ID) or self.sku


def submission(
    outline: Json, types: Mapping[str, Type], articles: Sequence[Article], defaults: Mapping[str, str], language: str
) -> Json:
    """One model with all of ``articles``: what is told once is told by the first of them. Raises RejectItem naming the
    attribute at fault."""
    writer = _Writer(outline, types, defaults, language)
    first = articles[0]
    configs: dict[str, list[Article]] = {}
    for article in articles:
        configs.setdefault(article.config, []).append(article)
    model: Json = {MODEL_ID: first.model, "product_model_attributes": writer.tier("model", first)}
    model["product_configs"] = [_config(writer, key, members) for key, members in configs.items()]
    return {"outline": text(outline.get("label")), "product_model": model}


def _config(writer: _Writer, key: str, members: Sequence[Article]) -> Json:
    simples = [
        {SIMPLE_ID: article.sku, "product_simple_attributes": writer.tier("simple", article)} for article in members
    ]
    about = writer.tier("config", members[0])
    return {CONFIG_ID: key, "product_config_attributes": about, "product_simples": simples}


class _Writer:
    """Attributes of each tier, as their types want them."""

    def __init__(self, outline: Json, types: Mapping[str, Type], defaults: Mapping[str, str], language: str) -> None:
        self._types = types
        self._defaults = defaults
        self._language = language
        self._asked = types_of(outline)

    def tier(self, tier: str, article: Article) -> Json:
        given = self._given(article)
        found: Json = {"ean": article.ean} if tier == "simple" else {}
        for label, (where, mandatory) in self._asked.items():
            if where != tier or label == EAN:
                continue
            value = self._special(label, article) if label not in given else self._typed(label, given[label])
            if value not in (None, "", [], {}):
                found[label] = value
            elif mandatory:
                raise RejectItem(f"Zalando asks for {label}, and the product has none.", field=label)
        return found

    def _given(self, article: Article) -> dict[str, str | tuple[str, ...]]:
        """The product's own attributes before those for all products."""
        own = {name: value for name, value in article.content.attributes.items() if value}
        return {**self._defaults, **own}

    def _special(self, label: str, article: Article) -> Any:
        """What the content itself says."""
        content = article.content
        if label == NAME:
            return self._typed(label, content.title)
        if label == DESCRIPTION:
            return self._typed(label, content.description) if content.description else None
        if label == MEDIA:
            return [{"media_path": url, "media_sort_key": number} for number, url in enumerate(content.images, 1)]
        if label == BRAND:
            return self._brand(content.brand)
        return None

    def _brand(self, brand: str | None) -> str | None:
        """Brands have codes; they are looked for by name, letter for letter but for its case."""
        wanted = text(brand).casefold()
        about = self._types.get(BRAND)
        found = (raw for raw in (about.values if about else ()) if wanted and label_of(raw).casefold() == wanted)
        return next((text(raw.get("label")) for raw in found), None)

    def _typed(self, label: str, given: str | tuple[str, ...]) -> Any:
        about = self._types.get(base_of(label)) or Type(label)
        parts = (given,) if isinstance(given, str) else given
        if not about.many:
            return value_of(about, parts[0], self._language, label)
        values = [part.strip() for text_ in parts for part in _listed(about, text_) if part.strip()]
        return [value_of(about, value, self._language, label) for value in values]


def _listed(about: Type, given: str) -> list[str]:
    """Several values in one text, where that can be told: not of free texts."""
    if about.parts or (about.definition in ("StringDefinition", "LocalizedStringDefinition") and not about.by_label):
        return [given]
    return re.split(r"[|,]", given)


def value_of(about: Type, given: str, language: str, label: str) -> Any:
    """A value as its type wants it. Raises RejectItem naming ``label``."""
    given = given.strip()
    if about.by_label:
        return given
    if about.parts:
        return _structure(about, given, language, label)
    if about.definition == "LocalizedStringDefinition":
        return {language: given}
    if about.definition == "BooleanDefinition":
        return given.casefold() in TRUE
    if about.definition in ("IntegerDefinition", "DecimalDefinition"):
        return _number(given, whole=about.definition == "IntegerDefinition", label=label)
    return given


def _number(given: str, *, whole: bool, label: str) -> int | Decimal:
    try:
        found = Decimal(given.replace(",", "."))
        if not found.is_finite() or (whole and found != found.to_integral_value()):
            raise InvalidOperation
    except InvalidOperation:
        kind = "a whole number" if whole else "a number"
        raise RejectItem(f"Zalando wants {kind} for {label}, not {given!r}.", field=label) from None
    return int(found) if whole else found


def _structure(about: Type, given: str, language: str, label: str) -> Json:
    """``part=value; part=value``, or the first part alone."""
    first = next(iter(about.parts))
    pieces = [piece for piece in given.split(";") if piece.strip()]
    split = [piece.partition("=") for piece in pieces]
    named = {name.strip(): value for name, sign, value in split if sign}
    told = named or {first: given}
    if unknown := next((name for name in told if name not in about.parts), None):
        raise RejectItem(f"{label} has no part {unknown!r}; its parts are {', '.join(about.parts)}.", field=label)
    missing = [name for name, (_, optional) in about.parts.items() if not optional and not text(told.get(name))]
    if missing:
        raise RejectItem(f"{label} lacks its part {missing[0]}.", field=label)
    return {name: value_of(about.parts[name][0], value, language, label) for name, value in told.items() if text(value)}


def problems(body: Json, name: str = "body_errors") -> list[tuple[str, str]]:
    """Attribute and words of each thing that was said about a submission."""
    return [
        (text(item.get("attribute")) or text(item.get("path")), text(item.get("message")) or text(item.get("reason")))
        for item in tables(body, name)
    ]
