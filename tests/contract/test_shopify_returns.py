"""Returns in a Shopify store, against its sandbox over real HTTP: made once, processed once, ended; never paid twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from bridge.domain.catalogue import StoreVariant
from bridge.domain.order import StoreOrder
from bridge.domain.returns import RefundLine, ReturnCause
from bridge.ports.errors import RejectItem, UnknownOutcome
from platform_adapters.shopify.returns import NOTE
from platform_adapters.shopify.sandbox.options import ALL_SCOPES
from platform_adapters.shopify.scopes import GIVE_RETURNS, SCOPES
from tests.support.shopify import Account, Shop, open_shop
from tests.support.shopify_orders import draft, eur, notice

LEAST = (*SCOPES, "write_products", "write_inventory", "write_merchant_managed_fulfillment_orders")
_numbers = count(1)


@pytest.fixture(scope="module", params=[True, False], ids=["units in the refund", "units in the return alone"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """What the refund of a return tells is documented nowhere: it has to be right either way."""
    with open_shop(lists_returned=request.param) as found:
        yield found


@pytest.fixture(autouse=True)
def healthy(shop: Shop) -> Iterator[None]:
    yield
    shop.heal()


class Sold:
    """An order of some units at 10.00 of a product of its own, and what is asked about its returns."""

    def __init__(self, shop: Shop, *, shipped: bool = True, quantity: int = 3, **settings: Any) -> None:
        number = next(_numbers)
        self.shop = shop
        self.account = Account(shop, settings=settings)
        self.account.platform.check()
        key = self.account.hands.create_product(f"V-{number}", "8719102443555", "Thing", "12.10", 10)
        self.variant: StoreVariant = self.account.platform.fetch_products([key]).products[0].variants[0]
        made = self.account.platform.create_order(
            draft(self.variant, external_id=f"M{number}", quantity=quantity, total=f"{quantity}0.00")
        )
        self.key, self.line, self.order_ref = made.external_id, made.lines[0].external_id, f"bol:M{number}"
        if shipped:
            shop.control("ship", order=int(self.key), tracking="X", carrier="DHL")

    def announce(self, name: int = 1, units: int = 1, **more: Any) -> Any:
        told = notice(f"{self.order_ref}/return/{name}", self.line, units=units, **more)
        return self.account.platform.announce_return(self.key, told)

    def accept(self, name: int = 1, units: int = 1, *, known: str = "", restock: bool = True) -> StoreOrder:
        back = RefundLine(store_line_id=self.line, quantity=units, restock=restock)
        ref = f"{self.order_ref}/return/{name}"
        return self.account.platform.accept_return(self.key, known, back, "It came back", ref)

    def drop(self, name: int = 1) -> None:
        self.account.platform.drop_return(self.key, f"{self.order_ref}/return/{name}")

    def refund(self, units: int, ref: str) -> StoreOrder:
        back = RefundLine(store_line_id=self.line, quantity=units)
        return self.account.platform.refund_lines(self.key, [back], "It came back", ref)

    @property
    def raw(self) -> Any:
        return self.shop.order(self.key)

    @property
    def returns(self) -> list[tuple[str, list[tuple[int, int, int]]]]:
        """Each with its status, and its lines: units, processed, refunded."""
        return [
            (row["status"], [(item["quantity"], item["processed"], item["refunded"]) for item in row["lines"]])
            for row in self.raw["returns"]
        ]

    @property
    def shelf(self) -> int:
        found: int = self.shop.look("stock")[self.variant.sku]
        return found

    @property
    def paid(self) -> list[str]:
        return [row["amount"] for row in self.raw["transactions"] if row["kind"] == "REFUND"]


class TestAnnounced:
    def test_it_is_made_once_with_units_reason_and_reference(self, shop: Shop) -> None:
        sold = Sold(shop)
        words = "Return R-1 announced on bol: " + "very " * 60
        made = [sold.announce(units=2, words=words, cause=ReturnCause.TOO_SMALL) for _ in range(2)]
        assert {item.external_id for item in made} == {str(sold.raw["returns"][0]["id"])}
        assert (made[0].name, made[0].was_there, made[0].why) == (f"{sold.raw['name']}-R1", False, "")
        assert sold.returns == [("OPEN", [(2, 0, 0)])]
        [line] = sold.raw["returns"][0]["lines"]
        assert (line["reason"], len(line["note"])) == ("too-small", NOTE)
        assert line["note"].endswith(f" [{sold.order_ref}/return/1]")
        assert (sold.shelf, sold.paid, sold.raw["refunds"]) == (7, [], [])

    def test_where_the_store_does_not_know_the_reason_the_older_word_is_told(self, shop: Shop) -> None:
        sold = Sold(shop)
        sold.announce(cause=ReturnCause.WRONG_ITEM)
        sent = shop.sent("return_create")[-1]["input"]["returnLineItems"][0]
        assert (sent["returnReason"], "returnReasonDefinitionId" in sent) == ("WRONG_ITEM", False)
        assert sold.raw["returns"][0]["lines"][0]["reason"] == "WRONG_ITEM"

    def test_after_a_lost_answer_it_is_found_and_not_made_again(self, shop: Shop) -> None:
        sold = Sold(shop)
        shop.fault("reset", "return_create")
        with pytest.raises(UnknownOutcome):
            sold.announce()
        assert sold.announce().external_id == str(sold.raw["returns"][0]["id"])
        assert len(sold.returns) == 1

    def test_what_was_not_applied_is_made_by_the_next_one(self, shop: Shop) -> None:
        sold = Sold(shop)
        shop.fault("not_applied", "return_create")
        sold.announce()
        assert sold.returns == []
        sold.announce()
        assert sold.returns == [("OPEN", [(1, 0, 0)])]

    def test_units_that_have_not_left_are_no_return_and_it_says_so(self, shop: Shop) -> None:
        sold = Sold(shop, shipped=False)
        assert sold.announce().why.startswith("The store does not show yet that these units have left")
        shop.control("ship", order=int(sold.key), lines={sold.line: 1})
        assert sold.announce(units=2).why
        assert sold.returns == []
        assert sold.announce(units=1).external_id

    def test_units_of_two_parcels_are_two_lines_of_one_return(self, shop: Shop) -> None:
        sold = Sold(shop, shipped=False)
        for units in (1, 2):
            shop.control("ship", order=int(sold.key), lines={sold.line: units})
        sold.announce(units=3)
        assert sold.returns == [("OPEN", [(1, 0, 0), (2, 0, 0)])]
        after = sold.accept(units=3)
        assert (after.lines[0].refunded, sold.shelf, sold.paid) == (3, 10, ["30.00"])

    def test_a_refusal_is_told_and_no_fault(self, shop: Shop) -> None:
        sold = Sold(shop)
        sold.announce(1, 3)
        shop.fault("empty_list", "return_units")
        assert sold.announce(2, 1).why
        assert len(sold.returns) == 1

    def test_one_that_was_made_in_the_store_is_taken_over(self, shop: Shop) -> None:
        sold = Sold(shop)
        there = shop.control("return", order=int(sold.key), lines={sold.line: 1})
        found = sold.announce()
        assert (found.external_id, found.name, found.was_there) == (str(there["return"]), there["name"], True)
        assert sold.announce(known=found.external_id).was_there
        other = sold.announce(2, taken=(found.external_id,))
        assert (other.was_there, len(sold.returns)) == (False, 2)
        taken = (found.external_id, other.external_id)
        assert sold.announce(3, taken=taken).external_id not in taken

    def test_without_the_right_it_is_none_and_the_check_says_what_is_missing(self) -> None:
        with open_shop(scopes=LEAST) as poor:
            sold = Sold(poor)
            assert sold.account.platform.check().better == (GIVE_RETURNS,)
            assert "write_returns" in sold.announce().why
            sold.drop()
            after = sold.accept()
            assert (after.lines[0].refunded, sold.paid, sold.shelf, sold.returns) == (1, ["10.00"], 8, [])
            assert not {name for name in sold.account.operations() if name.startswith("return_")}
        assert "write_returns" in ALL_SCOPES


class TestAccepted:
    @pytest.mark.parametrize("restock", [True, False])
    def test_it_is_processed_once_with_its_refund(self, shop: Shop, restock: bool) -> None:
        sold = Sold(shop)
        sold.announce(units=2)
        for _ in range(3):
            after = sold.accept(units=2, restock=restock)
        assert (after.lines[0].refunded, after.refunded) == (2, eur("20.00"))
        assert (sold.returns, sold.paid) == ([("CLOSED", [(2, 2, 2)])], ["20.00"])
        assert (sold.shelf, len(shop.sent("refund_create"))) == (9 if restock else 7, 0)

    def test_a_part_takes_the_rest_out_of_the_return(self, shop: Shop) -> None:
        sold = Sold(shop)
        sold.announce(units=3)
        for _ in range(2):
            after = sold.accept(units=1)
        assert (after.lines[0].refunded, sold.returns, sold.paid) == (1, [("CLOSED", [(1, 1, 1)])], ["10.00"])
        assert sold.announce(2, units=2).external_id, "the other two can come back later"

    @pytest.mark.parametrize("operation", ["return_trim", "return_process", "return_close"])
    def test_a_lost_answer_neither_pays_nor_restocks_twice(self, operation: str) -> None:
        with open_shop(closes_returns=False) as slow:
            sold = Sold(slow)
            sold.announce(units=2)
            slow.fault("reset", operation)
            if operation == "return_close":
                sold.accept()  # told again at once: closed is closed
            else:
                with pytest.raises(UnknownOutcome):
                    sold.accept()
            after = sold.accept()
            assert (after.lines[0].refunded, sold.paid, sold.shelf) == (1, ["10.00"], 8)
            assert sold.returns == [("CLOSED", [(1, 1, 1)])]

    def test_what_the_merchant_has_processed_in_the_admin_is_not_processed_again(self, shop: Shop) -> None:
        sold = Sold(shop)
        made = sold.announce(units=2)
        shop.control("process", **{"return": int(made.external_id)}, refund="20.00")
        [read] = sold.account.platform.fetch_orders([sold.key])
        assert (read.lines[0].refunded, read.refunded) == (2, eur("20.00"))
        sold.accept(units=2)
        assert (sold.paid, sold.shelf, sold.returns) == (["20.00"], 9, [("CLOSED", [(2, 2, 2)])])

    def test_units_refunded_with_a_return_and_without_one_are_each_counted_once(self, shop: Shop) -> None:
        sold = Sold(shop)
        sold.refund(1, f"{sold.order_ref}/other")
        made = sold.announce(units=2)
        for units in (1, 2):
            shop.control("process", **{"return": int(made.external_id)}, units=1, refund="10.00")
            [read] = sold.account.platform.fetch_orders([sold.key])
            assert (read.lines[0].refunded, len(sold.raw["refunds"])) == (1 + units, 1 + units)
        after = sold.accept(units=2)
        assert (after.lines[0].refunded, sold.paid, sold.shelf) == (3, ["10.00"] * 3, 10)

    @pytest.mark.parametrize("lists_returned", [True, False])
    def test_all_refunds_of_a_return_are_read_however_many(self, lists_returned: bool) -> None:
        with open_shop(lists_returned=lists_returned, bucket=50_000, restore=5_000) as shop:
            sold = Sold(shop, quantity=30)
            made = sold.announce(units=30)
            for _ in range(25):
                shop.control("process", **{"return": int(made.external_id)}, units=1, refund="1.00")
            sold.refund(1, f"{sold.order_ref}/other")
            [read] = sold.account.platform.fetch_orders([sold.key])
            assert read.lines[0].refunded == 26
            assert "return_refunds" in sold.account.operations()

    def test_processed_without_a_refund_it_counts_as_back(self, shop: Shop) -> None:
        sold = Sold(shop)
        made = sold.announce(units=2)
        shop.control("process", **{"return": int(made.external_id)})
        [read] = sold.account.platform.fetch_orders([sold.key])
        assert (read.lines[0].refunded, read.refunded, sold.shelf) == (2, None, 9)
        sold.accept(units=2)
        assert (sold.paid, sold.shelf, sold.raw["refunds"]) == ([], 9, [])

    def test_where_amounts_are_not_recorded_units_are_taken_back_without_one(self, shop: Shop) -> None:
        sold = Sold(shop, record_refunds=False)
        sold.announce()
        for _ in range(2):
            after = sold.accept()
        assert (after.lines[0].refunded, after.refunded, sold.shelf) == (1, None, 8)
        assert (sold.returns, sold.raw["refunds"]) == ([("CLOSED", [(1, 1, 0)])], [])

    def test_a_refund_without_a_return_excludes_one_with_it(self, shop: Shop) -> None:
        sold = Sold(shop)
        sold.refund(1, f"{sold.order_ref}/return/1")
        sold.announce()
        after = sold.accept()
        assert (after.lines[0].refunded, sold.paid, sold.shelf) == (1, ["10.00"], 8)
        assert sold.returns == [("OPEN", [(1, 0, 0)])]
        sold.drop()
        assert sold.returns == [("CANCELED", [(1, 0, 0)])]

    def test_more_than_the_return_holds_is_refunded_beside_it_once(self, shop: Shop) -> None:
        sold = Sold(shop)
        sold.announce(units=1)
        for _ in range(3):
            after = sold.accept(units=2)
        assert (after.lines[0].refunded, sold.paid, sold.shelf) == (2, ["10.00", "10.00"], 9)

    @pytest.mark.parametrize("before", ["asked", "closed", "canceled"])
    def test_whatever_became_of_it_in_the_admin(self, shop: Shop, before: str) -> None:
        sold = Sold(shop)
        if before == "asked":
            shop.control("return", order=int(sold.key), lines={sold.line: 2}, asked=True)
        found = sold.announce()
        if before != "asked":
            shop.control("status", **{"return": int(found.external_id)}, to=before.upper())
        for _ in range(2):
            after = sold.accept(known=found.external_id)
        assert (after.lines[0].refunded, sold.paid, sold.shelf) == (1, ["10.00"], 8)
        held = {
            "asked": ("OPEN", [(2, 1, 1)]),
            "closed": ("CLOSED", [(1, 1, 1)]),
            "canceled": ("CANCELED", [(1, 0, 0)]),
        }
        assert sold.returns == [held[before]]

    def test_goods_that_are_on_the_shelf_already_are_not_put_there_twice(self, shop: Shop) -> None:
        sold = Sold(shop)
        made = sold.announce()
        shop.control("shelve", **{"return": int(made.external_id)})
        assert sold.shelf == 8
        sold.accept()
        assert (sold.shelf, sold.paid) == (8, ["10.00"])


class TestDropped:
    def test_it_is_cancelled_and_the_units_can_come_back_later(self, shop: Shop) -> None:
        sold = Sold(shop)
        sold.announce(1, 3)
        for _ in range(2):
            sold.drop()
        assert (sold.returns, sold.paid, sold.shelf) == ([("CANCELED", [(3, 0, 0)])], [], 7)
        assert sold.announce(2, 3).external_id

    def test_where_something_was_done_it_is_closed(self) -> None:
        with open_shop(closes_returns=False) as slow:
            sold = Sold(slow)
            made = sold.announce()
            slow.control("process", **{"return": int(made.external_id)})
            sold.drop()
            assert sold.returns == [("CLOSED", [(1, 1, 0)])]

    def test_one_of_the_stores_own_is_left_to_its_maker(self, shop: Shop) -> None:
        sold = Sold(shop)
        shop.control("return", order=int(sold.key), lines={sold.line: 1})
        sold.announce()
        sold.drop()
        assert sold.returns == [("OPEN", [(1, 0, 0)])]

    def test_an_order_with_an_open_return_is_not_cancelled(self, shop: Shop) -> None:
        sold = Sold(shop)
        sold.announce()
        with pytest.raises(RejectItem):
            sold.account.platform.cancel_order(sold.key, "enough")
