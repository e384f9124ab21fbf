"""The account: its user, policies, locations, standards and signing keys; and the taxonomy everyone has."""

from __future__ import annotations

from flask import Response, request

from bridge.ports.sandbox_consent import seller
from channel_adapters.ebay.sandbox.market import DAY, Call, Document, Market, currency_of, stamp
from channel_adapters.ebay.sandbox.options import SIGNING_JWE
from channel_adapters.ebay.sandbox.protocol import Problem, answer, number

KINDS = ("fulfillment", "payment", "return")
# By marketplace, as eBay numbers them.
TREES = {
    "EBAY_DE": "77", "EBAY_AT": "16", "EBAY_CH": "193", "EBAY_FR": "71", "EBAY_BE": "23", "EBAY_NL": "146",
    "EBAY_IT": "101", "EBAY_ES": "186", "EBAY_PL": "212", "EBAY_IE": "205", "EBAY_GB": "3", "EBAY_US": "0",
    "EBAY_CA": "2", "EBAY_AU": "15",
}  # fmt: skip
# Number, name, parent; the last three are leaves.
CATEGORIES = (("11700", "Möbel & Wohnen", "0"), ("20625", "Küche", "11700"), ("11450", "Kleidung", "0"))
LEAVES = (("20627", "Tassen & Becher", "20625"), ("15687", "T-Shirts", "11450"), ("99", "Sonstige", "0"))


def user(call: Call) -> Response:
    options = call.market.options
    who = seller(call.market, options.user_id)
    name = options.username if who == options.user_id else f"seller_{who}"
    body = {"userId": who, "username": name, "accountType": "BUSINESS", "status": "CONFIRMED"}
    return answer(body | {"registrationMarketplaceId": options.home})


def privileges(call: Call) -> Response:
    amount = {"value": "25000.00", "currency": currency_of(call.market.options.home)}
    return answer({"sellerRegistrationCompleted": True, "sellingLimit": {"amount": amount, "quantity": 1000}})


def policy_ids(market: Market, kind: str, site: str) -> list[str]:
    if site not in market.options.sites:
        return []
    first = 6000000000 + KINDS.index(kind) * 1000 + list(market.options.sites).index(site) * 10
    return [str(first + turn) for turn in range(market.options.policies)]


def policies(call: Call) -> Response:
    kind = call.operation.removeprefix("get").removesuffix("Policies").lower()
    site = request.args.get("marketplace_id", "")
    if not site.startswith("EBAY_"):
        raise Problem(400, 20401, "Missing or invalid marketplace ID")
    found = [
        {f"{kind}PolicyId": key, "name": f"{kind} {turn + 1}", "marketplaceId": site}
        for turn, key in enumerate(policy_ids(call.market, kind, site))
    ]
    return answer({"total": len(found), f"{kind}Policies": found})


def location_keys(market: Market) -> list[str]:
    return [f"warehouse{turn + 1}" for turn in range(market.options.locations)]


def locations(call: Call) -> Response:
    limit, skipped = number("limit", 100, 1, 100), number("offset", 0, 0, 10**6)
    every = location_keys(call.market)
    after = skipped + limit
    address = {"addressLine1": "Musterstraße 1", "city": "Musterstadt", "postalCode": "12345", "country": "DE"}
    found = [
        {
            "merchantLocationKey": key,
            "name": key.title(),
            "merchantLocationStatus": "ENABLED",
            "locationTypes": ["WAREHOUSE"],
            "location": {"locationId": key, "address": address},
        }
        for key in every[skipped:after]
    ]
    page = {"total": len(every), "limit": limit, "offset": skipped, "locations": found}
    return answer(page | ({"next": f"{request.base_url}?limit={limit}&offset={after}"} if after < len(every) else {}))


def standards(call: Call) -> Response:
    """As developer.ebay.com shows it: rates are objects, in percent."""
    now = call.market.now()
    rate = {"value": "0.42", "numerator": "1", "denominator": "238"}
    metrics: list[Document] = [
        {
            "metricKey": "DEFECTIVE_TRANSACTION_RATE",
            "name": "Transaction defect rate",
            "type": "RATE",
            "value": rate,
            "thresholdUpperBound": {"value": "2.00"},
        },
        {
            "metricKey": "CLAIMS_SAF_CNT",
            "name": "Cases closed without seller resolution",
            "type": "COUNT",
            "value": "0",
        },
    ]
    cycle = {"cycleType": "CURRENT", "evaluationDate": stamp(now - DAY), "evaluationMonth": stamp(now)[:7]}
    body = {"program": "PROGRAM_DE", "defaultProgram": True, "standardsLevel": "ABOVE_STANDARD", "cycle": cycle}
    return answer({"standardsProfiles": [body | {"metrics": metrics}]})


def signing_keys(call: Call) -> Response:
    made = int(call.market.now() - 30 * DAY)
    key = {"signingKeyId": "sandbox-key", "jwe": SIGNING_JWE, "signingKeyCipher": "ED25519", "creationTime": made}
    return answer({"signingKeys": [key | {"expirationTime": int(made + 3 * 365 * DAY)}]})


# Taxonomy: each marketplace has its tree; in the sandbox they all have the same categories


def tree_id(_call: Call) -> Response:
    tree = TREES.get(request.args.get("marketplace_id", ""))
    if tree is None:
        raise Problem(400, 62003, "The specified marketplace ID was not found.")
    return answer({"categoryTreeId": tree, "categoryTreeVersion": "129"})


def _required_tree(call: Call) -> str:
    tree = call.path["category_tree_id"]
    if tree not in TREES.values():
        raise Problem(404, 62004, "The specified category tree ID was not found.")
    return tree


def tree(call: Call) -> Response:
    key, root = _required_tree(call), _node("0", "Root", 0)
    return answer({"categoryTreeId": key, "categoryTreeVersion": "129", "rootCategoryNode": root})


def _node(key: str, name: str, level: int) -> Document:
    below = [(child, label) for child, label, parent in (*CATEGORIES, *LEAVES) if parent == key]
    body: Document = {"category": {"categoryId": key, "categoryName": name}, "categoryTreeNodeLevel": level}
    if not below:
        return body | {"leafCategoryTreeNode": True}
    return body | {"childCategoryTreeNodes": [_node(child, label, level + 1) for child, label in below]}


def is_leaf(key: str) -> bool:
    return any(key == leaf for leaf, _, _ in LEAVES)


def suggestions(call: Call) -> Response:
    """The first word that fits, else the last resort."""
    tree = _required_tree(call)
    words = request.args.get("q", "")
    if not words:
        raise Problem(400, 62007, "Missing or invalid search term.")
    best = "15687" if "shirt" in words.lower() else "20627" if "tasse" in words.lower() else "99"
    name = next(name for key, name, _ in LEAVES if key == best)
    suggestion = {"category": {"categoryId": best, "categoryName": name}, "categoryTreeNodeLevel": 2}
    body = {"categoryTreeId": tree, "categoryTreeVersion": "129", "categorySuggestions": [suggestion]}
    return answer(body | {"categorySuggestions": [suggestion | {"categoryTreeNodeAncestors": []}]})


def required_aspects(category: str) -> list[str]:
    return ["Marke", "Größe"] if category == "15687" else []


def aspects(call: Call) -> Response:
    _required_tree(call)
    category = request.args.get("category_id", "")
    if not is_leaf(category):
        known = any(category == key for key, _, _ in CATEGORIES)
        code, words = (62009, "must be a leaf category") if known else (62005, "does not belong to this category tree")
        raise Problem(400, code, f"The specified category ID {words}.")
    needed = required_aspects(category)
    brand = _aspect("Marke", needed, mode="FREE_TEXT")
    size = _aspect("Größe", needed, "S", "M", "L", mode="SELECTION_ONLY", aspectEnabledForVariations=True)
    colour = _aspect("Farbe", needed, "Blau", "Rot", mode="FREE_TEXT", itemToAspectCardinality="MULTI")
    date = _aspect("Erscheinungsdatum", needed, mode="FREE_TEXT", aspectDataType="DATE", aspectFormat="YYYYMMDD")
    return answer({"aspects": [brand, size, colour, date]})


def _aspect(name: str, needed: list[str], *values: str, mode: str, **more: object) -> Document:
    bounds: Document = {"aspectDataType": "STRING", "aspectMode": mode, "itemToAspectCardinality": "SINGLE"}
    bounds |= {"aspectRequired": name in needed, "aspectUsage": "RECOMMENDED", "aspectMaxLength": 65}
    bounds |= {"aspectApplicableTo": ["PRODUCT"], "aspectEnabledForVariations": False} | more
    listed = {"aspectValues": [{"localizedValue": value} for value in values]} if values else {}
    return {"localizedAspectName": name, "aspectConstraint": bounds} | listed
