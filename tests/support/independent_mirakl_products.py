"""The catalogue of the Mirakl that was written from its description alone: categories, attributes, values, and the files in
which products are sent (see independent_mirakl.py).

A file is transformed unless it is in the operator's own format, then checked, and then with the operator, who may take
days. What was not taken stands in one of two reports: of the transformation, or of the products.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from tests.support.independent import Json, Operation, Refusal
from tests.support.independent_mirakl_orders import Orders

TREE: dict[str, tuple[str, str]] = {
    "home": ("Maison", ""), "light": ("Luminaires", "home"), "lamp": ("Lampes", "light"), "garden": ("Jardin", ""),
}  # fmt: skip


def attribute(code: str, kind: str, category: str = "", level: str = "OPTIONAL", **given: Any) -> Json:
    names: Json = {"label": code.title(), "description": "", "label_translations": [], "description_translations": []}
    told: Json = {
        "code": code, "type": kind, "hierarchy_code": category, "requirement_level": level, "roles": [],
        "required": level == "REQUIRED", "variant": False, "type_parameter": "", "type_parameters": [],
    }  # fmt: skip
    return names | told | given


def role(kind: str, **parameters: str) -> list[Json]:
    return [{"type": kind, "parameters": [{"name": name, "value": value} for name, value in parameters.items()]}]


ATTRIBUTES = [
    attribute("category", "TEXT", level="REQUIRED", roles=role("CATEGORY")),
    attribute("shop_sku", "TEXT", level="REQUIRED", roles=role("SHOP_SKU")),
    attribute("ean", "TEXT", level="REQUIRED", roles=role("UNIQUE_IDENTIFIER"), validations="EAN"),
    attribute("title_fr", "TEXT", level="REQUIRED", roles=role("TITLE"), locale="fr_FR", validations="MAX_LENGTH|60"),
    attribute("description_fr", "LONG_TEXT", roles=role("DESCRIPTION"), locale="fr_FR"),
    attribute("brand", "TEXT", level="RECOMMENDED", roles=role("BRAND")),
    attribute("media_1", "MEDIA", level="REQUIRED", roles=role("MAIN_IMAGE")),
    attribute("media_2", "MEDIA"),
    attribute(
        "colour", "LIST", "light", "REQUIRED", variant=True, type_parameters=[{"name": "LIST_CODE", "value": "colours"}]
    ),
    attribute("rooms", "LIST_MULTIPLE_VALUES", "lamp", type_parameters=[{"name": "LIST_CODE", "value": "rooms"}]),
    attribute("old", "TEXT", "lamp", "DISABLED"),
    attribute("hose", "TEXT", "garden", "REQUIRED"),
]  # fmt: skip
LISTS = {"colours": {"R": "Rouge", "B": "Bleu"}, "rooms": {"K": "Cuisine", "S": "Salon", "C": "Chambre"}}


@dataclass
class Sent:
    rows: list[Json]
    states: list[str]
    raw: bool
    errors: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)
    taken: bool = False


@dataclass
class Products(Orders):
    """``lasting``: the looks a product file stays in each state; ``mapped``: whether the seller has mapped columns of its
    own, so that such files are understood; ``broken``: why the next file cannot be read; ``warns``: what is said of lines
    that are taken; ``reports``: how reports part their columns; ``form``: the report of an operator that has its own."""

    lasting: int = 1
    mapped: bool = False
    broken: str = ""
    warns: str = ""
    form: str = ""
    reports: str = ";"
    catalogue: set[str] = field(default_factory=set)
    products: dict[str, Json] = field(default_factory=dict)
    files: dict[str, Sent] = field(default_factory=dict)
    values: str = "|"
    leaf_only: bool = True

    # What there is

    def _below(self, code: str) -> set[str]:
        return {one for one in TREE if code in ("", one, *self._above(one))}

    def _above(self, code: str) -> list[str]:
        found: list[str] = []
        while code := TREE.get(code, ("", ""))[1]:
            found.append(code)
        return found

    def _h11(self, operation: Operation) -> Response:
        wanted = request.args.get("hierarchy", "")
        codes = [one for one in TREE if one in self._below(wanted)]
        if most := request.args.get("max_level"):
            start = len(self._above(wanted)) if wanted else -1
            codes = [one for one in codes if len(self._above(one)) - start <= int(most)]
        found = [
            {"code": one, "label": TREE[one][0], "level": len(self._above(one)) + 1, "parent_code": TREE[one][1]}
            for one in codes
        ]
        return self.full(operation, {"hierarchies": found[::-1]})

    def _pm11(self, operation: Operation) -> Response:
        """Of the category, of those above it and below it, and of all."""
        wanted = request.args.get("hierarchy", "")
        if wanted and wanted not in TREE:
            raise Refusal(404, f"no such category: {wanted}")
        codes = {"", *self._below(wanted), *self._above(wanted)}
        found = [one for one in ATTRIBUTES if one["hierarchy_code"] in codes]
        if request.args.get("with_roles") == "true":
            found = [one for one in found if one["roles"]]
        return self.full(operation, {"attributes": found})

    def _vl11(self, operation: Operation) -> Response:
        code = request.args.get("code")
        found = [
            {"code": name, "label": name, "values": [{"code": key, "label": label} for key, label in values.items()]}
            for name, values in LISTS.items()
            if code in (None, name)
        ]
        return self.full(operation, {"values_lists": found})

    def _p31(self, operation: Operation) -> Response:
        asked = [one.split("|") for one in request.args["product_references"].split(",")]
        if len(asked) > 100:
            raise Refusal(400, "at most 100 products")
        found = [
            {"product_id": key, "product_id_type": kind, "product_sku": f"P{key}", "product_title": "A thing"}
            for kind, key in asked
            if kind == "EAN" and key in self.catalogue
        ]
        return self.full(operation, {"products": found[::-1], "total_count": len(found)})

    # Files

    def _p41(self, operation: Operation) -> Response:
        if not request.files["file"].filename:
            raise Refusal(400, "the file has no name")
        text = request.files["file"].read().decode("utf-8")
        heading = text.partition("\n")[0]
        rows = [*csv.DictReader(io.StringIO(text, newline=""), delimiter=max(";,", key=heading.count))]
        own = request.form.get("operator_format") == "true"
        states = ["WAITING", "RUNNING", "SENT", "COMPLETE"] if own else [
            "TRANSFORMATION_WAITING", "TRANSFORMATION_RUNNING", "WAITING", "RUNNING", "SENT", "COMPLETE",
        ]  # fmt: skip
        if self.broken:
            states = [states[0], "FAILED" if own else "TRANSFORMATION_FAILED"]
        key = str(2000 + len(self.files))
        self.files[key] = Sent(
            rows, [state for state in states[:-1] for _ in range(self.lasting)] + states[-1:], not own
        )
        return self.json(operation, 201, {"import_id": int(key)})

    def _sent(self, key: str) -> Sent:
        if key not in self.files:
            raise Refusal(404, "no such import")
        return self.files[key]

    def _p42(self, operation: Operation, key: str) -> Response:
        one = self._sent(key)
        state = one.states[0] if len(one.states) == 1 else one.states.pop(0)
        if state in ("SENT", "COMPLETE") and not one.taken:
            self._check_all(one)
        wrong = len(one.errors) if state in ("SENT", "COMPLETE") else 0
        told = {
            "import_id": int(key), "import_status": state, "shop_id": 2042, "date_created": self.moment(self.now()),
            "has_error_report": bool(wrong or one.warnings) and not one.raw and state == "COMPLETE", "has_transformed_file": state == "COMPLETE",
            "has_new_product_report": state == "COMPLETE" and wrong < len(one.rows),
            "has_transformation_error_report": bool(wrong) and one.raw, "transform_lines_in_error": wrong if one.raw else 0,
            "transform_lines_in_success": len(one.rows) - wrong, "transform_lines_read": len(one.rows),
            "reason_status": self.broken, "integration_details": {"invalid_products": 0 if one.raw else wrong},
        }  # fmt: skip
        return self.full(operation, told)

    def _check_all(self, one: Sent) -> None:
        one.taken = True
        for number, row in enumerate(one.rows, 1):
            if faults := self._wrong(row, raw=one.raw):
                one.errors.append((number, ",".join(faults)))
                continue
            self.catalogue.add(row["ean"])
            self.products[row["ean"]] = row
            if self.warns:
                one.warnings.append((number, self.warns))

    def _wrong(self, row: Json, *, raw: bool) -> list[str]:
        code = row.get("category", "")
        if raw and not self.mapped:
            return ["1001|The category is unknown"]
        if code not in TREE or (self.leaf_only and any(code in self._above(one) for one in TREE)):
            return [f"1001|Category {code} is unknown or no leaf"]
        codes = {"", code, *self._above(code)}
        known = {one["code"]: one for one in ATTRIBUTES if one["hierarchy_code"] in codes}
        wrong = [
            f"1004|No attribute {name}" for name in row if row[name] and name not in {a["code"] for a in ATTRIBUTES}
        ]
        for name, one in known.items():
            if one["requirement_level"] == "REQUIRED" and not row.get(name):
                wrong.append(f"1000|The attribute '{name}' is required")
            lists = [part["value"] for part in one["type_parameters"] if part["name"] == "LIST_CODE"]
            given = row.get(name, "").split(self.values) if one["type"].endswith("VALUES") else [row.get(name, "")]
            odd = [value for value in given if lists and value and value not in LISTS[lists[0]]]
            wrong += [f"1003|{value} is not in the list of '{name}'" for value in odd]
        return wrong

    def _p44(self, _: Operation, key: str) -> Response:
        return self._product_report(key, ("errors", "warnings"), raw=False)

    def _p47(self, _: Operation, key: str) -> Response:
        return self._product_report(key, ("errors", "warnings"), raw=True)

    def _product_report(self, key: str, more: tuple[str, str], *, raw: bool) -> Response:
        one = self._sent(key)
        if not (one.errors or one.warnings) or one.raw is not raw or one.states[0] != "COMPLETE":
            raise Refusal(404, "no such report")
        if self.form and not raw:
            return Response(self.form, 200, mimetype="application/octet-stream")
        names = [*dict.fromkeys(name for row in one.rows for name in row), *more]
        out = io.StringIO()
        written = csv.DictWriter(out, names, delimiter=self.reports, quoting=csv.QUOTE_ALL)
        written.writeheader()
        for number, fault in one.errors[::-1]:
            written.writerow(one.rows[number - 1] | {more[0]: fault, more[1]: ""})
        for number, words in one.warnings:
            written.writerow(one.rows[number - 1] | {more[0]: "", more[1]: words})
        return Response(out.getvalue(), 200, mimetype="application/octet-stream")
