"""What else eBay describes: the tree of categories with its aspects (Taxonomy 1.0.1), and notifications (1.5.1).

Both want the application's own token. Notifications are signed as eBay's event-notification SDKs verify them: the header is
base64 of JSON, the signature ECDSA over SHA-1 of the body, and the public key comes without line breaks.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Response, request

from tests.support.independent import Description, Json
from tests.support.independent_ebay import Refused, answer
from tests.support.independent_ebay_orders import Ebay

TREES = {"EBAY_DE": "77", "EBAY_AT": "16"}
# Each tree has numbers of its own; that of Austria lacks the plates and calls the cups otherwise.
AUSTRIA = {"99625": ("Tassen", ("Haus",))}
HOUSE = {"20625": ("Tassen", ("Möbel & Wohnen", "Kochen & Genießen")), "177017": ("Teller", ("Möbel & Wohnen",))}
KEYS = "/commerce/notification/v1"


class Ground(Ebay):
    """``asks``: what the program answers when eBay asks its endpoint, by address and code."""

    def __init__(self, specs: Path, client: tuple[str, str], refresh_token: str, key: Ed25519PublicKey) -> None:
        super().__init__(specs, client, refresh_token, key)
        self.taxonomy = Description.of(specs / "ebay-taxonomy-openapi-original.yml")
        self.notification = Description.of(specs / "ebay-notification-openapi-original.yml")
        self.aspects: dict[str, list[Json]] = {}
        self.config: Json | None = None
        self.destinations: dict[str, Json] = {}
        self.subscriptions: dict[str, Json] = {}
        self.topics: dict[str, str] = {}  # with the scope it wants
        self.not_ours: set[str] = set()
        self.asks: Callable[[str, str], Any] = lambda endpoint, code: None
        self.signing: dict[str, ec.EllipticCurvePrivateKey] = {}
        self._serial = itertools.count(1)

    def routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        tree = "/commerce/taxonomy/v1"
        return [
            *super().routes(),
            (f"{tree}/get_default_category_tree_id", "GET", self._tree_id),
            (f"{tree}/category_tree/<tree>", "GET", self._tree),
            (f"{tree}/category_tree/<tree>/get_category_suggestions", "GET", self._suggestions),
            (f"{tree}/category_tree/<tree>/get_item_aspects_for_category", "GET", self._aspects_of),
            (f"{KEYS}/config", "GET", self._config),
            (f"{KEYS}/config", "PUT", self._put_config),
            (f"{KEYS}/destination", "GET", lambda: self._paged("destinations", self.destinations)),
            (f"{KEYS}/destination", "POST", self._create_destination),
            (f"{KEYS}/destination/<key>", "PUT", self._put_destination),
            (f"{KEYS}/subscription", "GET", lambda: self._paged("subscriptions", self.subscriptions)),
            (f"{KEYS}/subscription", "POST", self._subscribe),
            (f"{KEYS}/subscription/<key>", "PUT", self._put_subscription),
            (f"{KEYS}/subscription/<key>/enable", "POST", self._enable),
            (f"{KEYS}/subscription/<key>/test", "POST", lambda key: Response(b"", 202)),
            (f"{KEYS}/topic", "GET", self._topics),
            (f"{KEYS}/topic/<key>", "GET", self._topic),
            (f"{KEYS}/public_key/<key>", "GET", self._public_key),
        ]

    def _application(self) -> None:
        """Operations of the client credentials flow alone."""
        token = request.headers.get("Authorization", "").partition(" ")[2]
        if self.kinds.get(token) != "client_credentials":
            raise Refused(403, 1100, "Insufficient permissions to fulfill the request.")

    def leaves(self, tree: str) -> dict[str, tuple[str, tuple[str, ...]]]:
        return AUSTRIA if tree == TREES["EBAY_AT"] else HOUSE

    def is_leaf(self, category: str, marketplace: str) -> bool:
        return category in self.leaves(TREES[marketplace])

    # Taxonomy.

    def _known_tree(self, tree: str) -> None:
        self._application()
        if tree not in TREES.values():
            raise Refused(404, 62004, "The specified category tree ID was not found.")

    def _tree_id(self) -> Response:
        self._application()
        market = request.args.get("marketplace_id")
        if not market:
            raise Refused(400, 62002, "Missing marketplace ID.")
        if market not in TREES:
            raise Refused(400, 62003, "The specified marketplace ID was not found.")
        return self._shown_as("BaseCategoryTree", {"categoryTreeId": TREES[market], "categoryTreeVersion": "131"})

    def _tree(self, tree: str) -> Response:
        """Packed where that was asked for; only leaves say whether they are one."""
        self._known_tree(tree)
        root: Json = {"category": {"categoryId": "0", "categoryName": "Root"}, "categoryTreeNodeLevel": 0}
        for key, (name, above) in self.leaves(tree).items():
            node = root
            for level, part in enumerate(above, start=1):
                children = node.setdefault("childCategoryTreeNodes", [])
                found = next((one for one in children if one["category"]["categoryName"] == part), None)
                if found is None:
                    found = {"category": {"categoryId": f"1{level}", "categoryName": part}}
                    children.append(found | {"categoryTreeNodeLevel": level})
                    found = children[-1]
                node = found
            leaf = {"category": {"categoryId": key, "categoryName": name}, "categoryTreeNodeLevel": len(above) + 1}
            node.setdefault("childCategoryTreeNodes", []).append(leaf | {"leafCategoryTreeNode": True})
        body = {"applicableMarketplaceIds": ["EBAY_DE"], "categoryTreeId": tree, "categoryTreeVersion": "131"}
        made = self._shown_as("CategoryTree", body | {"rootCategoryNode": root})
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            made.set_data(gzip.compress(made.get_data()))
            made.headers["Content-Encoding"] = "gzip"
        return made

    def _suggestions(self, tree: str) -> Response:
        self._known_tree(tree)
        words = request.args.get("q", "")
        if not words:
            raise Refused(400, 62007, "Missing keyword 'q'.")
        leaves = self.leaves(tree)
        found = [key for key, (name, _) in leaves.items() if name[:4].lower() in words.lower()]
        if not found:
            return Response(b"", 204)
        suggested = [
            {
                "category": {"categoryId": key, "categoryName": leaves[key][0]},
                "categoryTreeNodeAncestors": [
                    {"categoryId": "1", "categoryName": part, "categoryTreeNodeLevel": 1}
                    for part in leaves[key][1][::-1]
                ],
                "categoryTreeNodeLevel": 3,
            }
            for key in found
        ]
        body = {"categorySuggestions": suggested, "categoryTreeId": tree, "categoryTreeVersion": "131"}
        return self._shown_as("CategorySuggestionResponse", body)

    def _aspects_of(self, tree: str) -> Response:
        self._known_tree(tree)
        category = request.args.get("category_id")
        if not category:
            raise Refused(400, 62006, "Missing category ID.")
        if category not in self.leaves(tree):
            number = 62009 if category.startswith("1") and len(category) == 2 else 62005
            raise Refused(400, number, "The specified category ID must be a leaf category.")
        if category not in self.aspects:
            return Response(b"", 204)
        return self._shown_as("AspectMetadata", {"aspects": self.aspects[category]})

    def _shown_as(self, schema: str, body: Json) -> Response:
        faults = self.taxonomy.faults(self.taxonomy.spec["components"]["schemas"][schema], body)
        assert not faults, faults
        return answer(body)

    # Notifications.

    def _given(self, schema: str) -> Json:
        body = request.get_json()
        if faults := self.notification.faults(self.notification.spec["components"]["schemas"][schema], body):
            raise Refused(400, 195017, f"Invalid {faults[0]}")
        return dict(body)

    def _config(self) -> Response:
        self._application()
        if self.config is None:
            raise Refused(404, 195026, "Configuration Not Found.", "APPLICATION")
        return answer(self.config)

    def _put_config(self) -> Response:
        self._application()
        body = self._given("Config")
        if "@" not in body.get("alertEmail", ""):
            raise Refused(400, 195025, "Invalid or missing email.")
        self.config = body
        return Response(b"", 204)

    def _paged(self, name: str, found: dict[str, Json]) -> Response:
        if name == "destinations":
            self._application()
        limit, start = request.args.get("limit", "20"), request.args.get("continuation_token", "0")
        if not limit.isdigit() or not 10 <= int(limit) <= 100:
            raise Refused(400, 195004, "Invalid limit. Supported ranges 10 - 100.")
        if not re.fullmatch(r"0|c\d+", start):
            raise Refused(400, 195005, "Invalid continuation token.")
        first, many = int(start.lstrip("c")), int(limit)
        body: Json = {name: list(found.values())[first : first + many], "total": len(found), "limit": many}
        if first + many < len(found):
            body["next"] = f"{request.base_url}?limit={many}&continuation_token=c{first + many}"
        return answer(body)

    def _checked_destination(self, own: str = "") -> Json:
        self._application()
        body = self._given("DestinationRequest")
        about = body.get("deliveryConfig") or {}
        endpoint, token = about.get("endpoint", ""), about.get("verificationToken", "")
        if not 0 < len(body.get("name", "")) <= 64:
            raise Refused(400, 195016, "Invalid name. Markups or lengths greater than 64 not supported")
        if not endpoint.startswith("https://") or "localhost" in endpoint:
            raise Refused(400, 195017, "Invalid or missing endpoint.")
        if body.get("status") not in ("ENABLED", "DISABLED"):
            raise Refused(400, 195018, "Invalid or missing destination status.")
        if not re.fullmatch(r"[A-Za-z0-9_-]{32,80}", token):
            raise Refused(400, 195019, "Invalid or missing verification token for this endpoint.")
        if self.config is None:
            raise Refused(409, 195003, "Please provide configurations required for notifications. Refer to /config")
        others = [one for key, one in self.destinations.items() if key != own]
        if any(one["deliveryConfig"]["endpoint"] == endpoint for one in others):
            raise Refused(409, 195021, "Destination exists for this endpoint")
        code = f"c-{next(self._serial)}"
        wanted = hashlib.sha256(f"{code}{token}{endpoint}".encode()).hexdigest()
        if self.asks(endpoint, code) != {"challengeResponse": wanted}:
            raise Refused(409, 195020, "Challenge verification failed for requested endpoint")
        return body

    def _create_destination(self) -> Response:
        body, key = self._checked_destination(), f"d-{next(self._serial)}"
        self.destinations[key] = body | {"destinationId": key}
        return answer({}, 201, Location=f"{request.base_url}/{key}")

    def _put_destination(self, key: str) -> Response:
        if key not in self.destinations:
            raise Refused(404, 195022, "Invalid or missing destination id.")
        self.destinations[key] = self._checked_destination(key) | {"destinationId": key}
        return Response(b"", 204)

    def _checked_subscription(self, schema: str) -> Json:
        body = self._given(schema)
        payload = body.get("payload") or {}
        if body.get("status") not in ("ENABLED", "DISABLED"):
            raise Refused(400, 195006, "Invalid or missing subscription status.")
        if body.get("destinationId") not in self.destinations:
            raise Refused(400, 195007, "Invalid or missing destination id.")
        if payload.get("schemaVersion") != "1.0":
            raise Refused(400, 195008, "Invalid or missing schema version.")
        if payload.get("format") != "JSON":
            raise Refused(400, 195009, "Specified format is not supported for the topic.")
        if payload.get("deliveryProtocol") != "HTTPS":
            raise Refused(400, 195010, "Invalid or missing protocol")
        if body["status"] == "ENABLED" and self.destinations[body["destinationId"]]["status"] != "ENABLED":
            raise Refused(409, 195015, "The subscription cannot be enabled since the destination is not enabled.")
        return body

    def _subscribe(self) -> Response:
        body = self._checked_subscription("CreateSubscriptionRequest")
        topic = body.get("topicId")
        if topic not in self.topics:
            raise Refused(400, 195027, "Invalid or missing topic id.")
        if topic in self.not_ours:
            raise Refused(403, 195011, "Not authorized for this topic.")
        if any(one["topicId"] == topic for one in self.subscriptions.values()):
            raise Refused(409, 195012, "Subscription already exists")
        key = f"s-{next(self._serial)}"
        self.subscriptions[key] = body | {"subscriptionId": key, "creationDate": "2026-11-01T00:00:00.000Z"}
        return answer({}, 201, Location=f"{request.base_url}/{key}")

    def _put_subscription(self, key: str) -> Response:
        if key not in self.subscriptions:
            raise Refused(404, 195013, "The subscription id does not exist.")
        self.subscriptions[key] |= self._checked_subscription("UpdateSubscriptionRequest")
        return Response(b"", 204)

    def _enable(self, key: str) -> Response:
        if key not in self.subscriptions:
            raise Refused(404, 195013, "The subscription id does not exist.")
        if self.destinations[self.subscriptions[key]["destinationId"]]["status"] != "ENABLED":
            raise Refused(409, 195015, "The subscription cannot be enabled since the destination is not enabled.")
        self.subscriptions[key]["status"] = "ENABLED"
        return Response(b"", 204)

    def _topic_told(self, key: str) -> Json:
        payload = {"format": ["JSON"], "schemaVersion": "1.0", "deliveryProtocol": "HTTPS", "deprecated": False}
        about = {"topicId": key, "description": key, "authorizationScopes": [self.topics[key]], "status": "ENABLED"}
        return about | {"context": "SELL", "scope": "USER", "supportedPayloads": [payload]}

    def _topics(self) -> Response:
        self._application()
        return self._paged("topics", {key: self._topic_told(key) for key in self.topics})

    def _topic(self, key: str) -> Response:
        self._application()
        if key not in self.topics:
            raise Refused(404, 195002, "Invalid or missing topic id.")
        return answer(self._topic_told(key))

    def _public_key(self, key: str) -> Response:
        self._application()
        if key not in self.signing:
            raise Refused(404, 195001, "The specified key id is invalid.")
        form, kind = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.Encoding.PEM
        words = self.signing[key].public_key().public_bytes(kind, form).decode()
        return answer({"algorithm": "ECDSA", "digest": "SHA1", "key": words.replace("\n", "")})

    def signed(self, key: str, message: Json) -> tuple[list[tuple[str, str]], bytes]:
        """A notification as it leaves eBay: headers and body."""
        private = self.signing.setdefault(key, ec.generate_private_key(ec.SECP256R1()))
        body = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
        signature = base64.b64encode(private.sign(body, ec.ECDSA(hashes.SHA1()))).decode()
        told = {"alg": "ecdsa", "kid": key, "signature": signature, "digest": "SHA1"}
        header = base64.b64encode(json.dumps(told).encode()).decode()
        return [("X-EBAY-SIGNATURE", header), ("Content-Type", "application/json")], body
