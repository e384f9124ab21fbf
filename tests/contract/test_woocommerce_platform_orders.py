"""The WooCommerce platform against its sandbox, over real HTTP: orders made once, money, parcels, refunds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.money import Money
from bridge.domain.order import Address, DraftLine, OrderDraft, ShippingMethod, StoreOrderStatus
from bridge.domain.returns import RefundLine
from bridge.ports.errors import AskMerchant, NotFound, RejectItem, RetryLater, UnknownOutcome
from tests.support.woocommerce import Account, Store, open_store

BUYER = Address(
    first_name="Zoë",
    last_name="de Vries-Öztürk",
    street="Domplein",
    house_number="21",
    addition="bis",
    postcode="3512 JE",
    city="Utrecht",
    country="nl",
    email="abc@verkopen.example",
    phone="+31 30 000 0000",
    extra={"pickup_point": "Primera Neude"},
)


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as found:
        yield found


@pytest.fixture
def account(store: Store) -> Account:
    return Account(store)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def draft(product: int | str, *, external_id: str = "1043946570", quantity: int = 1, **more: Any) -> OrderDraft:
    total = eur(str(Decimal("12.10") * quantity))
    line = DraftLine(
        ref="L-1",
        product_id=str(more.pop("parent", product)),
        variant_id=str(product),
        sku="A",
        title="As the marketplace calls it",
        quantity=quantity,
        unit_price=eur("12.10"),
        total=total,
    )
    shipping = more.get("shipping")
    values: dict[str, Any] = {
        "ref": f"bol:{external_id}",
        "label": f"bol.com {external_id}",
        "channel": "bol.com",
        "external_id": external_id,
        "placed_at": datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        "currency": "EUR",
        "lines": (line,),
        "total": total + shipping if shipping else total,
        "ship_to": BUYER,
        "bill_to": BUYER,
    }
    return OrderDraft(**{**values, **more})


class TestCreate:
    def test_says_who_what_and_from_where(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), quantity=2))
        raw = store.get(f"orders/{made.external_id}")
        assert (raw["status"], raw["total"], raw["currency"]) == ("processing", "24.20", "EUR")
        assert raw["payment_method_title"] == raw["shipping_lines"][0]["method_title"] == "bol.com 1043946570"
        assert raw["transaction_id"] == "1043946570"
        assert raw["shipping"]["address_1"] == "Domplein 21 bis"
        assert raw["shipping"]["address_2"] == "Primera Neude"
        assert (raw["billing"]["last_name"], raw["billing"]["country"]) == ("de Vries-Öztürk", "NL")
        assert raw["billing"]["email"] == ""
        assert {item["key"]: item["value"] for item in raw["meta_data"]}["_storebridge_order"] == "bol:1043946570"

    def test_a_note_stands_there_once(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A")))
        for _ in range(2):
            account.platform.add_note(made.external_id, "Return R-1 announced: 1 x Cup & pot.")
        [note] = store.get(f"orders/{made.external_id}/notes")
        assert note["note"] == "Return R-1 announced: 1 x Cup & pot."

    def test_it_has_the_merchants_shipping_method_and_the_same_amounts(self, store: Store, account: Account) -> None:
        chosen, product = ShippingMethod(code="flat_rate:3", title="DHL Paket"), store.product("A")
        made = account.platform.create_order(draft(product, shipping=eur("4.95"), shipping_method=chosen))
        raw = store.get(f"orders/{made.external_id}")
        [line] = raw["shipping_lines"]
        assert (line["method_id"], line["instance_id"]) == ("flat_rate", "3")
        assert (line["method_title"], line["total"]) == ("DHL Paket (bol.com 1043946570)", "0.00")
        assert (raw["total"], raw["fee_lines"][0]["total"], raw["total_tax"]) == ("17.05", "4.95", "0.00")
        assert list(account.platform.find_orders(["bol:1043946570"])) == ["bol:1043946570"]

    def test_it_says_how_it_was_paid_as_the_merchant_has_it(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), payment_text="Paid on bol.com"))
        raw = store.get(f"orders/{made.external_id}")
        assert (raw["payment_method"], raw["payment_method_title"]) == ("storebridge", "Paid on bol.com")
        assert list(account.platform.find_orders(["bol:1043946570"])) == ["bol:1043946570"]

    def test_an_address_carries_what_helps_the_parcel_and_no_more(self, store: Store, account: Account) -> None:
        told = {"note": "3rd floor", "pickup_point": "Primera Neude", "salutation": "FEMALE", "language": "nl"}
        there = BUYER.model_copy(update={"extra": {**told, "kvk_number": "99887766", "tax_id_nip": "1234567890"}})
        made = account.platform.create_order(draft(store.product("A"), ship_to=there, bill_to=there))
        raw = store.get(f"orders/{made.external_id}")
        assert raw["shipping"]["address_2"] == raw["billing"]["address_2"] == "3rd floor, Primera Neude"

    def test_tells_the_lines_and_what_the_stock_gave(self, store: Store, account: Account) -> None:
        number = store.product("A", 10)
        made = account.platform.create_order(draft(number, quantity=2))
        [line] = made.lines
        assert (line.ref, line.variant_id, line.quantity, line.reduced) == ("L-1", str(number), 2, 2)
        assert (made.status, made.marketplace_ref) == (StoreOrderStatus.PROCESSING, "bol:1043946570")
        assert made.link == f"{store.url}/wp-admin/post.php?post={made.external_id}&action=edit"
        assert store.stock("A") == 8

    def test_a_variation(self, store: Store, account: Account) -> None:
        parent = store.post("products", {"name": "Shirt", "type": "variable"})["id"]
        child = store.post(
            f"products/{parent}/variations",
            {"sku": "S", "regular_price": "1.00", "manage_stock": True, "stock_quantity": 3},
        )["id"]
        made = account.platform.create_order(draft(child, parent=parent))
        assert (made.lines[0].variant_id, store.stock("S")) == (str(child), 2)

    def test_the_buyers_address_is_written_only_on_request_and_only_if_it_is_one(self, store: Store) -> None:
        account = Account(store, settings={"buyer_email": True, "order_status": "on-hold"})
        number = store.product("A")
        made = account.platform.create_order(draft(number))
        raw = store.get(f"orders/{made.external_id}")
        assert (raw["billing"]["email"], raw["status"]) == ("abc@verkopen.example", "on-hold")
        odd = BUYER.model_copy(update={"email": "no address"})
        made = account.platform.create_order(draft(number, bill_to=odd, external_id="2"))
        assert store.get(f"orders/{made.external_id}")["billing"]["email"] == ""

    def test_never_an_empty_line(self, store: Store, account: Account) -> None:
        kept, lost = store.product("A"), 99999
        good, bad = draft(kept), draft(lost)
        both = draft(kept, lines=(*good.lines, bad.lines[0].model_copy(update={"ref": "L-2"})), total=eur("24.20"))
        with pytest.raises(AskMerchant, match="no longer exists in the store"):
            account.platform.create_order(both)
        assert store.get("orders") == []
        assert store.stock("A") == 10
        assert account.platform.find_orders(["bol:1043946570"]) == {}

    def test_never_a_line_without_an_id(self, store: Store, account: Account) -> None:
        with pytest.raises(RejectItem, match="no usable product id"):
            account.platform.create_order(draft("abc"))
        assert [entry["op"] for entry in store.look("requests")] == ["plugin.health"]


RATES = {"": 21.0, "reduced-rate": 9.0}


class TestMoney:
    @pytest.mark.parametrize("shipping_tax_class", ["inherit", "", "reduced-rate"])
    @pytest.mark.parametrize("included", [False, True])
    def test_the_total_is_the_marketplaces_whatever_the_store_taxes(
        self, shipping_tax_class: str, included: bool
    ) -> None:
        options = {"tax_rates": RATES, "shipping_tax_class": shipping_tax_class, "prices_include_tax": included}
        with open_store(**options) as store:
            number = store.product("A", tax_class="reduced-rate")
            made = Account(store).platform.create_order(draft(number, quantity=3, shipping=eur("2.99")))
            assert made.total == eur("39.29")
            assert store.get(f"orders/{made.external_id}")["total_tax"] == "0.00"

    @pytest.mark.parametrize("price", ["0.01", "0.05", "9.99", "12.10", "19.99", "33.33", "100.00", "1234.56"])
    @pytest.mark.parametrize("tax_class", ["", "reduced-rate"])
    def test_with_the_stores_own_taxes_too(self, price: str, tax_class: str) -> None:
        with open_store(tax_rates=RATES) as store:
            number = store.product("A", tax_class=tax_class)
            line = draft(number).lines[0].model_copy(update={"total": eur(price), "unit_price": eur(price)})
            whole = draft(number, lines=(line,), shipping=eur("2.99"), total=eur(price) + eur("2.99"))
            made = Account(store, settings={"order_taxes": "store"}).platform.create_order(whole)
            assert made.total == whole.total
            taxes = Decimal(store.get(f"orders/{made.external_id}")["total_tax"])
            rate = Decimal(21 if tax_class == "" else 9)
            expected = Decimal(price) * rate / (100 + rate) + Decimal("2.99") * 21 / 121
            assert abs(taxes - expected) < Decimal("0.02")

    def test_a_difference_is_seen(self, store: Store, account: Account) -> None:
        number = store.product("A")
        store.fault("mutate", "orders.create", set={"total": "14.64"})
        assert account.platform.create_order(draft(number)).total == eur("14.64")


class TestExactlyOnce:
    def test_a_lost_answer_is_found_again(self, store: Store, account: Account) -> None:
        number = store.product("A")
        store.fault("reset", "orders.create")
        with pytest.raises(UnknownOutcome):
            account.platform.create_order(draft(number))
        found = account.platform.find_orders(["bol:1043946570", "bol:other"])
        assert list(found) == ["bol:1043946570"]
        assert found["bol:1043946570"].lines[0].ref == "L-1"
        assert len(store.get("orders")) == 1

    def test_the_reference_decides_to_the_letter(self, store: Store, account: Account) -> None:
        number = store.product("A")
        for external_id in ("77", "177", "1770"):
            account.platform.create_order(draft(number, external_id=external_id))
        other = draft(number, external_id="77", ref="bol-be:77")
        account.platform.create_order(other)
        found = account.platform.find_orders(["bol:77", "bol-be:77", "kaufland:77"])
        assert {ref: order.marketplace_ref for ref, order in found.items()} == {
            "bol:77": "bol:77",
            "bol-be:77": "bol-be:77",
        }

    def test_not_knowing_is_an_error_not_a_no(self, store: Store, account: Account) -> None:
        store.fault("error", "orders.list", times=None, status=500)
        with pytest.raises(RetryLater):
            account.platform.find_orders(["bol:1"])

    def test_the_bin_is_no_order(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A")))
        store.delete(f"orders/{made.external_id}")
        assert account.platform.find_orders(["bol:1043946570"]) == {}


class TestReading:
    def test_changes_since_without_drafts_and_with_the_bin(self, store: Store, account: Account) -> None:
        store.product("A")
        since = datetime.now(UTC) - timedelta(minutes=1)
        store.control("checkout", lines=[{"sku": "A"}])
        made = account.platform.create_order(draft(store.get("products")[0]["id"]))
        binned = store.order((store.get("products")[0]["id"], 1))
        store.delete(f"orders/{binned['id']}")
        first = account.platform.list_orders(since, None)
        second = account.platform.list_orders(since, first.next_cursor)
        refs = {mark.external_id: mark.marketplace_ref for mark in first.items}
        assert refs[made.external_id] == "bol:1043946570"
        assert len(refs) == 2
        assert [mark.external_id for mark in second.items] == [str(binned["id"])]
        assert second.next_cursor is None

    def test_statuses_the_bin_and_the_gone(self, store: Store, account: Account) -> None:
        number = store.product("A")
        orders = [store.order((number, 1), status=status) for status in ("pending", "completed")]
        binned, gone = store.order((number, 1)), store.order((number, 1))
        store.delete(f"orders/{binned['id']}")
        store.delete(f"orders/{gone['id']}", force="true")
        ids = [str(order["id"]) for order in (*orders, binned, gone)]
        found = account.platform.fetch_orders(ids)
        assert [order.status for order in found] == [
            StoreOrderStatus.PENDING,
            StoreOrderStatus.COMPLETED,
            StoreOrderStatus.TRASHED,
        ]

    def test_a_status_of_a_plugin_is_kept_raw(self, store: Store, account: Account) -> None:
        order = store.order((store.product("A"), 1))
        store.fault("mutate", "orders.list", set={"0.status": "wc-packed", "0.total": "12.5"})
        [found] = account.platform.fetch_orders([str(order["id"])])
        assert (found.status, found.raw_status, found.total) == (StoreOrderStatus.OTHER, "wc-packed", eur("12.5"))

    @pytest.mark.parametrize(
        ("chosen", "plugins", "usual"),
        [
            (None, StoreOrderStatus.OTHER, StoreOrderStatus.COMPLETED),
            (["completed", "shipped"], StoreOrderStatus.COMPLETED, StoreOrderStatus.COMPLETED),
            (["shipped"], StoreOrderStatus.COMPLETED, StoreOrderStatus.PROCESSING),
        ],
    )
    def test_which_statuses_mean_that_it_has_left(
        self, chosen: list[str] | None, plugins: StoreOrderStatus, usual: StoreOrderStatus
    ) -> None:
        with open_store(statuses={"shipped": "Versendet"}) as store:
            account = Account(store, settings={"shipped_statuses": chosen} if chosen else None)
            offered = account.platform.check().choices["shipped_statuses"]
            assert [(item.value, item.label) for item in offered] == [
                ("completed", "Completed"), ("shipped", "Versendet"),
            ]  # fmt: skip
            ids = []
            for status in ("shipped", "completed", "processing", "cancelled"):
                made = account.platform.create_order(draft(store.product(f"A-{status}"), external_id=status))
                store.put(f"orders/{made.external_id}", {"status": status})
                ids.append(made.external_id)
            found = [order.status for order in account.platform.fetch_orders(ids)]
            assert found == [plugins, usual, StoreOrderStatus.PROCESSING, StoreOrderStatus.CANCELLED]

    def test_where_the_key_may_not_see_the_statuses_none_are_offered(self, store: Store, account: Account) -> None:
        store.fault("error", "orders.statuses", status=403)
        assert account.platform.check().choices["shipped_statuses"] == ()

    def test_many_in_one_call(self, store: Store, account: Account) -> None:
        number = store.product("A")
        ids = [str(store.order((number, 1))["id"]) for _ in range(5)]
        account.operations()
        assert len(account.platform.fetch_orders(ids)) == 5
        assert account.operations() == ["orders.list"]


class TestParcels:
    def ship(self, source: str, *, settings: dict[str, Any] | None = None, **more: Any) -> Any:
        with open_store(fulfillments=True, shipment_tracking=True, ast=True) as store:
            account = Account(store, settings=settings)
            made = account.platform.create_order(draft(store.product("A"), quantity=3))
            line = made.lines[0].external_id
            lines = {int(line): 2} if more.pop("partial", False) else {}
            shipped = {"tracking": "3STEST1", "carrier": "PostNL", **more}
            store.control("ship", order=int(made.external_id), source=source, lines=lines, **shipped)
            [order] = account.platform.fetch_orders([made.external_id])
            return order, line

    @pytest.mark.parametrize(("source", "carrier"), [
        ("fulfillments", "PostNL"), ("shipment_tracking", "postnl"), ("ast", "postnl"), ("meta", ""),
    ])  # fmt: skip
    def test_are_read_from_every_source(self, source: str, carrier: str) -> None:
        order, _ = self.ship(source)
        [parcel] = order.parcels
        assert (parcel.number, parcel.carrier) == ("3STEST1", carrier)
        assert order.status is StoreOrderStatus.COMPLETED

    @pytest.mark.parametrize("source", ["fulfillments", "ast"])
    def test_in_part(self, source: str) -> None:
        order, line = self.ship(source, partial=True, complete=False)
        assert order.parcels[0].lines == {line: 2}
        assert order.status is StoreOrderStatus.PROCESSING

    def test_without_a_number_there_is_none(self) -> None:
        order, _ = self.ship("none")
        assert order.parcels == ()

    def test_a_field_with_a_fixed_carrier(self) -> None:
        settings = {"tracking_sources": ["my_code=DPD"]}
        order, _ = self.ship("meta", settings=settings, key="my_code", tracking="A1, B2")
        assert [(parcel.carrier, parcel.number, parcel.ref) for parcel in order.parcels] == [
            ("DPD", "A1", "field:my_code:0"),
            ("DPD", "B2", "field:my_code:1"),
        ]

    def test_a_source_the_merchant_did_not_name_is_not_asked(self, store: Store) -> None:
        account = Account(store, settings={"tracking_sources": ["shipment_tracking"]})
        made = account.platform.create_order(draft(store.product("A")))
        account.operations()
        account.platform.fetch_orders([made.external_id])
        assert account.operations() == ["orders.list"]

    def test_a_feature_that_is_off_is_asked_for_once(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A")))
        account.operations()
        for _ in range(3):
            account.platform.fetch_orders([made.external_id])
        assert account.operations().count("fulfillments.list") == 1

    def test_orders_of_the_shop_itself_cost_nothing_more(self, store: Store, account: Account) -> None:
        order = store.order((store.product("A"), 1))
        account.operations()
        account.platform.fetch_orders([str(order["id"])])
        assert account.operations() == ["orders.list"]


class TestAfterSales:
    def test_cancelled_once_with_a_note(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), quantity=2))
        for _ in range(2):
            cancelled = account.platform.cancel_order(made.external_id, "Cancelled on bol.com.")
            assert cancelled.status is StoreOrderStatus.CANCELLED
        assert store.stock("A") == 10
        assert len(store.get(f"orders/{made.external_id}/notes")) == 1
        with pytest.raises(NotFound):
            account.platform.cancel_order("99999", "")

    def test_refunded_once_by_line_with_stock(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), quantity=3))
        line = made.lines[0].external_id
        for _ in range(2):
            parts = [RefundLine(store_line_id=line, quantity=2)]
            after = account.platform.refund_lines(made.external_id, parts, "Returned", "bol:1/return/7")
            assert (after.lines[0].refunded, after.refunded) == (2, eur("24.20"))
        assert store.stock("A") == 9

    def test_what_somebody_wrote_into_a_refund_is_read_and_ours_is_not(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), quantity=3))
        line = {"id": int(made.lines[0].external_id), "quantity": 1, "refund_total": "12.10"}
        for reason in ("Too small", "Broken in the box"):
            body = {"amount": "12.10", "reason": reason, "api_refund": False, "line_items": [line]}
            store.post(f"orders/{made.external_id}/refunds", body)
        [found] = account.platform.fetch_orders([made.external_id])
        assert (found.lines[0].refunded, found.lines[0].refund_reason) == (2, "Broken in the box")
        ours = [RefundLine(store_line_id=made.lines[0].external_id, quantity=1)]
        after = account.platform.refund_lines(made.external_id, ours, "Returned", "bol:1/return/7")
        assert (after.lines[0].refunded, after.lines[0].refund_reason) == (3, "Broken in the box")

    def test_refunded_without_stock_and_never_more_than_was_sold(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), quantity=3))
        parts = [RefundLine(store_line_id=made.lines[0].external_id, quantity=9, restock=False)]
        after = account.platform.refund_lines(made.external_id, parts, "Broken", "r1")
        assert (after.lines[0].refunded, after.status, store.stock("A")) == (3, StoreOrderStatus.REFUNDED, 7)
        again = account.platform.refund_lines(made.external_id, parts, "Broken", "r2")
        assert again.refunded == eur("36.30")

    def test_with_taxes(self) -> None:
        with open_store(tax_rates={"": 21}) as store:
            account = Account(store, settings={"order_taxes": "store"})
            made = account.platform.create_order(draft(store.product("A"), quantity=2))
            parts = [RefundLine(store_line_id=made.lines[0].external_id, quantity=1)]
            assert account.platform.refund_lines(made.external_id, parts, "x", "r").refunded == eur("12.10")

    @pytest.mark.parametrize("taxes", [{}, {"": 21}])
    def test_a_part_of_a_unit_is_an_amount_of_its_line(self, taxes: dict[str, int]) -> None:
        with open_store(tax_rates=taxes) as store:
            account = Account(store, settings={"order_taxes": "store"} if taxes else {})
            made = account.platform.create_order(draft(store.product("A"), quantity=2))
            part = RefundLine(store_line_id=made.lines[0].external_id, quantity=0, restock=False, amount=eur("4.17"))
            for _ in range(2):
                after = account.platform.refund_lines(made.external_id, [part], "A part", "bol:1/return/7")
                assert (after.lines[0].refunded, after.refunded, store.stock("A")) == (0, eur("4.17"), 8)
            rest = RefundLine(store_line_id=made.lines[0].external_id, quantity=2)
            assert account.platform.refund_lines(made.external_id, [rest], "", "r").refunded == made.total

    def test_a_lost_answer_of_a_refund_is_not_repeated(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), quantity=2))
        parts = [RefundLine(store_line_id=made.lines[0].external_id, quantity=1)]
        store.fault("reset", "orders.refund")
        with pytest.raises(UnknownOutcome):
            account.platform.refund_lines(made.external_id, parts, "x", "r")
        assert account.platform.refund_lines(made.external_id, parts, "x", "r").refunded == eur("12.10")
        assert store.stock("A") == 9


class TestManyAtOnce:
    """A batch is looked up with a list or two instead of a search for each order."""

    PLACED = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

    def refs(self, *ids: int) -> list[str]:
        return [f"bol:{number}" for number in ids]

    def test_a_batch_costs_one_list_and_those_found_another(self, store: Store, account: Account) -> None:
        number = store.product("A")
        batch = self.refs(*range(1000, 1016))
        account.operations()
        assert account.platform.find_orders(batch, self.PLACED) == {}
        assert account.operations() == ["orders.list"]
        for external_id in ("1001", "1002"):
            account.platform.create_order(draft(number, external_id=external_id))
        account.operations()
        assert set(account.platform.find_orders(batch, self.PLACED)) == set(self.refs(1001, 1002))
        assert account.operations() == ["orders.list"] * 2

    def test_what_another_process_made_is_seen(self, store: Store, account: Account) -> None:
        number = store.product("A")
        assert account.platform.find_orders(self.refs(1, 2), self.PLACED) == {}
        Account(store).platform.create_order(draft(number, external_id="2"))
        assert set(account.platform.find_orders(self.refs(1, 2), self.PLACED)) == {"bol:2"}

    def test_an_earlier_beginning_reads_further_back(self, store: Store, account: Account) -> None:
        number = store.product("A")
        account.platform.create_order(draft(number, external_id="1"))
        store.control("clock", advance=5 * 86400)
        later = datetime.now(UTC) + timedelta(days=4)
        assert account.platform.find_orders(self.refs(1, 2), later) == {}
        assert set(account.platform.find_orders(self.refs(1, 2), self.PLACED)) == {"bol:1"}

    def test_a_busy_store_is_searched_instead(self, store: Store, account: Account) -> None:
        number = store.product("A", 5000)
        account.platform.create_order(draft(number, external_id="1043946571"))
        row = {"line_items": [{"product_id": number}], "status": "processing"}
        for _ in range(3):
            store.post("orders/batch", {"create": [row] * 100}, 200)
        account.operations()
        refs = self.refs(1043946571, 1043946572)
        assert set(account.platform.find_orders(refs, self.PLACED)) == {refs[0]}
        assert account.operations() == ["orders.list"] * 3

    def test_the_binned_and_the_broken_are_left_out(self, store: Store, account: Account) -> None:
        number = store.product("A")
        account.platform.find_orders(self.refs(1, 2), self.PLACED)
        made = account.platform.create_order(draft(number, external_id="1"))
        store.delete(f"orders/{made.external_id}")
        meta = {"meta_data": [{"key": "_storebridge_order", "value": "bol:2"}]}
        line = {"product_id": 99999, "meta_data": [{"key": "_storebridge_line", "value": "1"}]}
        store.post("orders", {**meta, "line_items": [line]})
        assert account.platform.find_orders(self.refs(1, 2), self.PLACED) == {}

    def test_not_knowing_is_an_error_and_forgets_nothing(self, store: Store, account: Account) -> None:
        account.platform.find_orders(self.refs(1, 2), self.PLACED)
        account.platform.create_order(draft(store.product("A"), external_id="2"))
        store.fault("error", "orders.list", times=3, status=500)
        with pytest.raises(RetryLater):
            account.platform.find_orders(self.refs(1, 2), self.PLACED)
        assert set(account.platform.find_orders(self.refs(1, 2), self.PLACED)) == {"bol:2"}
