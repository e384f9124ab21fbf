"""What a marketplace takes from no program, in the stories: who is asked for it instead, and that this is enough."""

from __future__ import annotations

from bridge.db.tables import Order, Problem
from bridge.domain.returns import RefundLine
from bridge.flows import attend, by_hand
from bridge.rehearsal import aftersales
from bridge.rehearsal.report import Failed
from bridge.rehearsal.selling import BOUGHT, TRACKING, buy, in_store, need_row, order_row
from bridge.rehearsal.story import Story
from bridge.rehearsal.witness import carrier, problem


def cancels(name: str) -> str:
    """Which order this story is about."""
    return f"{name}, by hand"


def seller_cancels(story: Story) -> str:
    return _cancelled(story, cancels("seller cancels"))


def buyer_cancels(story: Story) -> str:
    """The wish comes by mail or telephone; the merchant cancels in the store."""
    return _cancelled(story, cancels("buyer cancels"))


def seller_is_out(story: Story) -> str:
    return _cancelled(story, cancels("out of stock"))


def _cancelled(story: Story, name: str) -> str:
    order_id = buy(story, name, 1)
    row = in_store(story, name)
    story.world.store.cancel(str(row.store_order_id))
    told = story.until("the merchant is asked", lambda: problem(story, "cancellation_refused", row.ref))
    aftersales.until_back_on_sale(story)
    _done(story, told)
    return f"order {order_id}: {told.text} {told.fix}"


def ships_sold(story: Story) -> str:
    return _shipped(story, need_row(story, "sold"))


def ships(story: Story) -> str:
    buy(story, "goodwill", BOUGHT)
    story.stock -= BOUGHT
    return _shipped(story, in_store(story, "goodwill"))


def no_request_crosses(story: Story) -> str:
    buy(story, "crossing", 1)
    story.stock -= 1
    return f"no request is told, so none can cross: {_shipped(story, in_store(story, 'crossing'))}"


def ships_without_number(story: Story) -> str:
    buy(story, "untracked", BOUGHT)
    story.stock -= BOUGHT
    row = in_store(story, "untracked")
    story.world.store.ship(str(row.store_order_id), carrier(story), "")
    return story.until("the missing number is told", lambda: problem(story, "tracking_missing", row.ref)).text


def number_comes_late(story: Story) -> str:
    told = _shipped(story, need_row(story, "untracked"))
    if problem(story, "tracking_missing", need_row(story, "untracked").ref):
        raise Failed("the missing number is still asked for")
    return told


def _shipped(story: Story, row: Order) -> str:
    """Asked to enter it in the portal; by the merchant's word the order is over."""
    story.world.store.ship(str(row.store_order_id), carrier(story), TRACKING)
    told = story.until("the merchant is asked", lambda: problem(story, by_hand.KIND, row.ref))
    if TRACKING not in told.text:
        raise Failed(f"the number to enter is not named: {told.text}")
    _done(story, told)
    story.until("the order is over", lambda: _is_over(story, row))
    return f"{told.text} {told.fix}"


def _is_over(story: Story, row: Order) -> bool:
    name = next(name for name, key in story.orders.items() if key == row.external_id)
    found = order_row(story, name)
    return found is not None and found.closed_at is not None and found.confirmed_at is not None


def takes_back(story: Story) -> str:
    """The merchant deals with the return in the portal, and enters it in the store."""
    row = need_row(story, "sold")
    order = aftersales.store_order(story, row)
    back = RefundLine(store_line_id=order.lines[0].external_id, quantity=1)
    story.world.platform.refund_lines(order.external_id, [back], "Return", f"rehearsal-{order.number}-return")
    story.stock += 1
    aftersales.until_back_on_sale(story)
    return f"one unit back in store order {order.number}: {story.stock} on both sides"


def names_the_amount(story: Story) -> str:
    row = need_row(story, "sold")
    told = story.until("the difference is told", lambda: problem(story, "refund_differs", row.ref))
    if story.price not in told.text:
        raise Failed(f"the difference of {story.price} is not named: {told.text}")
    _done(story, told)
    return told.text


def refuses(story: Story) -> str:
    """In the portal alone: nothing changes here."""
    order = aftersales.store_order(story, need_row(story, "sold"))
    if sum(line.refunded for line in order.lines) != 1:
        raise Failed(f"store order {order.number} has other units refunded than the one that came back")
    return f"refused in the portal; store order {order.number} stays as it is"


def _done(story: Story, told: Problem) -> None:
    """The merchant has done it there, and says so."""
    attend.close(story.world.engine, story.world.shop.id, told.id)
