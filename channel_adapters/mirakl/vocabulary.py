"""Mirakl's words and ours."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.domain.order import CancelReason, OrderPhase
from bridge.domain.requirement import AttributeKind, Need
from bridge.domain.returns import RefundReason, ReturnCause
from bridge.ports.channel import SubmissionState

# order_state. What is not here is not known to be paid: it is not shipped.
PHASES: Mapping[str, OrderPhase] = {
    "STAGING": OrderPhase.PENDING,
    "WAITING_ACCEPTANCE": OrderPhase.AWAITING_ACCEPTANCE,
    "WAITING_DEBIT": OrderPhase.PENDING,
    "WAITING_DEBIT_PAYMENT": OrderPhase.PENDING,
    "SHIPPING": OrderPhase.READY,
    "SHIPPED": OrderPhase.READY,
    "TO_COLLECT": OrderPhase.READY,
    "RECEIVED": OrderPhase.READY,
    "CLOSED": OrderPhase.READY,
    "REFUSED": OrderPhase.READY,
    "CANCELED": OrderPhase.READY,
}
OPEN_STATES = ("STAGING", "WAITING_ACCEPTANCE", "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT", "SHIPPING")
CANCELLED_LINES = ("CANCELED", "REFUSED")
SHIPPED_LINES = ("SHIPPED", "TO_COLLECT", "RECEIVED", "CLOSED")
# Shipments (ST11) that count as gone out.
SHIPPED_SHIPMENTS = ("SHIPPED", "TO_COLLECT", "RECEIVED", "CLOSED")

IMPORT_STATES: Mapping[str, SubmissionState] = {
    "WAITING_SYNCHRONIZATION_PRODUCT": SubmissionState.PENDING,
    "WAITING": SubmissionState.PENDING,
    "RUNNING": SubmissionState.PENDING,
    "COMPLETE": SubmissionState.DONE,
    "FAILED": SubmissionState.FAILED,
    # Of products (P42) only:
    "TRANSFORMATION_WAITING": SubmissionState.PENDING,
    "TRANSFORMATION_RUNNING": SubmissionState.PENDING,
    "TRANSFORMATION_FAILED": SubmissionState.FAILED,
    "SENT": SubmissionState.PENDING,
    "CANCELLED": SubmissionState.FAILED,
}
WAITING: Mapping[str, str] = {
    "WAITING_SYNCHRONIZATION_PRODUCT": "the offer waits until the marketplace has accepted the product",
    "SENT": "the product was handed to the marketplace, which may take days to accept it",
}

RETURNS_TO_DECIDE = ("WAITING_ACCEPTANCE", "IN_PROGRESS", "RECEIVED")
RETURNS_DECIDED = ("REFUSED", "NO_RECEPTION", "CLOSED", "CANCELED")

# Reasons are the operator's own, with labels in its language: they are known by words in their labels, best first.
CANCEL_WORDS: Mapping[CancelReason, tuple[str, ...]] = {
    CancelReason.OUT_OF_STOCK: ("stock", "rupture", "agotad", "esaurit", "voorraad", "lager", "unavailable"),
    CancelReason.BUYER_REQUEST: ("client", "customer", "buyer", "kund", "klant", "acheteur"),
    CancelReason.PRICE_ERROR: ("price", "prix", "preis", "prijs", "precio", "prezzo"),
    CancelReason.CANNOT_SHIP_IN_TIME: ("delay", "late", "ship", "retard", "deliver", "liefer", "lever", "envío"),
    CancelReason.DAMAGED: ("damage", "defect", "endommag", "beschädigt", "beschadigd"),
    CancelReason.OTHER: ("other", "autre", "sonst", "ander", "otro", "altro"),
}
REFUND_WORDS: Mapping[RefundReason, tuple[str, ...]] = {
    RefundReason.RETURNED: ("return", "retour", "rück", "devol", "reso"),
    RefundReason.DAMAGED: ("damage", "defect", "endommag", "beschädigt", "beschadigd"),
    RefundReason.NOT_RECEIVED: ("not received", "lost", "non reçu", "nicht erhalten", "niet ontvangen", "perdu"),
    RefundReason.WRONG_ITEM: ("wrong", "different", "erreur", "falsch", "verkeerd"),
    RefundReason.GOODWILL: ("goodwill", "commercial", "gesture", "geste", "kulanz"),
    RefundReason.OTHER: ("other", "autre", "sonst", "ander", "otro", "altro"),
}

NEEDS: Mapping[str, Need] = {
    "REQUIRED": Need.REQUIRED,
    "RECOMMENDED": Need.RECOMMENDED,
    "OPTIONAL": Need.OPTIONAL,
}
# The specification leaves the type of an attribute open; these are the words operators are seen to use. What is not
# here is text.
KINDS: Mapping[str, AttributeKind] = {
    "TEXT": AttributeKind.TEXT,
    "LONG_TEXT": AttributeKind.TEXT,
    "LINK": AttributeKind.TEXT,
    "LIST": AttributeKind.CHOICE,
    "LIST_MULTIPLE_VALUES": AttributeKind.CHOICE,
    "MULTIPLE_VALUES_LIST": AttributeKind.CHOICE,
    "DECIMAL": AttributeKind.NUMBER,
    "NUMERIC": AttributeKind.NUMBER,
    "INTEGER": AttributeKind.INTEGER,
    "BOOLEAN": AttributeKind.FLAG,
    "DATE": AttributeKind.DATE,
    "MEASUREMENT": AttributeKind.MEASURE,
    "MEDIA": AttributeKind.IMAGE,
}
SEVERAL = ("LIST_MULTIPLE_VALUES", "MULTIPLE_VALUES_LIST")
# Roles by which PM11 says what an attribute takes. The specification lists none: these are in use, the setting
# product_fields has the last word.
ROLES: Mapping[str, str] = {
    "CATEGORY": "category",
    "TITLE": "title",
    "DESCRIPTION": "description",
    "BRAND": "brand",
    "UNIQUE_IDENTIFIER": "gtin",
    "SHOP_SKU": "sku",
    "MAIN_IMAGE": "image1",
}

# inactivity_reasons of an offer (OF21, OF22).
FIXES: Mapping[str, str] = {
    "ZERO_QUANTITY": "Nothing to do when it is sold out; otherwise check the stock in the store.",
    "AVAILABLE_QUANTITY_LESS_THAN_MIN_ORDER_QUANTITY": "Less is in stock than the least quantity a buyer must order.",
    "AVAILABLE_QUANTITY_LESS_THAN_PACKAGE_QUANTITY": "Less is in stock than one package holds.",
    "NO_ACTIVE_PRICE": "Set a price in the store.",
    "SHOP_NOT_OPEN": "Your shop is closed or suspended: open it in the marketplace's back office.",
    "SHOP_CURRENCY_DISABLED": "Ask the marketplace: it has switched off the currency of your shop.",
    "NO_CHANNEL_ON_SHOP": "Ask the marketplace: your shop has no sales channel.",
    "NO_MIN_SHIPPING_RATE": "Set up shipping methods in the back office, or another logistic class in the settings.",
    "NOT_IN_AVAILABILITY_PERIOD": "The offer's period of availability is over or has not begun.",
    "PRODUCT_STATUS_NEW": "Wait: the marketplace has not accepted the product yet.",
    "PRODUCT_STATUS_PENDING": "Wait: the marketplace has not accepted the product yet.",
    "PRODUCT_STATUS_INVALID": "Complete the product's title, description, category and attributes.",
    "PRODUCT_STATUS_REJECTED": "The marketplace refused the product: its reason is in the back office.",
    "PRODUCT_STATUS_SYNCHRO_ERROR": "The marketplace could not take over the product: ask it.",
    "PRODUCT_STATUS_UNAUTHORIZED_TO_SELL": "Ask the marketplace for the right to sell this product.",
    "PRODUCT_DISABLED": "The marketplace has switched the product off.",
    "CATEGORY_UNAUTHORIZED_TO_SELL": "Ask the marketplace for the right to sell in this category.",
    "BRAND_UNAUTHORIZED_TO_SELL": "Ask the marketplace for the right to sell this brand.",
}
# Reason codes of returns; an operator may have others.
RETURN_CAUSES = {
    "RETURN_CHANGED_MIND": ReturnCause.CHANGED_MIND,
    "RETURN_CM_DONT_LIKE": ReturnCause.CHANGED_MIND,
    "RETURN_CM_DONT_WANT": ReturnCause.CHANGED_MIND,
    "RETURN_CM_QUALITY": ReturnCause.CHANGED_MIND,
    "RETURN_PDNT_TOO_SMALL": ReturnCause.TOO_SMALL,
    "RETURN_PDNT_TOO_BIG": ReturnCause.TOO_LARGE,
    "RETURN_BROKEN_ITEM": ReturnCause.DEFECTIVE,
    "RETURN_DAMAGED_PACKAGING": ReturnCause.DEFECTIVE,
    "RETURN_DEFECTIVE_ITEM": ReturnCause.DEFECTIVE,
    "RETURN_DEFECTIVE_ON_ARRIVAL": ReturnCause.DEFECTIVE,
    "RETURN_WARRANTY": ReturnCause.DEFECTIVE,
    "RETURN_COUNTERFEIT_ITEM": ReturnCause.NOT_AS_DESCRIBED,
    "RETURN_INACCURATE_ITEM_DESCRIPTION": ReturnCause.NOT_AS_DESCRIBED,
    "RETURN_MISSING_ITEM": ReturnCause.NOT_AS_DESCRIBED,
    "RETURN_DELIVERED_PRODUCT_DIFFERENT": ReturnCause.WRONG_ITEM,
    "RETURN_DPD_WRONG_COLOR": ReturnCause.WRONG_ITEM,
    "RETURN_DPD_WRONG_SIZE": ReturnCause.WRONG_ITEM,
    "RETURN_PRODUCT_DOES_NOT_FIT": ReturnCause.OTHER,
    "RETURN_OTHER": ReturnCause.OTHER,
}
