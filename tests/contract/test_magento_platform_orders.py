"""The Magento platform against its sandbox, over real HTTP: orders made once, money, parcels, credit memos."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge.domain.money import Money
from bridge.domain.order import ShippingMethod, StoreOrder, StoreOrderStatus
from bridge.domain.returns import RefundLine
from bridge.ports.errors import AskMerchant, NotFound, RejectItem, UnknownOutcome
from bridge.ports.platform import OrderMark
from platform_adapters.magento import orders
from tests.support.magento import BUYER, Account, Store, all_pages, draft, eur, open_store, utc_now


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as found:
        yield found


@pytest.fixture
def account(store: Store) -> Account:
    return Account(store)


def look(account: Account, order: StoreOrder) -> StoreOrder:
    [found] = account.platform.fetch_orders([order.external_id])
    return found


def marks(account: Account, since: datetime) -> list[OrderMark]:
    return all_pages(lambda cursor: account.platform.list_orders(since, cursor))


def back(line: str, quantity: int = 1, *, restock: bool = True) -> RefundLine:
    return RefundLine(store_line_id=line, quantity=quantity, restock=restock)


class TestCreate:
    def test_says_who_what_and_from_where(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), quantity=2, note="Ring twice"))
        raw = store.order(made.external_id)
        assert (raw["increment_id"], raw["ext_order_id"]) == ("MP-bol-1043946570", "1043946570")
        assert raw["shipping_description"] == "bol.com 1043946570"
        assert raw["status_histories"][0]["comment"] == "bol.com 1043946570, placed 2026-11-23 08:00 UTC"
        assert raw["customer_note"] == "Ring twice"
        [assignment] = raw["extension_attributes"]["shipping_assignments"]
        address = assignment["shipping"]["address"]
        assert address["street"] == ["Domplein 21 bis", "Primera Neude"]
        assert (address["lastname"], address["country_id"], address["telephone"]) == (
            "de Vries-Öztürk",
            "NL",
            "+31 30 000 0000",
        )
        assert address["email"] == raw["customer_email"] == "marketplace@example.invalid"
        [item] = raw["items"]
        assert (item["sku"], item["qty_ordered"], item["price_incl_tax"]) == ("A", 2, 12.1)

    def test_it_has_the_merchants_shipping_method_and_the_same_amounts(self, store: Store, account: Account) -> None:
        chosen = ShippingMethod(code="dhl_paket", title="DHL Paket")
        made = account.platform.create_order(draft(store.product("A"), shipping=eur("4.95"), shipping_method=chosen))
        raw = store.order(made.external_id)
        [assignment] = raw["extension_attributes"]["shipping_assignments"]
        assert assignment["shipping"]["method"] == "dhl_paket"
        assert raw["shipping_description"] == "DHL Paket (bol.com 1043946570)"
        assert (made.total.text(), raw["shipping_incl_tax"]) == ("17.05 EUR", 4.95)

    @pytest.mark.parametrize(
        ("state", "code", "status"),
        [
            ("processing", "sent_out", StoreOrderStatus.COMPLETED),
            ("processing", "packed", StoreOrderStatus.PROCESSING),
            ("complete", "complete", StoreOrderStatus.COMPLETED),
            ("canceled", "sent_out", StoreOrderStatus.CANCELLED),
        ],
    )
    def test_a_status_of_the_merchants_may_mean_that_it_has_left(
        self, state: str, code: str, status: StoreOrderStatus
    ) -> None:
        raw = {"state": state, "status": code, "items": []}
        assert orders.status(raw, ["sent_out"]) is status

    def test_tells_the_lines_as_the_store_has_them(self, store: Store, account: Account) -> None:
        key = store.product("A", 10)
        made = account.platform.create_order(draft(key, quantity=2))
        [line] = made.lines
        assert (line.ref, line.variant_id, line.sku, line.quantity, line.reduced) == ("L-1", key, "A", 2, 2)
        assert (made.marketplace_ref, made.total.text(), made.number) == (
            "bol:1043946570",
            "24.20 EUR",
            "MP-bol-1043946570",
        )

    def test_paid_orders_get_their_invoice_and_nobody_gets_a_mail(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A")))
        raw = store.order(made.external_id)
        assert (made.status, raw["state"], raw["total_invoiced"]) == (StoreOrderStatus.PROCESSING, "processing", 12.1)
        assert [body["notify"] for body in store.sent("orders.invoice")] == [False]
        assert [body["entity"]["customer_note_notify"] for body in store.sent("orders.create")] == [0]

    def test_or_none_where_that_is_wished(self, store: Store) -> None:
        account = Account(store, settings={"invoice": False, "order_state": "new", "buyer_email": True})
        made = account.platform.create_order(draft(store.product("A")))
        raw = store.order(made.external_id)
        assert (made.status, raw["status"], raw["customer_email"]) == (
            StoreOrderStatus.PENDING,
            "pending",
            "abc@verkopen.example",
        )
        assert "total_invoiced" not in raw
        assert store.sent("orders.invoice") == []

    def test_a_child_is_ordered_as_itself(self, store: Store, account: Account) -> None:
        ids = store.shirt()
        made = account.platform.create_order(draft(ids["SHIRT-RED-M"], product=ids["SHIRT"]))
        assert (made.lines[0].variant_id, made.lines[0].sku) == (ids["SHIRT-RED-M"], "SHIRT-RED-M")

    def test_the_marketplaces_money_to_the_cent(self, store: Store, account: Account) -> None:
        key = store.product("A", price=99)
        given = draft(key, quantity=3, tax="6.30", shipping=eur("4.95"), shipping_tax=eur("0.86"))
        made = account.platform.create_order(given)
        raw = store.order(made.external_id)
        assert (made.total.amount, raw["base_grand_total"]) == (Decimal("41.25"), 41.25)
        assert (raw["subtotal"], raw["subtotal_incl_tax"], raw["tax_amount"]) == (30.0, 36.3, 7.16)
        assert (raw["shipping_amount"], raw["shipping_incl_tax"], raw["discount_amount"]) == (4.09, 4.95, 0)
        [item] = raw["items"]
        assert (item["row_total"], item["tax_amount"], item["tax_percent"], item["price"]) == (30.0, 6.3, 21, 10)

    def test_a_fixed_product_tax_is_in_what_the_buyer_paid_and_on_no_line(self, store: Store, account: Account) -> None:
        """Magento adds what stands on a line as fixed product tax to each invoice (Magento_Weee)."""
        made = account.platform.create_order(draft(store.product("A"), quantity=3, tax="6.30"))
        raw = store.order(made.external_id)
        assert [name for item in raw["items"] for name in item if "weee" in name and item[name]] == []
        assert (raw["grand_total"], raw["total_invoiced"]) == (36.3, 36.3)

    def test_a_total_beyond_its_parts_is_kept_and_shows(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), total=eur("11.00")))
        assert made.total.text() == "11.00 EUR"
        assert store.order(made.external_id)["discount_amount"] == -1.1

    def test_never_a_line_that_nobody_can_pack(self, store: Store, account: Account) -> None:
        with pytest.raises(AskMerchant, match="no longer exists") as caught:
            account.platform.create_order(draft("99"))
        assert caught.value.field == "product_id"
        assert store.look("orders") == []

    @pytest.mark.parametrize(
        ("told", "rate"),
        [
            pytest.param({}, 0, id="nothing is known: not in the reports"),
            pytest.param({"rate": 0, "rate_back": 0.8}, 0, id="no rate: not in the reports, as Magento's own"),
            pytest.param({"rate": 1.17, "rate_back": 0.8}, 1.17, id="the rate that Magento itself takes"),
            pytest.param({"rate_back": 0.8}, 1.25, id="the way back, where the website does not allow the other"),
        ],
    )
    def test_a_websites_own_currency_is_not_counted_as_the_stores(self, told: dict[str, float], rate: float) -> None:
        """Magento's reports over all websites add up base amounts times base_to_global_rate, in global_currency_code."""
        with open_store(currency="GBP", global_currency="EUR", **told) as store:
            pounds = {"currency": "GBP", "total": Money.of("10.00", "GBP")}
            made = Account(store).platform.create_order(draft(store.product("A")).model_copy(update=pounds))
            raw = store.order(made.external_id)
        assert (made.total.text(), raw["base_grand_total"], raw["order_currency_code"]) == ("10.00 GBP", 10, "GBP")
        assert (raw["global_currency_code"], raw["base_to_global_rate"]) == ("EUR", rate)

    def test_another_currency_is_a_persons_business(self, store: Store, account: Account) -> None:
        with pytest.raises(AskMerchant, match=r"EUR.*PLN"):
            account.platform.create_order(draft(store.product("A")).model_copy(update={"currency": "PLN"}))

    def test_an_address_with_holes_is_filled_so_that_it_can_be_saved(self, store: Store, account: Account) -> None:
        bare = BUYER.model_copy(
            update={"first_name": "", "company": "Fjord AS", "phone": "", "street": "", "extra": {}}
        )
        bare = bare.model_copy(update={"house_number": "", "addition": ""})
        made = account.platform.create_order(draft(store.product("A"), ship_to=bare, bill_to=bare))
        address = store.order(made.external_id)["billing_address"]
        assert (address["firstname"], address["company"], address["telephone"], address["street"]) == (
            "Fjord AS",
            "Fjord AS",
            "-",
            ["-"],
        )


class TestOnce:
    @pytest.mark.parametrize("kind", ["reset", "error"])
    def test_a_lost_answer_is_looked_up(self, store: Store, account: Account, kind: str) -> None:
        key = store.product("A")
        if kind == "error":
            account.platform.create_order(draft(key))
            store.fault(kind, "orders.create", status=500)
        else:
            store.fault(kind, "orders.create")
        with pytest.raises(UnknownOutcome):
            account.platform.create_order(draft(key))
        found = account.platform.find_orders(["bol:1043946570", "bol:1"])
        assert list(found) == ["bol:1043946570"]
        assert len(store.look("orders")) == 1

    def test_one_that_was_left_without_its_invoice_gets_it_when_found(self, store: Store, account: Account) -> None:
        key = store.product("A")
        store.fault("reset", "orders.create")
        with pytest.raises(UnknownOutcome):
            account.platform.create_order(draft(key))
        assert "total_invoiced" not in store.look("orders")[0]
        account.platform.find_orders(["bol:1043946570"])
        assert store.look("orders")[0]["total_invoiced"] == 12.1

    def test_the_store_itself_refuses_a_second_one(self, store: Store, account: Account) -> None:
        key = store.product("A")
        account.platform.create_order(draft(key))
        with pytest.raises(UnknownOutcome, match="already"):
            account.platform.create_order(draft(key))
        assert len(store.look("orders")) == 1

    def test_many_are_found_in_one_question_and_strangers_are_not(self, store: Store, account: Account) -> None:
        key = store.product("A", 500)
        for number in range(3):
            account.platform.create_order(draft(key, external_id=str(number)))
        store.control("checkout", lines=[{"sku": "A", "quantity": 1}])
        account.operations()
        found = account.platform.find_orders([f"bol:{number}" for number in range(20)])
        assert sorted(found) == ["bol:0", "bol:1", "bol:2"]
        # By their own numbers, and by the external ids that orders of a module have which is no longer there.
        assert account.operations() == ["orders.list", "orders.list", "shipments.list", "creditmemos.list"]


class TestParcels:
    def test_by_line_and_quantity(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), quantity=3))
        [line] = made.lines
        order = int(made.external_id)
        store.control("ship", order=order, tracking="3S1", carrier="PostNL", lines={line.external_id: 1})
        [parcel] = look(account, made).parcels
        assert (parcel.number, parcel.carrier, parcel.lines) == ("3S1", "PostNL", {line.external_id: 1})
        store.control("ship", order=order, tracking="3S2", carrier="PostNL")
        found = look(account, made)
        assert found.status is StoreOrderStatus.COMPLETED
        assert [parcel.lines for parcel in found.parcels] == [{line.external_id: 1}, {line.external_id: 2}]

    def test_neither_a_second_parcel_nor_a_late_number_is_missed(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A"), quantity=3))
        order, line = int(made.external_id), made.lines[0].external_id
        store.control("clock", advance=3600)
        since = utc_now() + timedelta(minutes=50)
        assert marks(account, since) == []
        store.control("ship", order=order, lines={line: 1})
        first = marks(account, since)
        store.control("ship", order=order, lines={line: 1})
        second = marks(account, since)
        store.control("clock", advance=3600)
        later = since + timedelta(hours=1)
        assert [mark.mark for mark in marks(account, later)] == [mark.mark for mark in second]
        store.control("track", shipment=1, tracking="LATE", carrier="DHL")
        third = marks(account, later)
        seen = [(mark.external_id, mark.marketplace_ref) for mark in (*first, *second, *third)]
        assert seen == [(made.external_id, "bol:1043946570")] * 3
        assert len({mark.mark for mark in (*first, *second, *third)}) == 3
        assert {parcel.number for parcel in look(account, made).parcels} == {"LATE", ""}

    def test_lists_tell_every_order_once(self, store: Store, account: Account) -> None:
        key = store.product("A", 500)
        for number in range(3):
            made = account.platform.create_order(draft(key, external_id=str(number)))
            store.control("ship", order=int(made.external_id), tracking=f"T{number}")
        found = [mark.external_id for mark in marks(account, datetime(2026, 1, 1, tzinfo=UTC))]
        assert (len(found), len(set(found))) == (3, 3)


class TestCancel:
    def test_without_an_invoice_magento_cancels(self, store: Store) -> None:
        account = Account(store, settings={"invoice": False})
        made = account.platform.create_order(draft(store.product("A", 10)))
        found = account.platform.cancel_order(made.external_id, "The buyer does not want it.")
        assert found.cancel_reason == "The buyer does not want it."
        assert (found.status, found.raw_status) == (StoreOrderStatus.CANCELLED, "canceled")
        assert account.hands.stock_of("A") == 10
        assert account.platform.cancel_order(made.external_id, "").status is StoreOrderStatus.CANCELLED

    def test_with_one_it_is_credited_whole_and_that_is_a_cancellation(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A", 10), quantity=2, shipping=eur("4.95")))
        found = account.platform.cancel_order(made.external_id, "The buyer does not want it.")
        assert (found.status, found.raw_status) == (StoreOrderStatus.CANCELLED, "closed")
        assert found.refunded == made.total
        assert account.hands.stock_of("A") == 10
        account.platform.cancel_order(made.external_id, "")
        assert len(store.sent("orders.refund")) == 1

    def test_what_is_shipped_is_not_cancelled(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A", 10), quantity=3))
        line = made.lines[0].external_id
        store.control("ship", order=int(made.external_id), tracking="T", lines={line: 1})
        found = account.platform.cancel_order(made.external_id, "")
        assert (found.lines[0].refunded, account.hands.stock_of("A")) == (2, 9)
        with pytest.raises(RejectItem):
            account.platform.cancel_order(made.external_id, "")
        with pytest.raises(NotFound):
            account.platform.cancel_order("99", "")


class TestRefund:
    def test_once_by_line_with_and_without_restocking(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A", 10), quantity=3, shipping=eur("4.95")))
        line = made.lines[0].external_id
        store.control("ship", order=int(made.external_id), tracking="T")
        for _ in range(2):
            found = account.platform.refund_lines(
                made.external_id, [back(line), back(line, restock=False)], "Returned", "return:1"
            )
        assert (found.lines[0].refunded, len(store.sent("orders.refund"))) == (2, 2)
        # The shipping costs are nobody's business here, and Magento would refund them unasked.
        assert found.refunded == eur("24.20")
        assert (account.hands.stock_of("A"), store.stock("A")["sources"]) == (8, {"default": 8})

    def test_no_more_than_what_is_left(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A", 10), quantity=2))
        line = made.lines[0].external_id
        store.control("ship", order=int(made.external_id), tracking="T")
        assert account.platform.refund_lines(made.external_id, [back(line, 5)], "", "1").lines[0].refunded == 2
        assert account.platform.refund_lines(made.external_id, [back(line)], "", "2").lines[0].refunded == 2

    def test_a_part_of_a_unit_is_an_adjustment_and_nothing_else(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A", 10), quantity=2, shipping=eur("4.95")))
        part = RefundLine(store_line_id=made.lines[0].external_id, quantity=0, restock=False, amount=eur("4.17"))
        for _ in range(2):
            found = account.platform.refund_lines(made.external_id, [part], "A part", "return:1")
        assert (found.lines[0].refunded, found.refunded) == (0, eur("4.17"))
        assert (account.hands.stock_of("A"), len(store.sent("orders.refund"))) == (8, 1)

    def test_an_order_without_an_invoice_gets_one_first(self, store: Store) -> None:
        account = Account(store, settings={"invoice": False})
        made = account.platform.create_order(draft(store.product("A", 10), quantity=2))
        found = account.platform.refund_lines(made.external_id, [back(made.lines[0].external_id)], "", "1")
        assert (found.lines[0].refunded, account.hands.stock_of("A")) == (1, 9)

    def test_the_merchants_own_credit_memo_is_seen(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A", 10), quantity=2))
        store.control("credit", order=int(made.external_id), lines={made.lines[0].external_id: 1})
        assert look(account, made).lines[0].refunded == 1

    def test_a_note_moves_nothing(self, store: Store, account: Account) -> None:
        made = account.platform.create_order(draft(store.product("A")))
        for _ in range(2):
            account.platform.add_note(made.external_id, "Seen by the marketplace.")
        assert [row["comment"] for row in store.order(made.external_id)["status_histories"]][1:] == [
            "Seen by the marketplace."
        ]
        assert look(account, made).modified_at == made.modified_at
