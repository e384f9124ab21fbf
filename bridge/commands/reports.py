"""explain, orders, problems, returns, accept-cancellation: what a merchant looks at and answers, without the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from bridge.commands.door import (
    in_words,
    json_option,
    opened,
    print_facts,
    print_json,
    print_table,
    says_what_to_do,
    shop_option,
)
from bridge.domain.money import Money

if TYPE_CHECKING:
    from bridge.flows.parts import Back

RECENT = 25
EVERY = 100_000


@click.command()
@click.argument("sku")
@click.option("--channel", "-C", metavar="C", help="One marketplace only: its account, adapter or number.")
@shop_option
@json_option
@says_what_to_do
def explain(sku: str, channel: str | None, shop: str | None, as_json: bool) -> None:
    """Say how the number of a SKU came about.

    On each marketplace: on hand, less what is reserved and by which orders, less the buffer; when it was sent and
    acknowledged; and why it cannot be bought, where that is so.
    """
    from bridge.flows import admin
    from bridge.flows.listing_view import explain as explained

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        with engine.db.read(owner.id) as session:
            rows = explained(session, sku, channel)
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("No marketplace is connected yet.")
    for row in rows:
        click.secho(f"{row['sku']} on {_place(row)}: {_headline(row)}", bold=True)
        print_facts({f"  {name}": value for name, value in _facts(row).items() if value not in ("", None)})


def _linked(row: Mapping[str, Any]) -> str:
    told = row["linked"]
    return f"{row['offer_id']}, linked by hand by {told['by']} on {_when(told['at'])}" if told else ""


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['channel']} {row['site']}".rstrip()


def _headline(row: Mapping[str, Any]) -> str:
    if row["published"] is None:
        return str(row["state_text"])
    shown = f"shows {row['published']}" + (f", {row['target']} is on its way" if row["pending"] else "")
    return f"{shown}; {waits}" if (waits := _waiting(row)) else shown


def _waiting(row: Mapping[str, Any]) -> str:
    """What is not all well, where the number itself is."""
    if row["price_waits"]:
        return f"the price {row['price_waits']['value']} waits for you, {row['price_waits']['now']} stays"
    if row["stays"]:
        return "price and texts stay as they are"
    return "its end waits for you" if row["end_waits"] else ""


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    reasons = [" ".join(filter(None, (item["text"], item["fix"]))) for item in row["why_not"]]
    return {
        "product": row["title"],
        "sum": row["sum"],
        **_made_of(row),
        "buffer": row["buffer_reason"] if row["buffer"] else "",
        "reserved by": ", ".join(f"{item['ref']} ({item['quantity']})" for item in row["orders"]),
        "at most": row["cap"],
        "offer": _linked(row),
        "sent": _when(row["sent_at"]),
        "acknowledged": _when(row["acked_at"]),
        "listing": row["state_text"],
        "for sale": {True: "yes", False: "no", None: ""}[row["for_sale"]],
        **_ways(row),
        "why not": "; ".join(reasons),
        "warnings": "; ".join(item["text"] for item in row["warnings"]),
        "waits for you": _waits(row),
        "stays as it is": "; ".join(" ".join(filter(None, (item["text"], item["fix"]))) for item in row["stays"]),
        "rests": ", ".join(row["rests"]),
        "compared": _when(row["read_back_at"]),
        "last error": row["error"],
    }


def _made_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Of a bundle: what of each part there is, by which orders it is reserved, and which one allows no more."""
    if row["bundle"] is None:
        return {}
    parts = {f"part {part['sku'] or 'itself'}": _part_text(part) for part in row["bundle"]["parts"]}
    return {**parts, "scarcest": row["bundle"]["scarcest"]}


def _part_text(part: Mapping[str, Any]) -> str:
    held = ", ".join(f"{item['ref']} ({item['quantity']})" for item in part["orders"])
    by = f" by {held}" if held else ""
    there = "not counted" if part["on_hand"] is None else f"{part['on_hand']} on hand, {part['reserved']} reserved{by}"
    why = "" if part["available"] else f" ({part['reason']})"
    return f"{there}: {part['available']} available, {part['each']} in one, enough for {part['enough_for']}{why}"


def _ways(row: Mapping[str, Any]) -> dict[str, str]:
    """How each value came about, by field."""
    from bridge.flows.listing_view import step_text

    ways: dict[str, list[str]] = {}
    for facet in row["facets"].values():
        for step in facet["steps"]:
            ways.setdefault(str(step["field"]), []).append(step_text(step))
    return {name: "; ".join(texts) for name, texts in ways.items()}


def _waits(row: Mapping[str, Any]) -> str:
    """What is held back until a person agrees, why, and what to do."""
    from bridge.flows.listing_view import step_text

    price = row["price_waits"]
    held = [
        f"{name} {_value(name, facet['held'])}"
        for name, facet in row["facets"].items()
        if facet["held"] and not (name == "price" and price)
    ]
    if price:
        way = "; ".join(step_text(step) for step in price["steps"])
        why = f"it moves by more than {price['limit']} %, your limit" if price["percent"] else "another currency"
        moved = f", {price['percent']} %" if price["percent"] else ""
        held.append(f"price {price['value']} in place of {price['now']}{moved} ({why}{f'; {way}' if way else ''})")
    held += ["its end, with more others than your limits allow"] * bool(row["end_waits"])
    if not held:
        return ""
    meant = f"storebridge confirm {row['connection_id']} --sku {row['sku']}"
    return (
        f"{', '.join(held)}. What is live stays until then. If it is meant: {meant}; if not, correct it in the store."
    )


def _value(name: str, held: Any) -> str:
    return Money.model_validate(held).text() if name == "price" else in_words(held)


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


@click.command()
@click.option("--all", "everything", is_flag=True, help="Every order, not only the newest.")
@shop_option
@json_option
@says_what_to_do
def orders(everything: bool, shop: str | None, as_json: bool) -> None:
    """List the newest orders and how far each has come.

    Newest first, with the seven steps: placed, imported, stock lowered, in the store, shipped, confirmed, closed.
    """
    from bridge.flows import admin, order_view

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        with engine.db.read(owner.id) as session:
            rows = order_view.orders(session, EVERY if everything else RECENT)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("order", "marketplace", "placed", "total", "steps", "now", "store order"),
        [
            (
                row["external_id"],
                row["channel"],
                f"{row['placed_at']:%Y-%m-%d %H:%M}",
                Money(amount=row["total"], currency=row["currency"]).text(),
                "".join(_MARKS[step["state"]] for step in row["steps"]),
                _reached(row),
                row["store_number"],
            )
            for row in rows
        ],
        empty="No orders yet.",
    )


_MARKS = {"done": "#", "now": ">", "later": ".", "trouble": "!", "never": "-"}


def _reached(row: Mapping[str, Any]) -> str:
    """The step that is waited for, or the last one that happened."""
    if row["waits_for"]:
        until = (
            f" before {row['accept_by']:%Y-%m-%d %H:%M}"
            if row["waits_for"] == "acceptance" and row["accept_by"]
            else ""
        )
        return f"waits for {row['waits_for']}{until}"
    waiting = [step for step in row["steps"] if step["state"] in ("now", "trouble")]
    if waiting:
        trouble = f": {row['error']}" if waiting[0]["state"] == "trouble" and row["error"] else ""
        return f"waits for {waiting[0]['label'].lower()}{trouble}"
    if row["channel_state"] == "cancelled" or row["store_state"] == "cancelled":
        return "cancelled"
    return "closed" if row["closed_at"] else str(row["store_state"])


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also those that are closed.")
@shop_option
@json_option
@says_what_to_do
def problems(everything: bool, shop: str | None, as_json: bool) -> None:
    """List what needs a person, each with its fix."""
    from bridge.flows import admin, overview

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        with engine.db.read(owner.id) as session:
            rows = overview.problems(session, everything, EVERY)
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("Nothing needs your attention.")
    for row in rows:
        _say_problem(row)


def _say_problem(row: Mapping[str, Any]) -> None:
    closed = f", closed {_when(row['closed_at'])}" if row["closed_at"] else ""
    color = None if row["closed_at"] else "red" if row["severity"] == "error" else "yellow"
    click.secho(f"{row['severity']}: {row['text']}", fg=color)
    if row["fix"]:
        click.echo(f"  fix: {row['fix']}")
    if row["detail"]:
        click.echo(f"  detail: {row['detail']}")
    times = f", {row['count']} times" if row["count"] > 1 else ""
    click.echo(f"  {row['subject']}, since {_when(row['opened_at'])}{times}{closed}")


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Also those that are decided.")
@shop_option
@json_option
@click.pass_context
@says_what_to_do
def returns(context: click.Context, everything: bool, shop: str | None, as_json: bool) -> None:
    """List open returns, or decide on one.

    `storebridge returns` lists them by deadline; `storebridge returns decide` answers one.
    """
    if context.invoked_subcommand is not None:
        return
    from bridge.flows import admin, order_view

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        with engine.db.read(owner.id) as session:
            rows = order_view.returns(session, only_open=not everything, limit=EVERY)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("return", "order", "product", "units", "reason", "state", "decide before"),
        [
            (
                row["external_id"],
                row["order_external_id"],
                row["sku"] or row["title"],
                row["quantity"],
                row["reason"],
                row["decision"] or row["state"],
                _when(row["respond_by"]),
            )
            for row in rows
        ],
        empty="No return waits for a decision.",
    )


_RESULTS = ("accepted", "refused", "replaced", "repaired", "kept_by_buyer")
_CONDITIONS = ("as_new", "opened", "damaged")


def _part(text: str, restock: bool | None) -> Back:
    from bridge.flows.parts import Back

    sku, _, rest = text.rpartition("=")
    units, _, condition = rest.partition(":")
    if not sku or not units.isdecimal() or condition not in ("", *_CONDITIONS):
        raise click.BadParameter(f"{text!r} is not like CUP=1 or CUP=1:opened.", param_hint="--part")
    return Back.model_validate({"sku": sku, "units": int(units), "condition": condition or None, "restock": restock})


@returns.command()
@click.argument("number", metavar="RETURN")
@click.option("--result", required=True, type=click.Choice(_RESULTS), help="What became of it.")
@click.option("--quantity", type=click.IntRange(min=1), metavar="N", help="Units this is about; default: all of them.")
@click.option("--condition", type=click.Choice(_CONDITIONS), help="How the goods came back.")
@click.option("--reason", default="", help="Why it is refused; the buyer is told where the marketplace does so.")
@click.option("--no-restock", is_flag=True, help="Not back on the shelf, whatever your rule for the condition says.")
@click.option(
    "--part",
    "named",
    metavar="SKU=UNITS[:CONDITION]",
    multiple=True,
    help="A part of a bundle that came back; once each.",
)
@click.option("--whole", is_flag=True, help="Pay back the whole bundle, whatever part of it came back.")
@shop_option
@says_what_to_do
def decide(
    number: str,
    result: str,
    quantity: int | None,
    condition: str | None,
    reason: str,
    no_restock: bool,
    named: tuple[str, ...],
    whole: bool,
    shop: str | None,
) -> None:
    """Decide on a return.

    The marketplace is told; an accepted return is then refunded and restocked in the store by itself. Of a bundle, what
    came back of it is paid back in proportion and put on the shelf part by part.
    """
    from bridge.flows import admin, attend

    back = [_part(text, False if no_restock else None) for text in named]

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        shelf, kept = (False if no_restock else None), condition or ""
        done = attend.decide_return(
            engine,
            owner.id,
            number,
            result,
            quantity,
            restock=shelf,
            condition=kept,
            note=reason,
            back=back,
            whole=whole,
        )
        click.echo(done)


@click.command()
@click.argument("reference", metavar="ORDER")
@shop_option
@says_what_to_do
def accept_cancellation(reference: str, shop: str | None) -> None:
    """Agree to a buyer's cancellation.

    ORDER is its number on the marketplace or in the store. The marketplace is told, and the store follows.
    """
    from bridge.flows import admin, attend

    with opened() as engine:
        owner = admin.pick_shop(engine, shop)
        click.echo(attend.accept_cancellation(engine, owner.id, reference))
