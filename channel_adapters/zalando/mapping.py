"""Their JSON to our domain and back: orders and returns. Pure: no I/O, no clock. Unknown words are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bridge.domain.order import Address, FulfilledBy, MarketplaceOrder, OrderPhase, SoldLine
from bridge.domain.reading import Json, moment, table, tables, text, texts
from bridge.domain.returns import MarketplaceReturn, ReturnLine, cause_in
from bridge.domain.values import fingerprint
from bridge.ports.batch import told
from bridge.ports.channel import OrderRef
from bridge.ports.errors import RejectItem
from channel_adapters.zalando.reading import money
from channel_adapters.zalando.vocabulary import (
    CANCELLED,
    FULFILLED_BY,
    GONE,
    LINE_STATUSES,
    NEXT,
    NOTHING,
    PHASES,
    RETURN_CAUSES,
    RETURNED,
    return_reason,
)

# A sales channel's site by its number, "" where it is none of ours.
SiteOf = Callable[[str], str]


# An order and what was included of it: {"data": order, "included": [its items and lines]}


def single(document: Json) -> Json:
    return {"data": table(document, "data"), "included": tables(document, "included")}


def with_items(order: Json, items: Json) -> Json:
    """An order with items and lines that were read on their own."""
    return {"data": order["data"], "included": [*tables(items, "data"), *tables(items, "included")]}


def each_order(document: Json) -> list[Json]:
    """The orders of a list, each with its own items and lines."""
    included = tables(document, "included")
    items = {key_of(part): part for part in included if is_item(part)}
    lines = [part for part in included if is_line(part)]
    found = []
    for order in tables(document, "data"):
        mine = [item for item in items.values() if _belongs(item, "order_id", order, "order_items")]
        of_mine = [line for line in lines if any(_belongs(line, "order_item_id", item, "order_lines") for item in mine)]
        found.append({"data": order, "included": [*mine, *of_mine]})
    return found


def key_of(resource: Json) -> str:
    return text(resource.get("id"))


def is_item(resource: Json) -> bool:
    return _kind(resource) == "orderitem" or "article_id" in table(resource, "attributes")


def is_line(resource: Json) -> bool:
    return _kind(resource) == "orderline" or (not is_item(resource) and "price" in table(resource, "attributes"))


def _kind(resource: Json) -> str:
    return re.sub(r"[^a-z]", "", text(resource.get("type")).lower()).rstrip("s")


def _belongs(part: Json, name: str, parent: Json, relation: str) -> bool:
    """By the number it names; else the parent names it."""
    if told := text(table(part, "attributes").get(name)):
        return told == key_of(parent)
    return key_of(part) in {key_of(item) for item in tables(parent, "relationships", relation, "data")}


def items_of(raw: Json) -> list[Json]:
    return [part for part in tables(raw, "included") if is_item(part)]


def lines_of(raw: Json, item: Json) -> list[Json]:
    parts = [part for part in tables(raw, "included") if is_line(part)]
    return [part for part in parts if _belongs(part, "order_item_id", item, "order_lines")]


def find_line(raw: Json, line_id: str) -> tuple[str, Json] | None:
    """The number of its item, and the line."""
    for item in items_of(raw):
        for line in lines_of(raw, item):
            if key_of(line) == line_id:
                return key_of(item), line
    return None


def status_of(resource: Json) -> str:
    return text(table(resource, "attributes").get("status"))


def may_become(line: Json, status: str) -> bool:
    """As the answer says, else as Zalando's states follow each other."""
    told = texts(table(line, "meta"), "possible_status_transitions")
    return status in (told or NEXT.get(status_of(line), NOTHING))


# Orders


def order_ref(raw: Json, site_of: SiteOf) -> OrderRef:
    """The whole order where the list tells it well; reading it alone says what is wrong with it otherwise."""
    data = table(raw, "data")
    whole = told(lambda: order(raw, site_of))
    changed = moment(table(data, "attributes").get("modified_at"))
    return OrderRef(external_id=order_id(data), changed_at=changed, mark=mark(raw), order=whole)


def order_id(data: Json) -> str:
    return key_of(data) or text(table(data, "attributes").get("order_id"))


def mark(raw: Json) -> str:
    """The state of an order. Whether it is exported is our own doing and no change."""
    about = table(raw, "data", "attributes")
    states = sorted((key_of(line), status_of(line)) for item in items_of(raw) for line in lines_of(raw, item))
    return fingerprint([about.get("status"), about.get("delivery_end_date"), states])


def order(raw: Json, site_of: SiteOf) -> MarketplaceOrder:
    """An order whole, each unit of it a line. Raises RejectItem naming the field without which it cannot be handled."""
    data = table(raw, "data")
    about = table(data, "attributes")
    placed = moment(about.get("order_date")) or moment(about.get("created_at"))
    if not order_id(data) or placed is None:
        raise _unreadable(about, "order_date" if order_id(data) else "id")
    lines = tuple(_line(about, item, line) for item in items_of(raw) for line in lines_of(raw, item))
    if not lines:
        raise _unreadable(about, "order_lines")
    currency = text(about.get("order_lines_price_currency")) or lines[0].unit_price.currency
    billing = about.get("billing_address")
    return MarketplaceOrder(
        external_id=order_id(data),
        placed_at=placed,
        changed_at=moment(about.get("modified_at")),
        list_mark=mark(raw),
        phase=_phase(about, raw),
        site=site_of(text(about.get("sales_channel_id"))),
        currency=currency,
        lines=lines,
        shipping=money(about.get("shipping_costs"), currency),
        ship_to=address(table(about, "shipping_address"), about),
        bill_to=address(billing, about) if isinstance(billing, dict) else None,
        note=_note(about),
        raw=raw,
    )


def _phase(about: Json, raw: Json) -> OrderPhase:
    """Nothing is shipped of an order with a line in a state that we do not know."""
    states = {status_of(line) for item in items_of(raw) for line in lines_of(raw, item)}
    if not states <= LINE_STATUSES:
        return OrderPhase.PENDING
    return PHASES.get(text(about.get("status")), OrderPhase.PENDING)


def _note(about: Json) -> str:
    """The number the buyer knows: several orders may carry it (understanding-orders.html), so it is no id."""
    number = text(about.get("order_number"))
    return f"Zalando order number {number}" if number else ""


def _line(about: Json, item: Json, line: Json) -> SoldLine:
    """One unit. Zalando names articles by the merchant's own identifier, which is the SKU, or the EAN."""
    article, told = table(item, "attributes"), table(line, "attributes")
    price, status = money(told.get("price")), status_of(line)
    if not key_of(line) or price is None:
        raise _unreadable(about, "order_lines.price" if key_of(line) else "order_lines.id")
    name = text(article.get("external_id"))
    return SoldLine(
        external_id=key_of(line),
        sku=name or None,
        gtin=name if re.fullmatch(r"\d{13}", name) else None,
        title=text(article.get("description")) or text(article.get("article_id")),
        quantity=1,
        cancelled=int(status == CANCELLED),
        shipped=int(status in GONE),
        unit_price=price,
        total=price,
        fulfilled_by=FULFILLED_BY.get(text(about.get("order_type")), FulfilledBy.MERCHANT),
        ship_by=moment(about.get("delivery_end_date")),
    )


def address(raw: Json, about: Json) -> Address:
    """Street and number are one line; what has no field of its own is kept by name."""
    point = table(raw, "service_point_details")
    kind = text(raw.get("address_type"))
    extra = {
        "address_line_3": text(raw.get("address_line_3")),
        "address_type": kind if kind != "HOME_ADDRESS" else "",
        "pickup_point": text(point.get("service_point_id")),
        "pickup_name": text(point.get("service_point_name")),
        "post_number": text(point.get("service_point_member_id")),
    }
    phone = about.get("customer_phone")
    return Address(
        first_name=text(raw.get("first_name")),
        last_name=text(raw.get("last_name")),
        street=text(raw.get("address_line_1")),
        addition=text(raw.get("address_line_2")),
        postcode=text(raw.get("zip_code")),
        city=text(raw.get("city")),
        country=text(raw.get("country_code")).upper(),
        email=text(about.get("customer_email")),
        phone=text(phone.get("number") if isinstance(phone, dict) else phone),
        extra={name: value for name, value in extra.items() if value},
    )


def _unreadable(about: Json, name: str) -> RejectItem:
    what = text(about.get("order_number")) or text(about.get("order_id")) or "an order"
    words = f"Zalando's answer about {what} has no usable {name}. Handle it in zDirect and tell us."
    return RejectItem(words, field=name, developer=f"fields: {', '.join(sorted(about))}")


# Returns. A line's id is order/line/reason: what is needed to say that it is back.


def return_id(order_id_: str, line_id: str, words: str) -> str:
    return f"{order_id_}/{line_id}/{return_reason(words)}"


def place_of_return(external_id: str) -> tuple[str, str, int]:
    """Order, line and Zalando's number for the reason. Raises RejectItem for an id that is not ours."""
    parts = external_id.split("/")
    if len(parts) != 3 or not all(parts) or not parts[2].isdigit():
        raise RejectItem(f"{external_id!r} is no returned line of Zalando.", field="line_id")
    return parts[0], parts[1], int(parts[2])


def marketplace_return(raw: Json, orders: Mapping[str, Json], seen_at: datetime) -> MarketplaceReturn:
    """``orders`` tell what the lines are and whether they are back; ``seen_at`` stands in for a missing time."""
    lines = tuple(
        _return_line(orders.get(text(part.get("order_id")), {}), text(part.get("order_id")), line)
        for part in tables(raw, "orders")
        for line in tables(part, "order_lines")
        if text(line.get("order_line_id"))
    )
    return MarketplaceReturn(
        external_id=text(raw.get("announced_return_id")),
        registered_at=moment(raw.get("return_registered_at")) or seen_at,
        lines=lines,
        raw=raw,
    )


def _return_line(raw: Json, order_id_: str, line: Json) -> ReturnLine:
    line_id, item_id = text(line.get("order_line_id")), text(line.get("order_item_id"))
    known = find_line(raw, line_id)
    article = next((table(item, "attributes") for item in items_of(raw) if key_of(item) == item_id), {})
    name = text(article.get("external_id"))
    back = known is not None and status_of(known[1]) == RETURNED
    return ReturnLine(
        external_id=return_id(order_id_, line_id, text(line.get("return_reason"))),
        order_id=order_id_,
        order_line_id=line_id,
        sku=name or None,
        gtin=name if re.fullmatch(r"\d{13}", name) else None,
        title=text(article.get("description")),
        quantity=1,
        reason=text(line.get("return_reason")),
        cause=cause_in(text(line.get("return_reason")), RETURN_CAUSES),
        handled=back,
        received=True if back else None,
    )


def orders_in(raws: Sequence[Json]) -> list[str]:
    """The orders that these returns are of, each once."""
    found = (text(part.get("order_id")) for raw in raws for part in tables(raw, "orders"))
    return list(dict.fromkeys(key for key in found if key))
