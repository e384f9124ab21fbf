"""A list is read to its end, however long, and left when it has none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.domain.listing import LiveOffer
from bridge.flows.paging import pages
from bridge.ports.channel import Page
from bridge.ports.errors import RetryLater


def listing(last: int | None, every: Callable[[int], int]) -> Callable[[str | None], Page[LiveOffer]]:
    """A list of one offer a page; ``last`` is the number of its last page, ``every`` the page a number stands for."""

    def read(cursor: str | None) -> Page[LiveOffer]:
        number = int(cursor or 0)
        offer = LiveOffer(offer_id=str(every(number)), sku=f"SKU-{every(number)}", site="")
        return Page(items=(offer,), next_cursor=None if number == last else str(number + 1))

    return read


def test_a_hundred_thousand_listings_of_twenty_a_page_are_read_to_the_end() -> None:
    assert sum(1 for _ in pages(listing(5999, int))) == 6000


def test_pages_that_come_again_under_new_cursors_are_no_list() -> None:
    with pytest.raises(RetryLater, match="never ends"):
        list(pages(listing(None, lambda number: number % 7)))


def test_a_list_that_goes_on_for_ever_with_new_pages_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.flows.paging.MAX_PAGES", 50)
    with pytest.raises(RetryLater, match="never ends"):
        list(pages(listing(None, int)))


def test_pages_that_are_read_again_on_purpose_are_no_list_without_an_end() -> None:
    def to_the_end_and_back(cursor: str | None) -> Page[LiveOffer]:
        turn = int(cursor or 0)
        name = str(min(turn, 4 - turn))
        after = None if turn == 4 else str(turn + 1)
        return Page(items=(LiveOffer(offer_id=name, sku=name, site=""),), next_cursor=after, again=turn > 2)

    assert [page[0].sku for page in pages(to_the_end_and_back)] == ["0", "1", "2", "1", "0"]
