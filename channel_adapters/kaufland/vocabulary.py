"""Kaufland's words and ours."""

from __future__ import annotations

from bridge.domain.order import FulfilledBy
from bridge.domain.requirement import AttributeKind
from bridge.domain.returns import ReturnCause
from bridge.ports.channel import SubmissionState

LOCALES = {
    "de": "de-DE",
    "cz": "cs-CZ",
    "sk": "sk-SK",
    "pl": "pl-PL",
    "at": "de-AT",
    "fr": "fr-FR",
    "it": "it-IT",
}
# "maximum differs by storefront (25 million CZK, 1 million EUR or 4.5 million PLN)" (specification, UnitRequest).
HIGHEST_PRICE = {"CZK": 25_000_000, "EUR": 1_000_000, "PLN": 4_500_000}

CONDITIONS = {
    "new": "NEW",
    "as_new": "USED___AS_NEW",
    "good": "USED___VERY_GOOD",
    "reasonable": "USED___GOOD",
    "moderate": "USED___ACCEPTABLE",
}
VAT_INDICATORS = ("standard_rate", "reduced_rate_1", "reduced_rate_2", "super_reduced_rate", "zero_rate")
# Attributes that belong to the offer and not to the product.
OFFER_ATTRIBUTES = ("vat_indicator", "id_shipping_group")
FULFILLED_BY = {"fulfilled_by_merchant": FulfilledBy.MERCHANT, "fulfilled_by_kaufland": FulfilledBy.CHANNEL}

# States of an order unit. A word that is not here is neither shipped nor cancelled, and not to be shipped either.
OPEN, TO_SEND, CANCELLED = "open", "need_to_be_sent", "cancelled"
SHIPPED = frozenset({"sent", "received", "sent_and_autopaid", "returned", "returned_paid"})
ACCEPTED = SHIPPED | {TO_SEND}

REFUND_SHIPPING = "refund_postage_fee"

# States of a return unit: waiting for a decision, or decided.
RETURNS_OPEN = ("need_to_be_returned", "return_arrived", "return_in_clarification")
RETURNS_DECIDED = ("return_accepted", "return_rejected", "return_closed", "return_in_repair")
RETURN_ON_ITS_WAY = "need_to_be_returned"

UPDATE_STATES = {
    "PENDING": SubmissionState.PENDING,
    "IN_PROGRESS": SubmissionState.PENDING,
    "SUCCESS": SubmissionState.DONE,
    "FAIL": SubmissionState.FAILED,
    "ABORTED": SubmissionState.FAILED,
}
REFUSED_VALUES = ("DECLINED", "REFUSED", "MISSING", "MIN_ONE_MISSING")

# The specification has the type of an attribute as a free string; these are named in its examples or speak for
# themselves, all others are text.
ATTRIBUTE_KINDS = {
    "ShortText": AttributeKind.TEXT,
    "LongText": AttributeKind.TEXT,
    "Company": AttributeKind.TEXT,
    "Integer": AttributeKind.INTEGER,
    "Number": AttributeKind.NUMBER,
    "Boolean": AttributeKind.FLAG,
    "Date": AttributeKind.DATE,
    "Picture": AttributeKind.IMAGE,
}

# What an event points at; the last part of its resource is the key.
EVENTS = {
    "order_new": "order",
    "order_unit_status_changed": "order_unit",
    "return_new": "return",
    "return_unit_status_changed": "return",
    "item_unit_available": "offer",
    "item_unit_not_available": "offer",
}

CANCELLATION_GRANTED = {
    "de": "Ihre Bestellung wurde wie gewünscht storniert.",
    "cs": "Vaše objednávka byla podle Vašeho přání zrušena.",
    "sk": "Vaša objednávka bola podľa Vášho želania zrušená.",
    "pl": "Zgodnie z życzeniem zamówienie zostało anulowane.",
    "fr": "Votre commande a été annulée comme vous l'avez souhaité.",
    "it": "Il suo ordine è stato annullato come richiesto.",
}
CANCELLATION_REFUSED = {
    "de": "Ihre Bestellung wird bereits bearbeitet und kann leider nicht mehr storniert werden. Sie können sie nach "
    "Erhalt zurücksenden.",
    "cs": "Vaše objednávka se již zpracovává a bohužel ji nelze zrušit. Po obdržení ji můžete vrátit.",
    "sk": "Vaša objednávka sa už spracováva a, žiaľ, nie je možné ju zrušiť. Po prijatí ju môžete vrátiť.",
    "pl": "Zamówienie jest już realizowane i niestety nie można go anulować. Po otrzymaniu można je zwrócić.",
    "fr": "Votre commande est déjà en préparation et ne peut malheureusement plus être annulée. Vous pourrez la "
    "retourner après réception.",
    "it": "Il suo ordine è già in lavorazione e purtroppo non può più essere annullato. Potrà restituirlo dopo averlo "
    "ricevuto.",
}
RETURN_REFUSED = {
    "de": "Ihre Rücksendung kann leider nicht angenommen werden.",
    "cs": "Vaše vrácené zboží bohužel nemůžeme přijmout.",
    "sk": "Váš vrátený tovar, žiaľ, nemôžeme prijať.",
    "pl": "Niestety nie możemy przyjąć zwrotu.",
    "fr": "Votre retour ne peut malheureusement pas être accepté.",
    "it": "Purtroppo il suo reso non può essere accettato.",
}
RETURN_REPLACED = {
    "de": "Ihre Rücksendung ist angekommen, wir senden Ihnen Ersatz.",
    "cs": "Vaše vrácené zboží dorazilo, posíláme Vám náhradu.",
    "sk": "Váš vrátený tovar dorazil, posielame Vám náhradu.",
    "pl": "Zwrot dotarł, wysyłamy nowy artykuł.",
    "fr": "Votre retour est arrivé, nous vous envoyons un article de remplacement.",
    "it": "Il suo reso è arrivato, le inviamo un articolo sostitutivo.",
}
RETURN_KEPT = {
    "de": "Wie vereinbart behalten Sie den Artikel.",
    "cs": "Podle dohody si zboží ponecháte.",
    "sk": "Podľa dohody si tovar ponecháte.",
    "pl": "Zgodnie z ustaleniami artykuł pozostaje u Państwa.",
    "fr": "Comme convenu, vous gardez l'article.",
    "it": "Come concordato, può tenere l'articolo.",
}
# ReturnReason
RETURN_CAUSES = {
    "accidentally_ordered": ReturnCause.CHANGED_MIND,
    "better_price": ReturnCause.CHANGED_MIND,
    "dislike": ReturnCause.CHANGED_MIND,
    "bad_quality": ReturnCause.DEFECTIVE,
    "defect": ReturnCause.DEFECTIVE,
    "delivered_damaged": ReturnCause.DEFECTIVE,
    "misleading_description": ReturnCause.NOT_AS_DESCRIBED,
    "missing_parts": ReturnCause.NOT_AS_DESCRIBED,
    "wrong_article": ReturnCause.WRONG_ITEM,
    "too_late": ReturnCause.LATE,
    "no_reason": ReturnCause.OTHER,
    "wrong_size": ReturnCause.OTHER,
}
