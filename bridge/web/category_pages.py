"""The pages of the category editor: the store's categories and what is suggested, the marketplace's to choose from."""

from __future__ import annotations

from typing import Any

from bridge.flows import category_edit, documents, polls, sorting, working
from bridge.flows.category_edit import KINDS, MOST
from bridge.flows.documents import of_connection
from bridge.ports.errors import AskMerchant, NotFound
from bridge.web.asked import Go
from bridge.web.language import Name
from bridge.web.page import Context, Page, Sent, View

SHOWS = ("", "open", "mapped")


def _categories(view: View) -> Context:
    session = view.session
    channels = documents.channels(session)
    if not channels:
        return {"channels": {}}
    number = _number(view)
    found = category_edit.rows(session, number)
    search, show = view.text("search").lower(), view.text("show")
    chosen = [row for row in found if _fits(row, search, show)]
    return {
        "channels": channels,
        "number": number,
        "rows": chosen[:MOST],
        "more": max(0, len(chosen) - MOST),
        "counts": category_edit.counts(found),
        "search": search,
        "show": show,
        "drafted": category_edit.drafts(session, number),
        "is_known": category_edit.tells_categories(session, number),
        "suggested": any(row.suggested for row in found),
        "first": [row.suggested[0]["id"] for row in chosen[:MOST] if row.suggested and not row.target],
        "overrides": category_edit.overrides(session, number),
    }


def _fits(row: category_edit.Row, search: str, show: str) -> bool:
    wanted = {"open": not row.target, "mapped": bool(row.target)}.get(show, True)
    return wanted and (search in row.path.lower() or search in row.target_path.lower())


def _number(view: View) -> int:
    number = view.number("of") or next(iter(documents.channels(view.session)), None)
    if number is None:
        raise NotFound("No marketplace is connected.")
    working.must_exist(view.session, of_connection(number))
    return number


def _category(view: View) -> Context | None:
    number, path, product = _number(view), view.text("store", 500), view.text("product", 190)
    if not (path or product):
        return None
    title = ""
    if product:
        try:
            product, title = category_edit.product_of(view.session, product)
        except AskMerchant as error:
            raise NotFound(error.merchant) from None
    rows = [row for row in category_edit.rows(view.session, number) if row.path == path]
    search = view.text("search", 200) or (rows[0].path.rpartition(" > ")[2] if rows and not view.text("asked") else "")
    found = sorting.targets(view.session, number, search)
    own = {item["product"]: item for item in category_edit.overrides(view.session, number)}
    return {
        "number": number,
        "marketplace": documents.channels(view.session)[number],
        "path": path,
        "product": product,
        "name": title or path,
        "row": rows[0] if rows else None,
        "override": own.get(product),
        "search": search,
        "found": found,
        "title": Name(title or path),
    }


# What the forms ask for.


def _of(sent: Sent) -> int:
    number = sent.number("of")
    with sent.engine.db.read(sent.shop_id) as session:
        working.must_exist(session, of_connection(number))
    return number


def _back(sent: Sent, number: int, done: str = "") -> Go:
    kept = {name: sent.form.get(name, "")[:200] for name in ("show", "search")}
    return Go("categories", {"of": number, **kept}, done)


def _suggest(sent: Sent) -> Go:
    number = _of(sent)
    sorting.suggest(sent.engine, sent.shop_id, number)
    return _back(sent, number, "suggested")


def _accept(sent: Sent) -> Go:
    number = _of(sent)
    chosen = [sent.form.place] if sent.form.place else sent.form.all("suggestion")
    category_edit.accept(sent.engine, sent.shop_id, number, _ids(chosen), None, sent.author)
    return _back(sent, number, "drafted")


def _accept_above(sent: Sent) -> Go:
    number, percent = _of(sent), sent.number("above")
    if percent > 100:
        raise AskMerchant("Enter a confidence from 0 to 100 percent.", field="above")
    shown = _ids(sent.form.get("shown", "").split(","))
    category_edit.accept(sent.engine, sent.shop_id, number, shown, percent / 100, sent.author)
    return _back(sent, number, "drafted")


def _ids(values: list[str]) -> list[int]:
    return [int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 16]


def _choose(sent: Sent) -> Go:
    number, target = _of(sent), sent.form.get("target", "")[:190]
    path, product = sent.form.get("store", "")[:500], sent.form.get("product", "")[:190]
    if product:
        category_edit.override(sent.engine, sent.shop_id, number, product, target, sent.author)
    elif path:
        category_edit.choose(sent.engine, sent.shop_id, number, path, target, sent.author)
    return _back(sent, number, "drafted")


def _product(sent: Sent) -> Go:
    number, name = _of(sent), sent.form.get("product", "").strip()[:190]
    with sent.engine.db.read(sent.shop_id) as session:
        product, _ = category_edit.product_of(session, name)
    return Go("categories/choose", {"of": number, "product": product})


def _plan(sent: Sent) -> Go:
    number = _of(sent)
    made = working.plan_of(sent.engine, sent.shop_id, of_connection(number), KINDS, sent.author)
    return Go(f"plans/{made}", done="planned")


def _discard(sent: Sent) -> Go:
    number = _of(sent)
    working.discard(sent.engine, sent.shop_id, of_connection(number), KINDS)
    return _back(sent, number, "discarded")


def _ask(sent: Sent) -> Go:
    number = _of(sent)
    if not polls.ask_now(sent.engine, sent.shop_id, number, "poll.categories"):
        raise AskMerchant(sorting.NEVER)
    return _back(sent, number, "asked_now")


ACTS: dict[str, Any] = {
    "suggest": _suggest,
    "accept": _accept,
    "above": _accept_above,
    "choose": _choose,
    "product": _product,
    "plan": _plan,
    "discard": _discard,
    "ask": _ask,
}
CHOICES: dict[str, Any] = {"choose": _choose}
PAGES = (
    Page("categories", "categories", "Categories", "listings", _categories, menu="Categories", acts=ACTS),
    Page(
        "category", "categories/choose", "Category", "listings", _category, under="categories", acts={"choose": _choose}
    ),
)
