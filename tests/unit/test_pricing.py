"""Exchange rates, VAT, rounding, the price guard and the OSS threshold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.domain.money import CURRENCIES, Money
from bridge.domain.pricing.exchange import FixedRate, NoRate, Rates
from bridge.domain.pricing.guard import PriceGuard, change_percent
from bridge.domain.pricing.oss import EU, OssState, cross_border, oss_notice
from bridge.domain.pricing.rounding import Direction, smallest, to_coin, to_ending, to_step
from bridge.domain.pricing.vat import RateKind, TaxClasses, UnknownVat, VatRate, VatTable, gross, net, split
from bridge.flows.price_tables import seed_rates, vat_table

TODAY = date(2026, 11, 26)
AMOUNTS = st.decimals("0.01", "99999.99", places=2)
PERCENTS = st.sampled_from(
    [Decimal(text) for text in ("0", "2.6", "5.5", "7", "8.1", "9", "19", "20", "21", "25.5", "27")]
)


def euro(amount: Decimal | str) -> Money:
    return Money.of(amount, "EUR")


# Exchange.


def test_rates_know_their_age_and_say_what_they_do_not_know() -> None:
    rates = Rates(
        day=date(2026, 11, 23),
        source="ECB",
        rates={"GBP": Decimal("0.8338"), "PLN": Decimal("4.4038"), "XBT": Decimal(0)},
    )
    assert rates.quote("EUR", "GBP").text(TODAY) == "1 EUR = 0.8338 GBP (ECB, 2026-11-23, 3 days old)"
    assert rates.quote("GBP", "PLN").text(date(2026, 11, 23)) == "1 GBP = 5.281602 PLN (ECB, 2026-11-23)"
    assert rates.quote("EUR", "GBP").age(date(2026, 11, 20)) == 0
    assert rates.convert(euro("100"), "GBP").quantised() == Money.of("83.38", "GBP")
    assert rates.convert(euro("100"), "EUR") == euro("100")
    for unknown in ("USD", "XBT"):
        with pytest.raises(NoRate, match=f"from EUR to {unknown}"):
            rates.convert(euro("1"), unknown)


@given(AMOUNTS, st.sampled_from(["GBP", "PLN", "JPY", "HUF", "CHF"]), st.sampled_from(["USD", "SEK", "CZK", "EUR"]))
def test_there_and_back_is_the_same_to_the_cent_when_rounded_once_at_the_end(
    amount: Decimal, first: str, second: str
) -> None:
    rates = seed_rates()
    over = rates.convert(rates.convert(rates.convert(euro(amount), first), second), "EUR")
    assert over.quantised() == euro(amount)
    assert rates.convert(euro(amount), first).amount <= rates.convert(euro(amount + 1), first).amount


def test_a_fixed_rate_goes_first_and_the_other_way_round_too() -> None:
    rates = seed_rates().model_copy(update={"fixed": (FixedRate(base="EUR", currency="GBP", rate=Decimal("0.9")),)})
    assert rates.convert(euro("10"), "GBP").amount == 9
    assert rates.convert(Money.of("9", "GBP"), "EUR").amount == 10
    assert rates.quote("GBP", "EUR").age(TODAY) is None
    with pytest.raises(ValidationError):
        FixedRate(base="EUR", currency="GBP", rate=Decimal(0))


def test_the_rates_that_come_along() -> None:
    seed = seed_rates()
    assert (seed.base, seed.source) == ("EUR", "European Central Bank")
    assert set(seed.rates) <= CURRENCIES
    assert {"GBP", "PLN", "HUF", "CZK", "SEK", "DKK", "RON", "CHF", "NOK", "USD", "JPY"} <= set(seed.rates)
    assert all(rate > 0 for rate in seed.rates.values())


# VAT.


def test_the_vat_table_that_comes_along() -> None:
    table = vat_table()
    assert table.countries == EU | {"GB", "CH", "NO"}
    for country in table.countries:
        standard = table.percent(country, RateKind.STANDARD, TODAY)
        assert Decimal(8) < standard <= 27
        others = [
            rate
            for kind in (RateKind.REDUCED, RateKind.REDUCED_LOW, RateKind.SUPER_REDUCED)
            if (rate := _known(table, country, kind)) is not None
        ]
        assert others == sorted(others, reverse=True)
        assert all(0 < rate < standard for rate in others)
        assert bool(others) == (country != "DK")
        assert table.percent(country, RateKind.ZERO, TODAY) == 0
        assert table.rate(country, RateKind.STANDARD, date(2024, 1, 1)).percent


def _known(table: VatTable, country: str, kind: RateKind) -> Decimal | None:
    try:
        return table.percent(country, kind, TODAY)
    except UnknownVat:
        return None


def test_rates_hold_from_their_day_on() -> None:
    table = vat_table()
    assert [
        table.percent("EE", RateKind.STANDARD, day) for day in (date(2024, 6, 1), date(2025, 6, 30), date(2025, 7, 1))
    ] == [22, 22, 24]
    assert [table.percent("FI", RateKind.REDUCED, day) for day in (date(2025, 12, 31), date(2026, 1, 1))] == [
        14,
        Decimal("13.5"),
    ]
    assert table.percent("RO", RateKind.REDUCED_LOW, date(2025, 7, 31)) == 5
    for country, kind, day in (
        ("RO", RateKind.REDUCED_LOW, TODAY),
        ("DK", RateKind.REDUCED, TODAY),
        ("NL", RateKind.STANDARD, date(1960, 1, 1)),
        ("XX", RateKind.ZERO, TODAY),
    ):
        with pytest.raises(UnknownVat, match=country):
            table.percent(country, kind, day)
    with pytest.raises(ValidationError):
        VatRate(country="nl", kind=RateKind.STANDARD, percent=Decimal(21), valid_from=TODAY, source="x")


def test_a_tax_class_means_a_rate_per_country_and_the_standard_rate_where_nobody_said() -> None:
    classes = TaxClasses(
        everywhere={"reduced-rate": RateKind.REDUCED}, countries={"BE": {"reduced-rate": RateKind.REDUCED_LOW}}
    )
    assert [classes.kind("reduced-rate", country) for country in ("NL", "BE")] == [
        RateKind.REDUCED,
        RateKind.REDUCED_LOW,
    ]
    assert classes.kind(None, "NL") is classes.kind("books", "NL") is RateKind.STANDARD


@given(AMOUNTS, PERCENTS)
def test_gross_and_net_come_back_within_a_cent_and_a_split_adds_up(amount: Decimal, percent: Decimal) -> None:
    assert euro(gross(net(amount, percent), percent)).quantised() == euro(amount)
    with_vat = euro(gross(amount, percent)).quantised()
    without, tax = split(with_vat, percent)
    assert without + tax == with_vat
    assert without.quantised() == without
    assert abs(without.amount - amount) <= Decimal("0.01")
    assert tax.amount >= 0


def test_vat_in_whole_forint() -> None:
    assert split(Money.of("22163", "HUF"), Decimal(27)) == (Money.of("17451", "HUF"), Money.of("4712", "HUF"))


# Rounding.


@given(st.decimals("0.001", "99999", places=3), st.sampled_from(sorted(CURRENCIES)), st.sampled_from(list(Direction)))
def test_whole_coins(amount: Decimal, currency: str, direction: Direction) -> None:
    coins = to_coin(amount, currency, direction)
    assert coins % smallest(currency) == 0
    assert abs(coins - amount) < smallest(currency)
    assert {
        Direction.UP: coins >= amount,
        Direction.DOWN: coins <= amount,
        Direction.NEAREST: abs(coins - amount) <= smallest(currency) / 2,
    }[direction]
    assert to_coin(coins, currency, direction) == coins


@given(
    AMOUNTS,
    st.sampled_from([("1", "0.99"), ("1", "0.95"), ("1", "0"), ("10", "9.90"), ("5", "4.5")]),
    st.sampled_from(list(Direction)),
)
def test_price_endings(amount: Decimal, form: tuple[str, str], direction: Direction) -> None:
    every, ending = Decimal(form[0]), Decimal(form[1])
    price = to_ending(amount, every, ending, direction)
    lowest = ending or every
    assert price % every == ending
    assert price >= lowest
    assert to_ending(price, every, ending, direction) == price
    if amount >= lowest:
        assert abs(price - amount) < every
        assert {
            Direction.UP: price >= amount,
            Direction.DOWN: price <= amount,
            Direction.NEAREST: abs(price - amount) <= every / 2,
        }[direction]
    assert to_ending(amount + 1, every, ending, direction) >= price


def test_known_roundings() -> None:
    assert str(to_coin(Decimal("99.036"), "PLN")) == "99.04"
    assert [to_coin(Decimal("99.5"), currency) for currency in ("JPY", "HUF", "KWD")] == [100, 100, Decimal("99.500")]
    assert [to_ending(Decimal(amount), Decimal(1), Decimal("0.99")) for amount in ("12.49", "12.48", "0.10")] == [
        Decimal("12.99"),
        Decimal("11.99"),
        Decimal("0.99"),
    ]
    assert [to_step(Decimal("12.34"), Decimal("0.05"), direction) for direction in Direction] == [
        Decimal("12.35"),
        Decimal("12.30"),
        Decimal("12.35"),
    ]
    assert to_step(Decimal("0.01"), Decimal("0.05"), Direction.DOWN) == Decimal("0.05")


# The guard.


def test_a_price_outside_its_bounds_or_far_from_the_last_one_is_asked_about() -> None:
    guard = PriceGuard(floor=euro("10"), ceiling=euro("100"), max_change=Decimal(30))
    assert guard.holds(euro("50"), None) is None
    assert guard.holds(euro("65"), euro("50")) is None
    assert guard.holds(euro("35"), euro("50")) is None
    assert guard.holds(euro("9.99"), None) == "The price 9.99 EUR is below the floor of 10.00 EUR."
    assert guard.holds(euro("100.01"), None) == "The price 100.01 EUR is above the ceiling of 100.00 EUR."
    assert (
        guard.holds(euro("65.01"), euro("50"))
        == "The price changes from 50.00 EUR to 65.01 EUR, by +30.0 %; more than 30 % is asked about first."
    )
    assert guard.holds(Money.of("50", "GBP"), None) == "The price is 50.00 GBP, its bounds are in EUR."
    assert PriceGuard().holds(Money.of("50", "GBP"), euro("50")) == "The price changes from 50.00 EUR to 50.00 GBP."
    assert PriceGuard().holds(euro("5"), euro("50")) is not None  # a slip of 90 %
    assert PriceGuard(max_change=None).holds(euro("5"), euro("50")) is None
    assert change_percent(Decimal(1), Decimal(0)) is None
    for floor, ceiling in ((euro("2"), euro("1")), (euro("1"), Money.of("2", "GBP"))):
        with pytest.raises(ValidationError):
            PriceGuard(floor=floor, ceiling=ceiling)


@given(AMOUNTS, AMOUNTS, st.decimals("1", "90", places=0))
def test_no_price_gets_past_the_guard_that_moves_further_than_it_lets(
    new: Decimal, old: Decimal, limit: Decimal
) -> None:
    held = PriceGuard(max_change=limit).holds(euro(new), euro(old))
    assert (held is not None) == (abs(new - old) > old * limit / 100)


# OSS.


def test_the_oss_threshold_counts_other_eu_countries_only() -> None:
    sums = {"NL": euro("90000"), "DE": euro("5000"), "FR": euro("2999.99"), "GB": euro("8000"), "CH": euro("8000")}
    assert cross_border("NL", sums) == euro("7999.99")
    quiet = oss_notice("NL", sums)
    assert quiet is not None
    assert (quiet.state, quiet.text) == (OssState.BELOW, "")
    assert oss_notice("GB", sums) is None


@pytest.mark.parametrize(
    ("now", "before", "state"),
    [
        ("8000", "0", "near"),
        ("10000", "0", "near"),
        ("10000.01", "0", "over"),
        ("100", "10000.01", "over_last_year"),
        ("100", "10000", "below"),
        ("12000", "12000", "over"),
    ],
)
def test_the_oss_notice(now: str, before: str, state: str) -> None:
    notice = oss_notice("NL", {"DE": euro(now)}, {"FR": euro(before)})
    assert notice is not None
    assert notice.state == state
    assert bool(notice.text) == (state != "below")
    told = oss_notice("NL", {"DE": euro(now)}, {"FR": euro(before)}, registered=True)
    assert told is not None
    assert (told.state, told.text) == (notice.state, "")


def test_sums_in_another_currency_are_refused() -> None:
    with pytest.raises(ValueError, match="PLN"):
        oss_notice("NL", {"PL": Money.of("1", "PLN")})
