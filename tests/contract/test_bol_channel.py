"""The bol channel against its sandbox, over real HTTP: credentials, offers, content."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.listing import Facet, OfferContent
from bridge.domain.money import Money
from bridge.ports.channel import (
    ContentUpdate,
    OfferRef,
    Outcome,
    PriceUpdate,
    SubmissionState,
)
from bridge.ports.errors import (
    NotFound,
    Reauthorise,
    Superseded,
    UnknownOutcome,
)
from bridge.ports.http import before_write
from bridge.ports.manifest import Capability
from channel_adapters.bol import ADAPTER
from channel_adapters.bol.sandbox.operations import operations
from tests.support.bol import EANS
from tests.support.bol_channel import Account, at_sandbox, create, draft, status, stock

Open = Callable[..., Account]


# The adapter as such


def test_limits_are_for_operations_of_the_specification() -> None:
    known = {operation.name for operation in operations()} | {"token", "subscriptions"}
    assert set(ADAPTER.manifest.limits) <= known
    assert all(limit.source for limit in ADAPTER.manifest.limits.values())


def test_every_capability_is_there_or_said_to_lack() -> None:
    elsewhere = {"catalogue", "create_order", "webhooks", "stock_write", "feed"}  # of stores, and of those that fetch
    said = {str(name) for name in (*ADAPTER.manifest.capabilities, *ADAPTER.manifest.lacks)}
    assert said == {str(name) for name in Capability} - elsewhere
    assert Capability.SCORE in ADAPTER.manifest.capabilities


# Credentials


def test_check_tells_whose_account_it_is(open_account: Open) -> None:
    info = open_account().channel.check()
    assert (info.name, info.countries) == ("Sandbox", ("NL", "BE"))


def test_check_refuses_wrong_credentials(open_account: Open) -> None:
    account = open_account(credentials={"client_id": "sandbox-client", "client_secret": "wrong-secret-value"})
    with pytest.raises(Reauthorise, match="partner platform") as caught:
        account.channel.check()
    assert "wrong-secret-value" not in str(caught.value)


def test_one_token_serves_many_calls_and_a_revoked_one_is_renewed_once(open_account: Open) -> None:
    account = open_account()
    account.channel.check()
    account.seller.fault("unauthorised", "get-retailer-information")
    account.channel.check()
    assert account.operations().count("token") == 2


def test_revoked_credentials_stop_it(open_account: Open) -> None:
    account = open_account()
    account.channel.check()
    account.seller.fault("unauthorised", times=None)
    with pytest.raises(Reauthorise):
        account.channel.list_open_orders(None)


def test_a_short_token_is_renewed_in_time(open_account: Open) -> None:
    account = open_account({"token_seconds": 31})
    account.channel.check()
    assert account.operations().count("token") == 1


# Offers


def test_an_offer_is_created_and_found(open_account: Open) -> None:
    account = open_account()
    offer = create(account)
    assert at_sandbox(account) | {"offer_id": offer.offer_id, "sku": "A-1", "stock": 5, "live": True} == at_sandbox(
        account
    )
    by_sku, by_gtin = account.channel.find_offers(["A-1"], []), account.channel.find_offers(["?"], [EANS[0]])
    assert [found.offer_id for found in by_sku] == [found.offer_id for found in by_gtin] == [offer.offer_id]
    assert account.channel.find_offers(["?"], [EANS[1]]) == []


def test_content_of_a_new_offer_is_still_to_be_sent_unless_switched_off(open_account: Open) -> None:
    sends, keeps = open_account(), open_account(settings={"send_content": False})
    assert sends.channel.create_offers([draft()])[0].unsent == (Facet.CONTENT,)
    assert keeps.channel.create_offers([draft()])[0].unsent == ()


def test_a_create_whose_answer_was_lost_is_found_again(open_account: Open) -> None:
    account = open_account()
    account.seller.fault("reset", "create-offer")
    with pytest.raises(UnknownOutcome):
        account.channel.create_offers([draft()])
    assert [offer.sku for offer in account.channel.find_offers(["A-1"], [])] == ["A-1"]


def test_a_repeated_create_takes_over_its_own_offer(open_account: Open) -> None:
    account = open_account()
    offer = create(account)
    again = account.channel.create_offers([draft(stock=2, price=Money(amount=Decimal(20), currency="EUR"))])[0]
    assert (again.outcome, again.offer_id) == (Outcome.APPLIED, offer.offer_id)
    assert (at_sandbox(account)["stock"], at_sandbox(account)["price"]) == (2, 20)


def test_an_ean_that_is_offered_under_another_reference_is_refused(open_account: Open) -> None:
    account = open_account()
    create(account)
    result = account.channel.create_offers([draft(sku="B-1")])[0]
    assert (result.outcome, result.field) == (Outcome.REJECTED, "gtin")
    assert "under A-1" in result.message
    assert at_sandbox(account)["sku"] == "A-1"


def test_one_bad_draft_harms_no_other(open_account: Open) -> None:
    account = open_account()
    bad = draft("B-1", "8718526069335")
    results = account.channel.create_offers([draft(), bad, draft("C-1", None), draft("D-1", EANS[1])])
    assert [result.outcome.value for result in results] == ["applied", "rejected", "rejected", "applied"]
    assert [result.key for result in results] == ["key A-1", "key B-1", "key C-1", "key D-1"]
    assert (results[1].field, results[2].field) == ("ean", "gtin")


def test_stock_price_and_end(open_account: Open) -> None:
    account = open_account()
    offer = create(account)
    price = Money(amount=Decimal("9.5"), currency="EUR")
    account.channel.update_stock([stock(offer, 0)])
    account.channel.update_prices([PriceUpdate(price=price, **offer.model_dump())])
    assert (at_sandbox(account)["stock"], at_sandbox(account)["price"]) == (0, 9.5)
    assert account.channel.end_offers([offer])[0].outcome is Outcome.APPLIED
    assert account.seller.control("GET", "offers") == []


def test_prices_for_several_at_once_stay_where_they_are_lower(open_account: Open) -> None:
    account = open_account()
    offer = create(account)
    sold_at = [{"quantity": 1, "unitPrice": 12.99}, {"quantity": 2, "unitPrice": 11}, {"quantity": 5, "unitPrice": 9}]
    client = account.channel._client
    client.update_offer(offer.offer_id, {"pricing": {"bundlePrices": sold_at}})
    for amount, left in (("12.49", [(1, 12.49), (2, 11), (5, 9)]), ("10.00", [(1, 10), (5, 9)])):
        price = Money(amount=Decimal(amount), currency="EUR")
        account.channel.update_prices([PriceUpdate(price=price, **offer.model_dump())])
        now = client.offer(offer.offer_id)["pricing"]["bundlePrices"]
        assert [(part["quantity"], float(part["unitPrice"])) for part in now] == left


def test_an_offer_that_is_gone_is_missing(open_account: Open) -> None:
    account = open_account()
    gone = create(account)
    account.channel.end_offers([gone])
    assert account.channel.update_stock([stock(gone, 1)])[0].outcome is Outcome.MISSING
    assert account.channel.end_offers([gone])[0].outcome is Outcome.MISSING
    with pytest.raises(NotFound):
        account.channel.sale_status(gone)


@pytest.mark.parametrize("kind", ["reset", "html", "error"])
def test_a_stock_update_is_repeated_after_a_fault(open_account: Open, kind: str) -> None:
    account = open_account()
    offer = create(account)
    account.seller.fault(kind, "update-offer")
    assert account.channel.update_stock([stock(offer, 1)])[0].outcome is Outcome.APPLIED
    assert at_sandbox(account)["stock"] == 1


def test_a_closed_fence_sends_nothing(open_account: Open) -> None:
    account = open_account()
    offer = create(account)

    def closed() -> None:
        raise Superseded("lost")

    with before_write(closed), pytest.raises(Superseded):
        account.channel.update_stock([stock(offer, 1)])
    assert at_sandbox(account)["stock"] == 5


def test_offers_are_read_back_in_pages(open_account: Open) -> None:
    account = open_account()
    for number in range(130):
        body = f"871{number:09d}"
        digits = [int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)]
        ean = body + str(-sum(digits) % 10)
        account.seller.control("POST", "offers", {"sku": f"S-{number}", "ean": ean, "stock": number, "price": 5})
    first = account.channel.list_offers(None)
    second = account.channel.list_offers(first.next_cursor)
    assert (len(first.items), len(second.items), second.next_cursor) == (100, 30, None)
    assert [offer.stock for offer in (*first.items, *second.items)] == list(range(130))


def test_a_question_with_a_stuck_cursor_ends(open_account: Open) -> None:
    account = open_account()
    create(account)
    account.seller.fault("stuck_cursor", "get-offers", times=None)
    assert {offer.sku for offer in account.channel.find_offers(["A-1"], [])} == {"A-1"}


def test_why_an_offer_is_offline(open_account: Open) -> None:
    account = open_account({"price_ceiling": 10})
    found = account.channel.sale_status(create(account))
    assert (found.for_sale, found.reasons) == (False, ("Price too high",))
    assert found.fixes == ("Lower the price: bol takes offers offline that are far above the market.",)


def test_before_its_check_nothing_is_known(open_account: Open) -> None:
    account = open_account({"policy_seconds": 60})
    assert account.channel.sale_status(create(account)).for_sale is None


def test_the_only_valid_operator_is_taken_two_are_a_choice(open_account: Open) -> None:
    account = open_account()
    address = {"street": "A", "houseNumber": "1", "postalCode": "1234AB", "city": "Utrecht", "country": "NL"}
    contact = {"emailAddress": "a@b.example", "phoneNumber": "+31201234567"}
    second = {"name": "Second", "address": address, "contactInformation": contact}
    made = account.seller.call("POST", "/retailer/economic-operator", second).json()["id"]
    create(account)
    assert at_sandbox(account)["reasons"] == ["3001-99"]
    chosen = Account(str(account.seller.http.base_url).rstrip("/"), settings={"economic_operator": made})
    assert chosen.channel.create_offers([draft("B-1", EANS[1])])[0].outcome is Outcome.APPLIED
    assert account.seller.control("GET", "offers")[1]["live"]


# Content


def content(offer: OfferRef, **more: Any) -> ContentUpdate:
    given = {"title": "A blue mug", "description": "For coffee.", "brand": "Potter"} | more
    return ContentUpdate(content=OfferContent(**given), **offer.model_dump())


def test_content_is_followed_until_it_is_published(open_account: Open) -> None:
    account = open_account({"known_products": "none"})
    offer = create(account)
    assert not at_sandbox(account)["live"]
    result = account.channel.update_content([content(offer)])[0]
    assert status(account, result)[0] is SubmissionState.DONE
    assert (at_sandbox(account)["live"], at_sandbox(account)["title"]) == (True, "A blue mug")


def test_content_of_a_known_product_may_be_incomplete(open_account: Open) -> None:
    account = open_account()
    result = account.channel.update_content([content(create(account), description="", brand=None)])[0]
    assert status(account, result)[0] is SubmissionState.DONE
    assert at_sandbox(account)["live"]


def test_declined_content_comes_back_with_the_reason(open_account: Open) -> None:
    account = open_account()
    result = account.channel.update_content([content(create(account), attributes={"Width": "wide"})])[0]
    assert status(account, result) == (SubmissionState.FAILED, "Width: The numeric value is incorrect.")


def test_content_is_taken_where_each_value_has_to_name_a_unit(open_account: Open) -> None:
    account = open_account({"units_required": True, "known_products": "none"})
    result = account.channel.update_content([content(create(account), attributes={"Colour": ("Blue", "Red")})])[0]
    assert status(account, result)[0] is SubmissionState.DONE
    assert at_sandbox(account)["title"] == "A blue mug"


def test_content_in_progress_is_pending(open_account: Open) -> None:
    account = open_account({"content_seconds": 60})
    result = account.channel.update_content([content(create(account))])[0]
    assert status(account, result)[0] is SubmissionState.PENDING


def test_switched_off_the_title_goes_with_the_offer(open_account: Open) -> None:
    account = open_account({"known_products": "none"}, settings={"send_content": False})
    result = account.channel.update_content([content(create(account))])[0]
    assert (result.outcome, at_sandbox(account)["title"]) == (Outcome.APPLIED, "A blue mug")
