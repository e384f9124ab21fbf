"""Bundles as a person writes them, one a line: ``TEA-SET = 2 x CUP, 1 x POT; store``. The last word says who takes the
components off the store's stock; without one a person does."""

from __future__ import annotations

import re

from pydantic import ValidationError

from bridge.domain.bundles import Bundle, Bundles, TakenBy
from bridge.domain.unfit import begun
from bridge.flows.documents import field_errors
from bridge.flows.forms import FieldErrors

FIELD = "bundles"
WORDS = {"store": TakenBy.STORE, "storebridge": TakenBy.BRIDGE}
_TAKEN = re.compile(r"(?P<parts>.*\S) *; *(?P<word>store|storebridge)", re.IGNORECASE)
_PART = re.compile(r"(?:(?P<count>[1-9][0-9]{0,5}) *[x×] +)?(?P<sku>\S.*)", re.IGNORECASE)


def written(bundles: Bundles) -> str:
    return "\n".join(f"{item.sku} = {_made_of(item)}{_taken(item)}" for item in bundles.bundles)


def _made_of(bundle: Bundle) -> str:
    return ", ".join(f"{part.quantity} x {part.sku}" for part in bundle.components)


def _taken(bundle: Bundle) -> str:
    return next((f"; {word}" for word, who in WORDS.items() if who is bundle.taken_by), "")


def read(text: str) -> Bundles:
    """Raises FieldErrors, naming the line."""
    rows = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    try:
        return Bundles(bundles=tuple(_bundle(number, line) for number, line in rows))
    except ValidationError as error:
        raise FieldErrors({FIELD: begun(next(iter(field_errors(error).values())))}) from None


def _bundle(number: int, line: str) -> Bundle:
    sku, equals, rest = line.partition("=")
    taken = _TAKEN.fullmatch(rest)
    rest = taken["parts"] if taken else rest
    found = [_PART.fullmatch(part.strip()) for part in rest.split(",")]
    if not equals or not sku.strip() or not all(found):
        raise FieldErrors({FIELD: f"Line {number}: write it like TEA-SET = 2 x CUP, 1 x POT."})
    parts = [{"sku": part["sku"].strip(), "quantity": int(part["count"] or 1)} for part in found if part]
    try:
        who = {"taken_by": WORDS[taken["word"].lower()]} if taken else {}
        return Bundle.model_validate({"sku": sku.strip(), "components": parts, **who})
    except ValidationError as error:
        raise FieldErrors({FIELD: f"Line {number}: {begun(next(iter(field_errors(error).values())))}"}) from None
