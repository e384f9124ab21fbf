"""The plugin or module inside the store: connected by one click, and telling what changes."""

from __future__ import annotations

from typing import Any

import httpx

from bridge.db.tables import ModuleRow
from bridge.rehearsal.report import Failed
from bridge.rehearsal.story import Step, Story

CONTROL_SECONDS = 60.0


def connect_module(story: Story) -> str:
    """The store calls the bridge, the bridge calls it back and renews what it knows of it: nothing is doubled."""
    told = _control(story, "connect", bridge=story.world.engine.public_url)
    if told.get("status") != 200:
        raise Failed(f"the bridge answered the module with {told.get('status')}: {told.get('text')}")
    if told["connection"] != story.world.store_id:
        raise Failed(f"the store became connection {told['connection']}, and was {story.world.store_id}")
    row = story.until("the module's heartbeat is heard", lambda: _heard(story))
    return f"version {row.version} says of itself that all is well; the store has new keys"


def module_told(story: Story) -> str:
    """Everything that changed so far has come from the outbox, in order and without a gap."""
    _control(story, "flush")
    row = story.until("its outbox is empty", lambda: _emptied(story), lambda: _row(story).health)
    if row.last_event_at is None:
        raise Failed("the module told of no change at all")
    return f"last heard of a change at {row.last_event_at:%H:%M:%S}; nothing waits in its outbox"


def _control(story: Story, act: str, **body: Any) -> dict[str, Any]:
    address = f"{story.world.store_url}/_sandbox/module/{act}"
    answer = httpx.post(address, json=body, timeout=CONTROL_SECONDS, trust_env=False)
    if answer.status_code != httpx.codes.OK:
        raise Failed(f"the module answered {act!r} with {answer.status_code}: {answer.text[:200]}")
    found: dict[str, Any] = answer.json()
    return found


def _row(story: Story) -> ModuleRow:
    with story.world.engine.db.read(story.world.shop.id) as session:
        return session.get_one(ModuleRow, story.world.store_id)


def _heard(story: Story) -> ModuleRow | None:
    row = _row(story)
    return row if row.heard_at is not None and row.health else None


def _emptied(story: Story) -> ModuleRow | None:
    row = _row(story)
    return row if (row.health or {}).get("depth") == 0 else None


CONNECT = Step("module connected", connect_module, ("store connected",))
TOLD = Step("changes told by the module", module_told, ("module connected", "product listed"))
