"""eBay, written from the official descriptions of its APIs and from nothing of ours: listings and the token.

Strict in what they demand (headers, fields, sizes of a batch), and one life long: what was published can be asked for.
The orders are in ``independent_ebay_orders``.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from tests.support.independent import Description, Json

LOCALE = re.compile(r"[a-z]{2}-[A-Z]{2}")
BATCH = 25
POLICIES = ("fulfillmentPolicyId", "paymentPolicyId", "returnPolicyId")


class Refused(Exception):
    def __init__(
        self, status: int, number: int, message: str, category: str = "REQUEST", given: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: Json = {
            "errorId": number,
            "domain": "API_INVENTORY" if 25000 <= number < 26000 else "API_FULFILLMENT",
            "category": category,
            "message": message,
            "longMessage": message,
        }
        if given:
            self.error["parameters"] = [{"name": name, "value": value} for name, value in given]


def refusal(refused: Refused) -> Response:
    return answer({"errors": [refused.error]}, refused.status)


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(body), status, headers, mimetype="application/json")


def nothing() -> Response:
    return Response(b"", 204)


class Listings:
    """The Inventory API. ``misfits`` are offers whose price nobody may change; ``one_sku``: several SKUs in one call are
    refused, as the description of bulkUpdatePriceQuantity has it."""

    def __init__(self, specs: Path, client: tuple[str, str], refresh_token: str) -> None:
        self.inventory = Description.of(specs / "sell_inventory_v1_oas3.json")
        # Called a string, and shown as an object of lists everywhere.
        values = {"type": "array", "items": {"type": "string"}}
        product = self.inventory.spec["components"]["schemas"]["Product"]["properties"]
        product["aspects"] = {"type": "object", "additionalProperties": values}
        self.client = client
        self.refresh_token = refresh_token
        self.items: dict[str, Json] = {}
        self.offers: dict[str, Json] = {}
        self.misfits: set[str] = set()
        self.markets = {"EBAY_DE"}  # on which the seller has policies
        self.one_sku = True
        self.tokens: set[str] = set()
        self.kinds: dict[str, str] = {}  # by token, how it was got
        self.faults: list[Response] = []  # answered to the next calls instead of what they asked for
        self.seen: list[str] = []
        self.unfit: dict[str, tuple[int, str, list[tuple[str, str]]]] = {}  # what keeps an SKU from being published
        self.warns = False  # every entry of a bulk answer has a warning
        self.named = False  # who makes an offer twice is told its number
        self.hidden = False  # offers cannot be looked up yet
        self.loses: list[str] = []  # calls that are carried out, and whose answer gets lost
        self._numbers = itertools.count(8_000_001)

    def app(self) -> Flask:
        app = Flask("ebay")
        app.before_request(self._before)
        app.after_request(self._after)
        app.register_error_handler(Refused, refusal)
        app.register_error_handler(404, lambda _: answer({"errors": [{"errorId": 2002, "message": "no such"}]}, 404))
        app.register_error_handler(405, lambda _: answer({"errors": [{"errorId": 2003, "message": "no method"}]}, 405))
        for rule, method, view in self.routes():
            app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])
        return app

    def routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        sell = "/sell/inventory/v1"
        return [
            ("/identity/v1/oauth2/token", "POST", self._token),
            ("/commerce/identity/v1/user/", "GET", self._user),
            ("/sell/account/v1/privilege", "GET", lambda: answer({"sellerRegistrationCompleted": True})),
            ("/sell/account/v1/<kind>_policy", "GET", self._policies),
            (f"{sell}/location", "GET", self._locations),
            (f"{sell}/inventory_item", "GET", self._list_items),
            (f"{sell}/inventory_item/<sku>", "GET", self._item),
            (f"{sell}/inventory_item/<sku>", "PUT", self._put_item),
            (f"{sell}/bulk_create_or_replace_inventory_item", "POST", self._put_items),
            (f"{sell}/bulk_get_inventory_item", "POST", self._get_items),
            (f"{sell}/bulk_update_price_quantity", "POST", self._price_quantity),
            (f"{sell}/bulk_create_offer", "POST", self._create_offers),
            (f"{sell}/bulk_publish_offer", "POST", self._publish_offers),
            (f"{sell}/offer", "GET", self._offers_of),
            (f"{sell}/offer", "POST", self._create_one),
            (f"{sell}/offer/<offer>", "GET", lambda offer: answer(self._told(self._offer(offer)))),
            (f"{sell}/offer/<offer>", "PUT", self._update_offer),
            (f"{sell}/offer/<offer>/publish", "POST", self._publish_one),
            (f"{sell}/offer/<offer>/withdraw", "POST", self._withdraw),
        ]

    # The token.

    def _token(self) -> Response:
        sent = request.headers.get("Authorization", "")
        if sent != "Basic " + base64.b64encode(":".join(self.client).encode()).decode():
            return answer({"error": "invalid_client", "error_description": "client authentication failed"}, 401)
        assert request.mimetype == "application/x-www-form-urlencoded"
        grant = request.form.get("grant_type")
        if grant == "refresh_token" and request.form.get("refresh_token") != self.refresh_token:
            return answer({"error": "invalid_grant", "error_description": "the refresh token is invalid"}, 400)
        if grant not in ("refresh_token", "client_credentials"):
            return answer({"error": "unsupported_grant_type", "error_description": str(grant)}, 400)
        token = f"v^1.1#i^1#t^{next(self._numbers)}"
        self.tokens.add(token)
        self.kinds[token] = grant
        kind = "User Access Token" if grant == "refresh_token" else "Application Access Token"
        return answer({"access_token": token, "expires_in": 7200, "token_type": kind})

    def _before(self) -> Response | None:
        self.seen.append(f"{request.method} {request.path}")
        if request.path == "/identity/v1/oauth2/token":
            return None
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != ("IAF" if request.path.startswith("/post-order/") else "Bearer") or token not in self.tokens:
            invalid = {"errorId": 1001, "domain": "OAuth", "category": "REQUEST", "message": "Invalid access token"}
            return answer({"errors": [invalid]}, 401)
        if request.data and request.mimetype != "application/json":
            return answer({"errors": [{"errorId": 2006, "message": "Unsupported media type"}]}, 415)
        return self.faults.pop(0) if self.faults else None

    def _after(self, response: Response) -> Response:
        name = request.path.rpartition("/")[2]
        if name in self.loses:
            self.loses.remove(name)
            return answer({"errors": [{"errorId": 25001, "message": "A system error has occurred."}]}, 500)
        return response

    # The account.

    def _user(self) -> Response:
        return answer(
            {"userId": "u-1", "username": "seller", "accountType": "BUSINESS", "registrationMarketplaceId": "EBAY_DE"}
        )

    def _policies(self, kind: str) -> Response:
        market = request.args.get("marketplace_id")
        if not market:
            raise Refused(400, 20401, "marketplace_id missing")
        found = [{f"{kind}PolicyId": f"{kind}-{market}", "name": kind, "marketplaceId": market}]
        found = found if market in self.markets else []
        return answer({"total": len(found), f"{kind}Policies": found})

    def _locations(self) -> Response:
        place = {"merchantLocationKey": "berlin", "name": "Berlin", "merchantLocationStatus": "ENABLED"}
        return answer({"total": 1, "limit": 100, "offset": 0, "locations": [place]})

    # Items.

    def body(self, schema: str, *, language: bool = False) -> Json:
        """The request, held against its description."""
        if language and not LOCALE.fullmatch(request.headers.get("Content-Language", "")):
            raise Refused(400, 25709, "Invalid value for header Content-Language.")
        return self._held(schema, request.get_json())

    def _held(self, schema: str, given: Any) -> Json:
        if faults := self.inventory.faults(self.inventory.spec["components"]["schemas"][schema], given):
            raise Refused(400, 25709, f"Invalid value for {faults[0]}")
        return dict(given)

    def _batch(self, schema: str, *, language: bool = False) -> list[Json]:
        requests: list[Json] = self.body(schema, language=language)["requests"]
        if not 1 <= len(requests) <= BATCH:
            raise Refused(400, 25709, f"Invalid value for requests. {len(requests)} of at most {BATCH}")
        return requests

    def _each(self, requests: list[Json], one: Callable[[Json], Json]) -> Response:
        """One answer for each, in no order that was promised; 207 where some went wrong."""
        responses = []
        for item in requests:
            names = {name: item[name] for name in ("sku", "offerId") if name in item}
            try:
                responses.append(names | one(item))
            except Refused as refused:
                responses.append(names | {"statusCode": refused.status, "errors": [refused.error]})
        if self.warns:
            for item in responses:
                item["warnings"] = [{"errorId": 25401, "category": "BUSINESS", "message": "Invalid listing options"}]
        mixed = any(item["statusCode"] >= 400 for item in responses)
        return answer({"responses": responses[::-1]}, 207 if mixed else 200)

    def _put_item(self, sku: str) -> Response:
        existed = sku in self.items
        self._keep(sku, self.body("InventoryItem", language=True))
        return nothing() if existed else answer({}, 201)

    def _put_items(self) -> Response:
        def one(item: Json) -> Json:
            existed = item["sku"] in self.items
            self._keep(item["sku"], {name: part for name, part in item.items() if name not in ("sku", "locale")})
            return {"statusCode": 200 if existed else 201, "locale": item.get("locale", "de_DE")}

        return self._each(self._batch("BulkInventoryItem", language=True), one)

    def _keep(self, sku: str, item: Json) -> None:
        if not sku or len(sku) > 50:
            raise Refused(400, 25707, "This is an invalid value for a SKU.")
        product = item.get("product") or {}
        if len(product.get("title", "")) > 80 or any(
            not url.startswith("https") for url in product.get("imageUrls", ())
        ):
            raise Refused(400, 25709, "Invalid value for title or imageUrls")
        if any(len(value) > 65 for values in product.get("aspects", {}).values() for value in values):
            raise Refused(400, 25709, "Invalid value for aspects")
        self.items[sku] = item

    def _item(self, sku: str) -> Response:
        if sku not in self.items:
            raise Refused(404, 25710, "We didn't find the resource you are requesting.")
        return answer({"sku": sku, "locale": "de_DE", **self.items[sku]})

    def _get_items(self) -> Response:
        def one(item: Json) -> Json:
            if item["sku"] not in self.items:
                raise Refused(404, 25710, "We didn't find the resource you are requesting.")
            whole = {"sku": item["sku"], "locale": "de_DE", **self.items[item["sku"]]}
            return {"statusCode": 200, "inventoryItem": whole}

        return self._each(self._batch("BulkGetInventoryItem"), one)

    def _list_items(self) -> Response:
        """``offset`` is the number of the page, from 0."""
        size, page = int(request.args.get("limit", 25)), int(request.args.get("offset", 0))
        if not 1 <= size <= 200:
            raise Refused(400, 25709, "Invalid value for limit")
        skus = sorted(self.items)
        found = [{"sku": sku, "locale": "de_DE", **self.items[sku]} for sku in skus[page * size : (page + 1) * size]]
        body: Json = {"href": request.full_path, "total": len(skus), "limit": size, "size": -(-len(skus) // size)}
        if (page + 1) * size < len(skus):
            body["next"] = f"/sell/inventory/v1/inventory_item?limit={size}&offset={page + 1}"
        return answer(body | {"inventoryItems": found})

    # Offers.

    def _offer(self, offer: str) -> Json:
        if offer not in self.offers:
            raise Refused(404, 25713, "This Offer is not available.")
        return self.offers[offer]

    def _told(self, offer: Json) -> Json:
        return {name: part for name, part in offer.items() if name != "revised"}

    def _offers_of(self) -> Response:
        sku = request.args.get("sku", "")
        if not sku or len(sku) > 50:
            raise Refused(400, 25707, "This is an invalid value for a SKU.")
        found = [self._told(offer) for offer in self.offers.values() if offer["sku"] == sku]
        if not found or self.hidden:
            raise Refused(404, 25713, "This Offer is not available.")
        return answer(
            {"href": request.full_path, "total": len(found), "size": len(found), "limit": 100, "offers": found}
        )

    def _create_one(self) -> Response:
        return answer({"offerId": self._create(self.body("EbayOfferDetailsWithKeys", language=True))}, 201)

    def _create_offers(self) -> Response:
        def one(item: Json) -> Json:
            keys = {"marketplaceId": item.get("marketplaceId"), "format": item.get("format")}
            return keys | {"offerId": self._create(item), "statusCode": 200}

        return self._each(self._batch("BulkEbayOfferDetailsWithKeys", language=True), one)

    def _create(self, item: Json) -> str:
        for name in ("sku", "marketplaceId", "format"):
            if not item.get(name):
                raise Refused(400, 25709, f"Invalid value for {name}.")
        if item["sku"] not in self.items:
            raise Refused(400, 25702, f"{item['sku']} could not be found or is not available in the system.")
        there = [
            k for k, known in self.offers.items() if (known["sku"], known["format"]) == (item["sku"], item["format"])
        ]
        if there:
            told = [("offerId", there[0])] if self.named else []
            raise Refused(400, 25002, "A user error has occurred. Offer entity already exists.", given=told)
        offer = str(next(self._numbers))
        self.offers[offer] = {**item, "offerId": offer, "status": "UNPUBLISHED"}
        return offer

    def _update_offer(self, offer: str) -> Response:
        """The whole offer is replaced: what is not sent is gone."""
        body = self.body("EbayOfferDetailsWithId", language=True)
        known = self._offer(offer)
        kept = ("offerId", "sku", "marketplaceId", "format", "status", "listing")
        made = {name: known[name] for name in kept if name in known} | body
        if known["status"] == "PUBLISHED":
            self._complete(made)
        self.offers[offer] = made
        return nothing()

    def _publish_one(self, offer: str) -> Response:
        return answer({"listingId": self._publish(offer)})

    def _publish_offers(self) -> Response:
        def one(item: Json) -> Json:
            return {"listingId": self._publish(item["offerId"]), "statusCode": 200}

        return self._each(self._batch("BulkOffer"), one)

    def _publish(self, number: str) -> str:
        offer = self._offer(number)
        self._complete(offer)
        if offer["sku"] in self.unfit:
            code, message, told = self.unfit[offer["sku"]]
            raise Refused(400, code, message, given=told)
        listing = offer.get("listing") if offer["status"] == "PUBLISHED" else None
        listing = listing or {"listingId": str(next(self._numbers)), "listingStatus": "ACTIVE", "soldQuantity": 0}
        self.offers[number] |= {"status": "PUBLISHED", "listing": listing}
        return str(listing["listingId"])

    def _complete(self, offer: Json) -> None:
        """What an offer has to have to be a listing: the table "Offer fields" of the description."""
        item, policies = self.items[offer["sku"]], offer.get("listingPolicies") or {}
        product = item.get("product") or {}
        quantity = (item.get("availability") or {}).get("shipToLocationAvailability", {}).get("quantity")
        lacks = {
            25003: not (offer.get("pricingSummary") or {}).get("price"),
            25004: quantity is None,
            25005: not self.is_leaf(offer.get("categoryId") or "", offer["marketplaceId"]),
            25007: any(policies.get(name) != f"{name[:-8]}-{offer['marketplaceId']}" for name in POLICIES),
            25012: offer.get("merchantLocationKey") != "berlin",
            25002: not (product.get("title") and product.get("imageUrls") and item.get("condition")),
            25016: not (offer.get("listingDescription") or product.get("description")),
        }
        for number in (number for number, lacking in lacks.items() if lacking):
            raise Refused(400, number, "Required for a published offer.")

    def _withdraw(self, offer: str) -> Response:
        known = self._offer(offer)
        if known["status"] != "PUBLISHED":
            raise Refused(400, 25713, "This Offer is not available.")
        listing = known.pop("listing")
        known["status"] = "UNPUBLISHED"
        return answer({"listingId": listing["listingId"]})

    def is_leaf(self, category: str, _marketplace: str) -> bool:
        return bool(category)

    # Stock and price.

    def _price_quantity(self) -> Response:
        requests = self._batch("BulkPriceQuantity")
        if self.one_sku and len(requests) > 1:
            raise Refused(400, 25002, "Only one SKU can be updated per call.")
        return self._each([one for item in requests for one in _by_offer(item)], self._change)

    def _change(self, item: Json) -> Json:
        sku, change = item.get("sku"), item.get("offer") or {}
        quantity = (item.get("shipToLocationAvailability") or {}).get("quantity")
        if quantity is not None:
            if sku not in self.items:
                raise Refused(404, 25710, "We didn't find the resource you are requesting.")
            self.items[sku].setdefault("availability", {})["shipToLocationAvailability"] = {"quantity": quantity}
        if change:
            self._change_offer(change, sku)
        return {"statusCode": 200}

    def _change_offer(self, change: Json, sku: str | None) -> None:
        offer = self._offer(change["offerId"])
        if sku and offer["sku"] != sku:
            raise Refused(400, 25709, "Invalid value for offerId.")
        if offer["status"] != "PUBLISHED":
            raise Refused(400, 25713, "This Offer is not available: it is not published.")
        if change["offerId"] in self.misfits:
            raise Refused(400, 25003, "Invalid price.")
        if "price" in change and not re.fullmatch(r"\d+(\.\d\d?)?", change["price"]["value"]):
            raise Refused(400, 25003, "Invalid price.")
        offer |= {"availableQuantity": change["availableQuantity"]} if "availableQuantity" in change else {}
        if "price" in change:
            offer["pricingSummary"] = {**offer["pricingSummary"], "price": change["price"]}

    def shown(self, sku: str) -> tuple[int, str]:
        """What a buyer sees of the listing: units and price. The lower of both quantities counts."""
        [offer] = [offer for offer in self.offers.values() if offer["sku"] == sku]
        quantity = self.items[sku]["availability"]["shipToLocationAvailability"]["quantity"]
        return min(quantity, offer.get("availableQuantity", quantity)), offer["pricingSummary"]["price"]["value"]


def _by_offer(item: Json) -> list[Json]:
    """One for each offer, and one for the item where no offer is named."""
    rest = {name: part for name, part in item.items() if name != "offers"}
    offers = item.get("offers") or []
    return [{**rest, "offerId": offer["offerId"], "offer": offer} for offer in offers] or [rest]


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
