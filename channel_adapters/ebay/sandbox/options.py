"""What can be set on the sandbox. Times are in seconds."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

# Made here from words, so that no key stands in the source. The real JWE is the public key, locked for eBay alone.
SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the sandbox's signing key").digest())
SIGNING_JWE = "sandbox-jwe." + hashlib.sha256(b"the sandbox's jwe").hexdigest()
CREDENTIALS = {
    "client_id": "Storebridge-sandbox-PRD-1",
    "client_secret": "PRD-sandbox-cert-id",
    "refresh_token": "v^1.1#sandbox-refresh-token",
    "signing_key": base64.b64encode(
        SIGNING_KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    ).decode(),
    "signing_jwe": SIGNING_JWE,
}


@dataclass(frozen=True)
class Options:
    """``sites``: marketplaces with business policies. ``policies``: of each kind on each. ``locations``: how many
    there are. ``revisions`` of a listing a day. ``most_skus`` in a call for stock and price. ``catalogue``: whether
    eBay's own knows every GTIN, and adds picture and description. ``signatures``: whether the seller is in the EU or
    the UK. ``cancel_seconds`` and ``refund_seconds``: until a cancellation or refund is through."""

    client_id: str = CREDENTIALS["client_id"]
    client_secret: str = CREDENTIALS["client_secret"]
    refresh_token: str = CREDENTIALS["refresh_token"]
    runame: str = "Storebridge-Storebri-PRD-sandbox"
    user_id: str = "SANDBOX1"
    username: str = "sandbox_seller"
    sites: Sequence[str] = ("EBAY_DE", "EBAY_FR")
    home: str = "EBAY_DE"
    policies: int = 1
    locations: int = 1
    token_seconds: float = 7200.0
    code_seconds: float = 299.0
    revisions: int = 250
    most_skus: int = 25
    catalogue: Literal["all", "none"] = "all"
    signatures: bool = True
    cancel_seconds: float = 0.5
    refund_seconds: float = 0.5
    event_attempts: int = 3
    order_topic: bool = True
