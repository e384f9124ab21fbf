"""The pages of the rule editor: the lists, and one rule with what it does to the merchant's own products."""

from __future__ import annotations

from typing import Any

from bridge.domain.money import CURRENCIES
from bridge.domain.rules.actions import Action
from bridge.domain.rules.fields import FIELDS
from bridge.flows import effect, names, rule_lists, rule_starts, working
from bridge.flows.documents import CONNECTION, SHARED
from bridge.flows.forms import FieldErrors
from bridge.flows.rule_lists import KIND, SHARING, Place
from bridge.ports.errors import AskMerchant
from bridge.web import drawing, rule_form, rule_words
from bridge.web.asked import Go, again
from bridge.web.drawing import Options, Sheet
from bridge.web.editor_words import EFFECTS, MODES, N_, WRITTEN
from bridge.web.flat import Flat
from bridge.web.language import Name
from bridge.web.page import Context, Page, Sent, View

EDITS = ("condition", "group", "action", "remove", "up", "down", "choose", "effect")


def _rules(view: View) -> Context:
    session = view.session
    chosen, wrong_name = _chosen(view)
    choices = rule_lists.lists(session)
    context: Context = {"choices": choices, "subject": chosen, "rules": [], "starts": rule_starts.STARTS}
    context |= {"new": view.text("new"), "wrong_name": wrong_name}
    if not chosen:
        return context
    copy, sharing = rule_lists.read(session, chosen), working.read(session, chosen, SHARING)
    uses = list(sharing.content.get("uses", ()))
    shared = [choice for choice in choices if choice.subject.startswith(SHARED)]
    return {
        **context,
        "copy": copy,
        "drafted": [item for item in (copy, sharing) if item.is_draft],
        "is_shared": chosen.startswith(SHARED),
        "users": next((choice.users for choice in choices if choice.subject == chosen), ()),
        "name": next((choice.title for choice in choices if choice.subject == chosen), chosen.removeprefix(SHARED)),
        "shared": sorted(shared, key=lambda choice: _rank(uses, choice.title)),
        "uses": uses,
        "rules": [{**rule, **rule_words.said(rule)} for rule in rule_lists.of(copy)],
    }


def _rank(uses: list[str], name: str) -> tuple[int, str]:
    return (uses.index(name), "") if name in uses else (len(uses), name)


def _chosen(view: View) -> tuple[str, str]:
    """The list that is shown, and what is wrong with the name of the new one that was to be begun."""
    try:
        if "new" in view.query:
            return rule_lists.subject_of(view.session, SHARED + view.text("new")), ""
    except AskMerchant as error:
        return rule_lists.subject_of(view.session, ""), error.merchant
    return rule_lists.subject_of(view.session, view.text("of")), ""


def _rule(view: View) -> Context | None:
    place = _place(view)
    if not place.subject:
        return None
    currencies = rule_starts.currencies(view.engine, view.session, place.subject)
    form = _edited(view, place, currencies)
    read = rule_form.read(form)
    errors = _errors(view, place, read, form)
    sheet = _sheet(view, form, errors, currencies)
    number = rule_lists.shown_on(view.session, place.subject)
    is_start = view.form is None and place.number is None
    return {
        "place": place,
        "form_": form,
        "asked_group": rule_form.conditions(sheet),
        "done_parts": rule_form.actions(sheet),
        "wrong": sheet.errors,
        "modes": list(MODES.items()),
        "asked": sheet.asked,
        "kinds_of_action": drawing.kinds_of(Action),
        "effects": EFFECTS,
        "effect": _effect(view, place, read, number) if not errors and number is not None else None,
        "shown_on": next(
            (one.title for one in rule_lists.lists(view.session) if one.subject == f"{CONNECTION}{number}"), ""
        ),
        "title": (read.data["name"] if is_start else Name(read.data["name"])) or N_("New rule"),
        "is_start": is_start,
    }


def _place(view: View) -> Place:
    number = view.number("rule")
    subject = rule_lists.subject_of(view.session, view.text("of"))
    place = Place(subject, number)
    return place if number is None else Place(subject, number, str(rule_lists.rule_at(view.session, place)["name"]))


def _edited(view: View, place: Place, currencies: tuple[str, ...]) -> Flat:
    if view.form is not None:
        return rule_form.edited(dict(view.form), view.form.do, view.form.place, currencies[0])
    if place.number is not None:
        return rule_form.of_rule(rule_lists.rule_at(view.session, place))
    start = rule_starts.rule(view.text("start"), currencies, view.text("sku", 190))
    return rule_form.of_rule(start) if start else {"enabled": "1", "when.mode": "all"}


def _errors(view: View, place: Place, read: rule_form.Read, form: Flat) -> dict[str, str]:
    """What is wrong, by the names of the form."""
    wrong = read.errors(rule_lists.refusals(view.engine, view.session, place, read.data))
    if "then" in wrong and not read.data["then"]:
        wrong["then"] = N_("Choose what is to be done, and add it.")
    return drawing.told(wrong, {**form, "then": "-"})


def _effect(view: View, place: Place, read: rule_form.Read, number: int) -> effect.Effect:
    known = rule_lists.of(rule_lists.read(view.session, place.subject))
    at = len(known) if place.number is None else place.number
    rules = rule_lists.with_rule(known, place.number, read.data)
    return effect.of_rule(view.engine, view.session, number, place.subject, rules, at)


def _is_whole(view: View) -> bool:
    """Whether this is a rule to be judged, and not one that is just being put together."""
    if view.form is not None:
        return view.form.do in ("effect", "save")
    return bool(view.text("rule") or view.text("start"))


def _sheet(view: View, form: Flat, errors: dict[str, str], currencies: tuple[str, ...]) -> Sheet:
    told = errors if _is_whole(view) else {}
    known = names.of_products(view.session)
    attributes = [(f"attributes.{name}", name) for name in known.attributes]
    asked: Options = [
        *((name, field.label) for name, field in FIELDS.items()),
        *attributes,
        *((f"custom.{name}", name) for name in known.custom),
    ]
    return Sheet(
        form, told, tuple(code for code in currencies if code in CURRENCIES), asked, [*WRITTEN.items(), *attributes]
    )


# What the forms ask for.


def _at(sent: Sent) -> Place:
    with sent.engine.db.read(sent.shop_id) as session:
        subject = rule_lists.subject_of(session, sent.form.get("of", "")[:120])
    number = sent.number("rule") if sent.form.get("rule") else None
    return Place(subject, number, sent.form.get("was", ""))


def _back(place: Place, done: str = "") -> Go:
    return Go("rules", {"of": place.subject}, done)


def _up(sent: Sent) -> Go:
    place = _at(sent)
    rule_lists.move(sent.engine, sent.shop_id, place, -1, sent.author)
    return _back(place)


def _down(sent: Sent) -> Go:
    place = _at(sent)
    rule_lists.move(sent.engine, sent.shop_id, place, 1, sent.author)
    return _back(place)


def _on(sent: Sent) -> Go:
    place = _at(sent)
    rule_lists.enable(sent.engine, sent.shop_id, place, sent.author, on=True)
    return _back(place)


def _off(sent: Sent) -> Go:
    place = _at(sent)
    rule_lists.enable(sent.engine, sent.shop_id, place, sent.author, on=False)
    return _back(place)


def _remove(sent: Sent) -> Go:
    place = _at(sent)
    rule_lists.remove(sent.engine, sent.shop_id, place, sent.author)
    return _back(place)


def _share(sent: Sent) -> Go:
    place = _at(sent)
    rule_lists.share(sent.engine, sent.shop_id, place.subject, sent.form.all("uses"), sent.author)
    return _back(place)


def _plan(sent: Sent) -> Go:
    place = _at(sent)
    number = working.plan_of(sent.engine, sent.shop_id, place.subject, (KIND, SHARING), sent.author)
    return Go(f"plans/{number}", done="planned")


def _discard(sent: Sent) -> Go:
    place = _at(sent)
    working.discard(sent.engine, sent.shop_id, place.subject, (KIND, SHARING))
    return Go("rules", {"of": "" if place.subject.startswith(SHARED) else place.subject}, "discarded")


def _save(sent: Sent) -> Go:
    place = _at(sent)
    read = rule_form.read(sent.form)
    try:
        rule_lists.save(sent.engine, sent.shop_id, place, read.data, sent.author)
    except FieldErrors as error:
        raise AskMerchant(N_("Something is missing or wrong; it is marked below.")) from error
    return _back(place, "drafted")


LIST_ACTS: dict[str, Any] = {
    "up": _up,
    "down": _down,
    "on": _on,
    "off": _off,
    "remove": _remove,
    "share": _share,
    "plan": _plan,
    "discard": _discard,
}
PAGES = (
    Page("rules", "rules", "Rules", "listings", _rules, menu="Rules", acts=LIST_ACTS),
    Page("rule", "rule", "Rule", "listings", _rule, under="rules", acts={**dict.fromkeys(EDITS, again), "save": _save}),
)
