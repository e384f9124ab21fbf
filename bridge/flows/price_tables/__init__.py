"""The tables that prices need and that come with the package: VAT rates, and exchange rates to begin with.

Where each figure is from stands in NOTICE beside the tables.
"""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from bridge.domain.pricing.exchange import Rates
from bridge.domain.pricing.vat import RateKind, VatRate, VatTable

_SOURCES = {
    "TEDB": "European Commission, Taxes in Europe database",
    "ESTV": "Swiss Federal Tax Administration",
    "HMRC": "HM Revenue & Customs",
    "Skatteetaten": "Norwegian Tax Administration",
    "history": "earlier rate",
}


@lru_cache(maxsize=1)
def vat_table() -> VatTable:
    """VAT rates of the EU, the United Kingdom, Switzerland and Norway."""
    return VatTable(_vat_rate(row) for row in csv.DictReader(_text("vat.csv").splitlines()))


def _vat_rate(row: dict[str, Any]) -> VatRate:
    return VatRate(
        country=row["country"],
        kind=RateKind(row["kind"]),
        percent=Decimal(row["percent"]) if row["percent"] else None,
        valid_from=date.fromisoformat(row["valid_from"]),
        source=_SOURCES[row["source"]],
    )


@lru_cache(maxsize=1)
def seed_rates() -> Rates:
    """Exchange rates of the day this package was made, for as long as nothing newer is known."""
    return Rates.model_validate(json.loads(_text("rates.json")))


def _text(name: str) -> str:
    return files(__package__ or __name__).joinpath(name).read_text(encoding="utf-8")
