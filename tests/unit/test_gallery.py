"""Every page has its pictures in the documentation, in every frame and at both widths, and every picture is shown."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.web import places
from scripts import gallery

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "bridge" / "web" / "templates" / "pages"
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
# What the demonstration knows, for addresses.
KNOWN = {"sku": "A", "order": "1", "held": "2", "plan": "3", "category": "Tea"}
DOCUMENTS = sorted([ROOT / "README.md", *gallery.DOCS.rglob("*.md")])


def page_of(scene: gallery.Scene) -> str:
    return places.find(scene.path.format(**KNOWN).partition("?")[0]).page.name


def test_every_page_is_photographed() -> None:
    pages = {page.name for page in places.PAGES if (TEMPLATES / f"{page.name}.html").exists()}
    assert len(pages) > 20
    assert pages - {page_of(scene) for scene in gallery.scenes()} == set()


def test_every_skin_is_photographed_at_both_widths() -> None:
    """Mage-OS' own is Magento's page in other colours."""
    style = (ROOT / "bridge/web/static/storebridge.css").read_text(encoding="utf-8")
    skins = set(re.findall(r"^\.sb-(\w+) \{", style, re.MULTILINE)) - {"page", "mageos"}
    assert skins == set(gallery.FRAMES)
    assert set(gallery.WIDTHS) == {375, 1280}


def test_names_of_pictures_are_told_apart() -> None:
    names = [scene.name for scene in gallery.scenes()]
    assert len(names) == len(set(names))
    every = len(names) * len(gallery.FRAMES) * len(gallery.WIDTHS) + len(gallery.SHOWN)
    assert len(gallery.files()) == every


def test_there_are_the_pictures_and_no_others() -> None:
    there = {path.relative_to(gallery.IMAGES).as_posix() for path in gallery.IMAGES.rglob("*") if path.is_file()}
    missing, too_many = gallery.files() - there, there - gallery.files()
    assert (missing, too_many) == (set(), set()), "make screenshots"


def test_the_gallery_is_as_it_is_made() -> None:
    assert gallery.PAGE.read_text(encoding="utf-8") == gallery.text(), "make screenshots"


def test_every_picture_is_shown_and_every_shown_one_is_there() -> None:
    shown: set[Path] = set()
    for document in DOCUMENTS:
        for words, path in PICTURE.findall(document.read_text(encoding="utf-8")):
            assert words, (document.name, path)
            shown.add((document.parent / path).resolve())
    pictures = {path.resolve() for path in gallery.IMAGES.rglob("*.*") if path.is_file()}
    assert pictures - shown == set(), "these are shown nowhere"
    assert {path for path in shown if not path.is_file()} == set(), "these are not there"


def test_pictures_are_pictures_and_small_enough_for_a_page_of_many() -> None:
    odd, total = {}, 0
    for name in gallery.files():
        data = (gallery.IMAGES / name).read_bytes()
        most = 150_000 if name.startswith("gallery/") else 400_000
        total += len(data)
        if (data[:4], data[8:12]) != (b"RIFF", b"WEBP") or not 1_000 < len(data) < most:
            odd[name] = len(data)
    assert odd == {}
    assert total < 16_000_000
