"""What Magento's refusals mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.ports.errors import AskMerchant, Reauthorise, RejectItem, RetryLater, UnknownOutcome
from bridge.ports.http import ErrorTable, Response, Rule, Said
from platform_adapters.magento.reading import Json, dicts, text

# Measured: Magento says the same words for a wrong token, a missing permission, and a token sent as a bearer where the
# store does not take it so.
REFUSED = (
    "Check in Magento (System, Integrations) that the integration is active, that all four values were entered as "
    "they stand there, and that its API resources are Sales, Catalog and, under Stores, Settings, Inventory, Taxes and "
    "Attributes. With the access token alone, the store must allow it as a bearer (Stores, Configuration, Services, "
    "OAuth); enter all four values instead."
)
SIGNATURE = (
    "Enter the four values again, and the store's address exactly as Magento has it (https or http). Behind a proxy "
    "that ends TLS, Magento has to know the outer scheme (X-Forwarded-Proto)."
)
NO_API = "Check that the address is that of the Magento store, without /rest, and that the module is switched on."
PERMISSION = (
    "Give the integration the API resources Sales, Catalog and, under Stores, Settings, Inventory, Taxes, Attributes."
)
MODULE_GONE = "Storebridge's module is no longer in the store; the store is asked again without it."
EXISTS = "The store says that it has an order of this number already; it is looked up."

NO_ROUTE = "Request does not match any route"
CODES = {
    "Unique constraint violation found": "exists",
    "This order was placed meanwhile": "exists",  # says our module
    # A deadlock of its database in the clothes of a refusal (measured with several writers at once).
    "Could not save Source Item Configuration": "deadlock",
    NO_ROUTE: "no_route",
    "The signature is invalid": "signature",
}
PLACEHOLDER = re.compile(r"%(\w+)")


class WrongSignature(Reauthorise):
    """The store signs this call otherwise; it did nothing. Its address may have to be signed without its port."""


def describe(response: Response) -> Said:
    """Magento's own error body: {message with %1 or %name, parameters as a list or a table, errors alike}."""
    body = response.json
    message = filled(body)
    details = [filled(item) for item in dicts(body.get("errors"))]
    parameters = body.get("parameters")
    field = parameters.get("fieldName") if isinstance(parameters, Mapping) else None
    code = next((code for start, code in CODES.items() if message.startswith(start)), None)
    return Said("; ".join(filter(None, (message, *details[:5]))), text(field) or None, code)


def filled(body: Json) -> str:
    """The message with its parameters in their places."""
    parameters = body.get("parameters")
    values = {str(place): value for place, value in enumerate(parameters, 1)} if isinstance(parameters, list) else {}
    if isinstance(parameters, Mapping):
        values = {str(name): value for name, value in parameters.items()}
    words = PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), text(body.get("message")))
    return " ".join(words.split())


ERRORS = ErrorTable(
    rules={
        401: Rule(Reauthorise, REFUSED),
        (401, "signature"): Rule(WrongSignature, SIGNATURE),
        403: Rule(AskMerchant, PERMISSION),
        (404, "no_route"): Rule(AskMerchant, NO_API),
        (400, "exists"): Rule(UnknownOutcome, EXISTS),
        (400, "deadlock"): RetryLater,
        400: RejectItem,
        range(300, 400): Rule(AskMerchant, "Enter the store's address exactly as it redirects to."),
    },
    describe=describe,
)
# What our module answers, whose routes go with it.
MODULE_ERRORS = ErrorTable(rules={**ERRORS.rules, (404, "no_route"): Rule(RetryLater, MODULE_GONE)}, describe=describe)
