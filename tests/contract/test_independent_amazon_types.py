"""Product types of the independent Amazon: what they demand, before a listing is sent and when it arrives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft201909Validator, FormatChecker

from bridge.domain.requirement import AttributeKind, Need
from bridge.ports.channel import ContentUpdate, Outcome
from bridge.registry import discover
from tests.contract.suite import Bench
from tests.support.independent_amazon_lamp import lamp
from tests.support.independent_amazon_life import draft, ref
from tests.support.independent_amazon_orders import Amazon
from tests.support.independent_amazon_types import GERMANY

ADAPTER = discover().channels["amazon"]
GOOD = {
    "batteries_required": "Nein",
    "supplier_declared_dg_hz_regulation": "Not_Applicable",
    "voltage": "230.5 Volts",
    "shade_color": ("rot", "petrol"),
    "item_length_width.length": "12.5 centimeters",
    "item_length_width.width": "8 centimeters",
    "release_date": "2026-11-01",
}


@pytest.fixture
def amazon(specs_dir: Path) -> Amazon:
    made = Amazon(specs_dir / "amazon", dict(ADAPTER.sandbox_credentials))
    made.schemas["LAMP"] = json.dumps(lamp())
    return made


@pytest.fixture
def bench(amazon: Amazon, serve: Callable[..., str]) -> Bench:
    return Bench(ADAPTER, serve(amazon.app()))


def _lamp(**attributes: Any) -> Any:
    given = draft(1)
    content = given.content.model_copy(
        update={
            "category": "LAMP",
            "attributes": {**GOOD, **attributes},
            "bullets": ("klein", "aus Glas"),
            "brand": "Kao",
        }
    )
    return given.model_copy(update={"content": content})


def test_what_a_type_asks_for(bench: Bench) -> None:
    asked = {one.id: one for one in bench.connect().requirements("LAMP").attributes}
    needed = {name for name, one in asked.items() if one.need is Need.REQUIRED}
    assert needed == {"batteries_required", "supplier_declared_dg_hz_regulation", "voltage"}
    assert asked["batteries_required"].kind is AttributeKind.FLAG
    assert [(given.attribute, given.values) for given in asked["num_batteries"].required_if] == [
        ("batteries_required", ("true",))
    ]
    assert [(given.attribute, given.values) for given in asked["ghs"].required_if] == [
        ("supplier_declared_dg_hz_regulation", ("ghs",))
    ]
    assert asked["safety_data_sheet_url"].need is Need.RECOMMENDED
    assert (asked["voltage"].kind, asked["voltage"].units) == (AttributeKind.MEASURE, ("volts",))
    assert (asked["shade_color"].open_list, asked["shade_color"].max_values) == (True, 2)
    assert [one.value for one in asked["shade_color"].allowed] == ["rot", "blau"]
    assert asked["release_date"].kind is AttributeKind.DATE
    assert {"item_length_width.length", "item_length_width.width"} <= set(asked)
    assert asked["batteries_required"].name == "Batterien nötig"


def test_a_listing_in_the_shape_of_its_type(amazon: Amazon, bench: Bench) -> None:
    [made] = bench.connect().create_offers([_lamp()])
    assert made.outcome is Outcome.SUBMITTED, made
    sent = amazon.items["SKU-1"]
    tag = {"language_tag": "de_DE", "marketplace_id": GERMANY}
    assert sent["shade_color"] == [{"value": "rot", **tag}, {"value": "petrol", **tag}]
    assert sent["batteries_required"] == [{"value": False, "marketplace_id": GERMANY}]
    assert sent["supplier_declared_dg_hz_regulation"] == [{"value": "not_applicable", "marketplace_id": GERMANY}]
    assert sent["voltage"] == [{"value": 230.5, "unit": "volts", "marketplace_id": GERMANY}]
    assert sent["item_length_width"] == [
        {
            "length": {"value": 12.5, "unit": "centimeters"},
            "width": {"value": 8, "unit": "centimeters"},
            "marketplace_id": GERMANY,
        }
    ]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"batteries_required": "Ja"}, "batteries_included"),
        ({"supplier_declared_dg_hz_regulation": "ghs", "safety_data_sheet_url": "https://x.example"}, "ghs"),
        ({"supplier_declared_dg_hz_regulation": "transportation"}, "safety_data_sheet_url"),
        ({"hazmat": "1234"}, "hazmat"),
        ({"hazmat": "UN1234"}, "hazmat"),
        ({"shade_color": ("rot", "blau", "petrol")}, "shade_color"),
        ({"voltage": "230.555 volts"}, "voltage"),
    ],
)
def test_what_is_refused_before_it_is_sent(amazon: Amazon, bench: Bench, given: dict[str, Any], field: str) -> None:
    [made] = bench.connect().create_offers([_lamp(**given)])
    assert (made.outcome, made.field) == (Outcome.REJECTED, field), made
    assert "SKU-1" not in amazon.items


def test_a_pattern_in_letters_of_any_script(amazon: Amazon, bench: Bench) -> None:
    """JSON Schema's patterns are those of ECMA-262, which has words that others have not."""
    [made] = bench.connect().create_offers([_lamp(care_text="Öl meiden")])
    assert made.outcome is Outcome.SUBMITTED, made
    assert amazon.items["SKU-1"]["care_text"][0]["value"] == "Öl meiden"


def test_lengths_in_bytes(amazon: Amazon, bench: Bench) -> None:
    given = _lamp()
    content = given.content.model_copy(update={"brand": "K"})
    [made] = bench.connect().create_offers([given.model_copy(update={"content": content})])
    assert (made.outcome, made.field) == (Outcome.REJECTED, "brand"), made


def test_the_type_of_the_test_is_a_schema() -> None:
    Draft201909Validator.check_schema(lamp(), format_checker=FormatChecker(formats=()))


def test_a_type_that_a_marketplace_has_not(amazon: Amazon, bench: Bench) -> None:
    given = _lamp()
    content = given.content.model_copy(update={"category": "HAT"})
    channel = bench.connect()
    [made] = channel.create_offers([given.model_copy(update={"content": content})])
    assert (made.outcome, made.field) == (Outcome.REJECTED, "category"), made
    assert "HAT" in made.message
    assert not amazon.items
    channel.create_offers([given])
    update = ContentUpdate(**ref(1), content=content)
    [changed] = channel.update_content([update])
    assert (changed.outcome, changed.field) == (Outcome.REJECTED, "category"), "the listing is still there"
