"""Who we are at Zalando: the merchant, and the sales channels it may sell on, one for each country."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.domain.reading import Json, text
from bridge.ports.channel import AccountInfo, Choice
from bridge.ports.errors import AskMerchant, RejectItem
from bridge.ports.manifest import Site
from channel_adapters.zalando.client import ZalandoClient
from channel_adapters.zalando.vocabulary import country

# Contracts change seldom; a country that is new is seen within the hour, or as soon as an order comes from it.
GOOD_FOR = timedelta(hours=1)
LOOKED_LATELY = timedelta(minutes=5)


@dataclass(frozen=True)
class Place:
    """A country site with the number of its sales channel. ``live``: the account sells there now."""

    site: Site
    channel: str
    live: bool


class Account:
    """Thread-safe. What is read is kept for an hour."""

    def __init__(
        self,
        client: ZalandoClient,
        sites: Mapping[str, Site],
        settings: Mapping[str, Any],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._sites = sites
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._merchant = text(settings.get("merchant_id"))
        self._places: dict[str, Place] = {}
        self._others: list[Json] = []
        self._read_at: datetime | None = None

    def check(self) -> AccountInfo:
        """Raises AskMerchant when the merchant is not clear, or may sell nowhere."""
        me = self._client.me()
        merchants = merchant_ids(me.get("bpids"))
        self._merchant = self._chosen(merchants)
        places = self._fresh()
        if not places:
            raise AskMerchant("Zalando: this merchant has no sales channel yet. Ask your Zalando contact for one.")
        selling = _live(places)
        return AccountInfo(
            identity=self._merchant,
            name=f"Merchant {self._merchant[:8]}",
            countries=tuple(place.site.country for place in selling),
            sites=tuple(place.site.code for place in selling),
            choices={
                "merchant_id": tuple(Choice(value=key, label=key) for key in merchants),
                "logistic_center": self._centers(),
            },
            details={
                "merchant": self._merchant,
                "scopes": me.get("scopes") or me.get("scope") or "",
                "sales channels": {code: place.channel for code, place in places.items()},
                "not live": [code for code, place in places.items() if not place.live],
                "other channels": [text(item.get("country_code")) for item in self._others],
            },
        )

    def _centers(self) -> tuple[Choice, ...]:
        """Only to be chosen from: an app that may not read them can do without."""
        try:
            centers = self._client.logistic_centers(self._merchant)
        except (AskMerchant, RejectItem):
            return ()
        return tuple(
            Choice(value=text(item.get("logistic_center_id")), label=text(item.get("name"))) for item in centers
        )

    def _chosen(self, merchants: tuple[str, ...]) -> str:
        wanted = text(self._settings.get("merchant_id"))
        if wanted and merchants and wanted not in merchants:
            known = ", ".join(merchants)
            raise AskMerchant(
                f"Zalando: this app may not act for merchant {wanted}; it may for {known}.", field="merchant_id"
            )
        if not wanted and len(merchants) > 1:
            known = ", ".join(merchants)
            raise AskMerchant(
                f"Zalando: this app acts for several merchants. Choose one: {known}.", field="merchant_id"
            )
        if not wanted and not merchants:
            raise AskMerchant("Zalando: this app acts for no merchant yet. Give it one in zDirect (Applications).")
        return wanted or merchants[0]

    @property
    def merchant(self) -> str:
        if not self._merchant:
            self._merchant = self._chosen(merchant_ids(self._client.me().get("bpids")))
        return self._merchant

    def places(self) -> tuple[Place, ...]:
        """Those the merchant chose, else those of the account."""
        return self._selling(self._known())

    def place(self, code: str) -> Place:
        """Raises RejectItem for a site this connection does not sell on; "" is the first."""
        places = self.places()
        found = next((place for place in places if code in ("", place.site.code)), None)
        if found is None:
            raise RejectItem(f"This Zalando account does not sell on site {code!r}.", field="site")
        return found

    def site_of(self, channel: str) -> str:
        """The site of a sales channel, "" where it is none that we know."""
        for places in (self._known, self._newer):
            for place in places().values():
                if place.channel.lower() == channel.lower():
                    return place.site.code
        return ""

    def _selling(self, places: Mapping[str, Place]) -> tuple[Place, ...]:
        wanted = self._settings.get("sites") or ()
        chosen = tuple(place for code, place in places.items() if code in wanted)
        return chosen or _live(places)

    def _known(self) -> dict[str, Place]:
        return self._places if self._is_younger_than(GOOD_FOR) else self._fresh()

    def _newer(self) -> dict[str, Place]:
        return self._places if self._is_younger_than(LOOKED_LATELY) else self._fresh()

    def _is_younger_than(self, age: timedelta) -> bool:
        return self._read_at is not None and self._clock() - self._read_at < age

    def _fresh(self) -> dict[str, Place]:
        raws = self._client.sales_channels(self.merchant)
        found = {place.site.code: place for raw in raws if (place := self._place(raw)) is not None}
        with self._lock:
            self._places = {code: found[code] for code in self._sites if code in found}
            self._others = [raw for raw in raws if country(text(raw.get("country_code"))) not in self._sites]
            self._read_at = self._clock()
            return self._places

    def _place(self, raw: Json) -> Place | None:
        site, channel = self._sites.get(country(text(raw.get("country_code")))), text(raw.get("sales_channel_id"))
        return Place(site, channel, raw.get("live") is not False) if site is not None and channel else None


def _live(places: Mapping[str, Place]) -> tuple[Place, ...]:
    """All of them before the account has gone live anywhere."""
    return tuple(place for place in places.values() if place.live) or tuple(places.values())


def merchant_ids(raw: Any) -> tuple[str, ...]:
    """``bpids``: a list, or one text with several in it (tokens carry it as a text)."""
    parts = raw if isinstance(raw, list) else text(raw).replace(",", " ").split()
    return tuple(dict.fromkeys(text(part) for part in parts if text(part)))
