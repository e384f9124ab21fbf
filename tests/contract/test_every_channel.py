"""What every marketplace adapter does when it writes, reads orders and meets what is unusual; each rule over each adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from bridge.domain.listing import Facet
from bridge.domain.order import CancelReason, ParcelLine
from bridge.ports.adapter import Adapter
from bridge.ports.channel import OfferDraft, Outcome, ScoreFigure, StockUpdate
from bridge.ports.errors import BridgeError, Reauthorise, RejectItem, RetryLater, SlowDown, UnknownOutcome
from bridge.ports.http.context import hurry
from bridge.ports.manifest import Capability
from tests.contract.market import EANS, Market, attempt, draft, gone, pages, short, soon
from tests.contract.suite import SINCE, Bench, rule

MANY = 120
WORKERS = 8
HASTE, LATE = 1.0, 2.0
EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.fixture
def market(adapter: Adapter, serve: Callable[..., str]) -> Iterator[Market]:
    bench = Bench(adapter, serve(adapter.sandbox()))
    with bench.http:
        yield Market(bench)


@rule("idempotent-writes", kind="channel")
def test_a_write_may_be_repeated(market: Market) -> None:
    update = market.offer().model_copy(update={"stock": 4})
    for _ in range(2):
        [result] = market.channel.update_stock([update])
        assert market.outcome(result)[0] is Outcome.APPLIED
    soon(lambda: market.stock(update.sku) == {4})


@rule("results-per-item", kind="channel")
def test_one_bad_item_harms_no_other(market: Market) -> None:
    good = market.offer().model_copy(update={"stock": 3})
    results = market.channel.update_stock([gone(good), good])
    assert [result.key for result in results] == ["gone", good.key]
    assert market.outcome(results[1])[0] is Outcome.APPLIED
    assert market.outcome(results[0])[0] in (Outcome.MISSING, Outcome.REJECTED)
    soon(lambda: market.stock(good.sku) == {3})


@rule("unknown-outcome", kind="channel")
def test_a_write_without_an_answer_is_told_apart_and_may_be_sent_again(market: Market) -> None:
    """The work is done, and the answer does not come in time."""
    update = market.offer()
    [result] = market.channel.update_stock([update.model_copy(update={"stock": 8})])
    assert market.outcome(result)[0] is Outcome.APPLIED
    operation = market.sent()[-1]["op"]
    wanted = update.model_copy(update={"stock": 5})
    with market.fault("timeout_after_write", operation, seconds=LATE), hurry(HASTE):
        answer = attempt(lambda: market.channel.update_stock([wanted]))
    if isinstance(answer, BridgeError):
        assert isinstance(answer, UnknownOutcome | RetryLater), repr(answer)
    else:
        assert answer[0].outcome in (Outcome.APPLIED, Outcome.RETRY, Outcome.SUBMITTED)
    [again] = market.channel.update_stock([wanted])
    assert market.outcome(again)[0] is Outcome.APPLIED
    soon(lambda: market.stock(update.sku) == {5})


@rule("lookup-before-create", kind="channel")
def test_a_create_without_an_answer_makes_no_second_offer(market: Market) -> None:
    """What the engine does: after an answer that never came it looks, and creates only what is not there."""
    site = market.site()
    first, second = (draft(f"NEW-{number}", EANS[number], *site) for number in range(2))
    _create(market, first)
    operation = next(call["op"] for call in market.sent() if first.sku in call["path"] + call["body"])
    with market.fault("timeout_after_write", operation, times=1, seconds=LATE), hurry(HASTE):
        answer = attempt(lambda: market.channel.create_offers([second]))
    assert isinstance(answer, list | UnknownOutcome | RetryLater), repr(answer)
    if not _appears(market, second):
        _create(market, second)
    soon(lambda: market.listed(second.sku) and len(market.listed(second.sku)) == len(market.listed(first.sku)))


def _create(market: Market, wanted: OfferDraft) -> None:
    """To the end: where stock is sent on its own, it is sent."""
    [made] = market.channel.create_offers([wanted])
    assert market.outcome(made)[0] is Outcome.APPLIED, made.message
    if Facet.STOCK in made.unsent:
        known = wanted.model_dump(include={"key", "site", "sku", "gtin", "stock"})
        [sent] = market.channel.update_stock([StockUpdate(**known, offer_id=made.offer_id or "")])
        assert market.outcome(sent)[0] is Outcome.APPLIED, sent.message


def _appears(market: Market, wanted: OfferDraft) -> bool:
    def look() -> bool:
        found = market.channel.find_offers([wanted.sku], [wanted.gtin or ""])
        return wanted.sku in {offer.sku for offer in found}

    try:
        return bool(soon(look, within=4))
    except AssertionError:
        return False


@rule("typed-errors", kind="channel", needs=Capability.OFFERS)
@pytest.mark.parametrize(
    ("kind", "params", "errors"),
    [
        ("error", {"status": 503}, (RetryLater, UnknownOutcome)),
        ("html", {}, (RetryLater, UnknownOutcome)),
        ("throttle", {"retry_after": 40}, (SlowDown,)),
        ("unauthorised", {}, (Reauthorise,)),
    ],
)
def test_a_refused_write_says_what_to_do_next(
    market: Market, kind: str, params: dict[str, object], errors: tuple[type[BridgeError], ...]
) -> None:
    update = market.offer()
    with market.fault(kind, **params):
        answer = attempt(lambda: market.channel.update_stock([update.model_copy(update={"stock": 2})]))
    if isinstance(answer, BridgeError):
        assert isinstance(answer, errors), repr(answer)
        assert answer.merchant
    else:
        assert answer[0].outcome is Outcome.RETRY, answer
        assert kind != "unauthorised"


@rule("shared-token", kind="channel")
def test_eight_workers_at_once_ask_for_one_token(market: Market) -> None:
    channels = [market.bench.connect() for _ in range(WORKERS)]
    before = market.tokens()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda channel: channel.list_orders(SINCE, None), channels))
    assert (before, market.tokens()) == (0, 1)


@rule("whole-lists", kind="channel")
def test_a_list_of_several_pages_has_every_order(market: Market) -> None:
    placed = {short(name) for name in market.buy_many(market.goods(), MANY)}
    assert len(placed) == MANY
    assert {short(ref.external_id) for ref in market.orders()} == placed
    assert {short(ref.external_id) for ref in pages(market.channel.list_open_orders)} <= placed


@rule("paging-guards", kind="channel")
def test_lists_end_although_the_cursor_is_stuck(market: Market) -> None:
    """Within the pages that the engine looks at; that a list never ends is an error it is read again later for."""
    market.buy_many(market.goods(), MANY)
    lists = [market.orders, lambda: pages(market.channel.list_open_orders)]
    if Capability.READ_BACK in market.bench.adapter.manifest.capabilities:
        lists.append(lambda: pages(market.channel.list_offers))
    with market.fault("stuck_cursor"):
        ends = [attempt(read) for read in lists]
    assert [end for end in ends if not isinstance(end, list | RetryLater | RejectItem)] == []


@rule("empty-answers", kind="channel")
def test_a_list_that_suddenly_is_empty_is_an_empty_page(market: Market) -> None:
    market.buy(market.goods())
    soon(market.orders)
    with market.fault("empty_list"):
        assert market.orders() == []
        for read in market.bench.lists().values():
            assert read(market.channel).items == ()
    assert len(market.orders()) == 1


@rule("unknown-fields", kind="channel")
def test_fields_added_later_are_kept_and_harm_nothing(market: Market) -> None:
    _drifts(market, words=False)


@rule("unknown-words", kind="channel")
def test_words_added_later_to_a_list_of_words_harm_nothing(market: Market) -> None:
    _drifts(market, words=True)


def _drifts(market: Market, *, words: bool) -> None:
    sku = market.goods()
    order_id = market.buy(sku)
    [ref] = soon(market.orders)
    with market.fault("drift", words=words):
        orders = market.orders()
        order = market.channel.fetch_order(ref.external_id)
        offers = {name: read(market.channel).items for name, read in market.bench.lists().items()}.get("read_back")
    assert [short(item.external_id) for item in orders] == [short(order_id)]
    assert {line.sku for line in order.lines} == ({sku} if market.by_calls() else {None})
    assert "addedLater" in str(order.raw)
    assert offers is None or sku in {offer.sku for offer in offers}


@rule("money-and-currency", kind="channel")
def test_money_is_exact_and_has_its_currency(market: Market) -> None:
    sku = market.goods()
    market.buy(sku, lines=[{"sku": sku, "quantity": 2, "unit_price": 12.65}])
    [ref] = soon(market.orders)
    order = market.channel.fetch_order(ref.external_id)
    manifest = market.bench.adapter.manifest
    known = {manifest.currency, *(site.currency for site in manifest.sites)} - {None}
    assert not known or order.currency in known
    assert sum((line.total.amount for line in order.lines), Decimal(0)) == Decimal("25.30")
    assert {line.unit_price.amount for line in order.lines} == {Decimal("12.65")}
    assert {line.total.currency for line in order.lines} == {order.currency}
    assert order.total.amount >= Decimal("25.30")


@rule("times-in-utc", kind="channel")
def test_times_are_the_same_moment_in_utc(market: Market) -> None:
    moment = (datetime.now(UTC) - timedelta(minutes=5)).replace(microsecond=0)
    market.buy(market.goods(), placed_at=moment.astimezone(EAST).isoformat())
    [ref] = soon(market.orders)
    order = market.channel.fetch_order(ref.external_id)
    assert order.placed_at.utcoffset() == timedelta(0)
    assert abs(order.placed_at - moment) <= timedelta(seconds=1)


@rule("deadlines", kind="channel")
def test_an_order_says_until_when_it_has_to_be_handled(market: Market) -> None:
    market.buy(market.goods())
    [ref] = soon(market.orders)
    order = market.channel.fetch_order(ref.external_id)
    found = [order.accept_by, *(line.ship_by for line in order.lines), *(line.expires_at for line in order.lines)]
    deadlines = [moment for moment in found if moment is not None]
    assert deadlines
    assert all(moment > order.placed_at and moment.utcoffset() == timedelta(0) for moment in deadlines)


@rule("read-back", kind="channel")
def test_what_was_sent_is_read_back(market: Market) -> None:
    update = market.offer().model_copy(update={"stock": 6})
    [result] = market.channel.update_stock([update])
    assert market.outcome(result)[0] is Outcome.APPLIED

    def shown() -> bool:
        offers = pages(market.channel.list_offers)
        return any((offer.sku, offer.offer_id, offer.stock) == (update.sku, update.offer_id, 6) for offer in offers)

    soon(shown)


@rule("carriers", kind="channel", needs=Capability.SHIPMENTS)
def test_every_carrier_has_a_code_there_or_says_so(market: Market) -> None:
    manifest = market.bench.adapter.manifest
    for carrier in (*list(manifest.carriers)[:3], "dhl", "A carrier nobody has heard of"):
        code = _code(market, carrier)
        refused = isinstance(code, RejectItem) and "carrier" in code.merchant.lower()
        assert refused or (isinstance(code, list) and isinstance(code[0], str)), repr(code)


def _code(market: Market, carrier: str) -> BridgeError | list[str]:
    return attempt(lambda: [market.channel.carrier_code(carrier, "00340434161094015902")])


@rule("one-transport", kind="channel", needs=Capability.OFFERS)
def test_writes_and_orders_go_through_the_shared_transport(market: Market) -> None:
    update = market.offer()
    market.buy(update.sku)
    [result] = market.channel.update_stock([update.model_copy(update={"stock": 1})])
    market.outcome(result)
    [ref] = soon(market.orders)
    market.channel.fetch_order(ref.external_id)
    assert len(market.bench.recorder.exchanges) == len(market.bench.seen())


@rule("sandbox-faults", kind="channel", needs=Capability.OFFERS)
def test_its_sandbox_can_say_yes_and_do_nothing(market: Market) -> None:
    update = market.offer()
    with market.fault("not_applied"):
        attempt(lambda: market.channel.update_stock([update.model_copy(update={"stock": 1})]))
    assert market.stock(update.sku) == {update.stock}


@rule("sandbox", kind="channel")
def test_its_sandbox_keeps_to_the_share_of_the_documented_limits_that_is_asked_for(market: Market) -> None:
    """None: as often as one likes. Next to nothing: hardly a call, where there are documented limits at all."""

    def refused(times: int) -> bool:
        before = len(market.bench.seen())
        for _ in range(times):
            attempt(lambda: market.channel.list_orders(SINCE, None).items)
        return 429 in {call["status"] for call in market.bench.seen()[before:]}

    assert market.control("limits", {"share": None})["share"] is None
    assert not refused(30)
    documented = market.control("limits", {"share": 1e-9})["documented"]
    assert refused(3) is documented
    assert market.bench.http.post(f"{market.bench.url}/_sandbox/limits", json={"share": 0}).status_code == 400


@rule("partial-shipments", kind="channel")
def test_one_of_two_units_is_shipped_then_the_other(market: Market) -> None:
    """Open until the last unit has left, and then no more. Two units are one line or two, by marketplace."""
    order = market.ready(market.buy(market.goods(), 2))
    soon(lambda: _is_open(market, order.external_id))
    first, second = order.lines[0], order.lines[-1]
    parcel = market.parcel(order, ParcelLine(external_id=first.external_id, quantity=1))
    market.ship(order, parcel)
    soon(lambda: parcel.tracking in market.shown(order.external_id))
    assert sum(line.open for line in market.channel.fetch_order(order.external_id).lines) >= 1
    assert _is_open(market, order.external_id)
    rest = (ParcelLine(external_id=second.external_id, quantity=1),)
    changed = {"reference": "SUITE-P2", "tracking": "00340434161094015919", "lines": rest}
    market.ship(market.channel.fetch_order(order.external_id), parcel.model_copy(update=changed))
    soon(lambda: not _is_open(market, order.external_id))


def _is_open(market: Market, order_id: str) -> bool:
    return order_id in {ref.external_id for ref in pages(market.channel.list_open_orders)}


@rule("cancellations", kind="channel")
def test_a_line_is_cancelled_by_the_seller(market: Market) -> None:
    order = market.ready(market.buy(market.goods()))
    [line] = order.lines
    result = market.channel.cancel_line(order.external_id, line.external_id, 1, CancelReason.OUT_OF_STOCK)
    assert market.outcome(result)[0] is Outcome.APPLIED
    soon(lambda: market.channel.fetch_order(order.external_id).lines[0].open == 0)


@rule("returns", kind="channel")
def test_a_return_is_announced(market: Market) -> None:
    sku = market.goods()
    order = market.ready(market.buy(sku))
    parcel = market.parcel(order, ParcelLine(external_id=order.lines[0].external_id, quantity=1))
    market.ship(order, parcel)
    soon(lambda: parcel.tracking in market.shown(order.external_id))
    market.control("returns", {"order_id": short(order.external_id), "lines": [{"sku": sku, "quantity": 1}]})
    found = soon(lambda: pages(market.channel.list_returns))
    assert sum(line.quantity for item in found for line in item.lines) == 1
    assert {short(line.order_id or "") for item in found for line in item.lines} == {short(order.external_id)}


@rule("contract-suite", kind="channel", needs=Capability.SCORE)
def test_its_figures_on_the_seller_are_told_in_the_end(market: Market) -> None:
    """Some marketplaces have to work them out first: until then SlowDown says when to ask again."""
    order = market.ready(market.buy(market.goods()))
    market.ship(order, market.parcel(order, ParcelLine(external_id=order.lines[0].external_id, quantity=1)))

    def told() -> list[ScoreFigure] | None:
        found = attempt(market.channel.score)
        assert isinstance(found, list) or (isinstance(found, SlowDown) and found.after), found
        return found if isinstance(found, list) else None

    figures = soon(told)
    assert len({figure.name for figure in figures}) == len(figures)
    assert [figure.name for figure in figures if not (figure.name and figure.title)] == []
    shares = [value for figure in figures if figure.unit == "share" for value in (figure.value, figure.limit)]
    assert [value for value in shares if value is not None and not 0 <= value <= 1] == []
    assert [figure.at for figure in figures if figure.at is not None and figure.at.utcoffset() is None] == []
