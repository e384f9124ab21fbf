"""Kaufland's Seller API, from its description alone.

A piece sold is an order unit. Money is whole cents. Each call is signed over the bytes that came; whatever carries a
signature that is not theirs is refused. What a list says of its length is optional, and it is left out here when asked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Response, request

from tests.support.independent import Description, Json, Operation, Refusal
from tests.support.independent_kaufland_catalogue import Catalogue
from tests.support.independent_kaufland_orders import CARRIERS, CURRENCIES, HIDDEN

RATES = ("standard_rate", "reduced_rate_1")
SKEW = timedelta(minutes=5)
HIGHEST = {"EUR": 100_000_000, "CZK": 2_500_000_000, "PLN": 450_000_000}  # in cents


def signature(secret: str, method: str, url: str, body: str, timestamp: str) -> str:
    text = f"{method}\n{url}\n{body}\n{timestamp}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


@dataclass
class Kaufland(Catalogue):
    """``hidden``: how long a new unit is in no list; ``bulk_says``: what a unit's part of a bulk call is answered with;
    ``places``: storefronts of the seller; ``groups`` and ``stores``: shipping groups by storefront, and warehouses."""

    keys: tuple[str, str] = ("key", "secret")
    hidden: timedelta = timedelta(0)
    bulk_says: dict[int, Json] = field(default_factory=dict)
    places: tuple[str, ...] = ("de", "cz")
    groups: dict[int, Json] = field(default_factory=dict)
    stores: dict[int, Json] = field(default_factory=dict)
    units: dict[int, Json] = field(default_factory=dict)
    subscriptions: dict[int, Json] = field(default_factory=dict)

    def answer(self, path: str) -> Response:
        self._signed()
        operation, parts = self.operation(path.removeprefix("/v2"))
        name = re.sub("(?<=[a-z])(?=[A-Z])", "_", operation.name).lower()
        answer: Response = getattr(self, f"_{name}")(operation, *parts)
        return answer

    def problem(self, refusal: Refusal) -> Response:
        errors = [{"field": text.partition(":")[0], "message": text} for text in refusal.violations]
        kind = refusal.detail if refusal.detail.startswith("/problems/") else "about:blank"
        answer = Response(json.dumps({"type": kind, "message": refusal.detail, "errors": errors}), refusal.status)
        answer.mimetype = "application/json"
        answer.headers.update(refusal.headers)
        return answer

    def _signed(self) -> None:
        given = request.headers
        stamp = given.get("Shop-Timestamp", "")
        if not given.get("User-Agent") or not stamp.isdigit():
            raise Refusal(400, "/problems/missing-or-invalid-request-header")
        if given.get("Shop-Client-Key") != self.keys[0]:
            raise Refusal(401, "/problems/invalid-credentials")
        url = f"http://{request.host}{request.environ.get('RAW_URI') or request.environ['REQUEST_URI']}"
        right = signature(self.keys[1], request.method, url, request.get_data(as_text=True), stamp)
        if given.get("Shop-Signature") != right or abs(self.now().timestamp() - int(stamp)) > SKEW.total_seconds():
            self.refused.append(f"{request.method} {url}: wrong signature")
            raise Refusal(401, "/problems/corrupted-signature")

    # Account

    def _ping(self, operation: Operation) -> Response:
        return self.json(operation, 200, {"data": {"message": "Never tell me the odds"}})

    def _get_all_storefronts(self, operation: Operation) -> Response:
        return self.json(operation, 200, {"data": [*self.places]})

    def _get_carriers(self, operation: Operation) -> Response:
        carriers = [{"name": name, "isHauler": hauler} for name, hauler in CARRIERS.items()]
        return self.json(operation, 200, {"data": {"carriers": carriers}})

    def _get_vat_indicators(self, operation: Operation) -> Response:
        rates = [{"vat_indicator": name, "value": value} for name, value in zip(RATES, (19.0, 7.0), strict=True)]
        place = request.args.get("storefront", "de")
        return self.json(operation, 200, {"data": [{"storefront": place, "vat_rates": rates}]})

    def _get_all_locales(self, operation: Operation) -> Response:
        return self.json(operation, 200, {"data": ["de-DE", "cs-CZ", "pl-PL"]})

    def group(self, name: str, place: str = "de", *, usual: bool = False) -> int:
        """A shipping group of this storefront."""
        number = 5000 + len(self.groups)
        self.groups[number] = {
            "currency": CURRENCIES[place], "id_shipping_group": number, "storefront": place, "name": name,
            "type": "PACKAGE", "is_default": usual, "regions": [],
        }  # fmt: skip
        return number

    def store(self, name: str, *, usual: bool = False) -> int:
        """A warehouse."""
        address: Json = {
            "street": "A",
            "city": "B",
            "house_number": "1",
            "postcode": "2",
            "country": "DE",
            "phone": None,
        }
        number = 800 + len(self.stores)
        self.stores[number] = {
            "id_warehouse": number, "name": name, "address": address, "is_default": usual, "type": "normal",
        }  # fmt: skip
        return number

    def _get_shipping_groups(self, operation: Operation) -> Response:
        place = request.args["storefront"]
        return self._listed(operation, [one for one in self.groups.values() if one["storefront"] == place])

    def _get_warehouses(self, operation: Operation) -> Response:
        return self._listed(operation, [*self.stores.values()])

    # Units

    def _sendable(self, given: Json) -> None:
        """What an offer names has to be there, and in its storefront."""
        place = request.args["storefront"]
        if place not in self.places:
            raise Refusal(400, "/problems/storefront-not-configured")
        group, store = given.get("id_shipping_group"), given.get("id_warehouse")
        if group is not None and self.groups.get(group, {}).get("storefront") != place:
            raise Refusal(400, "/problems/validation-error", [f"id_shipping_group: {group} is none of {place}"])
        if store is not None and store not in self.stores:
            raise Refusal(400, "/problems/validation-error", [f"id_warehouse: {store} is unknown"])
        if given.get("vat_indicator", RATES[0]) not in RATES:
            raise Refusal(400, "/problems/validation-error", [f"vat_indicator: not one of {place}"])
        if given.get("listing_price", 1) > HIGHEST[CURRENCIES[place]]:
            raise Refusal(400, "/problems/validation-error", ["listing_price: too high"])

    def _create_unit(self, operation: Operation) -> Response:
        given, place = request.get_json(), request.args["storefront"]
        if not ("ean" in given or "id_product" in given):
            raise Refusal(400, "/problems/validation-error", ["ean: one of ean and id_product"])
        self._sendable(given)
        if self.known is not None and given.get("ean") not in self.known:
            said = [] if self.silent else ["ean: no product has it"]
            raise Refusal(400, "/problems/validation-error", said)
        if any(unit["id_offer"] == given["id_offer"] and unit["storefront"] == place for unit in self.units.values()):
            raise Refusal(400, "/problems/already-exists", ["id_offer: in use"])
        now, number = self.now(), next(self._ids)
        self.units[number] = {
            "status": "AVAILABLE", "currency": CURRENCIES[place], "id_unit": number, "note": given.get("note"),
            "condition": given.get("condition", "NEW"), "listing_price": given["listing_price"],
            "minimum_price": given.get("minimum_price", given["listing_price"]), "price": given["listing_price"],
            "id_offer": given["id_offer"], "id_product": given.get("id_product", 362524873),
            "id_shipping_group": given.get("id_shipping_group"), "id_warehouse": given.get("id_warehouse"),
            "amount": given.get("amount", 1), "handling_time": given["handling_time"], "shipping_rate": 390,
            "storefront": place, "transport_time_min": 1, "transport_time_max": 3,
            "fulfillment_type": "fulfilled_by_merchant", "vat_indicator": given.get("vat_indicator", "unspecified"),
            "ean": given.get("ean"), "at": now, "updated": now,
        }  # fmt: skip
        return self.json(operation, 200, {"data": self._told(self.units[number])})

    def _told(self, unit: Json, *, product: bool = False) -> Json:
        made = {name: value for name, value in unit.items() if name not in (*HIDDEN, "ean")}
        made |= {"date_inserted_iso": self.moment(unit["at"]), "date_lastchange_iso": self.moment(unit["updated"])}
        if product:
            made["product"] = self.product(unit["storefront"], unit["ean"])
        return made

    def _get_units(self, operation: Operation) -> Response:
        found = self._chosen([*self.units.values()])
        found = [unit for unit in found if self.now() - unit["at"] >= self.hidden]
        for name in ("id_offer", "ean"):
            if wanted := request.args.get(name):
                found = [unit for unit in found if unit[name] == wanted]
        product = "products" in request.args.getlist("embedded")
        return self._listed(operation, [self._told(unit, product=product) for unit in found])

    def _unit(self, number: str) -> Json:
        unit = self.units.get(int(number))
        if unit is None or unit["storefront"] != request.args["storefront"]:
            raise Refusal(404, "/problems/not-found")
        return unit

    def _get_unit(self, operation: Operation, number: str) -> Response:
        product = "products" in request.args.getlist("embedded")
        return self.json(operation, 200, {"data": self._told(self._unit(number), product=product)})

    def _patch_unit(self, operation: Operation, number: str) -> Response:
        unit = self._unit(number)
        self._sendable(request.get_json())
        self._change(unit, request.get_json())
        return self.json(operation, 200, {"data": self._told(unit)})

    def _delete_unit(self, operation: Operation, number: str) -> Response:
        self._unit(number)
        del self.units[int(number)]
        return self.json(operation, 204, None)

    def _change(self, unit: Json, given: Json) -> None:
        unit |= given | {"updated": self.now()}
        unit["price"] = unit["listing_price"]

    def _bulk_update_units(self, operation: Operation) -> Response:
        """The parts are answered in an order of their own."""
        given = request.get_json()
        numbers = [part["id_unit"] for part in given]
        if len(given) > 150:
            raise Refusal(400, "/problems/units/bulk-too-many-units")
        if len({*numbers}) < len(numbers):
            raise Refusal(400, "/problems/units/bulk-duplicate-units")
        return self.json(operation, 207, {"data": [*reversed([self._one(part) for part in given])]})

    def _one(self, part: Json) -> Json:
        number = part["id_unit"]
        if said := self.bulk_says.get(number):
            return {"id_unit": number} | said
        unit = self.units.get(number)
        if unit is None or unit["storefront"] != request.args["storefront"]:
            return {"id_unit": number, "status_code": 404, "message": "Unit not found", "errors": []}
        try:
            self._sendable(part["unit_data"])
        except Refusal as refusal:
            errors = [{"field": text.partition(":")[0], "message": text} for text in refusal.violations]
            return {"id_unit": number, "status_code": 400, "message": refusal.detail, "errors": errors}
        self._change(unit, part["unit_data"])
        return {"id_unit": number, "status_code": 200.0, "unit": self._told(unit)}

    # Push

    def _get_subscriptions(self, operation: Operation) -> Response:
        found = [*self.subscriptions.values()]
        for name in ("storefront", "event_name"):
            if wanted := request.args.get(name):
                found = [item for item in found if item[name] == wanted]
        return self._listed(operation, found)

    def _add_subscription(self, operation: Operation) -> Response:
        number, place, given = 11011 + len(self.subscriptions), request.args["storefront"], request.get_json()
        if place not in self.places:
            raise Refusal(400, "/problems/storefront-not-configured")
        if len(given["callback_url"]) > 255 or "@" not in given["fallback_email"]:
            raise Refusal(400, "/problems/validation-error", ["callback_url or fallback_email"])
        if any(
            (item["storefront"], item["event_name"]) == (place, given["event_name"])
            for item in self.subscriptions.values()
        ):
            raise Refusal(400, "/problems/already-exists")
        self.subscriptions[number] = given | {"id_subscription": number, "is_active": True, "storefront": place}
        return self.json(operation, 201, {"data": self.subscriptions[number]})

    def _update_subscription(self, operation: Operation, number: str) -> Response:
        self.subscriptions[int(number)] |= request.get_json()
        return self.json(operation, 200, {"data": self.subscriptions[int(number)]})

    def pushed(self, url: str, event: Json) -> tuple[list[tuple[str, str]], bytes]:
        """A message as it goes out: headers and body."""
        body, stamp = json.dumps(event), str(int(self.now().timestamp()))
        signed = signature(self.keys[1], "POST", url, body, stamp)
        return [("Shop-Timestamp", stamp), ("Shop-Signature", signed)], body.encode()


def kaufland(folder: Path, **given: Any) -> Kaufland:
    return Kaufland(descriptions=[Description.of(folder / "swagger.json")], **given)
