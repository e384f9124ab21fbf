"""Where things are: the five sections, the pages in each, and which page an address means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, RequestRedirect, Rule

from bridge.web import category_pages, link_pages, listing_pages, mapping_pages, rule_pages, settings, setup, views
from bridge.web.page import Page

# In the order of the navigation. A section's own address is that of its first page.
SECTIONS: Mapping[str, str] = {
    "overview": "Overview",
    "listings": "Listings",
    "orders": "Orders",
    "activity": "Activity",
    "settings": "Settings",
}
# Of one section, the navigation has them in this order. Pages without a menu are reached from others.
PAGES: tuple[Page, ...] = (
    *listing_pages.PAGES,
    *rule_pages.PAGES,
    *mapping_pages.PAGES,
    *category_pages.PAGES,
    *link_pages.PAGES,
    *listing_pages.CHECKS,
    *views.PAGES,
    *setup.PAGES,
    *settings.PAGES,
)

_BY_NAME = {page.name: page for page in PAGES}
_MAP = Map([Rule(f"/{page.path}", endpoint=page.name) for page in PAGES])


class Tab(NamedTuple):
    title: str
    path: str
    is_here: bool


class Found(NamedTuple):
    page: Page
    arguments: Mapping[str, Any]


def find(path: str) -> Found:
    """The page at ``orders/12``. Raises werkzeug's NotFound."""
    try:
        name, arguments = _MAP.bind("here").match(f"/{path}", method="GET")
    except RequestRedirect:
        raise NotFound("There is no page at this address.") from None
    except NotFound:
        raise NotFound("There is no page at this address.") from None
    return Found(_BY_NAME[name], arguments)


def outlines(root: str) -> list[tuple[str, str, str]]:
    """Of each page below ``root``: the pattern of its address, its title, and its shape until it is there."""
    return [(re.escape(root) + re.sub(r"<[^>]+>", "[^/]+", page.path), page.title, page.shape) for page in PAGES]


def tabs(here: Page | None) -> list[Tab]:
    """The sections that have a page."""
    return [
        Tab(title, pages[0].path, here is not None and here.section == name)
        for name, title in SECTIONS.items()
        if (pages := in_menu(name))
    ]


def subtabs(here: Page | None) -> list[Tab]:
    """The pages of the section one is in, where there are several."""
    pages = in_menu(here.section) if here is not None else []
    return [Tab(page.menu, page.path, page.name == (here and (here.under or here.name))) for page in pages if pages[1:]]


def in_menu(section: str) -> list[Page]:
    return [page for page in PAGES if page.section == section and page.menu]
