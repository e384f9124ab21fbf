"""What kinds of settings shape listings, for whom each can be set, and how its content is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from bridge.domain import mapping, rules
from bridge.domain.blast import Reach
from bridge.domain.bundles import Bundles
from bridge.domain.categories.assign import CategoryMapping, CategoryOverrides
from bridge.domain.pricing.oss import OssSettings
from bridge.domain.pricing.vat import TaxClasses
from bridge.domain.refusal import Refusal
from bridge.domain.shaping import FixedRates, MarketSettings
from bridge.domain.stock import StockPolicy
from bridge.domain.values import Value
from bridge.flows.forms import FieldErrors

Content = Mapping[str, Any]
# Whether a rate exists is asked when rules are applied: a table may come tomorrow.
_ANY = rules.RuleContext(today=date(2000, 1, 1))


class Sharing(Value):
    """Shared rule sets that a connection uses, in this order, before its own rules."""

    uses: tuple[str, ...] = Field(default=(), max_length=20)


def _works(_content: BaseModel) -> None:
    """Nothing more to check than the model itself does."""


def _rules_work(content: BaseModel) -> None:
    assert isinstance(content, rules.RuleSet)  # noqa: S101 the model of this kind
    _refuse(rules.refused_at_saving(content, _ANY))


def _mapping_works(content: BaseModel) -> None:
    assert isinstance(content, mapping.AttributeMap)  # noqa: S101 the model of this kind
    _refuse(mapping.refused_at_saving(content))


def _refuse(refusals: Iterable[Refusal]) -> None:
    errors = {item.path: item.text for item in refusals}
    if errors:
        raise FieldErrors(errors)


@dataclass(frozen=True)
class Kind:
    """``subjects``: connection, shared or shop. ``model`` and ``works`` refuse what cannot work, naming the field."""

    title: str
    model: type[BaseModel]
    subjects: tuple[str, ...] = ("connection",)
    works: Callable[[BaseModel], None] = _works

    def read(self, content: Content) -> dict[str, Any]:
        """The content in its canonical form. Raises pydantic.ValidationError and FieldErrors."""
        found = self.model.model_validate(content)
        self.works(found)
        return found.model_dump(mode="json", exclude_unset=True)

    def same(self, one: Content | None, other: Content | None) -> bool:
        """Whether two contents say the same, one of them perhaps with its defaults written out."""
        if one is None or other is None:
            return one is other
        return self.model.model_validate(one) == self.model.model_validate(other)


KINDS: Mapping[str, Kind] = {
    "rules": Kind("Rules", rules.RuleSet, ("connection", "shared"), _rules_work),
    "sharing": Kind("Shared rule sets in use", Sharing),
    "attribute_mapping": Kind("Attribute mapping", mapping.AttributeMap, works=_mapping_works),
    "category_mapping": Kind("Category mapping", CategoryMapping),
    "category_overrides": Kind("Categories of single products", CategoryOverrides),
    "stock": Kind("Stock and buffers", StockPolicy),
    "market": Kind("Country, currency and VAT of the store's prices", MarketSettings, ("connection", "shop")),
    "tax_classes": Kind("What the store's tax classes mean", TaxClasses, ("connection", "shop")),
    "rates": Kind("Fixed exchange rates", FixedRates, ("shop",)),
    "oss": Kind("Sales to consumers in other EU countries", OssSettings, ("shop",)),
    "bundles": Kind("Bundles and what they are made of", Bundles, ("shop",)),
    "reach": Kind("How far one change may reach", Reach, ("connection", "shop")),
}
