"""The signature of bol's push messages: ``keyId=0, algorithm="rsa-sha256", signature=...`` over the raw body."""

from __future__ import annotations

import base64
import binascii
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

_PART = re.compile(r'\s*(keyId|algorithm|signature)=(?:"([^"]*)"|([^,]*))\s*(?:,|$)')


def parts_of(header: str) -> dict[str, str]:
    """keyId, algorithm and signature, as far as they are there."""
    return {name: quoted or plain.strip() for name, quoted, plain in _PART.findall(header)}


def is_genuine(header: str, body: bytes, public_key: str) -> bool:
    """Whether ``body`` was signed with the key bol publishes (base64 of its DER form)."""
    parts = parts_of(header)
    if parts.get("algorithm", "").lower() != "rsa-sha256":
        return False
    try:
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
        signature = base64.b64decode(parts.get("signature", ""), validate=True)
    except (ValueError, binascii.Error):
        return False
    return isinstance(key, rsa.RSAPublicKey) and _verifies(key, signature, body)


def _verifies(key: rsa.RSAPublicKey, signature: bytes, body: bytes) -> bool:
    try:
        key.verify(signature, body, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
