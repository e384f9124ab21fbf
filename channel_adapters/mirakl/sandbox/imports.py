"""Imports: a file is taken at once, worked off a little later, and what was refused stands in a report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, request

from channel_adapters.mirakl.sandbox import catalogue, offers
from channel_adapters.mirakl.sandbox.gate import Problem, answer, file, imported, seek, uploaded
from channel_adapters.mirakl.sandbox.market import Call, Document, Market, stamp

# Does one row; gives what is wrong with it, or "".
Worker = Callable[[Market, dict[str, Any]], str]
# What the operator refuses itself, after the conversion has taken it, is told in a report of its own (P44).
BY_OPERATOR = "operator: "
STOCK_COLUMNS = ["offer-sku", "quantity", "warehouse-code", "update-delete"]
PRICE_COLUMNS = ["offer-sku", "price", "discount-price", "discount-start-date", "discount-end-date"]


def work_off(market: Market) -> None:
    """Everything that is due, in the order in which it came."""
    for document in list(market.docs.all("imports").values()):
        if not document["done"] and document["due"] <= market.now():
            _finish(market, document)


def _finish(market: Market, document: Document) -> None:
    worker, errors = WORKERS[document["kind"]], []
    for number, row in enumerate(document.pop("rows"), 1):
        message = "The line was refused." if number in document["bad"] else ""
        if not message and document["apply"]:
            message = worker(market, row)
        if message:
            errors.append({"line": number, "message": message, "row": row})
    refused = [error for error in errors if error["message"].startswith(BY_OPERATOR)]
    errors = [error for error in errors if error not in refused]
    document.update(done=True, errors=errors, refused=refused)
    market.docs.put("imports", document["id"], document)


def _start(call: Call, kind: str, rows: list[dict[str, Any]], seconds: float, content: str = "") -> Document:
    market = call.market
    key = str(market.docs.next_id("import", 2001))
    document: Document = {"id": key, "kind": kind, "rows": rows, "read": len(rows), "done": False, "errors": []}
    document["refused"] = []
    document |= {"created": market.now(), "due": market.now() + seconds, "content": content}
    document["apply"] = call.faulty("not_applied") is None
    partial_ = call.faulty("partial") or {}
    every, keys = int(partial_.get("every", 0)), partial_.get("keys", ())
    numbered = list(enumerate(rows, 1))
    document["bad"] = [n for n, row in numbered if (every and n % every == 0) or offers.sku_of(row) in keys]
    document["fail"] = market.docs.get("plans", kind)
    market.docs.remove("plans", kind)
    market.docs.put("imports", key, document)
    return document


def _status(market: Market, document: Document) -> str:
    if document["done"]:
        return "FAILED" if document["fail"] else "COMPLETE"
    half = document["created"] + (document["due"] - document["created"]) / 2
    return "WAITING" if market.now() < half else "RUNNING"


def _import(call: Call, key: str, *kinds: str) -> Document:
    document: Document | None = call.market.docs.get("imports", key)
    if document is None or document["kind"] not in kinds:
        raise Problem(404, f"Import {key} not found.")
    return document


def _rows(content: str, needed: list[str]) -> list[dict[str, Any]]:
    """A file without its columns is refused as a whole, and so is an empty one."""
    heading = content.partition("\n")[0]
    delimiter = max((";", ","), key=heading.count)
    rows = list(csv.DictReader(io.StringIO(content), delimiter=delimiter))
    if not rows or any(name not in (rows[0] or {}) for name in needed):
        raise Problem(400, f"The file must have the columns {', '.join(needed)} and at least one line.")
    return rows


def _report(document: Document, kind: str, *, first: bool) -> Response:
    """``first``: line and reason stand before the columns of the file, else behind them."""
    if not document["done"] or not document["errors"]:
        raise Problem(404, "There is no error report.")
    names = list(dict.fromkeys(name for error in document["errors"] for name in error["row"]))
    names = [name for name in names if name is not None]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    extra = ["error-line", "error-message"]
    writer.writerow([*extra, *names] if first else [*names, *extra])
    for error in document["errors"]:
        values, told = [error["row"].get(name, "") for name in names], [error["line"], error["message"]]
        writer.writerow([*told, *values] if first else [*values, *told])
    return file(out.getvalue(), kind)


# Stock


def import_stock(call: Call) -> Response:
    rows = _rows(uploaded(), STOCK_COLUMNS[:2])
    document = _start(call, "stock", rows, call.market.options.import_seconds)
    return imported(document["id"], "/api/offers/stock/imports")


def stock_status(call: Call) -> Response:
    document = _import(call, call.path["import_id"], "stock")
    body = _counts(call.market, document) | {"import_id": document["id"], "shop_id": call.market.options.shop_id}
    return answer(body)


def stock_report(call: Call) -> Response:
    return _report(_import(call, call.path["import_id"], "stock"), "text/csv", first=True)


def _counts(market: Market, document: Document) -> Document:
    status, wrong = _status(market, document), len(document["errors"])
    body = {"date_created": stamp(document["created"]), "status": status, "has_error_report": wrong > 0}
    return body | {"lines_in_error": wrong, "lines_in_success": (document["read"] - wrong) if document["done"] else 0}


# Prices


def import_prices(call: Call) -> Response:
    rows = _rows(uploaded(), PRICE_COLUMNS[:2])
    document = _start(call, "price", rows, call.market.options.import_seconds)
    return imported(document["id"], "/api/offers/pricing/imports")


def price_imports(call: Call) -> Response:
    wanted = request.args.getlist("import_id")
    documents = [document for document in call.market.docs.all("imports").values() if document["kind"] == "price"]
    found = [_price_import(call, document) for document in documents if not wanted or document["id"] in wanted]
    return answer(seek(call, found))


def _price_import(call: Call, document: Document) -> Document:
    body = _counts(call.market, document) | {"import_id": document["id"], "shop_id": call.market.options.shop_id}
    body |= {"offers_in_error": len(document["errors"]), "offers_updated": body["lines_in_success"]}
    return body | {"origin": "API", "reason_status": document["fail"] or ""}


def price_report(call: Call) -> Response:
    return _report(_import(call, call.path["import_id"], "price"), "text/csv", first=True)


# Offers


def import_offers(call: Call) -> Response:
    """The same list again, while the first is not worked off, has the number of the first (specification)."""
    rows = [offer.wire() for offer in call.body.offers]
    content = json.dumps(rows, sort_keys=True)
    for document in call.market.docs.all("imports").values():
        if document["kind"] == "offer" and not document["done"] and document["content"] == content:
            return imported(int(document["id"]), "/api/offers/imports")
    document = _start(call, "offer", rows, call.market.options.import_seconds, content)
    return imported(int(document["id"]), "/api/offers/imports")


def offer_status(call: Call) -> Response:
    document = _import(call, call.path["import"], "offer")
    counts = _counts(call.market, document)
    body = counts | {"import_id": int(document["id"]), "lines_read": document["read"], "mode": "NORMAL"}
    body |= {"lines_in_pending": 0 if document["done"] else document["read"], "type": "MIRAKL"}
    body |= {"offer_deleted": 0, "offer_inserted": 0, "offer_updated": counts["lines_in_success"]}
    return answer(body | {"reason_status": document["fail"] or ""})


def offer_report(call: Call) -> Response:
    document = _import(call, call.path["import"], "offer")
    rows = [{"sku": error["row"]["shop_sku"], "product-id": error["row"]["product_id"]} for error in document["errors"]]
    told = [error | {"row": row} for error, row in zip(document["errors"], rows, strict=True)]
    return _report(document | {"errors": told}, "application/octet-stream", first=False)


# Products


def import_products(call: Call) -> Response:
    rows = _rows(uploaded(), ["category"])
    document = _start(call, "product", rows, call.market.options.product_seconds)
    return imported(int(document["id"]), "/api/products/imports")


def product_status(call: Call) -> Response:
    document = _import(call, call.path["import"], "product")
    status, wrong = _status(call.market, document), len(document["errors"])
    names = {"WAITING": "TRANSFORMATION_WAITING", "RUNNING": "SENT"}
    body = {"import_id": int(document["id"]), "import_status": names.get(status, status)}
    body |= {"date_created": stamp(document["created"]), "shop_id": call.market.options.shop_id}
    body |= {
        "has_error_report": bool(document["refused"]),
        "has_new_product_report": document["done"],
        "has_transformed_file": False,
    }
    body |= {"has_transformation_error_report": wrong > 0, "transform_lines_with_warning": 0}
    body |= {"transform_lines_read": document["read"], "transform_lines_in_error": wrong}
    body["transform_lines_in_success"] = document["read"] - wrong
    return answer(body | ({"reason_status": document["fail"]} if document["fail"] else {}))


def product_report(call: Call) -> Response:
    document = _import(call, call.path["import"], "product")
    return _report(document | {"errors": document["refused"]}, "application/octet-stream", first=False)


def transformation_report(call: Call) -> Response:
    return _report(_import(call, call.path["import"], "product"), "application/octet-stream", first=False)


def _take_product(market: Market, row: dict[str, Any]) -> str:
    if fault := catalogue.row_fault(row):
        return fault
    if row.get("brandName") == catalogue.BANNED:
        return f"{BY_OPERATOR}the brand {catalogue.BANNED} is not sold here"
    catalogue.integrate(market, row)
    return ""


WORKERS: dict[str, Worker] = {
    "stock": offers.take_stock,
    "price": offers.take_price,
    "offer": offers.take_offer,
    "product": _take_product,
}


def hire(market: Market) -> None:
    market.due.append(partial(work_off, market))
