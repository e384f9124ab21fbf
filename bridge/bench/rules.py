"""Twenty rules on each variant for three marketplaces, beside merely validating the same variants with pydantic.

What is applied is compiled once. Each chunk of variants is validated and then put through the rules, in turn, so that
a busy machine slows both; CPU time is counted, and how much memory grows from the first tenth to the end.
"""

from __future__ import annotations

import gc
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date

import click

from bridge.bench._result import Result, options, progress, result
from bridge.bench._rule_sample import RULES, Json, product
from bridge.domain.catalogue import StoreProduct, StoreVariant
from bridge.domain.rules import Compiled, RuleContext, RuleSet, subject_of
from bridge.flows.price_tables import seed_rates, vat_table

GOAL = "at most 4 times the CPU time of validating each variant once, and memory flat"
PLACES = (("bol", "NL", "EUR"), ("amazon", "DE", "EUR"), ("amazon", "GB", "GBP"))
TODAY = date(2026, 11, 26)
CHUNK = 500
MEGABYTES = 20


@click.command("rules")
@click.option("--variants", default=20_000, type=click.IntRange(1), help="How many; 100000 for the published figure.")
def command(variants: int) -> Result:
    """Apply rules to many variants."""
    places = [Compiled(RuleSet.model_validate(RULES), _context(*place)) for place in PLACES]
    progress(f"rules: {variants} variants, {len(PLACES)} marketplaces, {len(RULES['rules'])} rules")
    rng, tally = random.Random(1), Counter[str]()
    checked = applied = 0.0
    memory = 0
    for start in range(0, variants, CHUNK):
        rows = [product(number, rng) for number in range(start, min(start + CHUNK, variants))]
        gc.collect()
        began = time.process_time()
        chunk = [(StoreProduct.model_validate(whole), StoreVariant.model_validate(one)) for whole, one in rows]
        halfway = time.process_time()
        _apply(places, chunk, tally)
        checked, applied = checked + halfway - began, applied + time.process_time() - halfway
        if memory == 0 and start * 10 >= variants:
            memory = _peak()
    return _outcome(variants, checked, applied, _peak() - memory, tally)


def run(arguments: list[str]) -> Result:
    """Returns what was measured."""
    found: Result = options(command, arguments)
    return found


def _context(channel: str, country: str, currency: str) -> RuleContext:
    return RuleContext(
        today=TODAY, channel=channel, country=country, currency=currency, home="NL", rates=seed_rates(), vat=vat_table()
    )


def _apply(places: Sequence[Compiled], chunk: Sequence[tuple[StoreProduct, StoreVariant]], tally: Counter[str]) -> None:
    for whole, one in chunk:
        subject = subject_of(whole, one)
        for place in places:
            shaped = place.apply(subject)
            tally["changes"] += len(shaped.changes)
            tally["excluded"] += shaped.excluded is not None
            tally["priced"] += shaped.price is not None


def _peak() -> int:
    """The most memory this process ever held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _outcome(variants: int, checked: float, applied: float, grown: int, tally: Counter[str]) -> Result:
    listings = variants * len(PLACES)
    figures: Json = {
        "variants": variants,
        "listings": listings,
        "listings with a price": tally["priced"],
        "listings excluded": tally["excluded"],
        "changes per listing": tally["changes"] / listings,
        "variants per CPU second": variants / applied if applied else 0.0,
        "microseconds per listing": applied / listings * 1e6,
        "memory grown, MB": grown / 2**20,
    }
    ratio = applied / checked if checked else 0.0
    reference = {"validating once, variants per CPU second": round(variants / checked) if checked else 0}
    within = ratio <= 4 and grown < MEGABYTES * 2**20
    return result(figures=figures, reference=reference, ratio=ratio, goal=GOAL, within_goal=within)
