"""What consumers in other EU countries bought this year and last, and how near that is to the threshold of the one-stop
shop (OSS). The sums are counted anew from the orders each time, so they follow what is cancelled and paid back.

An order keeps the country it went to and no more: it counts as well when nothing is held about its buyer any longer.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.db.bulk import insert_rows
from bridge.db.tables import Connection, Order, OrderLine, RateDay, RefundRow, ReturnRow, Shop, Turnover
from bridge.domain.money import Money, total
from bridge.domain.order import Address
from bridge.domain.pricing.exchange import NoRate, Rates
from bridge.domain.pricing.oss import EU, THRESHOLD, OssNotice, OssSettings, OssState, kept, oss_notice
from bridge.domain.pricing.vat import RateKind
from bridge.domain.returns import ReturnDecision
from bridge.domain.shaping import MarketSettings
from bridge.flows import documents, rates
from bridge.flows.documents import SHOP
from bridge.flows.engine import Engine
from bridge.flows.overview import zone
from bridge.flows.price_tables import seed_rates, vat_table
from bridge.flows.watched import Told, keep

log = logging.getLogger("storebridge.flows")
KIND, SETTINGS = "oss_threshold", "oss"
SUBJECT = "sales to other EU countries"
CHUNK = 500
_SPELLED = {"EL": "GR"}  # the European Commission's own letters for Greece
_SEVERITY = {OssState.NEAR: "warning", OssState.OVER: "error", OssState.OVER_LAST_YEAR: "warning"}


def consumer_in(ship_to: Address, bill_to: Address | None) -> str:
    """The country that a consumer had an order delivered to; "" for a business and where nobody says."""
    if ship_to.vat_number or (bill_to is not None and bill_to.vat_number):
        return ""
    code = ship_to.country.strip().upper()
    return _SPELLED.get(code, code) if len(code) == 2 and code.isascii() and code.isalpha() else ""


def count(engine: Engine) -> None:
    """Every shop's; one shop's trouble is not the others'."""
    with engine.db.read(None) as session:
        shops = list(session.scalars(select(Shop.id).order_by(Shop.id)))
    for shop_id in shops:
        try:
            count_shop(engine, shop_id)
        except Exception:
            log.exception("the sales of shop %s to other EU countries could not be counted", shop_id)


def count_shop(engine: Engine, shop_id: int) -> None:
    now = engine.clock()
    with engine.db.read(shop_id) as session:
        country, where = home(session), zone(session)
    sums: dict[tuple[int, str], Money] = {}
    if country in EU:
        while engine.db.transact(shop_id, _looked_at, _begin(now, where)):
            pass
        with engine.db.read(shop_id) as session:
            sums = _sums(session, country, _begin(now, where), where)
    engine.db.transact(shop_id, _keep, country, sums, now, where)


def home(session: Session) -> str:
    """Where the shop is: by the merchant's word, else by the store's; "" where neither says."""
    row = documents.read(session, SHOP, "market")
    said = MarketSettings.model_validate(row.content).home if row is not None else None
    query = select(Connection.info).where(Connection.role == "platform", Connection.state != "disconnected")
    told = [str((info or {}).get("country") or "") for info in session.scalars(query.order_by(Connection.id))]
    return said or next((code for code in told if code), "")


def _begin(now: datetime, where: ZoneInfo) -> datetime:
    """The first moment of last year."""
    return datetime(now.astimezone(where).year - 1, 1, 1, tzinfo=where)


def _looked_at(session: Session, since: datetime) -> int:
    """Orders from before the country was kept, as far as their buyers are still known."""
    query = select(Order).where(Order.consumer_in.is_(None), Order.erased_at.is_(None), Order.placed_at >= since)
    rows = list(session.scalars(query.order_by(Order.id).limit(CHUNK)))
    for row in rows:
        ship_to, bill_to = row.buyer.get("ship_to"), row.buyer.get("bill_to")
        bill = Address.model_validate(bill_to) if bill_to else None
        row.consumer_in = consumer_in(Address.model_validate(ship_to or {}), bill)
    session.flush()
    return len(rows)


def _sums(session: Session, home_country: str, since: datetime, where: ZoneInfo) -> dict[tuple[int, str], Money]:
    """By year and country, in EUR without VAT."""
    days = _Days(session)
    sums: defaultdict[tuple[int, str], Money] = defaultdict(lambda: Money.zero(THRESHOLD.currency))
    for orders in _orders(session, home_country, since):
        lines, back = _lines(session, orders), _given_back(session, orders)
        for order in orders:
            day = order.placed_at.astimezone(where).date()
            net = _net(order, lines[order.id], back, home_country, day)
            if net.amount and (worth := days.worth(net, day)) is not None:
                sums[day.year, str(order.consumer_in)] += worth
    return {key: money.quantised() for key, money in sums.items()}


def _orders(session: Session, home_country: str, since: datetime) -> Iterator[Sequence[Any]]:
    """What counts, a part at a time: where the marketplace itself owes the VAT it does not."""
    columns = (Order.id, Order.placed_at, Order.currency, Order.consumer_in, Order.shipping, Order.shipping_tax)
    query = select(*columns).where(
        Order.consumer_in.in_(sorted(EU - {home_country})), Order.tax_by_channel.is_(False), Order.placed_at >= since
    )
    last = 0
    while rows := session.execute(query.where(Order.id > last).order_by(Order.id).limit(CHUNK)).all():
        yield rows
        last = rows[-1].id


def _lines(session: Session, orders: Sequence[Any]) -> defaultdict[int, list[OrderLine]]:
    found: defaultdict[int, list[OrderLine]] = defaultdict(list)
    query = select(OrderLine).where(OrderLine.order_id.in_([order.id for order in orders])).order_by(OrderLine.id)
    for line in session.scalars(query):
        found[line.order_id].append(line)
    return found


class _Back:
    """What was given back of a line: money that we paid, else units of returns that the marketplace paid itself."""

    def __init__(self) -> None:
        self.paid: defaultdict[int, Decimal] = defaultdict(Decimal)
        self.units: defaultdict[int, int] = defaultdict(int)


def _given_back(session: Session, orders: Sequence[Any]) -> _Back:
    found, ids = _Back(), [order.id for order in orders]
    refunds = select(RefundRow.order_line_id, RefundRow.amount).where(
        RefundRow.order_id.in_(ids), RefundRow.state != "failed"
    )
    for line_id, amount in session.execute(refunds):
        found.paid[line_id] += Decimal(amount)
    of_orders = select(OrderLine.id).where(OrderLine.order_id.in_(ids))
    returns = select(ReturnRow.order_line_id, ReturnRow.quantity, ReturnRow.decided_quantity).where(
        ReturnRow.order_line_id.in_(of_orders), ReturnRow.decision == ReturnDecision.ACCEPTED.value
    )
    for of_line, quantity, decided in session.execute(returns):
        found.units[of_line or 0] += quantity if decided is None else decided
    return found


def _net(order: Any, lines: Sequence[OrderLine], back: _Back, home_country: str, day: date) -> Money:
    """Of one order, in its currency: what is left of its lines, and the shipping while there is anything left."""
    percent = _percent(home_country, str(order.consumer_in), day)
    parts = []
    for line in lines:
        paid = back.paid.get(line.id)
        units = max(0, line.quantity - line.cancelled - (back.units[line.id] if paid is None else 0))
        whole, tax = Money.of(line.total, order.currency), _money(line.tax, order.currency)
        parts.append(kept(whole, tax, percent, units, line.quantity, paid or Decimal(0)))
    net = total(parts, order.currency)
    if net.amount and order.shipping:
        shipping, its_tax = Money.of(order.shipping, order.currency), _money(order.shipping_tax, order.currency)
        net += kept(shipping, its_tax, percent, 1, 1, Decimal(0))
    return net


def _money(amount: str | None, currency: str) -> Money | None:
    return None if amount is None else Money.of(amount, currency)


def _percent(home_country: str, country: str, day: date) -> Decimal:
    """Of a line whose VAT nobody tells: the lower of the two standard rates, so that the notice is never late."""
    table = vat_table()
    return min(table.percent(code, RateKind.STANDARD, day) for code in (home_country, country))


class _Days:
    """The exchange rates of each day that are known; before the first, those that come with the package."""

    def __init__(self, session: Session) -> None:
        query = select(RateDay).order_by(RateDay.day, RateDay.id)
        known = [Rates(base=row.base, day=date.fromisoformat(row.day), source=row.source, rates=row.rates)
                 for row in session.scalars(query)]  # fmt: skip
        self._tables = sorted([seed_rates(), *known], key=lambda item: item.day)
        self._days = [item.day for item in self._tables]
        row = documents.read(session, SHOP, "rates")
        self._own = rates.table(session, row.content if row is not None else {})

    def worth(self, money: Money, day: date) -> Money | None:
        """In EUR by the rate of that day; None for a currency that nobody gives a rate for."""
        table = self._tables[max(0, bisect_right(self._days, day) - 1)]
        for item in (table, self._own):
            try:
                return item.convert(money, THRESHOLD.currency)
            except NoRate:
                continue
        log.warning("no exchange rate from %s: it is left out of the sales to other EU countries", money.currency)
        return None


def _keep(
    session: Session, home_country: str, sums: Mapping[tuple[int, str], Money], now: datetime, where: ZoneInfo
) -> None:
    session.execute(delete(Turnover).execution_options(synchronize_session=False))
    rows = [
        {"year": year, "country": country, "amount": str(money.amount), "counted_at": now}
        for (year, country), money in sorted(sums.items())
    ]
    insert_rows(session, Turnover, rows)
    notice = _notice(session, home_country, now.astimezone(where).year, sums)
    found = {}
    if notice is not None and notice.text:
        fix = "Settings, Prices, has the sums by country. Say there that you declare this VAT once you do."
        found[SUBJECT] = Told(notice.text, fix, None, _SEVERITY[notice.state])
    keep(session, now, KIND, found)


def _notice(session: Session, home_country: str, year: int, sums: Mapping[tuple[int, str], Money]) -> OssNotice | None:
    def of(wanted: int) -> dict[str, Money]:
        return {country: money for (found, country), money in sums.items() if found == wanted}

    return oss_notice(home_country, of(year), of(year - 1), settings(session).registered)


def settings(session: Session) -> OssSettings:
    row = documents.read(session, SHOP, SETTINGS)
    return OssSettings.model_validate(row.content if row is not None else {})


def shown(session: Session, now: datetime) -> dict[str, Any] | None:
    """The sums of this year and last, and where they stand; None for a shop outside the EU. ``notice`` is empty while
    there is nothing to do."""
    country, year = home(session), now.astimezone(zone(session)).year
    rows = list(session.scalars(select(Turnover).order_by(Turnover.year.desc(), Turnover.country)))
    sums = {(row.year, row.country): Money.of(row.amount, THRESHOLD.currency) for row in rows}
    notice = _notice(session, country, year, sums)
    if notice is None:
        return None
    before = total([money for (found, _), money in sums.items() if found == year - 1], THRESHOLD.currency)
    return {
        "home": country,
        "state": notice.state.value,
        "notice": notice.text,
        "registered": settings(session).registered,
        "threshold": THRESHOLD,
        "years": [(year, notice.total), (year - 1, before)],
        "sums": [(found, code, money) for (found, code), money in sums.items()],
        "counted_at": max((row.counted_at for row in rows), default=None),
    }


def report(session: Session, now: datetime) -> dict[str, Any] | None:
    """What the page shows, for programs: amounts are text."""
    found = shown(session, now)
    if found is None:
        return None
    years = [{"year": year, **money.quantised().as_json()} for year, money in found["years"]]
    sums = [{"year": year, "country": country, **money.quantised().as_json()} for year, country, money in found["sums"]]
    return {**found, "threshold": THRESHOLD.quantised().as_json(), "years": years, "sums": sums}
