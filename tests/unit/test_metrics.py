"""Numbers: counted by all processes of a machine together, shown in Prometheus' format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, sys
from pathlib import Path
from bridge import metrics
folder = Path(sys.argv[1])
metrics.use_folder(folder)
for child in range(2):
    if not os.fork():
        metrics.observe_ack("bol", "stock", 0.2 + child)
        metrics.count_exchange("1:2", 200)
        metrics.count_exchange("1:2", None)
        metrics.count_delivery("woocommerce", "kept")
        os._exit(0)
for child in range(2):
    os.wait()
age = metrics.Gauge("storebridge_queue_age_seconds", "Age of the oldest work", ("lane",), {("stock",): 3.5})
total = metrics.Gauge("storebridge_problems_open", "Open problems", (), {(): 2})
body, kind = metrics.exposition([age, total])
assert kind.startswith("text/plain")
print(body.decode())
metrics.clean_folder(folder)
assert list(folder.iterdir()) == []
"""


def test_forked_processes_count_together(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "a folder")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert 'storebridge_ack_seconds_count{channel="bol",lane="stock"} 2.0' in lines
    assert 'storebridge_ack_seconds_bucket{channel="bol",lane="stock",le="0.25"} 1.0' in lines
    assert 'storebridge_exchanges_total{account="1:2",status="200"} 2.0' in lines
    assert 'storebridge_exchanges_total{account="1:2",status="none"} 2.0' in lines
    assert 'storebridge_deliveries_total{outcome="kept",platform="woocommerce"} 2.0' in lines
    assert 'storebridge_queue_age_seconds{lane="stock"} 3.5' in lines
    assert "storebridge_problems_open 2.0" in lines
