"""Which pictures the documentation has of the pages, and the page that shows all of them: docs/gallery.md.

``make screenshots`` takes them; tests/unit/test_gallery.py sees to it that every page has its pictures and that every
picture is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
IMAGES = DOCS / "images"
PAGE = DOCS / "gallery.md"
# Width of the window, and how much smaller its picture is.
WIDTHS: Mapping[int, float] = {1280: 0.5, 375: 0.8}
FRAMES: Mapping[str, str] = {
    "alone": "On its own",
    "wordpress": "WordPress",
    "magento": "Magento",
    "shopify": "Shopify",
}


class Scene(NamedTuple):
    """A page as it is photographed. ``path`` has in braces what only the demonstration knows."""

    name: str
    title: str
    path: str


class Shot(NamedTuple):
    """One picture as large as the window, among the words of the documentation."""

    name: str
    width: int
    frame: str = "alone"
    locale: str = ""

    @property
    def file(self) -> str:
        frame = "" if self.frame == "alone" else f"{self.frame}-"
        language = self.locale and f"{self.locale[:2]}-"
        return f"{frame}{self.name}-{language}{self.width}.webp"


SCENES: Mapping[str, tuple[Scene, ...]] = {
    "Overview": (
        Scene("overview", "Overview", ""),
        Scene("problems", "Problems", "problems"),
        Scene("setup", "Setup, step 1: welcome", "setup?step=welcome"),
        Scene("setup-connect", "Setup, step 2: connect a marketplace", "setup?step=connect"),
        Scene("setup-match", "Setup, step 3: match your products", "setup?step=match&connection=2"),
        Scene("setup-rules", "Setup, step 4: stock, prices and orders", "setup?step=rules&connection=2"),
        Scene("setup-live", "Setup, step 5: review and go live", "setup?step=live&connection=2"),
    ),
    "Listings": (
        Scene("listings", "Products", "listings?search=SB-001"),
        Scene("listings-blocked", "Products that are not listed", "listings?state=blocked"),
        Scene("sku", "Why a marketplace shows this number", "sku?sku={sku}"),
        Scene("sku-unknown", "A SKU that the store does not have", "sku?sku=nothing"),
        Scene("rules", "Rules", "rules"),
        Scene("rule", "A new rule", "rule"),
        Scene("rule-effect", "What a rule does to the shop's own products", "rule?of=connection:2&rule=0"),
        Scene("rule-refused", "A rule whose name is taken", "rule?start=buffer"),
        Scene("mapping", "Attributes", "mapping"),
        Scene("attribute", "What one attribute is filled from", "mapping/attribute?name=@title"),
        Scene("categories", "Categories", "categories"),
        Scene("category", "The category of one part of the store", "categories/choose?of=2&store={category}"),
        Scene("links", "Links", "links"),
        Scene("checks", "Checks", "checks"),
        Scene("plans", "Plans", "plans"),
        Scene("plan", "What a change would do", "plans/{plan}"),
    ),
    "Orders": (
        Scene("orders", "Orders", "orders"),
        Scene("orders-due", "Orders by deadline", "orders?show=urgent"),
        Scene("orders-none", "Nothing found", "orders?search=nothing"),
        Scene("order", "An order that has gone through all seven steps", "orders/{order}"),
        Scene("order-held", "An order that waits for a product", "orders/{held}"),
        Scene("returns", "Returns", "returns"),
        Scene("returns-all", "Returns, also the closed ones", "returns?show=all"),
    ),
    "Activity": (
        Scene("activity", "Activity", "activity?sku={sku}"),
        Scene("activity-people", "What people changed", "activity?show=people"),
    ),
    "Settings": (
        Scene("settings", "General", "settings"),
        Scene("accounts", "Accounts", "accounts"),
        Scene("account", "A marketplace", "accounts/2"),
        Scene("account-store", "The store", "accounts/1"),
        Scene("connect", "What can be connected", "connect"),
        Scene("connect_one", "Connecting a marketplace", "connect/ebay"),
        Scene("settings_stock", "Stock", "settings/stock"),
        Scene("settings_prices", "Prices", "settings/prices"),
        Scene("settings_orders", "Orders", "settings/orders"),
        Scene("settings_shipping", "Shipping", "settings/shipping"),
        Scene("settings_returns", "Cancellations and returns", "settings/returns"),
        Scene("alerts", "Alerts", "alerts"),
        Scene("settings_privacy", "Data and privacy", "settings/privacy"),
        Scene("diagnostics", "Diagnostics", "settings/diagnostics?run=now"),
        Scene("failure", "An address that is of nothing", "orders/999999"),
    ),
}
# What README.md and docs/pages.md show.
SHOWN = (
    Shot("overview", 1280), Shot("overview", 375), Shot("order", 1280), Shot("sku", 1280), Shot("links", 1280),
    Shot("overview", 1280, "wordpress"), Shot("overview", 1280, "wordpress", "de_DE"),
    Shot("order-held", 375, "wordpress"), Shot("order-held", 1280, "magento"),
    Shot("overview", 1280, "shopify"), Shot("order-held", 375, "shopify"),
)  # fmt: skip


def scenes() -> Iterator[Scene]:
    for found in SCENES.values():
        yield from found


def small(scene: str, frame: str, width: int) -> str:
    """The file of a picture of the gallery, below docs/images."""
    return f"gallery/{frame}/{scene}-{width}.webp"


def files() -> set[str]:
    """Every picture that there is to be, below docs/images."""
    every = {small(scene.name, frame, width) for scene in scenes() for frame in FRAMES for width in WIDTHS}
    return every | {shot.file for shot in SHOWN}


def text() -> str:
    """docs/gallery.md"""
    parts = [_HEAD, *(_section(name, found) for name, found in SCENES.items())]
    return "\n".join(parts)


_HEAD = """<!-- Written by `make screenshots` from scripts/gallery.py. -->
# Every page in every frame

Each page of Storebridge as it is shown [on its own and inside the three admins](pages.md), in a window of 1280 pixels
and on a telephone of 375 (press a picture to see it larger). They are of a demonstration with sandboxes; the admins
around the pages are drawn after the real ones. `make screenshots` takes all of them anew.
"""


def _section(name: str, found: tuple[Scene, ...]) -> str:
    return "\n".join([f"## {name}", "", *(_table(scene) for scene in found)])


def _table(scene: Scene) -> str:
    rows = (" | ".join(_picture(scene, frame, width) for frame in FRAMES) for width in WIDTHS)
    lines = [f"### {scene.title}", "", f"| {' | '.join(FRAMES.values())} |", "| --- " * len(FRAMES) + "|"]
    return "\n".join([*lines, *(f"| {row} |" for row in rows), ""])


def _picture(scene: Scene, frame: str, width: int) -> str:
    path = f"images/{small(scene.name, frame, width)}"
    where = FRAMES[frame][0].lower() + FRAMES[frame][1:] if frame == "alone" else f"in the {FRAMES[frame]} admin"
    size = "" if width > min(WIDTHS) else ", on a telephone"
    return f"[![{scene.title}, {where}{size}]({path})]({path})"
