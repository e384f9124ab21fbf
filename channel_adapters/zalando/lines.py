"""Order lines moved from state to state. A second change to the same state is refused, so a refusal is held against the
state the line is in, and one that is there already is a success."""

from __future__ import annotations

from bridge.domain.reading import Json, text
from bridge.ports.channel import ItemResult, Outcome
from bridge.ports.errors import AskMerchant
from channel_adapters.zalando import mapping
from channel_adapters.zalando.account import Account
from channel_adapters.zalando.client import PERMIT, ZalandoClient, refusal


class Lines:
    def __init__(self, client: ZalandoClient, account: Account) -> None:
        self._client = client
        self._account = account

    def move(self, order_id: str, item_id: str, line: Json, attributes: Json, *, key: str) -> ItemResult:
        """``attributes``: the new status and what belongs to it. Raises AskMerchant when the app may not do this."""
        wanted, line_id = text(attributes.get("status")), mapping.key_of(line)
        if mapping.status_of(line) == wanted:
            return ItemResult(key=key, outcome=Outcome.APPLIED)
        if not mapping.may_become(line, wanted):
            words = f"Zalando does not let a line that is {mapping.status_of(line)} become {wanted}."
            return ItemResult(key=key, outcome=Outcome.REJECTED, message=words)
        merchant = self._account.merchant
        refused = self._client.patch_line(merchant, order_id, item_id, line_id, attributes)
        if refused is None:
            return ItemResult(key=key, outcome=Outcome.APPLIED)
        now = self._client.order_line(merchant, order_id, item_id, line_id)
        if mapping.status_of(now) == wanted:
            return ItemResult(key=key, outcome=Outcome.APPLIED)
        if refused.status == 403 and mapping.may_become(now, wanted):
            raise AskMerchant(f"Zalando: {refusal(refused)} {PERMIT}", developer=f"403, and the line is {now}")
        return ItemResult(key=key, outcome=Outcome.REJECTED, message=refusal(refused))
