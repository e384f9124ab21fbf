"""What an adapter promises whose store can have a module of ours (a plugin) inside: docs/store-modules.md.

Whoever wants to be connected says where its store is. Nothing of that is believed: the store is called back, and only
one that knows the code of this very question answers with what the connection needs.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from bridge.domain.values import Value
from bridge.ports.errors import AskMerchant, Reauthorise
from bridge.ports.http.table import ErrorTable, Rule

if TYPE_CHECKING:
    from bridge.ports.http import Transport
    from bridge.ports.http.call import Auth

PROVE_SECONDS = 20.0
PROVE_BYTES = 64 * 1024
UNKNOWN_CODE = (
    "The store does not know this connection code: it was used already, or is older than ten minutes. "
    "Click Connect again."
)
NO_MODULE = (
    "The store answers, and not with the Storebridge module. Check that it is active, and that nothing blocks its API."
)

_REFUSALS = ErrorTable(
    rules={
        401: Rule(Reauthorise, UNKNOWN_CODE),
        403: Rule(Reauthorise, UNKNOWN_CODE),
        410: Rule(Reauthorise, UNKNOWN_CODE),
        404: Rule(AskMerchant, NO_MODULE),
        405: Rule(AskMerchant, NO_MODULE),
        range(300, 400): Rule(
            AskMerchant, "The store's address redirects. Set it in the store exactly as it redirects to."
        ),
    }
)


class Asked(Value):
    """A module's wish to be connected. ``api_url`` ends with a slash; ``code`` is good once, for ten minutes.
    ``activation``: where the platform has a handshake of its own, the name of the one meant (Activation.name)."""

    platform: str
    store_url: str
    api_url: str
    code: str = Field(repr=False)
    version: str = ""
    platform_version: str = ""
    user: str = ""
    locale: str = ""
    activation: str = ""


class Activation(Value):
    """What a platform's own handshake brought, believed as little as the rest. ``name`` is hard to guess and known to
    the store (Magento: the consumer key); ``content`` is what the adapter exchanges for credentials later."""

    name: str = Field(repr=False)
    store_url: str
    content: dict[str, str] = Field(repr=False)


class Proof(Value):
    """What a store answers that knows its code. ``credentials`` are named as in the manifest, the store's address
    included; ``secret`` is what its module signs with."""

    store_url: str
    credentials: dict[str, str] = Field(repr=False)
    secret: str = Field(repr=False)


class StoreModule(Protocol):
    """The half of a module that its adapter has; the other half is in ``Adapter.package``."""

    def activated(self, form: Mapping[str, str]) -> Activation | None:
        """What the platform posts when its own handshake begins; None where it has none. No I/O: the platform waits
        for 5 seconds. Raises AskMerchant naming the field."""
        ...

    def prove(
        self,
        asked: Asked,
        challenge: str,
        transport: Transport,
        clock: Callable[[], datetime],
        activation: Activation | None,
    ) -> Proof:
        """Call the store (:func:`call_back`). ``transport`` is guarded and trusts nobody. Raises Reauthorise (wrong,
        used or old code), AskMerchant and RetryLater."""
        ...


def call_back(
    transport: Transport,
    url: str,
    asked: Asked,
    challenge: str,
    *,
    auth: Auth | None = None,
    credentials: Mapping[str, str] | None = None,
) -> Proof:
    """Ask the store at ``url`` whether it knows the code. ``credentials``: what is known of them already; the answer's
    come on top. Once only: the code is used up by the first call that arrives."""
    transport.redactor.learn(asked.code)
    answer = transport.request(
        "POST",
        url,
        operation="module.prove",
        json={"code": asked.code, "challenge": challenge},
        auth=auth,
        errors=_REFUSALS,
        timeout=PROVE_SECONDS,
        max_bytes=PROVE_BYTES,
        write=False,
        idempotent=False,
    )
    return read_proof(answer.json, challenge, credentials or {})


def read_proof(answer: Any, challenge: str, credentials: Mapping[str, str]) -> Proof:
    """The answer of a store, read. Raises Reauthorise where it did not answer this challenge, AskMerchant naming the
    field where something is missing. A list of one is that one: not every platform's REST answers with a bare table."""
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, Mapping):
        raise AskMerchant(NO_MODULE)
    given = answer.get("challenge")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), challenge.encode()):
        raise Reauthorise(UNKNOWN_CODE, developer="the answer has another challenge")
    told = answer.get("credentials")
    found = {str(name): str(value) for name, value in told.items()} if isinstance(told, Mapping) else {}
    secret = str(answer.get("secret") or "")
    if len(secret) < 32:
        raise AskMerchant("The store's answer holds no secret of at least 32 characters.", field="secret")
    return Proof(store_url=str(answer.get("store_url") or ""), credentials={**credentials, **found}, secret=secret)
