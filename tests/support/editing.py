"""A small shop for the editors: products with categories and attributes, a marketplace that asks for some, and a person
who fills in forms as a browser would send them."""

from __future__ import annotations

import html
import re
from typing import Any

from sqlalchemy import select

from bridge.db.tables import Connection, RequirementRow
from bridge.domain.requirement import CategoryRequirements
from bridge.flows import documents, needs
from bridge.ports.manifest import Capability
from bridge.web import create_web
from tests.support.lively import Browser, config
from tests.support.world import World

HERE = "connection:2"
TREE = [
    {"id": "1", "parent": None, "path": ["Home"], "leaf": False},
    {"id": "11", "parent": "1", "path": ["Home", "Cups & mugs"], "leaf": True},
    {"id": "12", "parent": "1", "path": ["Home", "Lighting"], "leaf": True},
    {"id": "13", "parent": "1", "path": ["Home", "Cushions"], "leaf": True},
]
ASKED = {
    "category": "11",
    "version": "1",
    "attributes": [
        {"id": "material", "name": "Material", "need": "optional"},
        {"id": "colour", "name": "Colour", "kind": "choice", "need": "required",
         "allowed": [{"value": "BLUE", "label": "Blue"}, {"value": "RED", "label": "Red"}]},
    ],
}  # fmt: skip


class Kiosk:
    """Two mugs and a lamp. ``press`` sends the page's form with one of its buttons."""

    def __init__(self, database_url: str, key: str | None = None) -> None:
        self.world = World(database_url, markets=1, key=key)
        products = (("MUG-1", "Mugs", "Marine"), ("MUG-2", "Mugs", "rouge"), ("LAMP", "Lamps", "Marine"))
        for sku, category, colour in products:
            self.world.store.add(sku, 9)
            key = self.world.store.change(sku)
            product = self.world.store.products[key]
            more = {"categories": (category,), "attributes": {"Farbe": colour}, "brand": "Acme"}
            self.world.store.products[key] = product.model_copy(update=more)
        self.world.settle(200, step=100)
        market = self.world.markets[0]
        market.manifest = market.manifest.model_copy(
            update={"capabilities": (*market.manifest.capabilities, Capability.CATEGORIES)}
        )
        self.world.engine = self.world.new_engine()
        now = self.world.clock()
        with self.world.db.write(1) as session:
            store = session.get_one(Connection, 1)
            store.info = {**store.info, "country": "NL", "currency": "EUR"}
            needs.keep_tree(session, 2, TREE, now)
            found = CategoryRequirements.model_validate(ASKED)
            row = RequirementRow(connection_id=2, category="11", version="1", content=found.as_json())
            row.fetched_at = row.changed_at = now
            session.add(row)
        self.browser = Browser(create_web(self.world.engine, config()))
        self.token = self.browser.token("")

    def get(self, path: str) -> Any:
        return self.browser.get(path)

    def post(self, path: str, do: str, **form: Any) -> Any:
        return self.browser.post(path, do, token=self.token, **form)

    def press(self, path: str, page: Any, do: str, **changed: str) -> Any:
        return self.post(path, do, **{**fields(page), **changed})

    def apply(self, page: str, **form: str) -> Any:
        """Plan the draft of a page and apply the plan. Returns the plan's page."""
        planned = self.post(page, "plan", **form)
        assert planned.status_code == 303, text(planned)
        place = planned.headers["Location"].split("?")[0].lstrip("/")
        shown = self.get(place)
        assert self.post(place, "apply", confirm="1").status_code == 303
        self.world.settle(300, step=100)
        return shown

    def rows(self, table: Any, *where: Any) -> list[Any]:
        with self.world.db.read(1) as session:
            return list(session.scalars(select(table).where(*where).order_by(table.id)))

    def holds(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The settings in effect."""
        with self.world.db.read(1) as session:
            return documents.active(session)


def text(response: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def fields(response: Any) -> dict[str, str]:
    """What a browser would send of the page's last form, with nothing changed."""
    form = re.split(r'<form method="post"[^>]*>', response.text)[-1].split("</form>")[0]
    found = {}
    for tag in re.findall(r"<input [^>]+>", form):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if attributes.get("type") != "checkbox" or " checked" in tag:
            found[html.unescape(attributes["name"])] = html.unescape(attributes.get("value", ""))
    for name, inside in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inside) or re.search(r'value="([^"]*)"', inside)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    for name, inside in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        found[name] = html.unescape(inside)
    found.pop("csrf", None)
    return found
