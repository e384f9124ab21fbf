"""The product feed: tab-separated, one row per variant, all of it every time. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote, urlsplit, urlunsplit

from bridge.domain.listing import OfferContent
from bridge.ports.channel import FeedEntry, FeedItem
from bridge.ports.errors import RejectItem
from channel_adapters.miinto import columns
from channel_adapters.miinto.columns import SEASON, STOCK, STYLE

FIXED = ("brand", "color", "size")  # a change of these takes a product offline there
MAIN = (".jpg", ".jpeg", ".webp")
MORE = (".jpg", ".jpeg")
EVERY_MATERIAL = "en_EN.utf8"
MATERIALS = {"DA": "da_DK.utf8"}  # the two names of languages that are shown in Miinto's examples


class Refused(RejectItem):
    """The product cannot stand in the feed as it is."""


class TsvWriter:
    """One file. It remembers what is in it: neither a key nor a GTIN may come twice."""

    def __init__(self, currencies: Sequence[str], language: str, defaults: Mapping[str, str]) -> None:
        self._currencies = currencies
        self._language = language
        self._defaults = defaults
        self._header = columns.header(currencies)
        self._keys: set[tuple[str, ...]] = set()
        self._gtins: set[str] = set()

    def head(self) -> str:
        return _row(self._header)

    def entry(self, item: FeedItem) -> FeedEntry:
        first = next(iter(item.offers.values()))
        now, warnings = self._values(first.content), []
        if first.known is not None:
            before = self._values(first.known)
            changed = [name for name in FIXED if before[name] != now[name]]
            now |= {name: before[name] for name in changed}
            warnings += [
                f"Miinto would take it offline if its {name} changed, so that stays as it was" for name in changed
            ]
        self._require(now)
        row = {
            **self._texts(now, item.sku),
            "id": item.sku,
            "item_group_id": item.group,
            STYLE: now[STYLE] or f"{item.group}-{now['color']}",
            STOCK: str(min(offer.stock for offer in item.offers.values())),
            **self._prices(item),
            **_pictures(first.content.images, self._defaults.get("image_link", "")),
        }
        key = (item.group, now["size"], now["color"], now["brand"])
        if key in self._keys:
            text = "another variant of this product has the same size and colour; Miinto takes only one of them"
            raise Refused(text, field="size")
        gtin = _gtin(item.gtin)
        if gtin and gtin in self._gtins:
            warnings.append(f"its GTIN {gtin} is another product's too and is left out")
            gtin = ""
        self._keys.add(key)
        self._gtins.add(gtin)
        row["gtin"] = gtin
        text = _row([row.get(name, "") for name in self._header])
        return FeedEntry(text=text, warning="; ".join(warnings))

    def tail(self) -> str:
        return ""

    def _values(self, content: OfferContent) -> dict[str, str]:
        """By column: what the mapping gives, else the default for all products."""
        given = {name.casefold(): _joined(value) for name, value in content.attributes.items()}
        for column, words in columns.ALSO_CALLED.items():
            given[column] = next(filter(None, (given.get(word, "") for word in (column, *words))), "")
        found = {name: given.get(name.casefold(), "") or self._defaults.get(name, "") for name in self._header}
        found["brand"] = (content.brand or "").strip() or self._defaults.get("brand", "")
        found["title"], found["description"] = content.title.strip(), content.description.strip()
        return found

    def _require(self, row: Mapping[str, str]) -> None:
        for name in ("brand", "color", "size", "material", "madein", "title"):
            if not row[name]:
                raise Refused(f"{name} is missing", field=name)
        longest = {"brand": columns.BRAND_MOST, "color": columns.TEXT_MOST, "size": columns.TEXT_MOST}
        longest[SEASON] = columns.SEASON_MOST
        for name, most in longest.items():
            if len(row[name]) > most:
                raise Refused(f"{name} has {len(row[name])} characters, Miinto takes {most}", field=name)
        if not re.fullmatch("[A-Z]{2}", row["madein"]):
            raise Refused(f"madein is a country in two letters, not {row['madein']!r}", field="madein")

    def _texts(self, row: dict[str, str], sku: str) -> dict[str, str]:
        """A title must not name brand, colour, size or id: they are taken out of it."""
        never = (row["brand"], row["color"], row["size"], sku)
        plain = _without(row["title"], never)
        if not plain:
            raise Refused("nothing is left of its title without brand, colour and size", field="title")
        found = {**row, "title": plain}
        if self._language:
            own = {columns.title(self._language): plain, columns.description(self._language): row["description"]}
            found |= {name: found[name] or value for name, value in own.items()}
        for language in columns.LANGUAGES:
            found[columns.title(language)] = _without(found[columns.title(language)], never)
        for name in ("material", "washing"):
            found[name] = _by_language(name, row[name], MATERIALS.get(self._language, EVERY_MATERIAL))
        return found

    def _prices(self, item: FeedItem) -> dict[str, str]:
        """Whole cents with VAT; a currency without a price stays empty."""
        prices = {offer.price.currency: offer.price for offer in item.offers.values()}
        return {
            columns.retail(currency): str(int(prices[currency].quantised().amount.scaleb(2)))
            for currency in self._currencies
            if currency in prices
        }


def _row(values: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="\n").writerow([value.replace("\r", "") for value in values])
    return buffer.getvalue()


def _joined(value: str | tuple[str, ...]) -> str:
    return value.strip() if isinstance(value, str) else ", ".join(part.strip() for part in value)


def _without(title: str, words: Sequence[str]) -> str:
    for word in filter(None, words):
        title = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", title, flags=re.IGNORECASE)
    return " ".join(title.split()).strip(" -–,|/")


def _by_language(name: str, value: str, language: str) -> str:
    """``{"en_EN.utf8": "…"}``."""
    if not value:
        return ""
    if not value.startswith("{"):
        return json.dumps({language: value}, ensure_ascii=False)
    try:
        known = json.loads(value)
    except ValueError:
        known = None
    if not isinstance(known, dict) or not all(isinstance(part, str) for part in known.values()):
        raise Refused(f"{name} is no table of texts by language", field=name)
    return json.dumps(known, ensure_ascii=False)


def _gtin(gtin: str | None) -> str:
    """Of 9 to 13 digits, else none."""
    digits = (gtin or "").strip()
    digits = digits[1:] if len(digits) == 14 and digits.startswith("0") else digits
    return digits if digits.isascii() and digits.isdigit() and 9 <= len(digits) <= 13 else ""


def _pictures(images: Sequence[str], default: str) -> dict[str, str]:
    fitting = list(_kinds(images, MAIN))
    main = fitting[0] if fitting else default
    if not main:
        text = "it has no picture that Miinto takes (JPG or WEBP over https)" if images else "it has no picture"
        raise Refused(text, field="image_link")
    more = [image for image in _kinds(images, MORE) if image != main]
    return {"image_link": _encoded(main), "additional_image_link": ",".join(map(_encoded, more))}


def _kinds(images: Sequence[str], kinds: Sequence[str]) -> Iterator[str]:
    """Those over https whose address says one of these kinds, or none at all."""
    for image in images:
        parts = urlsplit(image)
        name = parts.path.rpartition("/")[2].lower()
        if parts.scheme == "https" and ("." not in name or name.endswith(tuple(kinds))):
            yield image


def _encoded(url: str) -> str:
    """Special characters as percent codes; a comma too, because it divides addresses."""
    parts = urlsplit(url)
    keep: Callable[[str], str] = lambda part: quote(part, safe="/%:=&?~+!$;'()*@-._")  # noqa: E731
    return urlunsplit((parts.scheme, parts.netloc, keep(parts.path), keep(parts.query), ""))
