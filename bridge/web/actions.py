"""What a page's forms may ask for. An action reads the form and calls a flow; the flow decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.flows import admin, alert_settings, alerts, attend, held, plan, resting
from bridge.flows.engine import Engine
from bridge.flows.replay import replay
from bridge.ports.errors import AskMerchant
from bridge.web.asked import Form

AUTHOR = "the page"
Action = Callable[[Engine, int, Form, Mapping[str, int]], object]


def _number(form: Form, name: str) -> int:
    value = form.get(name, "").strip()
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise AskMerchant("Enter a whole number.", field=name)
    return int(value)


def _pause(engine: Engine, shop_id: int, form: Form, _arguments: Mapping[str, int]) -> None:
    admin.pause(engine, shop_id, _connection(form))


def _resume(engine: Engine, shop_id: int, form: Form, _arguments: Mapping[str, int]) -> None:
    admin.resume(engine, shop_id, _connection(form))


def _connection(form: Form) -> int | None:
    """None means the whole shop, and has to be said."""
    return None if form.get("connection") == "all" else _number(form, "connection")


def _replay(engine: Engine, shop_id: int, _form: Form, arguments: Mapping[str, int]) -> None:
    replay(engine, shop_id, f"order:{attend.order_ref(engine, shop_id, arguments['number'])}")


def _accept(engine: Engine, shop_id: int, _form: Form, arguments: Mapping[str, int]) -> None:
    attend.accept_cancellation(engine, shop_id, attend.order_ref(engine, shop_id, arguments["number"]))


def _refuse(engine: Engine, shop_id: int, _form: Form, arguments: Mapping[str, int]) -> None:
    attend.refuse_cancellation(engine, shop_id, attend.order_ref(engine, shop_id, arguments["number"]))


def _take(engine: Engine, shop_id: int, _form: Form, arguments: Mapping[str, int]) -> None:
    attend.accept_order(engine, shop_id, attend.order_ref(engine, shop_id, arguments["number"]))


def _take_covered(engine: Engine, shop_id: int, _form: Form, arguments: Mapping[str, int]) -> None:
    ref = attend.order_ref(engine, shop_id, arguments["number"])
    attend.accept_order(engine, shop_id, ref, only_covered=True)


def _decline(engine: Engine, shop_id: int, _form: Form, arguments: Mapping[str, int]) -> None:
    attend.decline_order(engine, shop_id, attend.order_ref(engine, shop_id, arguments["number"]))


def _refund_paid(engine: Engine, shop_id: int, form: Form, arguments: Mapping[str, int]) -> None:
    ref = attend.order_ref(engine, shop_id, arguments["number"])
    attend.judge_refund(engine, shop_id, ref, paid=True, number=_number(form, "refund"))


def _refund_again(engine: Engine, shop_id: int, form: Form, arguments: Mapping[str, int]) -> None:
    ref = attend.order_ref(engine, shop_id, arguments["number"])
    attend.judge_refund(engine, shop_id, ref, paid=False, number=_number(form, "refund"))


def _match(engine: Engine, shop_id: int, form: Form, arguments: Mapping[str, int]) -> None:
    attend.match_line(engine, shop_id, arguments["number"], _number(form, "line"), form.get("sku", "")[:190])


def _retry(engine: Engine, shop_id: int, form: Form, _arguments: Mapping[str, int]) -> None:
    attend.retry(engine, shop_id, _number(form, "problem"))


def _close(engine: Engine, shop_id: int, form: Form, _arguments: Mapping[str, int]) -> None:
    attend.close(engine, shop_id, _number(form, "problem"))


def _decide(engine: Engine, shop_id: int, form: Form, _arguments: Mapping[str, int]) -> None:
    name, units = f"id:{_number(form, 'return')}", _number(form, "quantity")
    attend.decide_return(engine, shop_id, name, form.get("result", ""), units, restock="restock" in form)


def _confirm(engine: Engine, shop_id: int, form: Form, _arguments: Mapping[str, int]) -> None:
    held.confirm(engine, shop_id, _number(form, "connection"), AUTHOR)


def _confirm_one(engine: Engine, shop_id: int, form: Form, _arguments: Mapping[str, int]) -> None:
    only = held.Only(listings=(_number(form, "listing"),))
    held.confirm(engine, shop_id, _number(form, "connection"), AUTHOR, only)


def _go_on(engine: Engine, shop_id: int, form: Form, _arguments: Mapping[str, int]) -> None:
    resting.resume(engine, shop_id, _number(form, "connection"), [form.get("flow", "")], AUTHOR)


def _apply(engine: Engine, shop_id: int, form: Form, arguments: Mapping[str, int]) -> None:
    plan.apply(engine, shop_id, arguments["number"], AUTHOR, confirm="confirm" in form)


def _undo(engine: Engine, shop_id: int, form: Form, _arguments: Mapping[str, int]) -> None:
    plan.undo(engine, shop_id, AUTHOR, number=_number(form, "version"), confirm="confirm" in form)


def _set_alerts(engine: Engine, shop_id: int, form: Form, _arguments: Mapping[str, int]) -> None:
    content: dict[str, object] = {
        name: form.get(name, "").strip() for name in ("sender", "webhook", "error", "warning")
    }
    content["email"] = [item.strip() for item in form.get("email", "").split(",") if item.strip()]
    content["closed"] = "closed" in form
    content["quiet"] = [severity for severity in ("error", "warning") if f"quiet_{severity}" in form]
    hours = ("digest_hour", "quiet_from", "quiet_until")
    content |= {name: _number(form, name) for name in hours if form.get(name, "").strip()}
    alert_settings.put(engine, shop_id, content, AUTHOR)


def _test_alerts(engine: Engine, shop_id: int, _form: Form, _arguments: Mapping[str, int]) -> None:
    failed = [text for text in alerts.try_out(engine, shop_id).values() if text]
    if failed:
        raise AskMerchant(" ".join(failed))


# By page, then by what the button says.
ACTIONS: Mapping[str, Mapping[str, Action]] = {
    "overview": {"pause": _pause, "resume": _resume},
    "problems": {"retry": _retry, "close": _close, "confirm": _confirm},
    "plans": {"undo": _undo, "go-on": _go_on, "confirm": _confirm, "confirm_one": _confirm_one},
    "alerts": {"set": _set_alerts, "test": _test_alerts},
    "plan": {"apply": _apply},
    "order": {
        "replay": _replay,
        "accept": _accept,
        "refuse": _refuse,
        "take": _take,
        "take_covered": _take_covered,
        "decline": _decline,
        "match": _match,
        "refund_paid": _refund_paid,
        "refund_again": _refund_again,
    },
    "returns": {"decide": _decide},
}
