"""From the store's words to the marketplace's: which attribute is filled from what, as data that a form can draw."""

from bridge.domain.mapping.evaluate import Evaluator, Known, Mapped, evaluate
from bridge.domain.mapping.inherit import adapted, copied, effective, with_section
from bridge.domain.mapping.model import AttributeMap, Section, Source, StoreField
from bridge.domain.mapping.portable import from_csv, from_json, to_csv, to_json
from bridge.domain.mapping.refuse import read_mapping, refused_at_saving
from bridge.domain.refusal import Refusal

__all__ = [
    "AttributeMap",
    "Evaluator",
    "Known",
    "Mapped",
    "Refusal",
    "Section",
    "Source",
    "StoreField",
    "adapted",
    "copied",
    "effective",
    "evaluate",
    "from_csv",
    "from_json",
    "read_mapping",
    "refused_at_saving",
    "to_csv",
    "to_json",
    "with_section",
]
