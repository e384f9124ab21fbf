"""Lists by offset: pages overlap, and come to an end."""

from __future__ import annotations

import pytest

from bridge.domain.reading import following


@pytest.mark.parametrize("page", [1, 3, 30, 50, 100, 1000])
def test_what_leaves_the_list_between_two_pages_hides_nothing(page: int) -> None:
    everyone, gone, seen, start = list(range(5 * page)), min(25, page // 4), list[int](), 0
    while found := everyone[start : start + page]:
        seen += found
        start = following(start, len(found)) if len(found) == page else len(everyone)
        del everyone[:gone]
    assert sorted(set(seen)) == list(range(5 * page))
