"""The pages of the mapping editor: what a marketplace asks of a category and what it is filled from, one attribute with
its table and its preview, files up and down."""

from __future__ import annotations

from typing import Any

from bridge.domain.mapping import Source
from bridge.flows import copying, documents, mapping_edit, names, needs, polls, working
from bridge.flows.documents import of_connection
from bridge.flows.forms import FieldErrors
from bridge.flows.mapping_edit import KIND, Place
from bridge.ports.errors import AskMerchant, NotFound
from bridge.web import drawing, flat, source_words
from bridge.web.asked import Download, Go, again
from bridge.web.drawing import Options, Sheet
from bridge.web.editor_words import N_, NEEDS, TEXTS
from bridge.web.flat import Flat
from bridge.web.page import Context, Page, Sent, View

SOURCE = "source"
EDITS = ("choose", "add", "remove", "up", "down", "effect", "values")
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def _mapping(view: View) -> Context | Download:
    session = view.session
    channels = documents.channels(session)
    if not channels:
        return {"channels": {}, "rows": []}
    at = _place(view)
    form = view.text("download")
    if form in TYPES:
        text = mapping_edit.download(session, at.connection_id, form)
        return Download(f"mapping-{at.connection_id}.{form}", TYPES[form], text.encode())
    copy, whole = mapping_edit.known(session, at.connection_id)
    rows = mapping_edit.rows(session, at)
    asked = mapping_edit.asked(session, at)
    return {
        "channels": channels,
        "place": at,
        "place_path": " > ".join(at.path),
        "categories": mapping_edit.categories(session, at.connection_id),
        "copy": copy,
        "drafted": [copy] if copy.is_draft else [],
        "is_empty": not whole.sections,
        "asked_at": next((row["fetched_at"] for row in needs.shown(session, at.connection_id)), None),
        "is_known": asked is not None,
        "rows": [{"row": row, "needs": _needs(row), "source": source_words.said(row.source)} for row in rows],
        "texts": [{"row": row, "source": source_words.said(row.source)} for row in mapping_edit.texts(session, at)],
        "open_needs": sum(row.source is None and row.is_required for row in rows),
        "text_words": TEXTS,
        "left": view.text("left", 1000),
        "faults": list(view.error.errors.values()) if isinstance(view.error, FieldErrors) else [],
    }


def _needs(row: mapping_edit.Row) -> tuple[str, str]:
    return NEEDS[row.wanted.need.value] if row.wanted else (N_("Not asked here"), "plain")


def _place(view: View) -> Place:
    first = next(iter(documents.channels(view.session)), None)
    number = view.number("of") or first
    if number is None:
        raise NotFound("No marketplace is connected.")
    return mapping_edit.place(view.session, number, view.text("category", 190))


def _attribute(view: View) -> Context | None:
    at, name = _place(view), view.text("name", 200)
    if not name:
        return None
    row = _row(view, at, name)
    form = _edited(view, at, name)
    data = drawing.gathered_one(Source, form, SOURCE)
    found = mapping_edit.refusals(view.session, at, name, data)
    errors = drawing.told({f"{SOURCE}.{path}" if path else SOURCE: text for path, text in found.items()}, form)
    showing = view.form is not None and view.form.do in ("effect", "save")
    sheet = _sheet(view, at, form, errors if showing else {}, row)
    return {
        "place": at,
        "place_path": " > ".join(at.path),
        "name": name,
        "row": row,
        "label": source_words.label_of(name, row.label),
        "source": drawing.one_of(sheet, Source, SOURCE, N_("Where it comes from")),
        "preview": mapping_edit.preview(view.session, at, name, data) if not found else None,
        "form_": form,
        "title": source_words.label_of(name, row.label),
    }


def _row(view: View, at: Place, name: str) -> mapping_edit.Row:
    """Raises NotFound for what the marketplace does not ask and nobody has mapped."""
    known = [*mapping_edit.rows(view.session, at), *mapping_edit.texts(view.session, at)]
    found = next((row for row in known if row.name == name), None)
    if found is None and not name.startswith(mapping_edit.BULLET) and not view.text("new"):
        raise NotFound("This marketplace has no such attribute here.")
    return found or mapping_edit.Row(name, name.removeprefix("@"), None, None)


def _edited(view: View, at: Place, name: str) -> Flat:
    if view.form is None:
        source = mapping_edit.source_of(view.session, at, name)
        return flat.flat_of(source, SOURCE) if source else {f"{SOURCE}.kind": "field", f"{SOURCE}.field": "title"}
    form, place = dict(view.form), view.form.place
    match view.form.do:
        case "add":
            return flat.added(form, place, {"kind": "field", "field": "title"})
        case "remove":
            return flat.without(form, place)
        case "up" | "down":
            return flat.swapped(form, place, -1 if view.form.do == "up" else 1)
        case "values":
            return _with_values(view, at, form, place)
        case _:
            return form


def _with_values(view: View, at: Place, form: Flat, place: str) -> Flat:
    """A row for every value of the store that the table does not have yet."""
    inner = drawing.gathered_one(Source, form, f"{place.rpartition('.')[0]}.source")
    rows = [flat.part(form, f"{place}.{number}") for number in flat.numbers(form, place)]
    form = {name: value for name, value in form.items() if not name.startswith(f"{place}.")}
    for row in rows:
        form = flat.added(form, place, row) if row.get("key", "").strip() else form
    known = {row.get("key", "").strip().casefold() for row in rows}
    for value in mapping_edit.own_values(view.session, at, inner):
        if value.casefold() not in known:
            form = flat.added(form, place, {"key": value, "to": ""})
    return form


def _sheet(view: View, at: Place, form: Flat, errors: dict[str, str], row: mapping_edit.Row) -> Sheet:
    known = names.of_products(view.session)
    rows = mapping_edit.rows(view.session, at)
    own = [item.name for item in rows if item.source is not None and item.name != row.name]
    allowed: Options = [(one.value, one.label or one.value) for one in row.wanted.allowed] if row.wanted else []
    found = {
        "option": [(name, name) for name in known.options],
        "attribute": [(name, name) for name in known.attributes],
        "custom": [(name, name) for name in known.custom],
        "mapped": [(name, name) for name in own],
    }
    return Sheet(form, errors, names=found, allowed=[] if row.wanted and row.wanted.open_list else allowed)


# What the forms ask for.


def _at(sent: Sent) -> Place:
    number = sent.number("of")
    with sent.engine.db.read(sent.shop_id) as session:
        return mapping_edit.place(session, number, sent.form.get("category", "")[:190])


def _back(at: Place, done: str = "", left: str = "") -> Go:
    return Go("mapping", {"of": at.connection_id, "category": at.category, "left": left}, done)


def _save(sent: Sent) -> Go:
    at, name = _at(sent), sent.form.get("name", "")[:200]
    data = drawing.gathered_one(Source, sent.form, SOURCE)
    try:
        mapping_edit.save(sent.engine, sent.shop_id, at, name, data, sent.author)
    except FieldErrors as error:
        raise AskMerchant(N_("Something is missing or wrong; it is marked below.")) from error
    return _back(at, "drafted")


def _clear(sent: Sent) -> Go:
    at, name = _at(sent), sent.form.get("name", "")[:200]
    mapping_edit.save(sent.engine, sent.shop_id, at, name, None, sent.author)
    return _back(at, "drafted")


def _plan(sent: Sent) -> Go:
    at = _at(sent)
    number = working.plan_of(sent.engine, sent.shop_id, of_connection(at.connection_id), (KIND,), sent.author)
    return Go(f"plans/{number}", done="planned")


def _discard(sent: Sent) -> Go:
    at = _at(sent)
    working.discard(sent.engine, sent.shop_id, of_connection(at.connection_id), (KIND,))
    return _back(at, "discarded")


def _upload(sent: Sent) -> Go:
    at, file = _at(sent), sent.form.files.get("file")
    if file is None:
        raise AskMerchant("Choose a file first.", field="file")
    mapping_edit.upload(sent.engine, sent.shop_id, at.connection_id, file.name, file.content, sent.author)
    return _back(at, "drafted")


def _copy_from(sent: Sent) -> Go:
    at, source = _at(sent), sent.number("from")
    with sent.engine.db.read(sent.shop_id) as session:
        working.must_exist(session, of_connection(source))
        replace = "replace" in sent.form
        found = copying.to_connection(session, source, at.connection_id, replace=replace, edited=True)
    left = mapping_edit.copy(sent.engine, sent.shop_id, found, sent.author)
    return _back(at, "drafted", ", ".join(left))


def _copy_into(sent: Sent) -> Go:
    at, into = _at(sent), sent.form.get("into", "")
    with sent.engine.db.read(sent.shop_id) as session:
        targets = [mapping_edit.place(session, at.connection_id, into[:190]).path] if into else []
        found = copying.to_categories(session, at.connection_id, at.path, targets, edited=True)
    mapping_edit.copy(sent.engine, sent.shop_id, found, sent.author)
    return _back(at, "drafted")


def _ask(sent: Sent) -> Go:
    at = _at(sent)
    if not polls.ask_now(sent.engine, sent.shop_id, at.connection_id, "poll.requirements"):
        raise AskMerchant("This marketplace does not tell what it asks for.")
    return _back(at, "asked_now")


ACTS: dict[str, Any] = {
    "plan": _plan,
    "discard": _discard,
    "upload": _upload,
    "copy-from": _copy_from,
    "copy-into": _copy_into,
    "ask": _ask,
}
ATTRIBUTE_ACTS: dict[str, Any] = {**dict.fromkeys(EDITS, again), "save": _save, "clear": _clear}
PAGES = (
    Page("mapping", "mapping", "Attributes", "listings", _mapping, menu="Attributes", acts=ACTS, shape="table"),
    Page("attribute", "mapping/attribute", "Attribute", "listings", _attribute, under="mapping", acts=ATTRIBUTE_ACTS),
)
