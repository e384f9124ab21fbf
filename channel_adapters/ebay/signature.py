"""Signatures both ways: ours on calls that eBay demands them for, and eBay's on its messages.

Ours follow eBay's own description (github.com/eBay/digital-signature-verification-ebay-api), which is RFC 9421 with a
fixed list of components; why no library is used stands in docs/decisions.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

COMPONENTS = ("content-digest", "x-ebay-signature-key", "@method", "@path", "@authority")
PrivateKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
# What X-EBAY-SIGNATURE names as "digest".
DIGESTS: dict[str, type[SHA1 | SHA256]] = {"SHA1": SHA1, "SHA256": SHA256}


def private_key(given: str) -> PrivateKey:
    """From PKCS #8 with or without the PEM lines around it, as eBay shows it. Raises ValueError."""
    try:
        key = load_der_private_key(base64.b64decode(_without_words(given)), None)
    except (TypeError, binascii.Error) as error:
        raise ValueError("this is no private key") from error
    if not isinstance(key, (ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey)):
        raise ValueError("eBay takes Ed25519 and RSA keys only")  # noqa: TRY004  the text is wrong, not the type
    return key


def _without_words(pem: str) -> str:
    """The base64 between the lines that begin and end a PEM text."""
    lines = pem.replace("\\n", "\n").replace("-----", "\n-----\n").splitlines()
    inside = [line.strip() for line in lines if not line.strip().startswith(("-----", "BEGIN ", "END "))]
    return "".join("".join(inside).split())


def content_digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signature_base(request: httpx.Request, components: tuple[str, ...], params: str) -> bytes:
    """What is signed. The path is without its query, the authority as it is in the Host header."""
    derived = {
        "@method": request.method,
        "@path": request.url.raw_path.decode().partition("?")[0],
        "@authority": request.headers.get("host", request.url.netloc.decode()),
    }
    lines = [f'"{name}": {derived.get(name) or request.headers.get(name, "")}' for name in components]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode()


def sign(request: httpx.Request, key: PrivateKey, jwe: str, created: int) -> None:
    """Add the four headers; without a body there is no digest."""
    body = request.content
    request.headers["x-ebay-signature-key"] = jwe
    if body:
        request.headers["content-digest"] = content_digest(body)
    components = COMPONENTS if body else COMPONENTS[1:]
    params = "(" + " ".join(f'"{name}"' for name in components) + f");created={created}"
    signed = _signed(key, signature_base(request, components, params))
    request.headers["signature-input"] = f"sig1={params}"
    request.headers["signature"] = f"sig1=:{base64.b64encode(signed).decode()}:"


def _signed(key: PrivateKey, message: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    return key.sign(message, padding.PKCS1v15(), SHA256())


def parts_of(header: str) -> dict[str, str]:
    """What X-EBAY-SIGNATURE says: base64 of ``{alg, kid, signature, digest}``; empty where it makes no sense."""
    try:
        read: Any = json.loads(base64.b64decode(header, validate=True))
    except (ValueError, RecursionError):
        return {}
    parts = {str(name): str(value) for name, value in read.items()} if isinstance(read, dict) else {}
    return parts if all(value.isprintable() for value in parts.values()) else {}


def is_genuine(parts: dict[str, str], body: bytes, public_key: str) -> bool:
    """Whether a message was signed with the key that eBay publishes under ``parts["kid"]``.

    eBay's own SDK verifies the JSON as JavaScript writes it again (compact), not the bytes that came: both are tried.
    """
    digest = DIGESTS.get(parts.get("digest", "SHA1").upper().replace("-", ""))
    try:
        key = load_der_public_key(base64.b64decode(_without_words(public_key), validate=True))
        given = base64.b64decode(parts.get("signature", ""), validate=True)
    except ValueError:
        return False
    if digest is None or not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    return any(_verifies(key, given, message, digest()) for message in _forms(body))


def _forms(body: bytes) -> list[bytes]:
    try:
        again = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return [body]
    return [body] if again == body else [body, again]


def _verifies(key: ec.EllipticCurvePublicKey, given: bytes, message: bytes, digest: HashAlgorithm) -> bool:
    try:
        key.verify(given, message, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def challenge_response(code: str, token: str, endpoint: str) -> str:
    """The answer by which eBay knows an address as ours."""
    return hashlib.sha256(f"{code}{token}{endpoint}".encode()).hexdigest()
