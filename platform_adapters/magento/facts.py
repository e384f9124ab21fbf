"""What must be known of a store to read its products: asked once in a while, kept in memory to save calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.domain.reading import amount, currency_code
from bridge.ports.errors import AskMerchant, RetryLater
from platform_adapters.magento.client import MagentoClient
from platform_adapters.magento.reading import Attribute, Json, Reports, ShopFacts, dicts, number, text
from platform_adapters.magento.taxes import NO_VAT, Vat, read_classes, read_percent

KEEP = timedelta(minutes=30)
ADMIN = "admin"
# Magento has pounds and kilograms, and names them so.
WEIGHT_UNITS = {"lbs": "lb", "kgs": "kg"}


class Facts:
    """Thread-safe. A changed setting of the store is seen within KEEP."""

    def __init__(self, client: MagentoClient, settings: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._shop: tuple[datetime, ShopFacts] | None = None
        self._reports: tuple[datetime, Reports] | None = None

    @property
    def shop(self) -> ShopFacts:
        with self._lock:
            if self._shop is None or self._shop[0] < self._clock():
                self._shop = (self._clock() + KEEP, self._read())
            return self._shop[1]

    @property
    def reports(self) -> Reports:
        """Raises RetryLater where the store does not tell its currency."""
        shop = self.shop
        with self._lock:
            if self._reports is None or self._reports[0] < self._clock():
                self._reports = (self._clock() + KEEP, self._read_reports(shop))
            return self._reports[1]

    def forget(self) -> None:
        with self._lock:
            self._shop = self._reports = None

    def _read(self) -> ShopFacts:
        """Raises AskMerchant naming a setting that the store knows nothing of."""
        client = self._client
        view = chosen_view(client.store_views(), text(self._settings.get("store_view")))
        config = _with(client.store_configs(), "code", text(view.get("code")))
        website = _with(client.websites(), "id", text(view.get("website_id")))
        code = text(website.get("code")) or "base"
        money, unit = client.currency(text(view.get("code"))), text(config.get("weight_unit"))
        return ShopFacts(
            currency=_base(money),
            rates=_rates(money),
            view=text(view.get("code")),
            view_id=number(view.get("id")),
            website=code,
            website_id=number(view.get("website_id")),
            name=text(website.get("name")),
            timezone=text(config.get("timezone")) or "UTC",
            weight_unit=WEIGHT_UNITS.get(unit, unit or "kg"),
            link_base=text(config.get("secure_base_link_url")) or text(config.get("base_link_url")),
            media_base=text(config.get("secure_base_media_url")) or text(config.get("base_media_url")),
            stock_id=client.stock_of_website(code),
            vat=self._vat(),
            attributes=_attributes(client.attributes(text(view.get("code")))),
            categories=paths(client.categories()),
            gtin_attributes=tuple(self._settings.get("gtin_attributes") or ()),
            brand_attributes=tuple(self._settings.get("brand_attributes") or ()),
        )

    def _read_reports(self, shop: ShopFacts) -> Reports:
        """A rate is told only towards a currency that is allowed in that scope; else the way back is looked at."""
        whole = self._client.currency()
        found = _base(whole)
        if found == shop.currency:
            return Reports(found, Decimal(1))
        back = _rates(whole).get(shop.currency)
        return Reports(found, shop.rates.get(found, 1 / back if back else Decimal(0)))

    def _vat(self) -> Vat:
        if self._settings.get("prices") != "without VAT":
            return NO_VAT
        lines = tuple(self._settings.get("vat_classes") or ())
        rows = self._client.tax_classes() if lines else []
        ids = {text(row.get("class_name")).lower(): text(row.get("class_id")) for row in rows}
        by_class, odd = read_classes(lines, ids)
        if odd:
            known = ", ".join(sorted(ids)) or "none"
            raise AskMerchant(f"No tax class with a percentage: {odd[0]}. There are: {known}.", field="vat_classes")
        return Vat(read_percent(self._settings.get("vat_percent")), by_class)


def shown_views(rows: Iterable[Json]) -> list[Json]:
    """Those that shoppers see, the oldest first; inactive ones and the admin's own scope are none. The store lists
    them in an order that is another one after its cache was emptied (measured on Mage-OS 1.2.0)."""
    shown = [row for row in rows if text(row.get("code")) != ADMIN and number(row.get("is_active"))]
    return sorted(shown, key=lambda row: number(row.get("id")))


def chosen_view(rows: Sequence[Json], wanted: str) -> Json:
    shown = shown_views(rows)
    found = next((row for row in shown if not wanted or text(row.get("code")) == wanted), None)
    if found is None:
        codes = ", ".join(text(row.get("code")) for row in shown) or "none"
        raise AskMerchant(f"The store has no active store view {wanted!r}; there are: {codes}.", field="store_view")
    return found


def paths(tree: Json) -> dict[str, tuple[str, ...]]:
    """Of /categories: names from below the root category down, by id. The root is no category a shopper sees."""
    found: dict[str, tuple[str, ...]] = {}
    waiting: list[tuple[Json, tuple[str, ...]]] = [(tree, ())]
    while waiting:
        node, above = waiting.pop()
        here = (*above, text(node.get("name"))) if number(node.get("level")) > 1 else ()
        if here:
            found[text(node.get("id"))] = here
        waiting += [(child, here) for child in dicts(node.get("children_data"))]
    return found


def _attributes(rows: Iterable[Json]) -> dict[str, Attribute]:
    found = {}
    for row in rows:
        labels = {text(item.get("value")): text(item.get("label")) for item in dicts(row.get("options"))}
        code = text(row.get("attribute_code"))
        label = text(row.get("default_frontend_label")) or code
        found[text(row.get("attribute_id"))] = Attribute(
            code, label, {key: name for key, name in labels.items() if key}
        )
    return found


def _base(told: Json) -> str:
    found = currency_code(told.get("base_currency_code"))
    if not found:
        raise RetryLater("Magento: the store did not tell its currency; it is asked again.")
    return found


def _rates(told: Json) -> dict[str, Decimal]:
    rows = dicts(told.get("exchange_rates"))
    return {text(row.get("currency_to")): amount(row.get("rate")) or Decimal(0) for row in rows}


def _with(rows: Iterable[Json], name: str, value: str) -> Json:
    return next((row for row in rows if text(row.get(name)) == value), {})
