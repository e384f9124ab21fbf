"""Rules as a merchant edits them: lists of a connection or shared ones, their order, one rule at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from bridge.domain import rules
from bridge.domain.rules import RuleContext, RuleSet
from bridge.flows import documents, working
from bridge.flows.documents import CONNECTION, SHARED, of_connection
from bridge.flows.engine import Engine
from bridge.flows.forms import FieldErrors
from bridge.flows.views import ChannelView, channel_views
from bridge.flows.working import Working
from bridge.ports.errors import AskMerchant, NotFound

KIND = "rules"
SHARING = "sharing"
LONGEST_NAME = 80
Data = dict[str, Any]
Known = Mapping[tuple[str, str], Working]


@dataclass(frozen=True)
class Place:
    """One rule of a list: its number there, and the name it has, so that a list that moved meanwhile is noticed.
    ``number`` None: a new one."""

    subject: str
    number: int | None = None
    name: str = ""


@dataclass(frozen=True)
class Choice:
    """A list of rules that there is. ``users`` are the connections that use a shared one."""

    subject: str
    title: str
    rules: int
    users: tuple[str, ...] = ()
    is_draft: bool = False


def lists(session: Session) -> list[Choice]:
    """One for each marketplace, then the shared ones by name."""
    channels, known = documents.channels(session), working.everything(session, (KIND, SHARING))
    found = [_choice(known, of_connection(number), title, ()) for number, title in channels.items()]
    uses = {title: _uses(known, number) for number, title in channels.items()}
    for name in _shared(known):
        users = tuple(title for title, names in uses.items() if name in names)
        found.append(_choice(known, f"{SHARED}{name}", name, users))
    return found


def _choice(known: Known, subject: str, title: str, users: tuple[str, ...]) -> Choice:
    copy = known.get((subject, KIND)) or Working(subject, KIND, {})
    return Choice(subject, title, len(copy.content.get("rules", ())), users, copy.is_draft)


def shared_names(session: Session) -> list[str]:
    """Of every shared rule set, those that are only being written too."""
    return _shared(working.everything(session, (KIND,)))


def _shared(known: Known) -> list[str]:
    return sorted(
        subject.removeprefix(SHARED) for subject, kind in known if kind == KIND and subject.startswith(SHARED)
    )


def _uses(known: Known, connection_id: int) -> list[str]:
    copy = known.get((of_connection(connection_id), SHARING))
    return list(copy.content.get("uses", ())) if copy is not None else []


def subject_of(session: Session, text: str) -> str:
    """What an address names: ``connection:3`` or ``shared:Name``; empty is the first marketplace. Raises NotFound."""
    if not text:
        first = next(iter(documents.channels(session)), None)
        return of_connection(first) if first is not None else ""
    if text.startswith(SHARED):
        name = text.removeprefix(SHARED).strip()
        if not (name and name.isprintable() and len(name) <= LONGEST_NAME):
            raise AskMerchant(f"Give the rule set a name of at most {LONGEST_NAME} characters.", field="name")
        return SHARED + name
    if not text.startswith(CONNECTION):
        raise NotFound("There is no such list of rules.")
    working.must_exist(session, text)
    return text


def shown_on(session: Session, subject: str) -> int | None:
    """The marketplace on which the effect of a list is shown: its own, a user of a shared one, else the first."""
    if subject.startswith(CONNECTION):
        return int(subject.removeprefix(CONNECTION))
    channels = documents.channels(session)
    known = working.everything(session, (SHARING,))
    using = [number for number in channels if subject.removeprefix(SHARED) in _uses(known, number)]
    return next(iter([*using, *channels]), None)


def read(session: Session, subject: str) -> Working:
    return working.read(session, subject, KIND)


def of(copy: Working) -> list[Data]:
    """The rules of a list, in order, as data."""
    return list(copy.content.get("rules", ()))


def rule_at(session: Session, place: Place) -> Data:
    """Raises NotFound."""
    found = of(read(session, place.subject))
    if place.number is None or place.number >= len(found):
        raise NotFound("There is no such rule.")
    return found[place.number]


def with_rule(known: list[Data], number: int | None, rule: Data) -> list[Data]:
    """The list with this rule in its place; a new one comes last."""
    return [*known, rule] if number is None else [*known[:number], rule, *known[number + 1 :]]


def refusals(engine: Engine, session: Session, place: Place, rule: Data) -> dict[str, str]:
    """What is wrong with one rule in its list, by the path inside the rule (``then.0.percent``)."""
    known = of(read(session, place.subject))
    number = len(known) if place.number is None else place.number
    _, found = rules.read_rules({"rules": with_rule(known, place.number, rule)}, context(engine, session, place))
    own = f"rules.{number}."
    return {item.path.removeprefix(own): item.text for item in found if item.path.startswith(own)}


def context(engine: Engine, session: Session, place: Place) -> RuleContext:
    """The marketplace that a rule is written for; of a shared list nothing is known but the day."""
    views = views_of(engine, session, place.subject)
    if views and place.subject.startswith(CONNECTION):
        return views[0].shape.context
    return RuleContext(today=engine.clock().date())


def views_of(engine: Engine, session: Session, subject: str) -> list[ChannelView]:
    number = shown_on(session, subject)
    return channel_views(engine, session, number) if number is not None else []


def save(engine: Engine, shop_id: int, place: Place, rule: Data, author: str) -> None:
    """Put one rule into the copy of its list. Raises FieldErrors by the path inside the rule."""
    with engine.db.read(shop_id) as session:
        wrong = refusals(engine, session, place, rule)
        known = _unmoved(session, place)
    if wrong:
        raise FieldErrors(wrong)
    _keep(engine, shop_id, place.subject, with_rule(known, place.number, rule), author)


def move(engine: Engine, shop_id: int, place: Place, by: int, author: str) -> None:
    """One place up (-1) or down (1)."""
    known, number = _taken(engine, shop_id, place)
    other = number + by
    if 0 <= other < len(known):
        known[number], known[other] = known[other], known[number]
    _keep(engine, shop_id, place.subject, known, author)


def enable(engine: Engine, shop_id: int, place: Place, author: str, *, on: bool) -> None:
    known, number = _taken(engine, shop_id, place)
    known[number] = {**known[number], "enabled": on}
    _keep(engine, shop_id, place.subject, known, author)


def remove(engine: Engine, shop_id: int, place: Place, author: str) -> None:
    known, number = _taken(engine, shop_id, place)
    _keep(engine, shop_id, place.subject, known[:number] + known[number + 1 :], author)


def _taken(engine: Engine, shop_id: int, place: Place) -> tuple[list[Data], int]:
    with engine.db.read(shop_id) as session:
        known = _unmoved(session, place)
    if place.number is None:
        raise NotFound("There is no such rule.")
    return known, place.number


def _unmoved(session: Session, place: Place) -> list[Data]:
    known = of(read(session, place.subject))
    if place.number is None:
        return known
    if place.number >= len(known) or known[place.number].get("name") != place.name:
        raise AskMerchant("The list of rules has changed meanwhile: look at it again, then repeat what you wanted.")
    return known


def _keep(engine: Engine, shop_id: int, subject: str, known: list[Data], author: str) -> None:
    working.keep(engine, shop_id, subject, KIND, {"rules": known}, author)


def share(engine: Engine, shop_id: int, subject: str, names: list[str], author: str) -> None:
    """Which shared rule sets a marketplace uses, in this order. Raises AskMerchant for one that there is not."""
    with engine.db.read(shop_id) as session:
        unknown = [name for name in names if name not in shared_names(session)]
    if unknown:
        raise AskMerchant(f"There is no shared rule set {unknown[0]!r}.", field="uses")
    working.keep(engine, shop_id, subject, SHARING, {"uses": names}, author)


def places(session: Session, connection_id: int) -> Mapping[str, tuple[str, int]]:
    """Where each rule of a marketplace stands, by its name: the list and the number there."""
    settings = documents.active(session)
    uses = settings.get((of_connection(connection_id), SHARING), {}).get("uses", ())
    subjects = [*(f"{SHARED}{name}" for name in uses), of_connection(connection_id)]
    found: dict[str, tuple[str, int]] = {}
    for subject in subjects:
        ruleset = RuleSet.model_validate(settings.get((subject, KIND), {}))
        found |= {rule.name: (subject, number) for number, rule in enumerate(ruleset.rules)}
    return found
