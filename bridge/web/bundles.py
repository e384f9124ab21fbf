"""Bundles on the page of returns: what each is made of, as text."""

from __future__ import annotations

from sqlalchemy import select

from bridge.db.tables import Change
from bridge.flows import bundle_text, documents, parts
from bridge.flows.documents import SHOP, Wish
from bridge.flows.forms import FieldErrors
from bridge.flows.parts import Back
from bridge.ports.errors import AskMerchant
from bridge.web import shaping
from bridge.web.asked import Form, Go
from bridge.web.page import Context, Sent, View

PAGE = "settings/returns"
MOST = 200_000


def shown(view: View) -> Context:
    row = documents.read(view.session, SHOP, parts.KIND)
    query = select(Change.author, Change.at).where(Change.number == (row.since if row is not None else -1))
    found = view.session.execute(query).first()
    sent = view.form.get(bundle_text.FIELD) if view.form is not None else None
    return {
        "bundles": bundle_text.written(parts.read(view.session)) if sent is None else sent,
        "bundles_version": str(row.since) if row is not None else "0",
        "bundles_changed": {"by": found[0], "at": found[1]} if found else None,
    }


def save(sent: Sent) -> Go:
    """In effect at once where nothing that is live moves by it; else it is a plan, to be looked at first. Raises
    FieldErrors, and AskMerchant where somebody else was faster."""
    found = bundle_text.read(sent.form.get(bundle_text.FIELD, "")[:MOST])
    with sent.engine.db.read(sent.shop_id) as session:
        row = documents.read(session, SHOP, parts.KIND)
    if sent.form.get("version") != (str(row.since) if row is not None else "0"):
        text = "This was changed by somebody else meanwhile. Reload the page and enter your change again."
        raise AskMerchant(text, field="version")
    wish = Wish(subject=SHOP, kind=parts.KIND, content=found.as_json())
    try:
        return shaping.change(sent, [wish], "bundles", Go(PAGE, {}, "set"))
    except FieldErrors as error:
        raise FieldErrors({bundle_text.FIELD: next(iter(error.errors.values()))}) from None


def came_back(form: Form) -> list[Back]:
    """The parts of a return as its form has them."""
    found: list[Back] = []
    while (sku := form.get(f"part-{len(found)}")) is not None:
        place = len(found)
        units, condition = form.get(f"back-{place}", "").strip(), form.get(f"condition-{place}") or None
        if not (units.isascii() and units.isdigit() and len(units) < 7):
            raise AskMerchant("Enter a whole number.", field="parts")
        found.append(Back.model_validate({"sku": sku[:190], "units": int(units), "condition": condition}))
    return found
