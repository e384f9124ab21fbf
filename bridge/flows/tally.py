"""What a change of settings would do to each listing, counted per marketplace, with some examples of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.domain.blast import Reach, moved_percent
from bridge.domain.listing import Facet
from bridge.domain.money import Money
from bridge.flows.difference import desired_values
from bridge.flows.project import VariantRow
from bridge.flows.shape import Made

Row = dict[str, Any]
KINDS = ("created", "changed", "ended", "blocked", "unblocked")
LONGEST = 200


@dataclass
class Tally:
    """One marketplace. ``reach``: the limits that hold now, whatever the change makes of them."""

    connection_id: int
    title: str
    reach: Reach
    examples: int
    counts: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    shown: list[Row] = field(default_factory=list)
    furthest: Decimal = Decimal(0)

    def add(self, variant: VariantRow, listing: Row | None, facets: Mapping[str, Row], made: Made, gone: str) -> None:
        live = listing is not None and listing["offer_id"] is not None
        off = gone or bool(made.unwanted)
        self.counts["listings"] += 1
        self.counts["live"] += live
        if live and off:
            if listing is not None and listing["wanted"]:
                self._show("ended", variant, why=made.unwanted or gone)
            return
        was_ready = listing is not None and listing["wanted"] and not _blocked(listing["findings"])
        if made.offer.blocked or off:
            if was_ready:
                self._show("blocked", variant, why=_why(made), live=live)
            return
        if not was_ready:
            kind = "unblocked" if listing is not None else "created"
            self._show(kind, variant, live=live)
            self.counts["created"] += kind == "unblocked" and not live
        elif changes := list(differences(facets, made)):
            self._show("changed", variant, changes=changes, live=live)
            self.fields.update(change["field"] for change in changes)
        if live:
            self._price(facets.get(Facet.PRICE), made)

    def _price(self, row: Row | None, made: Made) -> None:
        if row is None or not row["acked"] or made.offer.price is None:
            return
        old = Money.model_validate(row["acked"])
        self.counts["prices_beyond"] += self.reach.moves_too_far(old, made.offer.price)
        self.furthest = max(self.furthest, abs(moved_percent(old, made.offer.price) or Decimal(0)))

    def _show(self, kind: str, variant: VariantRow, **more: Any) -> None:
        self.counts[kind] += 1
        if self.counts[f"shown {kind}"] < self.examples:
            self.counts[f"shown {kind}"] += 1
            self.shown.append({"kind": kind, "sku": variant.sku, "title": variant.title, **more})

    def over(self) -> list[Row]:
        """The limits that are broken, in words."""
        found = []
        ended, live, moved = self.counts["ended"], self.counts["live"], self.counts["prices_beyond"]
        if self.reach.ends_too_many(ended, live):
            found.append(self._over("ends", f"{ended} of {live} live listings on {self.title} would end."))
        if moved:
            prices = f"{moved} price{'s' * (moved != 1)} on {self.title}"
            text = (
                f"{prices} would move by more than {self.reach.price_percent} % or change currency "
                f"(the furthest moves by {self.furthest} %)."
            )
            found.append(self._over("prices", text))
        return found

    def _over(self, limit: str, text: str) -> Row:
        return {"connection_id": self.connection_id, "limit": limit, "text": text}

    def as_json(self) -> Row:
        return {
            "connection_id": self.connection_id,
            "channel": self.title,
            "listings": self.counts["listings"],
            "live": self.counts["live"],
            **{kind: self.counts[kind] for kind in KINDS},
            "fields": dict(self.fields.most_common()),
            "price_moved_percent": str(self.furthest),
            "examples": self.shown,
        }


def differences(facets: Mapping[str, Row], made: Made) -> Iterator[Row]:
    """Field by field, what would be sent now and what then."""
    for name, value in desired_values(made.offer).items():
        known = facets[name]["desired"] if name in facets else {}
        if known != value:
            yield from _differences(_flat(name, known), _flat(name, value))


def between(before: Made, after: Made) -> list[Row]:
    """Field by field, what would be sent by one and by the other."""
    old, new = desired_values(before.offer), desired_values(after.offer)
    names = dict.fromkeys((*old, *new))
    return [
        row for name in names for row in _differences(_flat(name, old.get(name, {})), _flat(name, new.get(name, {})))
    ]


def _differences(old: Row, new: Row) -> Iterator[Row]:
    for label in {**old, **new}:
        if old.get(label) != new.get(label):
            yield {"field": label, "old": old.get(label), "new": new.get(label)}


def _flat(facet: str, value: Row) -> dict[str, Any]:
    if not value:
        return {}
    if facet == Facet.STOCK:
        return {"stock": value.get("quantity")}
    if facet == Facet.PRICE:
        return {"price": Money.model_validate(value).text()}
    rest = {name: _short(part) for name, part in value.items() if name != "attributes" and part not in (None, "", [])}
    return rest | {f"attributes.{name}": _short(part) for name, part in value.get("attributes", {}).items()}


def _short(value: Any) -> Any:
    return value[: LONGEST - 1] + "…" if isinstance(value, str) and len(value) > LONGEST else value


def _blocked(findings: list[Any]) -> bool:
    return any(item.get("blocking") for item in findings)


def _why(made: Made) -> str:
    return made.unwanted or "; ".join(item.text for item in made.offer.findings if item.blocking)
