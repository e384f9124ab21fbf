"""What a page's forms may ask for. An action reads the form and calls a flow; the flow decides."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.domain.returns import ReturnDecision
from bridge.flows import (
    admin,
    alert_settings,
    alerts,
    attend,
    documents,
    held,
    order_record,
    part_units,
    plan,
    resting,
    setup,
)
from bridge.flows.replay import replay
from bridge.ports.errors import AskMerchant, NotFound
from bridge.web import bundles
from bridge.web.asked import Download, Go, Told
from bridge.web.page import Action, Sent


def _pause(sent: Sent) -> None:
    admin.pause(sent.engine, sent.shop_id, _connection(sent))


def _resume(sent: Sent) -> None:
    admin.resume(sent.engine, sent.shop_id, _connection(sent))


def _own(sent: Sent) -> Go:
    """From the demonstration on to a shop of one's own."""
    shop = admin.ensure_shop(sent.engine, admin.FIRST)
    setup.begin(sent.engine, shop.id)
    return Go("setup", shop=shop.public_id)


def _connection(sent: Sent) -> int | None:
    """None means the whole shop, and has to be said."""
    return None if sent.form.get("connection") == "all" else sent.number("connection")


def _ref(sent: Sent) -> str:
    """The order that stands in the address."""
    return attend.order_ref(sent.engine, sent.shop_id, sent.arguments["number"])


def _replay(sent: Sent) -> None:
    replay(sent.engine, sent.shop_id, f"order:{_ref(sent)}")


def _raw_data(sent: Sent) -> Download:
    number = sent.arguments["number"]
    name, text = order_record.told(sent.engine, sent.shop_id, number, personal=sent.personal)
    return Download.of_json(f"order-{name}", text)


def _fetch(sent: Sent) -> Go:
    """An order that was never seen here is looked up by its number on the marketplace."""
    connection, number = sent.number("connection"), sent.form.get("number", "").strip()[:100]
    with sent.engine.db.read(sent.shop_id) as session:
        if connection not in documents.channels(session):
            raise NotFound("There is no such marketplace connection.")
    if not number:
        raise AskMerchant("Enter the number that the order has on the marketplace.", field="number")
    replay(sent.engine, sent.shop_id, f"order:{number}", admin.get(sent.engine, sent.shop_id, connection).account)
    return Go("orders", {"search": number}, "fetch")


def _accept(sent: Sent) -> None:
    attend.accept_cancellation(sent.engine, sent.shop_id, _ref(sent))


def _refuse(sent: Sent) -> None:
    attend.refuse_cancellation(sent.engine, sent.shop_id, _ref(sent))


def _take(sent: Sent) -> None:
    attend.accept_order(sent.engine, sent.shop_id, _ref(sent))


def _take_covered(sent: Sent) -> None:
    attend.accept_order(sent.engine, sent.shop_id, _ref(sent), only_covered=True)


def _decline(sent: Sent) -> None:
    attend.decline_order(sent.engine, sent.shop_id, _ref(sent))


def _refund_paid(sent: Sent) -> None:
    attend.judge_refund(sent.engine, sent.shop_id, _ref(sent), paid=True, number=sent.number("refund"))


def _refund_again(sent: Sent) -> None:
    attend.judge_refund(sent.engine, sent.shop_id, _ref(sent), paid=False, number=sent.number("refund"))


def _parts_off(sent: Sent) -> None:
    part_units.taken_off(sent.engine, sent.shop_id, _ref(sent))


def _match(sent: Sent) -> None:
    attend.match_line(
        sent.engine, sent.shop_id, sent.arguments["number"], sent.number("line"), sent.form.get("sku", "")[:190]
    )


def _retry(sent: Sent) -> None:
    attend.retry(sent.engine, sent.shop_id, sent.number("problem"))


def _close(sent: Sent) -> None:
    attend.close(sent.engine, sent.shop_id, sent.number("problem"))


def _decide(sent: Sent) -> None:
    name, units = f"id:{sent.number('return')}", sent.number("quantity")
    condition, note = sent.form.get("condition", ""), sent.form.get("note", "")
    result = sent.form.get("result", "")
    back = bundles.came_back(sent.form) if result == ReturnDecision.ACCEPTED.value else []
    attend.decide_return(
        sent.engine, sent.shop_id, name, result, units, condition=condition, note=note, back=back,
        whole=bool(sent.form.get("whole")),
    )  # fmt: skip


def _confirm(sent: Sent) -> None:
    held.confirm(sent.engine, sent.shop_id, sent.number("connection"), sent.author)


def _confirm_one(sent: Sent) -> None:
    only = held.Only(listings=(sent.number("listing"),))
    held.confirm(sent.engine, sent.shop_id, sent.number("connection"), sent.author, only)


def _go_on(sent: Sent) -> None:
    resting.resume(sent.engine, sent.shop_id, sent.number("connection"), [sent.form.get("flow", "")], sent.author)


def _rest(sent: Sent) -> None:
    resting.hold(sent.engine, sent.shop_id, sent.number("connection"), [sent.form.get("flow", "")], sent.author)


def _apply(sent: Sent) -> None:
    plan.apply(sent.engine, sent.shop_id, sent.arguments["number"], sent.author, confirm="confirm" in sent.form)


def _undo(sent: Sent) -> None:
    plan.undo(sent.engine, sent.shop_id, sent.author, number=sent.number("version"), confirm="confirm" in sent.form)


def _set_alerts(sent: Sent) -> Told | None:
    content: dict[str, object] = {
        name: sent.form.get(name, "").strip() for name in ("language", "sender", "webhook", "error", "warning")
    }
    content["email"] = [item.strip() for item in sent.form.get("email", "").split(",") if item.strip()]
    content["closed"] = "closed" in sent.form
    content["quiet"] = [severity for severity in ("error", "warning") if f"quiet_{severity}" in sent.form]
    hours = ("digest_hour", "quiet_from", "quiet_until")
    content |= {name: sent.number(name) for name in hours if sent.form.get(name, "").strip()}
    made = alert_settings.put(sent.engine, sent.shop_id, content, sent.author)
    return Told({"secret": made["secret"]}) if "secret" in made else None


def _new_alert_secret(sent: Sent) -> Told:
    return Told(alert_settings.renew_secret(sent.engine, sent.shop_id, sent.author))


def _test_alerts(sent: Sent) -> None:
    failed = [text for text in alerts.try_out(sent.engine, sent.shop_id).values() if text]
    if failed:
        raise AskMerchant(" ".join(failed))


# By page, then by what the button says.
ACTIONS: Mapping[str, Mapping[str, Action]] = {
    "overview": {"pause": _pause, "resume": _resume, "rest": _rest, "go_on": _go_on, "own": _own},
    "problems": {"retry": _retry, "close": _close, "confirm": _confirm},
    "plans": {"undo": _undo, "go-on": _go_on, "confirm": _confirm, "confirm_one": _confirm_one},
    "alerts": {"set": _set_alerts, "test": _test_alerts, "secret": _new_alert_secret},
    "plan": {"apply": _apply},
    "orders": {"fetch": _fetch},
    "order": {
        "replay": _replay,
        "raw_data": _raw_data,
        "accept": _accept,
        "refuse": _refuse,
        "keep": _refuse,
        "take": _take,
        "take_covered": _take_covered,
        "decline": _decline,
        "match": _match,
        "parts_off": _parts_off,
        "refund_paid": _refund_paid,
        "refund_again": _refund_again,
    },
    "returns": {"decide": _decide},
}
