"""Miinto's order interface and its reader of feeds, from what is documented of them alone (miinto_documented.yaml).

Every call is signed over its very bytes, and no seed serves twice. What nobody has documented is left out.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Response, request

from tests.support.described import read
from tests.support.independent import Description, Independent, Json, Operation, Refusal

SHOPS = {"IT": "1-m!i!s-045-1234", "PL": "1-m!i!s-046-77"}
KIND = "MNT-HMAC-SHA256-1-0"
MANDATORY = (
    "id", "item_group_id", "c:style_id:string", "brand", "title", "color", "size", "image_link",
    "c:stock_level:integer", "material", "madein", "description",
)  # fmt: skip
WHERE = Path(__file__).parent / "miinto_documented.yaml"


@dataclass
class Miinto(Independent):
    """``uses``: calls before a channel is over; ``answered``: by transfer, what was accepted and declined of it."""

    client: tuple[str, str] = ("identifier", "secret")
    uses: int = 1000
    channels: dict[str, Json] = field(default_factory=dict)
    transfers: dict[int, Json] = field(default_factory=dict)
    orders: dict[int, Json] = field(default_factory=dict)
    maps: list[list[str]] = field(default_factory=list)
    answered: dict[int, tuple[list[int], list[int]]] = field(default_factory=dict)
    between: list[int] = field(default_factory=list)
    seeds: set[str] = field(default_factory=set)

    def answer(self, path: str) -> Response:
        if path != "/channels":
            self._signed()
        operation, parts = self.operation(path)
        if operation.template.startswith("/shops/") and parts[0] not in SHOPS.values():
            raise Refusal(403, "no such shop of this channel")
        name = "_" + re.sub(r"(?<!^)(?=[A-Z])", "_", operation.name).lower()
        answer: Response = getattr(self, name)(operation, *parts)
        return answer

    def problem(self, refusal: Refusal) -> Response:
        meta = {"status": "failure", "version": "2.6", "message": refusal.detail}
        return Response(
            json.dumps({"meta": meta}), refusal.status, mimetype="application/json", headers=refusal.headers
        )

    def _signed(self) -> None:
        """The resource, the header and the payload, each hashed, under the token."""
        given = {name: request.headers.get(f"Miinto-Api-{name}", "") for name in (
            "Auth-ID", "Auth-Signature", "Auth-Timestamp", "Auth-Seed", "Auth-Type", "Control-Flavour", "Control-Version",
        )}  # fmt: skip
        channel = self.channels.get(given["Auth-ID"])
        if channel is None or channel["left"] <= 0:
            raise Refusal(401, "no such channel")
        channel["left"] -= 1
        query = request.query_string.decode("ascii")
        path = request.environ["RAW_URI"].partition("?")[0]
        resource = f"{request.method}\n{request.host.partition(':')[0]}\n{path}\n{query}"
        header = "\n".join((given["Auth-ID"], given["Auth-Timestamp"], given["Auth-Seed"], KIND))
        body = request.get_data()
        whole = "\n".join(hashlib.sha256(part).hexdigest() for part in (resource.encode(), header.encode(), body))
        right = hmac.new(channel["token"].encode(), whole.encode(), hashlib.sha256).hexdigest()
        if given["Auth-Signature"] != right or given["Auth-Seed"] in self.seeds:
            raise Refusal(403, "the signature does not fit, or its seed came twice")
        self.seeds.add(given["Auth-Seed"])
        late = abs(self.now().timestamp() - int(given["Auth-Timestamp"]))
        if given["Auth-Type"] != KIND or given["Control-Flavour"] != "Miinto-Generic" or late > 60:
            raise Refusal(400, f"type, flavour or time: {given}")
        if given["Control-Version"] != "2.6" and "/productmaps" not in request.path:
            raise Refusal(400, f"version: {given}")

    def _said(self, operation: Operation, data: Any, **meta: Any) -> Response:
        return self.json(
            operation, 200, {"meta": {"status": "success", "version": "2.6"} | meta, "data": data}
        )  # fmt: skip

    def _create_channel(self, operation: Operation) -> Response:
        given = request.get_json(force=True)
        if (given["identifier"], given["secret"]) != self.client:
            raise Refusal(401, "wrong identifier or secret")
        key, token = f"M!t!Ch!v1!{uuid.uuid4().hex}", uuid.uuid4().hex
        self.channels[key] = {"token": token, "left": self.uses}
        privileges: Json = {"__GLOBAL__": {"Store": {SHOPS["IT"]: {}}}}
        privileges |= {f"Platform-{country}": {"ShopAdmin": {shop: {}}} for country, shop in SHOPS.items()}
        data = {"id": key, "token": token, "data": {"accessorId": 202044}, "privileges": privileges}
        return self._said(operation, data)

    def _get_shop(self, operation: Operation, shop: str) -> Response:
        return self._said(operation, {"id": shop, "name": "A shop"})

    def offer(self, number: int, *lines: tuple[str, int, int], shop: str = SHOPS["IT"]) -> Json:
        """A transfer of lines: GTIN, pieces, price of one in hundredths."""
        positions = [
            {"id": number * 10 + place, "quantity": many, "price": price, "item": {"gtin": gtin}}
            for place, (gtin, many, price) in enumerate(lines)
        ]
        self.transfers[number] = {"shop": shop, "at": self.now(), "positions": positions}
        return self.transfers[number]

    def order(self, number: int, positions: list[Json], shop: str = SHOPS["IT"], at: datetime | None = None) -> Json:
        made = {"shop": shop, "at": at or self.now(), "positions": positions}
        self.orders[number] = made
        return made

    def _get_transfers(self, operation: Operation, shop: str) -> Response:
        found = {key: one for key, one in self.transfers.items() if one["shop"] == shop and key not in self.answered}
        shown = [{"id": key, "pendingPositions": one["positions"]} for key, one in self._sorted(found)]
        return self._page(operation, shown if "pending" in request.args.getlist("status[]") else [])

    def _get_orders(self, operation: Operation, shop: str) -> Response:
        found = {key: one for key, one in self.orders.items() if one["shop"] == shop}
        shown = [self._shown(key, one) for key, one in self._sorted(found)]
        return self._page(operation, shown if "accepted" in request.args.getlist("status[]") else [])

    def _sorted(self, found: dict[int, Json]) -> list[tuple[int, Json]]:
        newest = request.args.get("sort", "+createdAt").startswith("-")
        return sorted(found.items(), key=lambda one: (one[1]["at"], one[0]), reverse=newest)

    def _page(self, operation: Operation, found: list[Json]) -> Response:
        """What is answered elsewhere meanwhile leaves the list after the page was read."""
        begin, many = int(request.args.get("offset", 0)), int(request.args.get("limit", 50))
        page = found[begin : begin + many]
        self.answered |= {number: ([], []) for number in self.between}
        self.between.clear()
        return self._said(operation, page, totalItemCount=len(found))

    def _get_order(self, operation: Operation, shop: str, number: str) -> Response:
        one = self.orders.get(int(number))
        if one is None or one["shop"] != shop:
            raise Refusal(404, "no such order")
        return self._said(operation, self._shown(int(number), one))

    def _shown(self, number: int, one: Json) -> Json:
        address = {"street": "Via Roma 1", "postcode": "20121", "city": "Milano", "countryCode": "IT"}
        delivery = {"name": "Anna Maria Rossi", "type": one.get("type", "HomeDelivery"), "address": address}
        return {
            "id": number, "currency": one.get("currency", "EUR"), "acceptedPositions": one["positions"],
            "parentOrder": {"id": number + 7, "createdAt": self.moment(one["at"])},
            "billingInformation": {"name": "Anna Maria Rossi", "email": "a@example.com", "address": address},
            "shippingInformation": {
                "deliveryAddress": delivery, "deliveryOptions": {"initial": {"providerId": "DHL"}},
            },
        }  # fmt: skip

    def _update_transfer(self, operation: Operation, shop: str, number: str) -> Response:
        one, body = self.transfers.get(int(number)), request.get_json(force=True)
        if one is None or one["shop"] != shop or int(number) in self.answered:
            raise Refusal(409, "the transfer is not pending")
        told = [
            [each["id"] if isinstance(each, dict) else each for each in body.get(f"{word}Positions", [])]
            for word in ("accepted", "declined")
        ]
        if sorted(told[0] + told[1]) != sorted(position["id"] for position in one["positions"]):
            raise Refusal(400, f"not every position once: {told}")
        self.answered[int(number)] = (told[0], told[1])
        new = int(number) + 5000 if told[0] else None
        if new:
            self.order(new, [each for each in one["positions"] if each["id"] in told[0]], shop, one["at"])
        return self._said(operation, {"newOrder": {"id": new}})

    def _get_product_map(self, operation: Operation) -> Response:
        return self.json(operation, 200, self.maps)


def miinto(**given: Any) -> Miinto:
    return Miinto([Description(read(WHERE))], **given)


def feed_faults(text: str, currency: str) -> list[str]:
    """What Miinto would not take of a feed."""
    if "\r" in text:
        return ["not the ends of lines of Unix"]
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))
    faults = [f"no column {name}" for name in MANDATORY if not rows or name not in rows[0]]
    keys = [tuple(row[name] for name in ("item_group_id", "size", "color", "brand")) for row in rows]
    faults += ["two rows of one size"] if len(set(keys)) < len(keys) else []
    return faults + [f"{row['id']}: {fault}" for row in rows for fault in _row_faults(row, currency)]


def _row_faults(row: dict[str, str], currency: str) -> list[str]:
    price, reduced = (row.get(f"c:{name}retail_price_{currency}:integer", "") for name in ("", "discount_"))
    told = [row["brand"], row["size"], row["color"], row["id"]]
    checks = {
        "the stock": re.fullmatch(r"\d+", row["c:stock_level:integer"]),
        "the price in cents": re.fullmatch(r"[1-9]\d*", price),
        "the reduced price in cents, or nothing": re.fullmatch(r"([1-9]\d*)?", reduced),
        "the GTIN": re.fullmatch(r"(\d{9,13})?", row.get("gtin", "")),
        "a picture behind https": row["image_link"].startswith("https://"),
        "the country it was made in": re.fullmatch("[A-Z]{2}", row["madein"]),
        "the title without brand, size, colour and id": not any(
            re.search(rf"\b{re.escape(word)}\b", row["title"], re.IGNORECASE) for word in told
        ),
        "the material in each language": isinstance(json.loads(row["material"]), dict),
        "the brand's length": len(row["brand"]) <= 149,
        "everything mandatory": all(row[name] for name in MANDATORY),
    }
    return [name for name, right in checks.items() if not right]
