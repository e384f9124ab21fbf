"""The product status report: what Zalando shows of our articles. A question in GraphQL, and its answer read. Pure.

Its schema is in no file; the names are those of the tutorial (psr-api-tutorial.html) and of programs that use them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.domain.listing import LiveOffer
from bridge.domain.reading import Json, table, tables, text, whole
from bridge.ports.channel import SaleStatus
from bridge.ports.errors import RejectItem
from channel_adapters.zalando.outlines import word
from channel_adapters.zalando.reading import money
from channel_adapters.zalando.vocabulary import LIVE, REFUSED_CLUSTER, country

MODELS_PER_PAGE = 50
_STATUS = "status_detail_code status_cluster"
_PRICE = "regular_price { amount currency } discounted_price { amount currency }"
_OFFER = (
    f"offer_status {{ {_STATUS} short_description {{ en }} }} "
    f"country {{ code }} stock {{ amount }} price {{ {_PRICE} }}"
)
_SIMPLE = f"ean merchant_product_simple_id status {{ {_STATUS} }} offers {{ {_OFFER} }}"
_ITEMS = (
    f"merchant_product_model_id name product_configs {{ merchant_product_config_id product_simples {{ {_SIMPLE} }} }}"
)


def question(merchant: str, *, search: str = "", cursor: str | None = None) -> str:
    """All articles, or those that ``search`` finds (an EAN or a number of ours). The lists have to be there, and empty
    means all."""
    wanted = {
        "merchant_ids": [merchant],
        "status_clusters": [],
        "season_codes": [],
        "brand_codes": [],
        "country_codes": [],
        "limit": MODELS_PER_PAGE,
        "search_value": search,
    } | ({"cursor": cursor} if cursor else {})
    given = ", ".join(f"{name}: {json.dumps(value)}" for name, value in wanted.items())
    return f"{{ psr {{ product_models(input: {{ {given} }}) {{ cursor items {{ {_ITEMS} }} }} }} }}"


@dataclass(frozen=True)
class Shown:
    """One article as the report shows it. ``offers`` by site."""

    ean: str
    sku: str
    title: str
    clusters: tuple[str, ...]
    offers: Mapping[str, Json]


def shown(models: Json) -> Iterator[Shown]:
    for model in tables(models, "items"):
        for config in tables(model, "product_configs"):
            for simple in tables(config, "product_simples"):
                if text(simple.get("ean")):
                    yield _shown(model, simple)


def _shown(model: Json, simple: Json) -> Shown:
    offers = {country(text(table(raw, "country").get("code"))): raw for raw in tables(simple, "offers")}
    return Shown(
        ean=text(simple.get("ean")),
        sku=text(simple.get("merchant_product_simple_id")),
        title=word(model.get("name")),
        clusters=tuple(text(status.get("status_cluster")) for status in statuses(simple.get("status"))),
        offers=offers,
    )


def statuses(raw: object) -> list[Json]:
    """One, or a list of them."""
    return [item for item in (raw if isinstance(raw, list) else [raw]) if isinstance(item, dict)]


def is_refused(article: Shown) -> bool:
    return REFUSED_CLUSTER in article.clusters


# Offers. An offer's id is ``de:4006381333931``: Zalando knows offers by country and EAN.


def offer_id(site: str, ean: str) -> str:
    return f"{site}:{ean}"


def place_of(offer: str) -> tuple[str, str]:
    """Site and EAN. Raises RejectItem for an id that is not ours."""
    site, _, ean = offer.partition(":")
    if not site or not ean.isdigit():
        raise RejectItem(f"{offer!r} is no offer of Zalando: site:EAN is expected.", field="offer_id")
    return site, ean


def live_offer(article: Shown, site: str, raw: Json) -> LiveOffer:
    """With the regular price: a reduced one is made in zDirect and none of ours."""
    amount = money(table(raw, "price").get("regular_price"))
    return LiveOffer(
        offer_id=offer_id(site, article.ean),
        site=site,
        sku=article.sku or None,
        gtin=article.ean,
        stock=whole(table(raw, "stock").get("amount")),
        price=amount,
        title=article.title or None,
        for_sale=for_sale(raw),
    )


def for_sale(raw: Json) -> bool | None:
    """None where nothing is said about it."""
    clusters = [text(status.get("status_cluster")) for status in statuses(raw.get("offer_status"))]
    return LIVE in clusters if any(clusters) else None


def sale_status(offer: str, article: Shown, raw: Json) -> SaleStatus:
    reasons, fixes = [], []
    sold = for_sale(raw)
    if is_refused(article):
        reasons.append("Zalando refused the article itself.")
        fixes.append("Correct its texts, pictures or attributes in the store, or see zDirect (Article listing).")
    if sold is not True:
        reasons += [_reason(status) for status in statuses(raw.get("offer_status"))]
        fixes.append("See the article in zDirect (Article listing).")
    if whole(table(raw, "stock").get("amount")) == 0:
        reasons.append("Nothing is in stock.")
        fixes.append("Nothing to do when it is sold out; otherwise check the stock in the store.")
    if sold is not True and money(table(raw, "price").get("regular_price")) is None:
        reasons.append("Zalando has no price for it.")
        fixes.append("Check the price in the store; it is sent by itself.")
    return SaleStatus(offer_id=offer, for_sale=sold, reasons=tuple(filter(None, reasons)), fixes=tuple(fixes))


def _reason(status: Json) -> str:
    words = word(status.get("short_description")) or text(status.get("status_cluster")).lower()
    code = text(status.get("status_detail_code"))
    return f"{words} ({code})" if code else words
