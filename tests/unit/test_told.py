"""Times and amounts inside what the engine says, as the page writes its own."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from bridge.web import told

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("code", "text", "shown"),
    [
        ("en", "away since 27 Nov 2026 06:11 UTC.", "away since 27 Nov 2026, 07:11."),
        ("de", "fort seit 27 Nov 2026 06:11 UTC.", "fort seit 27. Nov. 2026, 07:11."),
        ("de", "seit 01 Jul 2026 23:30 (UTC): 3", "seit 2. Juli 2026, 01:30: 3"),
        ("fr", "depuis 27 Nov 2026 07:11 (Europe/Berlin)", "depuis 27 nov. 2026, 07:11"),
        ("nl", "eindigt op 05 Dec 2026 (over 4 dagen)", "eindigt op 5 dec 2026 (over 4 dagen)"),
        ("pl", "zamówienie 1: 19.90 EUR", "zamówienie 1: 19,90\xa0€"),
        ("de", "500 JPY und -1200.50 EUR", "500\xa0¥ und -1.200,50\xa0€"),
        # What only looks like one.
        ("de", "31 Feb 2026 06:11 UTC", "31 Feb 2026 06:11 UTC"),
        ("de", "27 Nov 2026 06:11 (Nowhere/Land)", "27 Nov 2026 06:11 (Nowhere/Land)"),
        ("de", "Größe 12.5 CUP, SKU-19.90 EUR, 5 EUR", "Größe 12.5 CUP, SKU-19.90 EUR, 5 EUR"),
    ],
)
def test_a_sentence_is_told_in_the_terms_of_its_page(code: str, text: str, shown: str) -> None:
    assert told.local(text, code, BERLIN) == shown


def test_without_a_zone_times_stay_as_they_were() -> None:
    assert told.local("seit 27 Nov 2026 06:11 UTC", "de", None) == "seit 27 Nov 2026 06:11 UTC"


def test_only_a_value_that_is_a_percentage_is_written_otherwise() -> None:
    assert [told.share(value, "de") for value in ("1.8 %", "2 %", "10.5", "Milch 1.5 %")] == [
        "1,8 %", "2 %", "10.5", "Milch 1.5 %",
    ]  # fmt: skip
