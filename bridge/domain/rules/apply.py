"""Rule sets made into functions once, and applied to any number of products."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from decimal import DecimalException
from functools import lru_cache
from typing import Any, NamedTuple

from bridge.domain.mapping.evaluate import Mapped
from bridge.domain.money import LIMIT
from bridge.domain.rules import actions as a
from bridge.domain.rules import price_acts
from bridge.domain.rules.act import act, excluding
from bridge.domain.rules.facts import Parts, Visit, fact_judge, facts, parted
from bridge.domain.rules.fields import ATTRIBUTE
from bridge.domain.rules.figures import Figures
from bridge.domain.rules.judge import judge
from bridge.domain.rules.ruleset import Rule, RuleSet
from bridge.domain.rules.shaped import Shaped
from bridge.domain.rules.state import Act, CannotPrice, Judge, State
from bridge.domain.rules.subject import RuleContext, Subject

VAT_SETTING = "(VAT)"
_VAT_RULE = Rule(name=VAT_SETTING, then=(a.Vat(),))
_TOO_LARGE = CannotPrice("price", "The price is too large to work with.", "Correct it in the store.")


class _Step(NamedTuple):
    """One rule. ``whole`` is all it asks (None: it fits everything) and ``rest`` what is left of that once the facts
    have answered (bridge/domain/rules/facts.py); ``others``: what is done to those it does not fit; ``may_end``: it
    stops, or excludes."""

    fact: Judge | None
    rest: Judge | None
    either: bool
    whole: Judge | None
    acts: tuple[Act, ...]
    others: tuple[Act, ...]
    may_end: bool
    rule: Rule


class Compiled:
    """A rule set for one context. Made for each connection and day; ``apply`` may be called from several threads."""

    def __init__(self, ruleset: RuleSet, context: RuleContext, mapped: Collection[str] = ()) -> None:
        self._figures = Figures(context)
        self._see_all = ATTRIBUTE in ruleset.model_dump_json()
        rules = [rule for rule in ruleset.rules if rule.enabled]
        taxing = any(isinstance(action, a.Vat) for rule in rules for action in rule.then)
        self._add_vat = price_acts.vat(a.Vat(), VAT_SETTING, self._figures)
        self._net = not context.prices_include_tax
        vat_first = _Step(None, None, False, None, (_if_priced(self._add_vat),), (), False, _VAT_RULE)
        steps = tuple(_steps(rules, self._figures, mapped))
        self._last = (self._finish,)
        self._steps = (vat_first, *steps) if self._net and not taxing else steps
        self._facts = facts(tuple((step.fact, not step.either and not step.others) for step in self._steps))

    def apply(self, subject: Subject, mapped: Mapped | None = None) -> Shaped:
        """What the rules make of ``subject``, which stays as it is, under what a mapping made of it. Never raises for
        what is wrong with a product: that is a finding, and blocks where it is about the price. Buffer, cap and text
        are worked out all the same. What came of it is remembered until something else is made of the same subject."""
        given = () if mapped is None else (mapped.texts, mapped.bullets, mapped.attributes if self._see_all else None)
        known: tuple[Any, Shaped] | None = subject.known.get(self)
        if known is None or known[0] != given:
            known = subject.known[self] = given, self._applied(subject, mapped)
        return known[1]

    def _applied(self, subject: Subject, mapped: Mapped | None) -> Shaped:
        state = State(subject, self._figures.contained(subject.tax_class), mapped)
        _walk(self._steps, self._facts.visits(state), state)
        if state.excluded is None and state.amount is not None:
            _do(self._last, state)
        return state.shaped()

    def _finish(self, state: State) -> None:
        """The price as it is sent: with VAT, within its bounds, in whole coins."""
        if self._net and state.vat == 0:
            self._add_vat(state)
        if state.floor or state.ceiling:
            price_acts.within_bounds(state)
        price_acts.in_coins(state)
        if state.amount is not None and state.amount >= LIMIT:
            raise _TOO_LARGE


def _if_priced(one: Act) -> Act:
    return lambda state: None if state.amount is None else one(state)


def _do(acts: tuple[Act, ...], state: State) -> None:
    for one in acts:
        try:
            one(state)
        except CannotPrice as error:
            state.unpriced(error)
        except DecimalException:
            state.unpriced(_TOO_LARGE)


def _walk(steps: tuple[_Step, ...], visits: tuple[Visit, ...], state: State) -> None:
    for number, answer in visits:
        _, rest, either, whole, acts, others, may_end, rule = steps[number]
        if answer is None and whole is not None:
            fits = whole(state)
        else:
            fits = answer if rest is None or answer is either else rest(state)
        if fits:
            _do(acts, state)
            if may_end and (rule.stop or state.excluded is not None):
                return
        elif fits is None and whole is not None:
            _unknown(whole, rule, state)
        elif others:
            _do(others, state)
            if state.excluded is not None:
                return


def _unknown(ask: Judge, rule: Rule, state: State) -> None:
    """Neither applied nor silently passed over."""
    missing = list(dict.fromkeys(state.lacking(ask)))
    text = f"Rule {rule.name!r} could not be judged and was not applied; not known: {', '.join(missing)}."
    state.complain("rule_unknown", missing[0], False, text, "Fill it in, or change the rule.")
    if rule.hold_unknown and state.held is None:
        state.held = text


def _steps(rules: Sequence[Rule], figures: Figures, mapped: Collection[str]) -> Iterator[_Step]:
    """Without those that can do nothing here."""
    written = set(mapped)
    for rule in rules:
        step = _step(rule, figures, written)
        if step is not None:
            yield step
        written |= {action.target for action in rule.then if isinstance(action, a.SetText | a.ReplaceText)}


def _step(rule: Rule, figures: Figures, written: Collection[str]) -> _Step | None:
    asked = judge(rule.when, figures)
    acts = tuple(act(one, rule.name, figures) for one in rule.then if not isinstance(one, a.IncludeOnly))
    others = tuple(excluding(one, rule.name) for one in rule.then if isinstance(one, a.IncludeOnly))
    may_end = rule.stop or any(isinstance(one, a.Exclude) for one in rule.then)
    if callable(asked):
        return _Step(*_asked(parted(rule.when, written), asked, figures), asked, acts, others, may_end, rule)
    if asked:
        return _Step(None, None, False, None, acts, (), may_end, rule)
    never = rule.model_copy(update={"stop": False})
    return _Step(None, None, False, None, others, (), True, never) if others else None


def _asked(parts: Parts, whole: Judge, figures: Figures) -> tuple[Judge | None, Judge | None, bool]:
    """What is asked of the facts, the rest, and whether one of them is enough. A rest that is the same for everything
    here leaves nothing to divide."""
    rest = judge(parts.rest, figures) if parts.rest is not None else None
    if parts.facts is None or isinstance(rest, bool):
        return None, whole, False
    return fact_judge(parts.facts, figures.context.today), rest, parts.either


def compile(ruleset: RuleSet, context: RuleContext, mapped: Collection[str] = ()) -> Compiled:  # noqa: A001 the word for it
    """``mapped``: the texts that a mapping may write before, and ``attributes`` where it may write those. Marketplaces
    with the same rules have the same ones here, where the rules ask nothing that differs between them: a product then
    goes through them once. Raises ValueError for rules that ``refused_at_saving`` refuses."""
    rules = ruleset.model_dump_json()
    return _compiled(rules, _as_asked(context, rules), frozenset(mapped))


def _as_asked(context: RuleContext, rules: str) -> RuleContext:
    """Without what only saving looks at (``currency``), and what these rules do not ask."""
    channel = context.channel if '"channel"' in rules else ""
    country = context.country if '"country"' in rules or not context.prices_include_tax else None
    return replace(context, currency=None, channel=channel, country=country)


@lru_cache(maxsize=128)
def _compiled(ruleset_as_json: str, context: RuleContext, mapped: frozenset[str]) -> Compiled:
    return Compiled(RuleSet.model_validate_json(ruleset_as_json), context, mapped)


def apply(ruleset: RuleSet, subject: Subject, context: RuleContext) -> Shaped:
    """For one product; for many, ``compile`` once."""
    return Compiled(ruleset, context).apply(subject)
