"""What Allegro refuses, in its words, and what to do about it."""

from __future__ import annotations

from bridge.domain.reading import Json, table, tables, text
from bridge.ports.errors import AskMerchant, NotFound, Reauthorise, RejectItem, RetryLater
from bridge.ports.http import ErrorTable, Response, Rule, Said

RENEW = "Ask the seller for consent again, as the instructions say, and enter the new refresh token here."
APPLICATION = "Check client ID and client secret (apps.developer.allegro.pl)."
LATE = "The consent at Allegro came too late or was used before: ask for it again."
SCOPES = "The consent does not cover this. Ask the seller for it again with all permissions named in the instructions."
OUTDATED = "Allegro no longer accepts this version of its API: update Storebridge."


class Taken(RejectItem):
    """A command with this number was accepted before: by a call of ours whose answer was lost."""


class Outdated(RejectItem):
    """The order changed since it was read."""


class Busy(RetryLater):
    """An earlier change of the same offer is not through yet."""


def describe(response: Response) -> Said:
    """``{errors: [{code, message, userMessage, details, path}]}``; those of authorisation are RFC 6749's."""
    errors = tables(response.json, "errors")
    if not errors:
        return Said(text(table(response.json).get("error_description")), None, text(table(response.json).get("error")))
    said = "; ".join(dict.fromkeys(filter(None, map(words, errors[:5]))))
    field = next(filter(None, (text(item.get("path")) for item in errors)), None)
    return Said(said, field, text(errors[0].get("code")) or None)


# What to do about some refusals, with what the specification promises in their ``metadata``.
ADVICE = {
    "MultipleProductsFoundException": "Name one of {foundProductsIds} in the attribute product_id.",
    "CATEGORY_MISMATCH": "Allegro has this product in {existingCategoryName} ({existingCategoryId}): map it there.",
    "PARAMETER_MISMATCH": "Allegro's product {productId} has other values: correct yours, or name it in product_id.",
    "GallerySizeException": "Allegro takes {gallerySizeLimit} pictures at most here.",
    "UploadImageRequestTimeoutException": "Allegro could not read {imageUrl}.",
    "InvalidDictionaryParameter": "{parameterName} has no value {dictionaryValue}.",
}


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "?"


def words(error: Json) -> str:
    """What one error says to a person, and what to do where that is known."""
    said = text(error.get("userMessage")) or text(error.get("message")) or text(error.get("code"))
    details, advice = text(error.get("details")), ADVICE.get(text(error.get("code")), "")
    told = {name: text(value) for name, value in table(error, "metadata").items()}
    parts = [f"{said} ({details})" if details and details not in said else said]
    return " ".join([*parts, advice.format_map(_Known(told))] if advice and told else parts)


ERRORS = ErrorTable(
    rules={
        400: RejectItem,
        401: Rule(Reauthorise, RENEW),
        403: Rule(AskMerchant, SCOPES),
        406: Rule(AskMerchant, OUTDATED),
        415: Rule(AskMerchant, OUTDATED),
    },
    describe=describe,
)
TOKEN_ERRORS = ErrorTable(
    rules={
        (400, "invalid_client"): Rule(Reauthorise, APPLICATION),
        (401, "invalid_client"): Rule(Reauthorise, APPLICATION),
        400: Rule(Reauthorise, RENEW),
        401: Rule(Reauthorise, APPLICATION),
        403: Rule(Reauthorise, RENEW),
    },
    describe=describe,
)
# Of the exchange of a code for the first tokens.
CODE_ERRORS = ErrorTable(
    rules={**TOKEN_ERRORS.rules, (400, "invalid_grant"): Rule(AskMerchant, LATE)}, describe=describe
)
COMMAND_ERRORS = ErrorTable(rules={409: Taken})
EDIT_ERRORS = ErrorTable(rules={409: Busy})
FULFILMENT_ERRORS = ErrorTable(rules={409: Outdated})
FORM_ERRORS = ErrorTable(rules={422: NotFound})


def with_ours(errors: ErrorTable | None) -> ErrorTable:
    """A call's own rules before those of all calls."""
    if errors is None:
        return ERRORS
    return ErrorTable(rules={**ERRORS.rules, **errors.rules}, describe=describe)
