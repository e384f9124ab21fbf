"""The tables in the READMEs, made anew from manifests and quality.toml: make tables"""

from __future__ import annotations

import sys
from pathlib import Path

from bridge.ports.tables import capabilities_table, put_table, quality_table
from bridge.registry import discover

ROOT = Path(__file__).parent.parent


def main() -> int:
    found = discover()
    missing = [] if put_table(ROOT / "README.md", "quality", quality_table(found.all())) else ["README.md: quality"]
    for adapter in found.all():
        readme = adapter.folder / "README.md"
        if not put_table(readme, "capabilities", capabilities_table(adapter.manifest)):
            missing.append(f"{readme}: capabilities")
    for place in missing:
        name = place.rpartition(" ")[2]
        print(f"{place}: put <!-- {name} --> and <!-- end of {name} --> on lines of their own where the table belongs")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
