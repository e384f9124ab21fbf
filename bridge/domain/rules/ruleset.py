"""Rules in their order."""

from __future__ import annotations

from pydantic import Field

from bridge.domain.rules.actions import Action
from bridge.domain.rules.conditions import Always, Condition
from bridge.domain.values import Value


class Rule(Value):
    """When ``when`` holds, the actions of ``then`` are taken in turn; with ``stop``, no later rule is looked at.

    A condition may be neither true nor false: the margin of a product without cost is not known. Then the rule is
    not applied and a finding says so; with ``hold_unknown`` the product is held as well.
    """

    name: str = Field(min_length=1, max_length=100)
    enabled: bool = True
    when: Condition = Field(default_factory=Always)
    then: tuple[Action, ...] = Field(min_length=1, max_length=50)
    stop: bool = False
    hold_unknown: bool = False


class RuleSet(Value):
    """Each rule sees what the rules before it have made."""

    rules: tuple[Rule, ...] = Field(default=(), max_length=500)
