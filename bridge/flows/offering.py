"""What can be connected: stores and marketplaces by name; of an adapter for many marketplaces each by its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.db.tables import Connection
from bridge.domain.names import ENGLISH, countries, country_words, plain
from bridge.flows.engine import Engine
from bridge.flows.wish import CONNECTING, DISCONNECTED
from bridge.ports.adapter import Adapter
from bridge.ports.errors import AskMerchant, NotFound

OPERATOR = "operator"  # the credential by which one adapter serves the marketplaces of many
OTHER = "Other"


@dataclass(frozen=True)
class Offered:
    """``operator``: which of an adapter's marketplaces; ``by``: the adapter's title, where that is another;
    ``connected``: how many accounts there are already."""

    adapter: str
    role: str
    title: str
    operator: str = ""
    by: str = ""
    countries: tuple[str, ...] = ()
    connected: int = 0


def offered(engine: Engine, session: Session, role: str, search: str = "", language: str = ENGLISH) -> list[Offered]:
    """By title; ``search`` is words of the title or of a country's name, in this language or in English, or its two
    letters."""
    known = _connected(session)
    found = [item for adapter in engine.adapters(role).values() for item in _of(adapter, known)]
    words = plain(search).split()
    fits = [item for item in found if all(_fits(item, word, language) for word in words)]
    return sorted(fits, key=lambda item: (item.operator == OTHER, bool(item.operator), item.title.casefold()))


def _fits(item: Offered, word: str, language: str) -> bool:
    """Two letters are a country's, where they are any; else they would be a part of half of all names."""
    if word.upper() in countries(ENGLISH):
        return word.upper() in item.countries or word in plain(item.title).split()
    return (
        word in plain(item.title)
        or word in plain(item.by)
        or any(word in country_words(code, language) for code in item.countries)
    )


def _of(adapter: Adapter, known: Counter[tuple[str, str]]) -> Iterator[Offered]:
    manifest = adapter.manifest
    operators = next((field for field in manifest.credentials if field.name == OPERATOR), None)
    if operators is None:
        count = sum(times for (name, _), times in known.items() if name == adapter.name)
        yield Offered(adapter.name, manifest.kind, manifest.title, countries=manifest.countries, connected=count)
        return
    for name, label in operators.choices.items():
        title = f"Another {manifest.title} marketplace" if name == OTHER else label
        by, places = ("" if name == OTHER else manifest.title), operators.places.get(name, ())
        yield Offered(adapter.name, manifest.kind, title, name, by, places, known[adapter.name, name])


def _connected(session: Session) -> Counter[tuple[str, str]]:
    query = select(Connection).where(Connection.state.not_in(("connecting", DISCONNECTED)))
    return Counter((row.adapter, str((row.credentials or {}).get(OPERATOR) or "")) for row in session.scalars(query))


def refuse_known(engine: Engine, shop_id: int, adapter: Adapter, account: str) -> None:
    """Whoever connects another account means none that is there: without a name of its own, or with that of another,
    it would take its place, with its listings and orders. Raises AskMerchant naming the field."""
    query = select(Connection.account).where(Connection.role == "channel", Connection.adapter == adapter.name)
    with engine.db.read(shop_id) as session:
        there = set(session.scalars(query.where(Connection.state.not_in((CONNECTING, DISCONNECTED)))))
    if there and (not account or account in there):
        names = ", ".join(sorted(there))
        text = (
            f"{adapter.manifest.title} is connected already ({names}). For another account give it a name of its own "
            "here; to enter new credentials, open the one there is under Accounts."
        )
        raise AskMerchant(text, field="account")


def adapter(engine: Engine, name: str) -> Adapter:
    """Raises NotFound."""
    found = engine.channels.get(name) or engine.platforms.get(name)
    if found is None:
        raise NotFound("There is no such store or marketplace.")
    return found
