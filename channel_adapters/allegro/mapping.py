"""Offers and returns, their JSON to our domain. Pure; unknown fields are left alone, unknown words kept.

Orders are in ``forms.py``, figures in ``figures.py``, what goes out in ``content.py`` and ``commands.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bridge.domain.listing import LiveOffer
from bridge.domain.reading import Json, moment, table, tables, text
from bridge.domain.returns import MarketplaceReturn, ReturnCause, ReturnLine
from bridge.ports.channel import SaleStatus
from bridge.ports.manifest import Site
from channel_adapters.allegro import content
from channel_adapters.allegro.reading import money, whole
from channel_adapters.allegro.vocabulary import (
    ACTIVATING,
    ACTIVE,
    ENDED,
    ENDED_BY,
    FOR_SALE,
    INACTIVE,
    RETURN_CAUSES,
    RETURNS_DECIDED,
    RETURNS_ON_THEIR_WAY,
)

# Offers. On the base marketplace an offer's id is its number; on a further one it is ``allegro-cz:7680001``.


def offer_id(site: str, number: str) -> str:
    return f"{site}:{number}"


def place_of(offer: str) -> tuple[str, str]:
    """The further marketplace ("" for the base) and the number, "" when it is no id of ours."""
    site, mark, number = offer.rpartition(":")
    fits = number.isdigit() and (not mark or bool(site))
    return (site, number) if fits else ("", "")


def status(raw: Json) -> str:
    return text(table(raw, "publication").get("status"))


def further(raw: Json) -> set[str]:
    """Marketplaces beside the base that the offer is meant for."""
    named = {text(item.get("id")) for item in tables(table(raw, "publication", "marketplaces"), "additional")}
    priced = {name for name in table(raw, "additionalMarketplaces") if money(_price_on(raw, name)) is not None}
    return named | priced


def _price_on(raw: Json, site: str) -> Json:
    return table(raw, "additionalMarketplaces", site, "sellingMode", "price")


def best(raws: Sequence[Json]) -> list[Json]:
    """One offer for each of our references: one that is on sale, else a draft, else the one that ended last."""
    rank = {ACTIVE: 3, ACTIVATING: 2, INACTIVE: 1}
    found: dict[str, Json] = {}
    for raw in sorted(raws, key=lambda item: (rank.get(status(item), 0), _ended_at(item))):
        found[text(table(raw, "external").get("id"))] = raw
    return list(found.values())


def _ended_at(raw: Json) -> str:
    return text(table(raw, "publication").get("endedAt"))


def live_offers(raw: Json, sites: Sequence[Site]) -> list[LiveOffer]:
    """As each marketplace shows it. The quantity is one for all and told with the base, ``sites[0]``; what has ended
    shows none."""
    number, sku = text(raw.get("id")), text(table(raw, "external").get("id")) or None
    state, available = status(raw), whole(table(raw, "stock").get("available"))
    shown = 0 if state == ENDED else available
    found = [
        LiveOffer(
            offer_id=number,
            site=sites[0].code,
            sku=sku,
            stock=shown,
            price=money(table(raw, "sellingMode").get("price")),
            title=text(raw.get("name")) or None,
            for_sale=FOR_SALE.get(state),
        )
    ]
    for site in sites[1:]:
        if site.code in further(raw):
            approved = text(table(raw, "additionalMarketplaces", site.code, "publication").get("state"))
            live = FOR_SALE.get(state) if approved == "APPROVED" or not approved else False
            key, amount = offer_id(site.code, number), money(_price_on(raw, site.code))
            found.append(LiveOffer(offer_id=key, site=site.code, sku=sku, price=amount, for_sale=live))
    return found


def sale_status(offer: str, site: str, raw: Json) -> SaleStatus:
    state, publication = status(raw), table(raw, "publication")
    reasons, fixes = content.problems(raw), []
    if reasons:
        fixes.append("Correct the product in the store.")
    if state == ENDED:
        ended_by = text(publication.get("endedBy"))
        reasons.append(ENDED_BY.get(ended_by, f"The offer has ended {f'({ended_by})' if ended_by else ''}".strip()))
        fixes.append("It is put on sale again with the next quantity; otherwise look at it in My Allegro.")
    elif state == INACTIVE:
        reasons.append("The offer is a draft.")
        fixes.append("It is put on sale with the next quantity above 0.")
    elif state == ACTIVATING:
        reasons.append("Allegro is still publishing the offer.")
    for_sale = FOR_SALE.get(state)
    if site:
        told = table(raw, "additionalMarketplaces", site, "publication")
        if (word := text(told.get("state"))) != "APPROVED":
            for_sale = False
            said = [text(item.get("userMessage")) for item in tables(told, "refusalReasons")]
            reasons += list(filter(None, said)) or [f"On {site} it is {word or 'not asked for'}."]
    return SaleStatus(offer_id=offer, for_sale=for_sale, reasons=tuple(reasons), fixes=tuple(fixes))


# Returns


def marketplace_return(raw: Json, order_raw: Json, seen_at: datetime) -> MarketplaceReturn:
    """``order_raw`` is its order, empty where it was not asked for; ``seen_at`` stands in for a missing time. Allegro
    names the offer that comes back, perhaps more than once; the line of the order is the one with that offer."""
    key, by_offer = text(raw.get("id")), dict[str, list[Json]]()
    for item in tables(raw, "items"):
        if whole(item.get("quantity")):
            by_offer.setdefault(text(item.get("offerId")), []).append(item)
    lines = tuple(_return_line(raw, items, order_raw) for items in by_offer.values())
    return MarketplaceReturn(
        external_id=key, registered_at=moment(raw.get("createdAt")) or seen_at, lines=lines, raw=raw
    )


def _return_line(raw: Json, items: Sequence[Json], order_raw: Json) -> ReturnLine:
    item = items[0]
    offer, word = text(item.get("offerId")), text(raw.get("status"))
    fitting = [line for line in tables(order_raw, "lineItems") if text(table(line, "offer").get("id")) == offer]
    sold = fitting[0] if fitting else {}
    reason = table(item, "reason")
    return ReturnLine(
        external_id=return_line_id(text(raw.get("id")), offer),
        order_id=text(raw.get("orderId")) or None,
        order_line_id=text(sold.get("id")) or None,
        sku=text(table(sold, "offer", "external").get("id")) or None,
        title=text(item.get("name")),
        quantity=sum(whole(part.get("quantity")) or 0 for part in items),
        reason=text(reason.get("type")),
        cause=RETURN_CAUSES.get(text(reason.get("type")), ReturnCause.OTHER),
        comment=text(reason.get("userComment")),
        handled=word in RETURNS_DECIDED,
        received=word not in RETURNS_ON_THEIR_WAY if word else None,
    )


def return_line_id(return_id: str, offer: str) -> str:
    return f"{return_id}:{offer}"


def return_of(line_id: str) -> str:
    return line_id.rpartition(":")[0]
