"""Rule sets made into functions once, and applied to any number of products."""

from __future__ import annotations

from decimal import DecimalException

from bridge.domain.rules import actions as a
from bridge.domain.rules import price_acts
from bridge.domain.rules.act import act, excluding
from bridge.domain.rules.figures import Figures
from bridge.domain.rules.judge import judge
from bridge.domain.rules.ruleset import Rule, RuleSet
from bridge.domain.rules.shaped import Shaped
from bridge.domain.rules.state import Act, CannotPrice, Judge, State
from bridge.domain.rules.subject import RuleContext, Subject

VAT_SETTING = "(VAT)"
_VAT_RULE = Rule(name=VAT_SETTING, then=(a.Vat(),))
_TOO_LARGE = CannotPrice("price", "The price is too large to work with.", "Correct it in the store.")


# One rule: what is asked (None: it fits everything), what is done, what is done to those it does not fit, whether it
# can be the last (it stops, or excludes), the rule. A plain tuple: it is taken apart for each rule and product.
_Step = tuple[Judge | None, tuple[Act, ...], tuple[Act, ...], bool, Rule]


class Compiled:
    """A rule set for one context. Made for each connection and day; ``apply`` may be called from several threads."""

    def __init__(self, ruleset: RuleSet, context: RuleContext) -> None:
        self._figures = Figures(context)
        rules = [rule for rule in ruleset.rules if rule.enabled]
        taxing = any(isinstance(action, a.Vat) for rule in rules for action in rule.then)
        self._add_vat = price_acts.vat(a.Vat(), VAT_SETTING, self._figures)
        self._net = not context.prices_include_tax
        vat_first: _Step = (None, (_if_priced(self._add_vat),), (), False, _VAT_RULE)
        found = (_step(rule, self._figures) for rule in rules)
        steps = tuple(step for step in found if step is not None)
        self._last = (self._finish,)
        self._steps = (vat_first, *steps) if self._net and not taxing else steps

    def apply(self, subject: Subject) -> Shaped:
        """What the rules make of ``subject``, which stays as it is. Never raises for what is wrong with a product:
        that is a finding, and blocks where it is about the price. Buffer, cap and text are worked out all the same."""
        state = State(subject, self._figures.contained(subject.tax_class))
        _walk(self._steps, state)
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


def _walk(steps: tuple[_Step, ...], state: State) -> None:
    for ask, acts, others, may_end, rule in steps:
        fits = True if ask is None else ask(state)
        if fits:
            _do(acts, state)
            if may_end and (rule.stop or state.excluded is not None):
                return
        elif fits is None and ask is not None:
            _unknown(ask, rule, state)
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


def _step(rule: Rule, figures: Figures) -> _Step | None:
    """None for a rule that can do nothing here."""
    asked = judge(rule.when, figures)
    acts = tuple(act(one, rule.name, figures) for one in rule.then if not isinstance(one, a.IncludeOnly))
    others = tuple(excluding(one, rule.name) for one in rule.then if isinstance(one, a.IncludeOnly))
    may_end = rule.stop or any(isinstance(one, a.Exclude) for one in rule.then)
    if callable(asked):
        return asked, acts, others, may_end, rule
    if asked:
        return None, acts, (), may_end, rule
    return (None, others, (), True, rule.model_copy(update={"stop": False})) if others else None


def compile(ruleset: RuleSet, context: RuleContext) -> Compiled:  # noqa: A001 the word for it
    """Raises ValueError for rules that ``refused_at_saving`` refuses."""
    return Compiled(ruleset, context)


def apply(ruleset: RuleSet, subject: Subject, context: RuleContext) -> Shaped:
    """For one product; for many, ``compile`` once."""
    return Compiled(ruleset, context).apply(subject)
