"""A merchant's rules: data that a form can draw, made into functions once, applied to any number of products.

    compiled = compile(ruleset, RuleContext(today=..., channel="bol", country="NL", ...))
    shaped = compiled.apply(subject_of(product, variant))

``shaped.trace`` says of every field which rule made it what it is. Rules that cannot work are refused by
``read_rules`` and ``refused_at_saving``, with the field named.
"""

from bridge.domain.refusal import Refusal
from bridge.domain.rules.apply import Compiled, apply, compile  # noqa: A004 the word for it
from bridge.domain.rules.ruleset import Rule, RuleSet
from bridge.domain.rules.saving import read_rules, refused_at_saving
from bridge.domain.rules.shaped import Shaped, Touch
from bridge.domain.rules.subject import Attributes, RuleContext, Subject, subject_of

__all__ = [
    "Attributes",
    "Compiled",
    "Refusal",
    "Rule",
    "RuleContext",
    "RuleSet",
    "Shaped",
    "Subject",
    "Touch",
    "apply",
    "compile",
    "read_rules",
    "refused_at_saving",
    "subject_of",
]
