"""Named moments at which a process may die. Nothing happens at them, unless a test asks for it:

``STOREBRIDGE_KILL_AT=<folder>`` kills the process (SIGKILL) at the first step that has no file of its name in the
folder yet, so that each step ends one process; ``STOREBRIDGE_KILL_AT=<folder>:<step>`` does so at that step alone.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

KILL_AT = "STOREBRIDGE_KILL_AT"


def step(name: str) -> None:
    """The work in hand has come to ``name``."""
    if KILL_AT in os.environ:
        _perhaps_die(name, os.environ[KILL_AT])


def _perhaps_die(name: str, where: str) -> None:
    folder, _, only = where.partition(":")
    if only and only != name:
        return
    try:
        os.close(os.open(Path(folder) / name, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
