"""Lists that are narrowed down: to what was placed or closed since a day, to one marketplace, to what went wrong. The
figures of Overview lead here, and each is the number of what its list shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement

from bridge.db.tables import Journal, Order, Problem
from bridge.flows import documents, figures, overview
from bridge.web.page import View

SOLVED, STOCK = "solved", "stock"


@dataclass(frozen=True)
class Narrowed:
    """``show``, ``since`` and ``on`` (a connection) as the address has them; "" and None where it has none that is
    known. ``channels``: the marketplaces there are to choose from."""

    show: str
    since: str
    on: int | None
    channels: Mapping[int, str]
    conditions: Sequence[ColumnElement[bool]]

    @property
    def is_narrow(self) -> bool:
        return bool(self.conditions)

    @property
    def query(self) -> dict[str, object]:
        """For an address that keeps all of it."""
        return {"show": self.show, "since": self.since, "on": self.on or ""}


def orders(view: View) -> Narrowed:
    show = view.text("show")
    found: list[ColumnElement[bool]] = [figures.which(show, view.now)] if show in figures.WHICH else []
    since, on = _since(view), view.number("on")
    if since:
        found.append(Order.placed_at >= figures.begin(since, view.now, overview.zone(view.session)))
    if on is not None:
        found.append(Order.connection_id == on)
    return Narrowed(show if show in ("open", *figures.WHICH) else "", since, on, _channels(view), found)


def problems(view: View) -> Narrowed:
    show, since, on = view.text("show"), _since(view), view.number("on")
    found: list[ColumnElement[bool]] = []
    if show == SOLVED:
        found.append(Problem.closed_at.is_not(None))
        if since:
            found.append(Problem.closed_at >= figures.begin(since, view.now, overview.zone(view.session)))
    if on is not None:
        found.append(Problem.connection_id == on)
    known = show if show in ("all", SOLVED) else ""
    return Narrowed(known, since if known == SOLVED else "", on, _channels(view), found)


def activity(view: View) -> Narrowed:
    """By marketplace, and of the stock that marketplaces accepted also by day."""
    show, since, on = view.text("show"), _since(view), view.number("on")
    found: list[ColumnElement[bool]] = []
    if show == STOCK:
        found.append(figures.accepted_stock())
        if since:
            found.append(Journal.at >= figures.begin(since, view.now, overview.zone(view.session)))
    if on is not None:
        found.append(Journal.connection_id == on)
    known = show if show in ("exchanges", "all", "people", STOCK) else ""
    return Narrowed(known, since if known == STOCK else "", on, _channels(view), found)


def _since(view: View) -> str:
    since = view.text("since")
    return since if since in figures.DAYS else ""


def _channels(view: View) -> Mapping[int, str]:
    return documents.channels(view.session)
