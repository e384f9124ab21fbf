"""Lists by offset and by page number: nothing that leaves them hides another entry, and they come to an end."""

from __future__ import annotations

import pytest

from bridge.domain.reading import following, numbered, to_and_fro


@pytest.mark.parametrize("page", [1, 3, 30, 50, 100, 1000])
def test_what_leaves_the_list_between_two_pages_hides_nothing(page: int) -> None:
    everyone, gone, seen, start = list(range(5 * page)), min(25, page // 4), list[int](), 0
    while found := everyone[start : start + page]:
        seen += found
        start = following(start, len(found)) if len(found) == page else len(everyone)
        del everyone[:gone]
    assert sorted(set(seen)) == list(range(5 * page))


@pytest.mark.parametrize("most", [1, 2, 3, 4, 7, 10, 25, 50, 100, 200])
def test_a_page_of_a_size_of_ours_has_the_wanted_entry_and_leads_on(most: int) -> None:
    assert numbered(0, most) == (0, most)
    for start in range(1, 30 * most):
        page, size = numbered(start, most)
        assert 1 <= size <= most
        assert page * size <= start < following(page * size, size)


@pytest.mark.parametrize("most", [4, 30, 50, 200])
def test_numbered_pages_overlap_and_come_to_an_end(most: int) -> None:
    everyone, gone, seen, start, calls = list(range(9 * most)), min(25, most // 8), list[int](), 0, 0
    while True:
        page, size = numbered(start, most)
        found = everyone[page * size : page * size + size]
        seen, calls = seen + found, calls + 1
        if len(found) < size:
            break
        start = following(page * size, len(found))
        del everyone[:gone]
    assert sorted(set(seen)) == list(range(9 * most))
    assert calls <= 20


@pytest.mark.parametrize("count", [1, 49, 50, 51, 100, 101, 250])
@pytest.mark.parametrize("gone", [0, 1, 7, 60])
def test_what_leaves_between_two_pages_of_a_size_that_is_given_is_met_on_the_way_back(count: int, gone: int) -> None:
    everyone, seen, calls = list(range(count)), set[int](), 0
    page: int | None = 1
    while page is not None:
        found = everyone[(abs(page) - 1) * 50 : abs(page) * 50]
        seen, calls = seen | set(found), calls + 1
        page = to_and_fro(page, is_last=len(found) < 50)
        del everyone[: min(gone, 50)]
    assert set(everyone) <= seen
    if not gone:
        assert (seen, calls) == (set(range(count)), 2 * (count // 50 + 1) - 1)
