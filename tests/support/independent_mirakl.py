"""A Mirakl marketplace and one shop of it, from Mirakl's seller description alone.

Imports are worked off one look after another; what is wrong with a line stands in a report, whose rows come last first. An
offer that is sent again is what was sent and nothing else. Amounts are told as the order's tax mode says.
"""

from __future__ import annotations

import copy
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, request

from tests.support.independent import Description, Json, Operation, Refusal
from tests.support.independent_mirakl_orders import CARRIERS, REASONS
from tests.support.independent_mirakl_products import Products

SHOP = 2042
REPORTS = {"OF": ("error-line", "error-message"), "STO": ("line", "reason"), "PRI": ("line", "reason")}
PRICES = (
    "offer-sku", "price", "price-ranges", "discount-price", "discount-ranges", "channels", "discount-start-date",
    "discount-end-date", "start-date", "end-date", "customer-organization-ids", "customer-group-ids",
)  # fmt: skip
# What an offer tells under the name it is sent under.
PLAIN = (
    "description", "internal_description", "leadtime_to_ship", "max_order_quantity", "min_order_quantity",
    "min_quantity_alert", "package_quantity", "price_additional_info", "product_tax_code", "eco_contributions",
    "offer_additional_fields", "allow_quote_requests",
)  # fmt: skip
STOCKS = ("offer-sku", "quantity", "warehouse-code", "update-delete")
PAGES: dict[str, tuple[tuple[str, Json], ...]] = {
    "offset": (("max", {"type": "integer", "minimum": 1, "maximum": 100}), ("offset", {"type": "integer"})),
    "seek": (("limit", {"type": "integer", "minimum": 1, "maximum": 100}), ("page_token", {"type": "string"})),
}


@dataclass
class Import:
    kind: str
    rows: list[Json]
    looks: int
    body: bytes
    at: datetime
    state: str = "WAITING"
    errors: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Mirakl(Products):
    """``pending``: looks before an import is over; ``fails``: what an import ends with instead; ``says``: why the lines of
    a SKU are in error; ``settings``: of the platform; ``shop``: what the shop is; ``own``: the operator's own fields."""

    key: str = "key"
    pending: int = 2
    fails: list[str] = field(default_factory=list)
    says: dict[str, str] = field(default_factory=dict)
    offers: dict[str, Json] = field(default_factory=dict)
    imports: dict[str, Import] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    shop: dict[str, Any] = field(default_factory=dict)
    own: list[Json] = field(default_factory=list)

    def answer(self, path: str) -> Response:
        if request.headers.get("Authorization") != self.key:
            raise Refusal(401, "Unauthorized")
        operation, parts = self.operation(path)
        if request.args.get("shop_id", str(SHOP)) != str(SHOP):
            raise Refusal(403, "not a shop of this user")
        answer: Response = getattr(self, "_" + operation.name.lower())(operation, *parts)
        return answer

    # The account

    def _v01(self, operation: Operation) -> Response:
        return self.full(operation, {"version": "3.1"})

    def _a01(self, operation: Operation) -> Response:
        body = {
            "shop_id": SHOP, "shop_name": "Shop", "currency_iso_code": "EUR", "shop_state": "OPEN",
            "approval_rate": 0.95, "approval_delay": 3600, "channels": ["FR"],
        }  # fmt: skip
        return self.full(operation, body | self.shop)

    def _a21(self, operation: Operation) -> Response:
        """Periods that were asked for only."""
        asked = request.args.get("periods", "LAST_MONTH,LAST_YEAR").split(",")
        rates = {"approval_rate": 0.9, "cancelation_rate": 0.01, "incident_rate": 0.02, "late_shipment_rate": 0.03}
        told = {name: [{"period": one, "value": rate} for one in asked] for name, rate in rates.items()}
        return self.full(operation, told | {"last_updated_date": self.moment(self.now())})

    def _ch11(self, operation: Operation) -> Response:
        return self.full(
            operation, {"channels": [{"code": one, "label": one} for one in self.shop.get("channels", ["FR"])]}
        )

    def _pc01(self, operation: Operation) -> Response:
        features: Json = {
            "order_workflows": {"order_acceptance": "NOT_AUTOMATIC"}, "offer_prices_decimals": "2",
            "operator_csv_delimiter": "SEMICOLON", "order_tax_mode": self.mode,
        }  # fmt: skip
        features |= {"shipment": {"multi_shipment": self.multi}, "returns": {"marketplace": True}}
        return self.full(operation, {"features": features | self.settings, "timezone": "Europe/Paris"})

    def _of61(self, operation: Operation) -> Response:
        return self.full(operation, {"offer_states": [{"code": "11", "label": "New"}], "total_count": 1})

    def _af01(self, operation: Operation) -> Response:
        return self.full(operation, {"additional_fields": self.own, "total_count": len(self.own)})

    def _sh21(self, operation: Operation) -> Response:
        found = [{"code": code, "label": code.title(), "tracking_url": url} for code, url in CARRIERS.items()]
        return self.full(operation, {"carriers": found})

    def _sh31(self, operation: Operation) -> Response:
        return self.full(operation, {"logistic_classes": [{"code": "S", "label": "Small"}]})

    def _re01(self, operation: Operation) -> Response:
        found = [
            {"code": code, "label": label, "type": kind, "is_shop_right": right}
            for kind, (code, label) in REASONS.items()
            for code, label, right in ((f"{code}X", "Not yours", False), (code, label, True))
        ]
        return self.full(operation, {"reasons": found, "total_count": len(found)})

    # Imports

    def _take(self, kind: str, rows: list[Json], body: bytes) -> str:
        same = (key for key, one in self.imports.items() if one.state == "WAITING" and one.body == body)
        known = next(same, "")
        key = known or str(1000 + len(self.imports))
        if not known:
            self.imports[key] = Import(kind, rows, self.pending, body, self.now())
        return key

    def _of24(self, operation: Operation) -> Response:
        key = self._take("OF", request.get_json(force=True)["offers"], request.get_data())
        return self.json(operation, 201, {"import_id": int(key)})

    def _sto01(self, operation: Operation) -> Response:
        return self.json(operation, 201, {"import_id": self._take("STO", *self._file(STOCKS))})

    def _pri01(self, operation: Operation) -> Response:
        return self.json(operation, 201, {"import_id": self._take("PRI", *self._file(PRICES))})

    def _file(self, known: tuple[str, ...]) -> tuple[list[Json], bytes]:
        body = request.files["file"].read()
        rows = list(csv.DictReader(io.StringIO(body.decode("utf-8"), newline=""), delimiter=";"))
        unknown = {name for row in rows for name in row} - set(known)
        if unknown or not rows:
            raise Refusal(400, f"no such columns: {unknown}, or no lines")
        return rows, body

    def _looked(self, kind: str, key: str) -> Import:
        one = self.imports.get(key)
        if one is None or one.kind != kind:
            raise Refusal(404, "no such import")
        if one.state in ("WAITING", "RUNNING"):
            one.looks -= 1
            one.state = "RUNNING" if one.looks > 0 else self.fails.pop() if self.fails else "COMPLETE"
            if one.state == "COMPLETE":
                self._work(one)
        return one

    def _work(self, one: Import) -> None:
        work = {"OF": self._one_offer, "STO": self._one_stock, "PRI": self._one_price}[one.kind]
        seen: set[str] = set()
        for number, row in enumerate(one.rows, 1):
            sku = row.get("shop_sku") or row.get("offer-sku") or ""
            if one.kind == "PRI" and sku in self.offers and sku not in seen:
                self.offers[sku] |= {"all_prices": [], "discount": {}}  # delete and replace
            seen.add(sku)
            if fault := self.says.get(sku) or work(sku, row):
                one.errors.append((number, fault))

    def _one_offer(self, sku: str, row: Json) -> str:
        if row["update_delete"] == "delete":
            return "" if self.offers.pop(sku, None) else "The offer does not exist"
        if row["product_id_type"] != "EAN" or row["product_id"] not in self.catalogue:
            return f'The product "{row["product_id"]}" does not exist; check its\nreference'
        if row["state_code"] != "11" or not 0 < row["price"] < 1e6:
            return "The state or the price is not valid"
        before = self.offers.get(sku)
        if before and before["product_id"] != row["product_id"]:
            return "The product linked to the new offer is different from the existing offer"
        if (
            row.get("leadtime_to_ship") is not None
            and self.settings.get("lead_time_to_ship_by_sellers_enabled") == "NO"
        ):
            return "The lead time to ship cannot be set"
        told = {one["code"] for one in row.get("offer_additional_fields", []) if one.get("value") not in (None, "")}
        if lacking := [one["code"] for one in self.own if one["required"] and one["code"] not in told]:
            return f"The field {lacking} is mandatory"
        number = before["number"] if before else 5000 + len(self.offers)
        default = {"unit_origin_price": row["price"], "unit_discount_price": row.get("discount", {}).get("price")}
        prices = [one for one in row.get("all_prices", []) if one.get("channel_code")]
        self.offers[sku] = {"number": number, "quantity": 0} | row | {"all_prices": [default, *prices]}
        return ""

    def _one_stock(self, sku: str, row: Json) -> str:
        if sku not in self.offers:
            return "The offer does not exist"
        if not re.fullmatch(r"\d+", row["quantity"]) or row.get("warehouse-code"):
            return "The quantity or the warehouse is not valid"
        self.offers[sku]["quantity"] = int(row["quantity"])
        return ""

    def _one_price(self, sku: str, row: Json) -> str:
        if sku not in self.offers:
            return "The offer does not exist"
        if not re.fullmatch(r"\d+(\.\d{1,2})?", row["price"]) or float(row["price"]) <= 0:
            return "The price is not valid"
        offer = self.offers[sku]
        made = _price(row)
        if (made.get("context") or made.get("channel_code")) and not self.pricing():
            return "Channel, scheduled and customer prices are not activated"
        if faults := _odd(made):
            return faults
        offer["all_prices"].append(made)
        if not made.get("context") and not made.get("channel_code"):
            offer["price"] = float(row["price"])
        return ""

    def pricing(self) -> bool:
        return bool(self.settings.get("pricing", {}).get("channel_pricing", "DISABLED") != "DISABLED")

    def _counts(self, key: str, one: Import) -> Json:
        wrong = len(one.errors)
        right = len(one.rows) - wrong if one.state == "COMPLETE" else 0
        return {
            "import_id": key, "date_created": self.moment(one.at), "status": one.state, "lines_in_error": wrong,
            "lines_in_success": right, "has_error_report": bool(wrong),
        }  # fmt: skip

    def _of02(self, operation: Operation, key: str) -> Response:
        one = self._looked("OF", key)
        more = {"import_id": int(key), "lines_read": len(one.rows), "mode": "NORMAL", "type": "MIRAKL"}
        return self.full(operation, self._counts(key, one) | more | {"reason_status": ""})

    def _sto02(self, operation: Operation, key: str) -> Response:
        return self.full(operation, self._counts(key, self._looked("STO", key)) | {"shop_id": SHOP})

    def _pri02(self, operation: Operation) -> Response:
        """Newest first. Without ids: every import."""
        asked = request.args.getlist("import_id") or [key for key in self.imports if self.imports[key].kind == "PRI"]
        found = [(key, self._looked("PRI", key)) for key in asked if key in self.imports]
        data = [
            self._counts(key, one) | {"shop_id": SHOP, "origin": "API", "offers_in_error": len(one.errors)}
            for key, one in found[::-1]
        ]
        return self.full(operation, self.sought(data))

    def _of03(self, _: Operation, key: str) -> Response:
        return self._report("OF", key, "application/octet-stream")

    def _sto03(self, _: Operation, key: str) -> Response:
        return self._report("STO", key, "text/csv")

    def _pri03(self, _: Operation, key: str) -> Response:
        return self._report("PRI", key, "text/csv")

    def _report(self, kind: str, key: str, media: str) -> Response:
        """Of stock and prices, the first two columns are the line and the reason, whatever they are called."""
        one = self._looked(kind, key)
        if not one.errors:
            raise Refusal(404, "no error report")
        rows = [{name.replace("shop_", "").replace("_", "-"): row[name] for name in row} for row in one.rows]
        names = [*REPORTS[kind], *dict.fromkeys(name for row in rows for name in row)]
        if kind == "OF":
            names = names[2:] + names[:2]
        out = io.StringIO()
        written = csv.DictWriter(out, names, delimiter=";", quoting=csv.QUOTE_ALL)
        written.writeheader()
        for number, fault in one.errors[::-1]:
            written.writerow(rows[number - 1] | dict(zip(REPORTS[kind], (number, fault), strict=True)))
        return Response(out.getvalue(), 200, mimetype=media)

    # Offers read back

    def _of21(self, operation: Operation) -> Response:
        wanted = request.args.get("sku")
        found = [self._offer(sku) for sku in self.offers if wanted in (None, sku) and self._of_product(sku)]
        return self.full(operation, self.paged("offers", found))

    def _of_product(self, sku: str) -> bool:
        return request.args.get("product_id") in (None, f"P{self.offers[sku]['product_id']}")

    def _of22(self, operation: Operation, number: str) -> Response:
        sku = next((sku for sku, offer in self.offers.items() if str(offer["number"]) == number), None)
        if sku is None:
            raise Refusal(404, "no such offer")
        return self.full(operation, self._offer(sku))

    def _offer(self, sku: str) -> Json:
        offer = self.offers[sku]
        prices = [_told_price(one) for one in offer["all_prices"]]
        default = next((one for one in prices if not one.get("channel_code")), prices[0])
        active, now = offer["quantity"] > 0, default["price"]
        told = {name: offer[name] for name in PLAIN if offer.get(name) is not None}
        for name, sent in (("available_start_date", "available_started"), ("available_end_date", "available_ended")):
            told |= {name: offer[sent]} if offer.get(sent) else {}
        if offer.get("logistic_class"):
            told["logistic_class"] = {"code": offer["logistic_class"], "label": "Small"}
        if default.get("unit_discount_price"):
            dates = {
                name: default[f"discount_{name}"]
                for name in ("start_date", "end_date")
                if f"discount_{name}" in default
            }
            told["discount"] = {
                "discount_price": default["unit_discount_price"],
                "origin_price": default["unit_origin_price"],
            } | dates
        return told | {
            "shop_sku": sku, "offer_id": offer["number"], "quantity": offer["quantity"], "state_code": "11",
            "currency_iso_code": "EUR", "price": now, "total_price": now, "active": active, "all_prices": prices,
            "applicable_pricing": default, "product_title": "A thing",
            "product_references": [{"reference": offer["product_id"], "reference_type": "EAN"}],
        } | ({} if active else {"inactivity_reasons": ["ZERO_QUANTITY"]})  # fmt: skip


LISTS = {
    "channels": "channel_codes", "customer-organization-ids": "customer_organization_ids",
    "customer-group-ids": "customer_group_ids",
}  # fmt: skip


def _price(row: Json) -> Json:
    """One of a price file: with steps by quantity, for some, for a time."""
    made: Json = {"unit_origin_price": float(row["price"])}
    if row.get("discount-price"):
        made["unit_discount_price"] = float(row["discount-price"])
    for name in ("discount-start-date", "discount-end-date"):
        made |= {name.replace("-", "_"): row[name]} if row.get(name) else {}
    steps = dict(part.split("|") for part in (row.get("price-ranges") or "").split(",") if part)
    less = dict(part.split("|") for part in (row.get("discount-ranges") or "").split(",") if part)
    made["volume_prices"] = [
        {"quantity_threshold": int(many), "unit_origin_price": float(price)}
        | ({"unit_discount_price": float(less[many])} if many in less else {})
        for many, price in steps.items()
        if many != "1"
    ]
    whom: Json = {theirs: row[name].split("|") for name, theirs in LISTS.items() if row.get(name)}
    whom |= {name.replace("-", "_"): row[name] for name in ("start-date", "end-date") if row.get(name)}
    if [*whom] == ["channel_codes"] and len(whom["channel_codes"]) == 1:
        return made | {"channel_code": whom["channel_codes"][0]}
    return made | ({"context": whom} if whom else {})


def _odd(made: Json) -> str:
    prices = [made["unit_origin_price"], *(one["unit_origin_price"] for one in made["volume_prices"])]
    if made.get("unit_discount_price", 0) >= made["unit_origin_price"]:
        return "The discount price must be lower than the price"
    return "" if prices == sorted(prices, reverse=True) else "Prices must fall with the quantity"


def _told_price(one: Json) -> Json:
    now = float(one.get("unit_discount_price") or one["unit_origin_price"])
    first: Json = {"price": now, "quantity_threshold": 1, "unit_origin_price": float(one["unit_origin_price"])}
    steps = [
        {"price": float(step.get("unit_discount_price") or step["unit_origin_price"])} | step
        for step in one.get("volume_prices") or []
    ]
    told = {name: one[name] for name in one if one[name] is not None}
    return told | {"price": now, "unit_origin_price": float(one["unit_origin_price"]), "volume_prices": [first, *steps]}


def mirakl(folder: Path, **given: Any) -> Mirakl:
    return Mirakl([_description(folder / "mirakl" / "mirakl-mmp-seller-openapi.json")], **given)


@cache
def _description(file: Path) -> Description:
    """The notes on pages and locales stand in prose beside the operations; so do the values that are known."""
    spec = copy.deepcopy(Description.of(file).spec)
    for methods in spec["paths"].values():
        for operation in methods.values():
            operation.setdefault("parameters", []).extend(_general(operation.get("description", "")))
            for item in operation["parameters"]:
                if item.get("description", "").startswith("A comma-separated list"):
                    item["schema"] = {"type": "string", "pattern": _several(item["schema"].get("enum"))}
    # Before the order is paid the addresses may be missing, although they are described as required.
    customer = spec["components"]["schemas"]["OR11_Response_200_Orders_Customer"]
    customer["required"] = [name for name in customer["required"] if not name.endswith("_address")]
    for name, schema in spec["components"]["schemas"].items():
        if "_Request" in name:
            for item in schema.get("properties", {}).values():
                values = re.search(r"Enum: ((`\"\w+\"`(, )?)+)", item.get("description", ""))
                if values and item.get("type") == "string":
                    item["enum"] = re.findall(r"\"(\w+)\"", values[1])
    return Description(spec)


def _several(values: list[str] | None) -> str:
    one = "|".join(values) if values else "[^,]+"
    return f"^({one})(,({one})){{0,99}}$"


def _general(prose: str) -> Iterator[Json]:
    named = [item for kind, items in PAGES.items() if f"supports {kind} pagination" in prose for item in items]
    if "Sort fields" in prose:
        fields = re.findall(r"<li><b>(\w+)</b>", prose)
        named += [("sort", {"type": "string", "enum": fields}), ("order", {"type": "string", "enum": ["asc", "desc"]})]
    if "supports <code>locale</code>" in prose:
        named.append(("locale", {"type": "string"}))
    yield from ({"in": "query", "name": name, "schema": schema} for name, schema in named)
