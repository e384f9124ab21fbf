"""Between a page's form and the forms as data (bridge/flows/drawing.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bridge.flows.drawing import Drawn, again
from bridge.flows.drawing import typed as plain
from bridge.flows.forms import FieldErrors
from bridge.ports.errors import BridgeError, Reauthorise
from bridge.web.asked import Form
from bridge.web.page import View


def every(form: Form) -> dict[str, list[str]]:
    """Each field with all its values."""
    return {name: form.all(name) for name in form}


def errors_of(error: BridgeError | None) -> Mapping[str, str]:
    """What is wrong, by field."""
    if isinstance(error, FieldErrors):
        return error.errors
    return {error.field: error.merchant} if error is not None and error.field else {}


def shown(items: Iterable[Drawn], view: View, dos: Sequence[str], prefix: str = "") -> list[Drawn]:
    """As they are; or as they were typed, where the form of one of these actions is shown once more."""
    if view.form is None or view.form.do not in dos:
        return list(items)
    return again(items, every(view.form), errors_of(view.error), prefix)


def refused(items: Sequence[Drawn], error: BridgeError | None) -> list[Drawn]:
    """Credentials. Which of them was wrong nobody says: it stands beside the first secret, which is typed anew."""
    secret = next((item for item in items if item.kind == "secret"), None)
    if not isinstance(error, Reauthorise) or secret is None:
        return list(items)
    return [replace(item, error=error.merchant) if item is secret else item for item in items]


def typed(items: Iterable[Drawn], form: Form) -> dict[str, object]:
    """What was typed into these."""
    return plain({item.name: item.kind for item in items}, every(form))
