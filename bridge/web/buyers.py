"""What is held about one buyer, as a file to hand on, and its end: on an order's page, and under Data and privacy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from bridge.flows import attend, one_buyer
from bridge.flows.forms import FieldErrors
from bridge.ports.errors import AskMerchant
from bridge.web.asked import Download
from bridge.web.page import Action, Sent

BUYER, SURE, LONGEST = "buyer", "sure", 220


def _tell(sent: Sent) -> Download:
    orders = one_buyer.held(sent.engine, sent.shop_id, _meant(sent))
    text = json.dumps({"orders": orders}, ensure_ascii=False, indent=2, default=str)
    return Download.of_json(f"buyer-{orders[0]['order']}", text)


def _erase(sent: Sent) -> None:
    asked = _meant(sent)
    if SURE not in sent.form:
        raise FieldErrors({SURE: "Tick the box if you are sure."})
    one_buyer.erase(sent.engine, sent.shop_id, asked)


def _meant(sent: Sent) -> str:
    """Whose order stands in the address, else who was typed. Raises NotFound and FieldErrors."""
    if "number" in sent.arguments:
        return attend.order_ref(sent.engine, sent.shop_id, sent.arguments["number"])
    typed = sent.form.get(BUYER, "").strip()[:LONGEST]
    if not typed:
        raise FieldErrors({BUYER: "Enter an order of the buyer, or their e-mail address."})
    return typed


def _beside(act: Callable[[Sent], Download | None]) -> Action:
    """What is wrong with whoever was typed is told beside that field."""

    def acting(sent: Sent) -> Download | None:
        try:
            return act(sent)
        except FieldErrors:
            raise
        except AskMerchant as error:
            raise FieldErrors({BUYER: error.merchant}) from None

    return acting


ACTS: Mapping[str, Action] = {"tell_buyer": _beside(_tell), "erase_buyer": _beside(_erase)}
