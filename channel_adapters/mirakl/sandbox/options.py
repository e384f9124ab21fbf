"""What can be set on the sandbox. Times are in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from channel_adapters.mirakl.operators import SANDBOX_KEY


@dataclass(frozen=True)
class Options:
    """One operator. ``limits``: None for none (the demonstration), "published" for those of the specification, or
    [calls, seconds] by operation."""

    api_key: str = SANDBOX_KEY
    shop_id: int = 2000
    shop_name: str = "Sandbox shop"
    shop_state: str = "OPEN"
    currency: str = "EUR"
    import_seconds: float = 0.5
    product_seconds: float = 1.0
    debit_seconds: float = 0.5
    limits: Literal["published"] | Mapping[str, Sequence[float]] | None = None
    known_products: Literal["all", "none"] = "all"
    acceptance: Literal["AUTOMATIC", "NOT_AUTOMATIC"] = "AUTOMATIC"
    partial_acceptance: bool = True
    addresses_before_acceptance: bool = False
    multi_shipment: bool = True
    own_carriers: bool = True
    returns: bool = True
    return_requests: bool = True
    price_decimals: int = 2
    delimiter: Literal["COMMA", "SEMICOLON"] = "SEMICOLON"
    tax_mode: Literal["TAX_INCLUDED", "TAX_EXCLUDED"] = "TAX_EXCLUDED"
    tax_rule: Literal["PROPORTIONAL_TO_AMOUNT", "NONE"] = "PROPORTIONAL_TO_AMOUNT"
    tax_rate: float = 21.0
    shipping_price: float = 0.0
    cancel_reasons: bool = True
    required_fields: Sequence[str] = ()
