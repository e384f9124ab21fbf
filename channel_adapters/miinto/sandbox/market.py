"""The marketplace behind the API: its channels, what it has taken from the feed, and its orders."""

from __future__ import annotations

import csv
import io
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from bridge.ports.sandbox import FaultKind, SandboxKit
from bridge.ports.sandbox_market import Marketplace
from channel_adapters.miinto.sandbox.options import Options

Document = dict[str, Any]
STOCK = "c:stock_level:integer"
# What is taken over from a later file; all else stays as it was first told.
CHANGING = (STOCK, "c:retail_price_", "c:discount_retail_price_")
FIXED = ("item_group_id", "brand", "color", "size")
MANDATORY = (
    "id", "item_group_id", "c:style_id:string", "brand", "title", "color", "size", "image_link", STOCK, "material",
    "madein",
)  # fmt: skip


def stamp(epoch: float) -> str:
    return datetime.fromtimestamp(int(epoch), UTC).isoformat()


class Market(Marketplace):
    """Everything a view works with."""

    def __init__(self, kit: SandboxKit, options: Options) -> None:
        super().__init__(kit)
        self.options = options
        self._looked_at = 0.0
        self._mark = ""

    # The feed

    def follow(self, url: str) -> None:
        self.docs.put("feed", "url", {"url": url})
        self.fetch()

    def look(self) -> None:
        """Fetch, if the last time is long enough ago."""
        if time.monotonic() - self._looked_at >= self.options.fetch_seconds:
            self.fetch()

    def fetch(self) -> Document:
        """The whole file; one that cannot be read changes nothing."""
        known = self.docs.get("feed", "url")
        if known is None:
            return {"fetched": False, "why": "no address is known"}
        self._looked_at = time.monotonic()
        headers = {"If-None-Match": self._mark} if self._mark else {}
        try:
            answer = httpx.get(known["url"], timeout=15, trust_env=False, headers=headers)
        except httpx.HTTPError as error:
            return {"fetched": False, "why": type(error).__name__}
        if answer.status_code != 200:
            return {"fetched": answer.status_code == 304, "why": f"status {answer.status_code}"}
        self._mark = answer.headers.get("ETag", "")
        rows = list(csv.DictReader(io.StringIO(answer.text, newline=""), delimiter="\t"))
        faults = self._take(rows)
        self.docs.put("feed", "report", {"rows": len(rows), "faults": faults})
        return {"fetched": True, "rows": len(rows), "faults": faults}

    def _take(self, rows: list[dict[str, str]]) -> list[str]:
        faults: list[str] = []
        seen: set[tuple[str, ...]] = set()
        items = self.docs.all("items")
        here = {row["id"] for row in rows if row.get("id")}
        for key in [key for key in items if key not in here]:
            self.docs.remove("items", key)
        for row in rows:
            place = tuple(row.get(name, "") for name in FIXED)
            missing = [name for name in MANDATORY if not row.get(name)]
            if missing or place in seen:
                faults.append(f"{row.get('id')}: {missing[0] if missing else 'the same product twice'}")
                continue
            seen.add(place)
            self._take_row(row)
        return faults

    def _take_row(self, row: dict[str, str]) -> None:
        known: Document | None = self.docs.get("items", row["id"])
        if known is None:
            item: Document = {"row": row, "miinto_id": str(uuid.uuid4()), "offline": ""}
        else:
            told = {name: value for name, value in row.items() if name.startswith(CHANGING)}
            moved = [name for name in FIXED if row[name] != known["row"][name]]
            item = {**known, "row": {**known["row"], **told}, "offline": known["offline"] or ", ".join(moved)}
        self.docs.put("items", row["id"], item)

    def take_stock(self, sku: str, units: int) -> None:
        """A sale lowers the number until the next file tells another."""
        item = self.docs.all("items")[sku]
        left = max(0, int(item["row"][STOCK]) - units)
        self.docs.put("items", sku, {**item, "row": {**item["row"], STOCK: str(left)}})

    def of_shop(self, kind: str, shop: str) -> list[Document]:
        """Newest first."""
        found = [item for item in self.docs.all(kind).values() if item["shop"] == shop]
        return sorted(found, key=lambda item: (item["created"], item["id"]), reverse=True)


@dataclass
class Call:
    """One request to one operation."""

    market: Market
    operation: str
    path: dict[str, str]
    body: Any = None

    def faulty(self, kind: FaultKind) -> dict[str, Any] | None:
        return self.market.faulty(self.operation, kind)


Handler = Callable[[Call], Any]
