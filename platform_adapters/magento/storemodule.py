"""Connecting a store that has our module: Magento's own activation of an integration, and the proof of the store.

Magento posts the consumer's key, secret and a verifier to the callback address (form-encoded, it waits for 5 s),
unsigned: whoever can exchange them for a token at that store has them from that store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from bridge.ports.errors import AskMerchant, Reauthorise, RetryLater, UnknownOutcome
from bridge.ports.http import ErrorTable, Rule, Transport
from bridge.ports.package import Package
from bridge.ports.storemodule import Activation, Asked, Proof, call_back
from platform_adapters.magento.oauth import Keys, has_own_port, signer

FOLDER = Path(__file__).parent / "module"
FIELDS = ("oauth_consumer_key", "oauth_consumer_secret", "store_base_url", "oauth_verifier")
NO_ACTIVATION = "The store's activation did not arrive here, or is older than five minutes. Click Connect again."
REFUSED = (
    "The store does not give a token for its activation. Click Connect again; if that does not help, check that its "
    "base URL (Stores, Configuration, General, Web) is the address that it is reached at from outside, with https."
)
TOO_SLOW = "The store took too long to answer. Click Connect again."
TOKEN_SECONDS = 30.0  # right after its caches were emptied a store needs that long
REFUSALS = ErrorTable(
    rules={
        range(300, 400): Rule(AskMerchant, "The store's base URL redirects. Set it exactly as it redirects to."),
        range(400, 500): Rule(Reauthorise, REFUSED),
    }
)


def read_version(folder: Path = FOLDER) -> str:
    """As the module's own files say it."""
    described: dict[str, Any] = json.loads((folder / "composer.json").read_text(encoding="utf-8"))
    return str(described["version"])


PACKAGE = Package(source=FOLDER, name="storebridge-magento", version=read_version())


class MagentoModule:
    """The StoreModule of Magento."""

    def activated(self, form: Mapping[str, str]) -> Activation | None:
        missing = next((name for name in FIELDS if not form.get(name)), None)
        if missing:
            raise AskMerchant("This is no activation of a Magento integration.", field=missing)
        content = {name: form[name][:500] for name in FIELDS}
        return Activation(name=content[FIELDS[0]], store_url=content["store_base_url"], content=content)

    def prove(
        self,
        asked: Asked,
        challenge: str,
        transport: Transport,
        clock: Callable[[], datetime],
        activation: Activation | None,
    ) -> Proof:
        """The token first, then the store, signed with it."""
        if activation is None:
            raise Reauthorise(NO_ACTIVATION)
        keys, ported = _exchanged(activation, transport, clock)
        known = {
            "url": asked.api_url.rstrip("/").removesuffix("/rest"),
            "consumer_key": keys.consumer_key,
            "consumer_secret": keys.consumer_secret,
            "access_token": keys.token,
            "access_token_secret": keys.token_secret,
        }
        url = f"{asked.api_url}V1/storebridge/prove"
        return call_back(transport, url, asked, challenge, auth=signer(keys, clock, ported=ported), credentials=known)


def _exchanged(activation: Activation, transport: Transport, clock: Callable[[], datetime]) -> tuple[Keys, bool]:
    """And whether this store signs its own port: if not, it refuses the first step, which uses nothing up."""
    try:
        return _exchange(activation, transport, clock, ported=True), True
    except Reauthorise:
        if not has_own_port(activation.store_url):
            raise
        return _exchange(activation, transport, clock, ported=False), False


def _exchange(activation: Activation, transport: Transport, clock: Callable[[], datetime], *, ported: bool) -> Keys:
    """The verifier for the token, in Magento's two steps. The verifier is used up by it."""
    content = activation.content
    base = content["store_base_url"].rstrip("/")
    keys = Keys(content["oauth_consumer_key"], content["oauth_consumer_secret"])
    verifier = content["oauth_verifier"]
    for secret in (keys.consumer_secret, verifier):
        transport.redactor.learn(secret)
    for step, proof in (("request", ""), ("access", verifier)):
        try:
            answer = transport.request(
                "POST",
                f"{base}/oauth/token/{step}",
                operation=f"module.token_{step}",
                auth=signer(keys, clock, proof, ported=ported),
                expect="any",
                errors=REFUSALS,
                write=False,
                idempotent=False,
                timeout=TOKEN_SECONDS,
                max_bytes=16 * 1024,
            )
        except UnknownOutcome as error:
            # A step cannot be repeated: the verifier is half used up.
            raise RetryLater(TOO_SLOW, developer=error.developer) from error
        told = {name: values[0] for name, values in parse_qs(answer.text).items()}
        keys = keys._replace(token=told.get("oauth_token", ""), token_secret=told.get("oauth_token_secret", ""))
        if not keys.token or not keys.token_secret:
            raise Reauthorise(REFUSED, developer=told.get("oauth_problem", "no token in the answer"))
        transport.redactor.learn(keys.token_secret)
    return keys
