"""Long work in words."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.web.editor_words import N_

RUNS: Mapping[str, str] = {
    "project.connection": N_("Every product is checked and compared"),
    "listings.resend": N_("Everything is sent again"),
    "poll.catalogue": N_("The whole catalogue of the store is gone through"),
    "poll.offers": N_("All offers are read back"),
    "product.read": N_("Products are read from the store"),
}
STATES: Mapping[str, tuple[str, str]] = {
    "waiting": (N_("Begins soon"), "info"),
    "running": (N_("Running"), "info"),
    "stopping": (N_("Stops after this part"), "warn"),
    "stopped": (N_("Stopped"), "plain"),
    "done": (N_("Done"), "good"),
}
