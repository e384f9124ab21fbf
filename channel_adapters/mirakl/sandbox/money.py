"""Amounts of orders: kept with their taxes, told in the mode that is asked for."""

from __future__ import annotations

from channel_adapters.mirakl.sandbox.market import Document, Market, stamp

TAX = "VAT"


def _tax(market: Market, amount: float) -> float:
    """The tax contained in an amount."""
    rate = market.options.tax_rate
    return round(amount * rate / (100 + rate), 2)


def _told(market: Market, amount: float, mode: str) -> float:
    return round(amount - (_tax(market, amount) if mode == "TAX_EXCLUDED" else 0), 2)


def _taxes(market: Market, amount: float) -> list[Document]:
    if not market.options.tax_rate or not amount:
        return []
    return [{"code": TAX, "amount": _tax(market, amount), "rate": market.options.tax_rate}]


def line_amounts(market: Market, line: Document, mode: str) -> Document:
    price = round(line["unit"] * line["quantity"] - line["discount"], 2)
    rule = {"tax_calculation_rule": market.options.tax_rule}
    body: Document = {"price": _told(market, price, mode), "price_unit": _told(market, line["unit"], mode)}
    body["taxes"] = [tax | rule for tax in _taxes(market, price)]
    body |= {"shipping_price": _told(market, line["shipping"], mode)}
    body["shipping_taxes"] = [tax | rule for tax in _taxes(market, line["shipping"])]
    body["fees"] = [{"code": "handling", "amount": line["fee"]}] if line["fee"] else []
    if line["discount"]:
        configuration = {"type": "AMOUNT_OFF", "internal_description": "Promotion", "amount_off": line["discount"]}
        promotion = {"id": "PROMO", "apportioned": True, "deduced_amount": line["discount"]}
        body["promotions"] = [promotion | {"configuration": configuration}]
    body["total_price"] = round(body["price"] + body["shipping_price"] + line["fee"], 2)
    return body


def order_amounts(lines: list[Document]) -> Document:
    names = ("price", "shipping_price", "total_price")
    return {name: round(sum(line[name] for line in lines), 2) for name in names}


def cancel_amounts(market: Market, entry: Document, mode: str) -> Document:
    body = {"id": entry["id"], "created_date": stamp(entry["at"]), "quantity": entry["quantity"]}
    body |= {"amount": _told(market, entry["amount"], mode), "reason_code": entry["reason_code"]}
    body |= {"shipping_amount": _told(market, entry["shipping_amount"], mode)}
    body |= {"fees": entry["fees"]} if entry.get("fees") else {}
    for name, amount in (("taxes", "amount"), ("shipping_taxes", "shipping_amount")):
        worked_out = market.options.tax_rule == "PROPORTIONAL_TO_AMOUNT"
        body[name] = _taxes(market, entry[amount]) if worked_out else entry.get(name, [])
    return body | {"commission_amount": 0, "commission_taxes": [], "commission_total_amount": 0}


def refund_amounts(market: Market, entry: Document, mode: str) -> Document:
    body = cancel_amounts(market, entry, mode) | {"order_refund_id": entry["group"], "commission_tax_amount": 0}
    return body | {"refund_state": "REFUNDED", "state": "REFUNDED"}
