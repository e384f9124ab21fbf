"""Each rehearsal of many in a process of its own: what becomes of it when it is stopped, or breaks off."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from bridge.rehearsal import matrix
from bridge.rehearsal.world import Plan

PLAN = Plan("woocommerce", "bol", module=True)
TOLD = 'import json, sys; print(json.dumps({"steps": [{"name": " ".join(sys.argv[1:]), "ok": True, "seconds": 1.5, "detail": ""}]}))'


def as_program(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(matrix, "COMMAND", (sys.executable, "-c", text))


def test_it_is_told_what_to_do_and_its_report_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    as_program(monkeypatch, TOLD)
    [step] = matrix.apart(PLAN, ["cancel", "return"], threading.Event()).steps
    told = "--platform woocommerce --channel bol --patience 60.0 --story cancel --story return --module"
    assert (step.name, step.ok, step.seconds) == (told, True, 1.5)


def test_one_that_breaks_off_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    as_program(monkeypatch, "raise SystemExit(2)")
    report = matrix.apart(PLAN, [], threading.Event())
    assert not report.ok
    assert "ended with 2" in report.steps[0].detail


def test_it_is_stopped_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    as_program(monkeypatch, "import time; time.sleep(60)")
    interrupted = threading.Event()
    threading.Timer(0.1, interrupted.set).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        matrix.apart(PLAN, [], interrupted)
    assert time.monotonic() - began < 30
