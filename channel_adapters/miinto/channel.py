"""Miinto as a Channel: what the contract asks, in calls of the client and words of the mapping."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from bridge.domain.order import MarketplaceOrder
from bridge.domain.reading import Json, moment, table, text
from bridge.domain.requirement import CategoryRequirements
from bridge.domain.values import fingerprint
from bridge.ports.adapter import Connection
from bridge.ports.channel import AccountInfo, Choice, ItemResult, OfferRef, OrderRef, Outcome, Page, SaleStatus
from bridge.ports.errors import AskMerchant, NotFound, RejectItem
from bridge.ports.manifest import load_manifest
from channel_adapters.miinto import columns, mapping
from channel_adapters.miinto.client import MiintoClient, shops_of
from channel_adapters.miinto.feed import TsvWriter
from channel_adapters.miinto.mapping import Known

MANIFEST = load_manifest(Path(__file__).parent)
# Orders are listed newest first and without a time of change: how far back they are looked at, every minute for what
# is new and now and then for the rest.
CHANGES, OPEN = timedelta(days=1), timedelta(days=30)
MAP_SECONDS = 600.0


class MiintoChannel:
    """One user of Miinto Admin with the shops it may see."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        self._client = MiintoClient(connection)
        self._settings = connection.settings
        self._clock = connection.clock
        self._user = connection.credentials["identifier"]
        self._shops: dict[str, str] = {}
        self._maps: dict[str, tuple[float, dict[str, Known]]] = {}

    def check(self) -> AccountInfo:
        found = shops_of(self._client.channel())
        names = {shop: text(self._client.shop(shop).get("name")) for shop in self._chosen(found)}
        self._shops = found
        countries = sorted({country for shop, country in found.items() if country and shop in names})
        sold_in = {mapping.CURRENCIES.get(country, "EUR") for country in countries} or {"EUR"}
        labels = {shop: " ".join(filter(None, (found[shop], names.get(shop), shop))) for shop in found}
        return AccountInfo(
            name=next(filter(None, names.values()), self._user),
            countries=tuple(countries),
            sites=tuple(site.code for site in MANIFEST.sites if site.code in sold_in),
            choices={"shops": tuple(Choice(value=shop, label=label) for shop, label in labels.items())},
            details={"shops": found},
        )

    def _chosen(self, found: Mapping[str, str]) -> list[str]:
        wanted = [str(shop) for shop in self._settings.get("shops") or ()]
        if strange := [shop for shop in wanted if shop not in found]:
            raise AskMerchant(f"Miinto: this user may not see the shop {strange[0]}.", field="shops")
        return wanted or list(found)

    def _known_shops(self) -> dict[str, str]:
        """Number and country, as they were told when the channel was last made."""
        if not self._shops:
            self._shops = self._client.shops()
        return {shop: self._shops[shop] for shop in self._chosen(self._shops)}

    # The feed

    def requirements(self, category: str | None) -> CategoryRequirements:
        if category is not None:
            raise NotFound("Miinto has no categories.", field="category")
        return columns.requirements(set(self._defaults()))

    def feed(self) -> TsvWriter:
        chosen = [site.currency for site in MANIFEST.sites if site.code in (self._settings.get("sites") or ())]
        return TsvWriter(chosen, str(self._settings.get("language") or ""), self._defaults())

    def _defaults(self) -> dict[str, str]:
        """Raises AskMerchant for what names no column."""
        found: dict[str, str] = {}
        known = columns.header(())
        for item in self._settings.get("defaults") or ():
            name, separator, value = str(item).partition("=")
            if not separator or name.strip() not in known:
                names = ", ".join(known[:9])
                raise AskMerchant(f"Defaults: {item!r} is no column=value; columns are {names} …", field="defaults")
            found[name.strip()] = value.strip()
        return found

    def sale_status(self, offer: OfferRef) -> SaleStatus:
        """Miinto tells of no product whether it can be bought, only which it knows, and that not for every shop."""
        known = [item.sku for shop in self._known_shops() for item in self._items(shop).values()]
        if not known or offer.offer_id in known:
            return SaleStatus(offer_id=offer.offer_id, for_sale=None)
        reasons = ("Miinto's product map does not have it (yet)",)
        fixes = ("Look at the feed in Miinto's feed analysis, or ask Miinto why it was not taken.",)
        return SaleStatus(offer_id=offer.offer_id, for_sale=None, reasons=reasons, fixes=fixes)

    def _items(self, shop: str) -> dict[str, Known]:
        read_at, items = self._maps.get(shop, (0.0, {}))
        if not read_at or time.monotonic() - read_at > MAP_SECONDS:
            items = mapping.known_items(self._client.product_map(shop))
            self._maps[shop] = (time.monotonic(), items)
        return items

    # Orders

    def list_orders(self, since: datetime, cursor: str | None) -> Page[OrderRef]:
        return self._walk(cursor, ("transfers", "orders"), since - CHANGES)

    def list_open_orders(self, cursor: str | None) -> Page[OrderRef]:
        """Which accepted orders are still to be sent is not told: all of the last while."""
        return self._walk(cursor, ("transfers", "orders"), self._clock() - OPEN)

    def _walk(self, cursor: str | None, stages: Sequence[str], oldest: datetime) -> Page[OrderRef]:
        """A page of a list that is read shop by shop, transfers first: they wait for an answer."""
        places = [(stage, shop) for stage in stages for shop in self._known_shops()]
        stage, shop, start = cursor.split("/") if cursor else (*places[0], "0")
        read = self._client.transfers if stage == "transfers" else self._client.orders
        found, after = read(shop, int(start))
        young = [raw for raw in found if not _older(raw, oldest)]
        refs = tuple(_ref(raw, shop, transfer=stage == "transfers") for raw in young)
        if after is not None and len(young) == len(found):
            return Page(items=refs, next_cursor=f"{stage}/{shop}/{after}")
        left = places[places.index((stage, shop)) + 1 :] if (stage, shop) in places else []
        return Page(items=refs, next_cursor=f"{left[0][0]}/{left[0][1]}/0" if left else None)

    def fetch_order(self, external_id: str) -> MarketplaceOrder:
        shop, number, is_transfer = mapping.split_id(external_id)
        country = self._known_shops().get(shop, "")
        if not is_transfer:
            raw = self._client.order(shop, number)
            return mapping.order(raw, shop, country, self._matches(shop), self._clock())
        raw = self._pending(shop, number)
        minutes = self._settings.get("acceptance_minutes")
        return mapping.transfer(raw, shop, country, self._matches(shop), self._clock(), minutes)

    def _pending(self, shop: str, number: str) -> Json:
        """A single transfer has no call of its own: it is in the list while it waits, and nowhere afterwards."""
        offset: int | None = 0
        while offset is not None:
            found, offset = self._client.transfers(shop, offset)
            for raw in found:
                if text(raw.get("id")) == number:
                    return raw
        raise NotFound(f"Miinto offers no transfer {number} to this shop any more.")

    def _matches(self, shop: str) -> Mapping[str, Known]:
        """The product map; a shop without one is matched by GTIN alone."""
        try:
            return self._items(shop)
        except RejectItem:
            return {}

    def acknowledge_order(self, order: MarketplaceOrder, store_number: str) -> ItemResult | None:
        """Miinto wants none beside the acceptance."""
        return None

    def accept_order(self, order: MarketplaceOrder, refused: Sequence[str]) -> ItemResult:
        shop, number, _ = mapping.split_id(order.external_id)
        declined = [line.external_id for line in order.lines if line.external_id in refused]
        accepted = [line.external_id for line in order.lines if line.external_id not in refused]
        try:
            answer = self._client.answer_transfer(shop, number, accepted, declined)
        except RejectItem as error:
            return ItemResult(key=order.external_id, outcome=Outcome.REJECTED, message=error.merchant)
        new = text(table(answer, "newOrder").get("id"))
        becomes = mapping.order_id(shop, new) if new else None
        return ItemResult(key=order.external_id, outcome=Outcome.APPLIED, becomes=becomes)


def _ref(raw: Json, shop: str, *, transfer: bool) -> OrderRef:
    key = mapping.order_id(shop, text(raw.get("id")), transfer=transfer)
    return OrderRef(external_id=key, mark=fingerprint(raw))


def _older(raw: Json, than: datetime) -> bool:
    at = moment(table(raw, "parentOrder").get("createdAt")) or moment(raw.get("createdAt"))
    return at is not None and at < than
