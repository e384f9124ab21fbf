"""The Shopify platform against its sandbox, over real HTTP: orders made once, money, parcels, refunds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.catalogue import StoreVariant
from bridge.domain.order import ShippingMethod, StoreOrderStatus
from bridge.domain.returns import RefundLine
from bridge.ports.errors import NotFound, RejectItem, RetryLater, SlowDown, UnknownOutcome
from bridge.ports.http import patience
from platform_adapters.shopify import orders
from tests.support.shopify import Account, Shop, open_shop, utc_now
from tests.support.shopify_orders import BUYER, draft, eur


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """One store for all; each test has a product of its own."""
    with open_shop() as found:
        yield found


@pytest.fixture(autouse=True)
def healthy(shop: Shop) -> Iterator[None]:
    yield
    shop.heal()


@pytest.fixture
def account(shop: Shop) -> Account:
    found = Account(shop)
    found.platform.check()
    return found


_numbers = iter(range(1, 1000))


@pytest.fixture
def variant(account: Account) -> StoreVariant:
    sku = f"V-{next(_numbers)}"
    number = account.hands.create_product(sku, "8719102443555", "Thing", "12.10", 10)
    return account.platform.fetch_products([number]).products[0].variants[0]


@pytest.fixture
def number() -> str:
    """A marketplace order nobody else has."""
    return f"M{next(_numbers)}"


def shelf(shop: Shop, variant: StoreVariant) -> int:
    found: int = shop.look("stock")[variant.sku]
    return found


class TestCreate:
    def test_says_who_what_and_from_where(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        made = account.platform.create_order(draft(variant, external_id=number, quantity=2, total="24.20"))
        raw = shop.order(made.external_id)
        assert (raw["total"], raw["currency"], raw["financial"]) == ("24.20", "EUR", "PAID")
        assert raw["sourceIdentifier"] == f"bol:{number}"
        assert {item["key"]: item["value"] for item in raw["customAttributes"]}[
            "Marketplace order"
        ] == f"bol.com {number}"
        assert raw["tags"] == ["Storebridge", "bol.com"]
        assert raw["shippingAddress"]["address1"] == "Domplein 21 bis"
        assert raw["shippingAddress"]["address2"] == "Primera Neude, Utrecht"
        assert raw["shippingAddress"]["countryCode"] == "NL"
        assert "provinceCode" not in raw["shippingAddress"]
        assert raw["email"] is None
        assert raw["lines"][0]["requiresShipping"] is True
        assert raw["metafields"] == {"order_ref": f"bol:{number}"}

    @pytest.mark.parametrize(("told", "gateway"), [("Paid on bol.com", "Paid on bol.com"), ("", "bol.com")])
    def test_it_says_how_it_was_paid_as_the_merchant_has_it(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str, told: str, gateway: str
    ) -> None:
        made = account.platform.create_order(draft(variant, external_id=number, payment_text=told))
        assert [row["gateway"] for row in shop.order(made.external_id)["transactions"]] == [gateway]
        back = [RefundLine(store_line_id=made.lines[0].external_id, quantity=1)]
        after = account.platform.refund_lines(made.external_id, back, "Returned", f"bol:{number}/1")
        assert after.refunded == eur("12.10"), "the record of the refund goes by the payment, whatever it is called"

    @pytest.mark.parametrize(("shipping", "price"), [("4.95", "4.95"), (None, "0.00")])
    def test_it_has_the_merchants_shipping_method_and_the_same_amounts(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str, shipping: str | None, price: str
    ) -> None:
        chosen = ShippingMethod(code="dhl_paket", title="DHL Paket")
        asked = draft(variant, external_id=number, shipping=shipping, shipping_method=chosen)
        raw = shop.order(account.platform.create_order(asked).external_id)
        [line] = raw["raw"]["shippingLines"]
        assert (line["title"], line["code"]) == ("DHL Paket", "dhl_paket")
        assert line["priceSet"]["shopMoney"]["amount"] == price
        assert Decimal(raw["total"]) == asked.total.amount

    def test_its_number_is_the_stores_own_or_the_marketplaces(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        assert account.platform.create_order(draft(variant, external_id=number)).number.startswith("#")
        named = Account(shop, settings={"order_name": "marketplace"})
        assert named.platform.create_order(draft(variant, external_id=f"{number}n")).number == f"{number}n"

    def test_lowers_the_stock_at_once_below_zero_too(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        made = account.platform.create_order(draft(variant, external_id=number, quantity=12, total="120.00"))
        [line] = made.lines
        assert (line.ref, line.variant_id, line.quantity, line.reduced) == ("L-1", variant.external_id, 12, 12)
        assert (made.status, made.marketplace_ref) == (StoreOrderStatus.PROCESSING, f"bol:{number}")
        assert shelf(shop, variant) == -2

    def test_the_buyers_address_is_written_only_on_request(
        self, shop: Shop, variant: StoreVariant, number: str
    ) -> None:
        account = Account(shop, settings={"buyer_email": True})
        made = account.platform.create_order(draft(variant, external_id=number))
        assert shop.order(made.external_id)["email"] == BUYER.email
        odd = BUYER.model_copy(update={"email": "no address"})
        made = account.platform.create_order(draft(variant, external_id=f"{number}b", bill_to=odd))
        assert shop.order(made.external_id)["email"] is None

    def test_a_variant_that_is_gone_is_refused(self, account: Account, variant: StoreVariant, number: str) -> None:
        gone = variant.model_copy(update={"external_id": "5"})
        with pytest.raises(RejectItem, match="Variant does not exist"):
            account.platform.create_order(draft(gone, external_id=number))
        with pytest.raises(RejectItem, match="no usable variant id"):
            account.platform.create_order(draft(variant.model_copy(update={"external_id": "x"}), external_id=number))


class TestMoney:
    @pytest.mark.parametrize(
        ("quantity", "total"), [(1, "0.01"), (3, "10.00"), (7, "99.99"), (2, "24.20"), (11, "0.05")]
    )
    def test_the_total_is_the_marketplaces_to_the_cent(
        self, account: Account, variant: StoreVariant, number: str, quantity: int, total: str
    ) -> None:
        made = account.platform.create_order(
            draft(variant, external_id=number, quantity=quantity, total=total, shipping="2.99")
        )
        assert made.total.amount == Decimal(total) + Decimal("2.99")
        assert [line.quantity for line in made.lines] == [quantity]

    def test_taxes_as_they_were_told_and_who_pays_them(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        more = {"tax": "2.10", "shipping": "1.21", "shipping_tax": eur("0.21"), "tax_by_channel": True}
        account.platform.create_order(draft(variant, external_id=number, **more))
        sent = shop.sent("order_create")[-1]["order"]
        side = {"amount": "2.10", "currencyCode": "EUR"}
        [tax] = sent["lineItems"][0]["taxLines"]
        assert tax == {
            "title": "VAT",
            "rate": "0.2100",
            "priceSet": {"shopMoney": side, "presentmentMoney": side},
            "channelLiable": True,
        }
        assert sent["shippingLines"][0]["taxLines"][0]["rate"] == "0.2100"
        assert sent["taxesIncluded"] is True
        assert "taxLines" not in sent

    def test_a_difference_is_seen(self, shop: Shop, account: Account, variant: StoreVariant, number: str) -> None:
        path = "data.orderCreate.order.totalPriceSet.presentmentMoney.amount"
        shop.fault("mutate", "order_create", set={path: "14.64"})
        assert account.platform.create_order(draft(variant, external_id=number)).total == eur("14.64")


class TestExactlyOnce:
    def test_a_sixth_order_within_a_minute_waits_at_a_development_store(self, number: str) -> None:
        with open_shop(development=True) as shop:
            account = Account(shop)
            account.platform.check()
            made = account.hands.create_product("L", "8719102443555", "Thing", "12.10", 10)
            variant = account.platform.fetch_products([made]).products[0].variants[0]
            for turn in range(5):
                account.platform.create_order(draft(variant, external_id=f"{number}{turn}"))
            with pytest.raises(SlowDown, match="Too many attempts"):
                account.platform.create_order(draft(variant, external_id=f"{number}5"))

    def test_a_lost_answer_is_found_again_though_the_search_lags(self, number: str) -> None:
        with open_shop(search_lag=3600) as shop:
            account = Account(shop)
            account.platform.check()
            made = account.hands.create_product("L", "8719102443555", "Thing", "12.10", 10)
            variant = account.platform.fetch_products([made]).products[0].variants[0]
            shop.fault("reset", "order_create")
            with pytest.raises(UnknownOutcome):
                account.platform.create_order(draft(variant, external_id=number))
            assert list(account.platform.find_orders([f"bol:{number}", "bol:other"])) == [f"bol:{number}"]
            # The store itself refuses the second one.
            with pytest.raises(UnknownOutcome, match="has this order already"):
                account.platform.create_order(draft(variant, external_id=number))
            assert len(shop.look("orders")) == 1

    def test_a_time_out_in_a_200_is_not_repeated(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        before = len(shop.look("orders"))
        body = '{"errors":[{"message":"Timeout","extensions":{"code":"TIMEOUT"}}]}'
        shop.fault("error", "order_create", status=200, body=body)
        with pytest.raises(UnknownOutcome):
            account.platform.create_order(draft(variant, external_id=number))
        assert len(shop.look("orders")) == before

    def test_the_reference_decides_to_the_letter(self, account: Account, variant: StoreVariant, number: str) -> None:
        for one in (number, f"1{number}", f"{number}0"):
            account.platform.create_order(draft(variant, external_id=one))
        account.platform.create_order(draft(variant, external_id=number, ref=f"it's:{number}"))
        refs = [f"bol:{number}", f"it's:{number}", f"kaufland:{number}"]
        found = account.platform.find_orders(refs)
        assert {ref: order.marketplace_ref for ref, order in found.items()} == {ref: ref for ref in refs[:2]}

    def test_not_knowing_is_an_error_not_a_no(self, shop: Shop, account: Account) -> None:
        shop.fault("error", "order_find", times=None, status=500)
        with pytest.raises(RetryLater):
            account.platform.find_orders(["bol:1"])

    def test_a_definition_that_was_lost_is_made_again(self) -> None:
        with open_shop() as shop:
            assert Account(shop).platform.find_orders(["bol:1"]) == {}
            assert len(shop.sent("order_definition")) == 1


class TestReading:
    def test_changes_since_and_the_gone(self, shop: Shop, account: Account, variant: StoreVariant, number: str) -> None:
        since = utc_now() - timedelta(minutes=5)
        made = account.platform.create_order(draft(variant, external_id=number))
        shop.control("checkout", lines=[{"sku": variant.sku, "quantity": 1}])
        marks = {mark.external_id: mark for mark in account.platform.list_orders(since, None).items}
        assert marks[made.external_id].marketplace_ref == f"bol:{number}"
        assert account.platform.list_orders(utc_now() + timedelta(hours=1), None).items == ()
        assert account.platform.fetch_orders(["4", "x"]) == []

    def test_many_in_few_calls(self, account: Account, variant: StoreVariant, number: str) -> None:
        ids = [account.platform.create_order(draft(variant, external_id=f"{number}-{n}")).external_id for n in range(8)]
        account.operations()
        assert [order.external_id for order in account.platform.fetch_orders(ids)] == ids
        assert account.operations() == ["orders_by_id"] * 3

    def test_an_order_of_many_lines(self, account: Account, variant: StoreVariant, number: str) -> None:
        line = draft(variant).lines[0]
        lines = tuple(line.model_copy(update={"ref": f"L-{n}"}) for n in range(130))
        made = account.platform.create_order(draft(variant, external_id=number, lines=lines, total="12.10"))
        with patience(30):  # the tests before this one may have used up the shop's points
            [found] = account.platform.fetch_orders([made.external_id])
        assert [item.ref for item in found.lines] == [f"L-{n}" for n in range(130)]

    def test_a_status_nobody_knows_is_kept_raw(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        made = account.platform.create_order(draft(variant, external_id=number))
        shop.fault("mutate", "orders_by_id", set={"data.nodes.0.displayFulfillmentStatus": "ON_THE_MOON"})
        [found] = account.platform.fetch_orders([made.external_id])
        assert (found.status, found.raw_status) == (StoreOrderStatus.PROCESSING, "paid, on the moon")


class TestParcels:
    def test_in_parts_by_line_and_quantity(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        made = account.platform.create_order(draft(variant, external_id=number, quantity=3, total="30.00"))
        key, line = int(made.external_id), made.lines[0].external_id
        shop.control("ship", order=key, tracking="JD1", carrier="DHL", lines={line: 2})
        [part] = account.platform.fetch_orders([made.external_id])
        assert part.status is StoreOrderStatus.PROCESSING
        [parcel] = part.parcels
        assert (parcel.carrier, parcel.number, parcel.lines) == ("DHL", "JD1", {line: 2})
        shop.control("ship", order=key, tracking="JD2", carrier="DHL", url="https://dhl.example/JD2")
        [whole] = account.platform.fetch_orders([made.external_id])
        assert whole.status is StoreOrderStatus.COMPLETED
        assert whole.parcels[0].ref == parcel.ref
        assert whole.parcels[1].lines == {line: 1}

    def test_without_a_number(self, shop: Shop, account: Account, variant: StoreVariant, number: str) -> None:
        made = account.platform.create_order(draft(variant, external_id=number))
        shop.control("ship", order=int(made.external_id))
        [found] = account.platform.fetch_orders([made.external_id])
        assert (found.status, found.parcels[0].number) == (StoreOrderStatus.COMPLETED, "")


class TestCancel:
    def test_puts_back_the_stock_and_is_harmless_twice(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        made = account.platform.create_order(draft(variant, external_id=number))
        for _ in range(2):
            assert account.platform.cancel_order(made.external_id, "enough").status is StoreOrderStatus.CANCELLED
        assert shelf(shop, variant) == 10
        kinds = [row["kind"] for row in shop.order(made.external_id)["transactions"]]
        assert kinds == ["SALE", "REFUND"]

    def test_it_carries_and_tells_the_reason(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        told = []
        for name, code in ((number, "CUSTOMER"), (f"{number}b", "")):
            made = account.platform.create_order(draft(variant, external_id=name))
            assert made.cancel_reason == ""
            told.append(account.platform.cancel_order(made.external_id, "enough", code).cancel_reason)
        assert told == ["CUSTOMER", "OTHER"]

    def test_it_may_take_its_time(self) -> None:
        with open_shop(cancel_seconds=3600) as shop:
            account = Account(shop)
            pauses: list[float] = []
            object.__setattr__(account.services, "sleep", pauses.append)
            account.platform.check()
            key = account.hands.create_product("C", "8719102443555", "Thing", "12.10", 10)
            variant = account.platform.fetch_products([key]).products[0].variants[0]
            made = account.platform.create_order(draft(variant))
            with pytest.raises(RetryLater, match="still being cancelled"):
                account.platform.cancel_order(made.external_id, "enough")
            shop.control("clock", advance=3601)
            assert account.platform.cancel_order(made.external_id, "enough").status is StoreOrderStatus.CANCELLED

    def test_what_has_left_is_not_cancelled(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        made = account.platform.create_order(draft(variant, external_id=number))
        shop.control("ship", order=int(made.external_id), tracking="X", carrier="DHL")
        with pytest.raises(RejectItem, match="fulfilled order"):
            account.platform.cancel_order(made.external_id, "enough")

    def test_an_order_that_is_not_there(self, account: Account) -> None:
        with pytest.raises(NotFound):
            account.platform.cancel_order("4", "enough")


class TestRefund:
    def refund(self, account: Account, key: str, line: str, units: int, **more: Any) -> Any:
        lines = [RefundLine(store_line_id=line, quantity=units, **more)]
        return account.platform.refund_lines(key, lines, "Returned", f"bol:R{key}{units}")

    def test_once_however_often_with_the_goods_back_on_the_shelf(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        made = account.platform.create_order(draft(variant, external_id=number, quantity=2, total="24.20"))
        shop.control("ship", order=int(made.external_id), tracking="X", carrier="DHL")
        for _ in range(2):
            after = self.refund(account, made.external_id, made.lines[0].external_id, 1)
        assert (after.lines[0].refunded, after.refunded) == (1, eur("12.10"))
        assert shelf(shop, variant) == 9
        assert len(shop.order(made.external_id)["refunds"]) == 1

    def test_a_lost_answer_is_repeated_under_the_same_key(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        made = account.platform.create_order(draft(variant, external_id=number, quantity=2, total="24.20"))
        shop.fault("reset", "refund_create")
        after = self.refund(account, made.external_id, made.lines[0].external_id, 1, restock=False)
        keys = [row["key"] for row in shop.sent("refund_create")][-2:]
        assert (len(set(keys)), after.lines[0].refunded) == (1, 1)
        assert shelf(shop, variant) == 8

    def test_never_more_than_there_is(self, shop: Shop, variant: StoreVariant, number: str) -> None:
        account = Account(shop, settings={"record_refunds": False})
        made = account.platform.create_order(draft(variant, external_id=number, quantity=2, total="24.20"))
        after = self.refund(account, made.external_id, made.lines[0].external_id, 5)
        assert (after.lines[0].refunded, after.refunded) == (2, None)
        again = self.refund(account, made.external_id, made.lines[0].external_id, 1)
        assert again.lines[0].refunded == 2

    @pytest.mark.parametrize("recorded", [True, False])
    def test_a_part_of_a_unit_is_an_amount_or_a_note(
        self, shop: Shop, variant: StoreVariant, number: str, recorded: bool
    ) -> None:
        account = Account(shop, settings={"record_refunds": recorded})
        made = account.platform.create_order(draft(variant, external_id=number, quantity=2, total="24.20"))
        part = RefundLine(store_line_id=made.lines[0].external_id, quantity=0, restock=False, amount=eur("4.17"))
        for _ in range(2):
            after = account.platform.refund_lines(made.external_id, [part], "A part", f"bol:{number}/return/7")
        assert (after.lines[0].refunded, shelf(shop, variant)) == (0, 8)
        assert after.refunded == (eur("4.17") if recorded else None)
        words = f"4.17 EUR: A part [bol:{number}/return/7]"
        assert (shop.order(made.external_id).get("note") or "").count(words) == (0 if recorded else 1)

    def test_the_merchants_own_refund_is_read(
        self, shop: Shop, account: Account, variant: StoreVariant, number: str
    ) -> None:
        made = account.platform.create_order(draft(variant, external_id=number, quantity=3, total="30.00"))
        shop.control("refund", order=int(made.external_id), lines={made.lines[0].external_id: 2})
        [found] = account.platform.fetch_orders([made.external_id])
        assert found.lines[0].refunded == 2

    def test_what_somebody_wrote_into_a_refund_is_read_and_ours_is_not(self) -> None:
        def order(*notes: str) -> Any:
            line = {"lineItem": {"id": "gid://shopify/LineItem/7"}, "quantity": 1}
            refunds = [
                {"id": f"gid://shopify/Refund/{n}", "note": note, "units": [line]} for n, note in enumerate(notes, 1)
            ]
            own = [{"key": orders.ORDER_KEY, "value": "bol:1"}]
            return orders.refund_words({"refunds": list(reversed(refunds)), "customAttributes": own})

        assert order("Too small", "Broken in the box") == {"7": "Broken in the box"}
        assert order("Broken", "Returned [bol:1/return/7]") == {"7": "Broken"}


def test_a_note_goes_below_what_stands_there(shop: Shop, account: Account, variant: StoreVariant, number: str) -> None:
    made = account.platform.create_order(draft(variant, external_id=number, note="Ring twice"))
    for _ in range(2):
        account.platform.add_note(made.external_id, "Seen on bol")
    assert shop.order(made.external_id)["note"] == "Ring twice\nSeen on bol"
