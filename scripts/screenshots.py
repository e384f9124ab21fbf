"""The pictures of the documentation: a demonstration is started, made lively, and its pages are photographed.

make screenshots                    into docs/images
scripts/screenshots.py FOLDER --all every page at both widths, to look at
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
SKU, OTHERS, UNKNOWN = "SB-0045", ("SB-0046", "SB-0050", "SB-0051"), "OLD-SKU-17"
FREE_EAN = "4006381333931"
WIDTHS = (1280, 375)


class Demo:
    """A running demonstration, and what happens in it."""

    def __init__(self, page: str, store: str, market: str) -> None:
        self.page = page
        self.store = store
        self.market = market

    def make_lively(self) -> dict[str, str]:
        """Orders at every step, a cancellation, a return and a problem. Returns the addresses worth a picture."""
        self.until("all listings", self._listed, 240)
        orders = [self._buy((sku, 1)) for sku in OTHERS]
        for number, order in enumerate(orders[:2]):
            self.until("creation", lambda order=order: self._store_order(order) is not None)
            self._post(
                self.store, "ship", order=self._store_order(order), tracking=f"3SBOL10000{number}", carrier="PostNL"
            )
        for order in orders[:2]:
            self.until("confirmation", lambda order=order: self._shipped(order))
        self._post(self.market, "returns", order_id=orders[0], lines=[{"sku": OTHERS[0], "quantity": 1}])
        self._post(self.market, "offers", sku=UNKNOWN, ean=FREE_EAN, stock=5, price=12.5)
        held = self._buy((SKU, 2), (UNKNOWN, 1))
        self.until("the held order", lambda: held in self._get(f"sku?sku={SKU}"))
        self.until("the confirmed steps", lambda: self._get("orders").count("Closed") >= 2, 60)
        numbers = {order: self._number(order) for order in (*orders, held)}
        return {
            "overview": "",
            "order": f"orders/{numbers[orders[0]]}",
            "order-held": f"orders/{numbers[held]}",
            "sku": f"sku?sku={SKU}",
            "orders": "orders",
            "listings": "listings",
            "listings-blocked": "listings?state=blocked",
            "problems": "problems",
            "returns": "returns",
            "activity": "activity",
            "exchanges": "activity?show=exchanges",
            "empty": "orders?search=nothing",
            "unknown-sku": "sku?sku=nothing",
            "failure": "orders/999999",
        }

    def _listed(self) -> bool:
        """Every offer is there, and none is on its way."""
        page = self._get("")
        return "the rest follows" not in page and " 0 listed" not in page and "listed" in page.replace("0 listed", "")

    def _buy(self, *lines: tuple[str, int]) -> str:
        wish = [{"sku": sku, "quantity": units} for sku, units in lines]
        return str(self._post(self.market, "orders", lines=wish)["order_id"])

    def _post(self, base: str, path: str, **content: Any) -> Any:
        answer = httpx.post(f"{base}/_sandbox/{path}", json=content, timeout=20, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def _get(self, path: str) -> str:
        return httpx.get(f"{self.page}{path}", timeout=20, trust_env=False).text

    def _store_order(self, order: str) -> int | None:
        found = httpx.get(f"{self.store}/_sandbox/orders", timeout=20, trust_env=False).json()
        return next((int(item["id"]) for item in found if order in str(item)), None)

    def _shipped(self, order: str) -> bool:
        found = httpx.get(f"{self.market}/_sandbox/orders", timeout=20, trust_env=False).json()
        return any(item["order_id"] == order and item["shipments"] for item in found)

    def _number(self, order: str) -> str:
        text = self._get(f"orders?search={order}")
        return text.split('href="./orders/', 1)[1].split('"', 1)[0]

    def until(self, what: str, happened: Callable[[], bool], seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > end:
                sys.exit(f"screenshots: waited {seconds:.0f} s in vain for {what}")
            time.sleep(0.5)


@contextmanager
def demonstration() -> Iterator[Demo]:
    port, first = _free_port(), _free_port(2)
    with tempfile.TemporaryDirectory(prefix="storebridge-pictures-") as folder:
        environment = {**os.environ, "STOREBRIDGE_DEMO_PORT": str(first)}
        for name in ("DATABASE_URL", "REDIS_URL", "STOREBRIDGE_PAGE_TOKEN"):
            environment.pop(name, None)
        command = [str(Path(sys.executable).parent / "storebridge"), "run", "--data-dir", folder, "--port", str(port)]
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        try:
            demo = Demo(*(f"http://127.0.0.1:{number}" for number in (port, first, first + 1)))
            demo.page += "/"
            yield demo
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(30)


def _free_port(count: int = 1) -> int:
    """The first of ``count`` ports in a row that nobody listens on."""
    while True:
        with ExitStack() as stack:
            try:
                first = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
                port = int(first.getsockname()[1])
                for number in range(port + 1, port + count):
                    stack.enter_context(socket.create_server(("127.0.0.1", number)))
            except (OSError, OverflowError):
                continue
            return port


def photograph(browser: Browser, demo: Demo, name: str, path: str, width: int, folder: Path) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, device_scale_factor=1, java_script_enabled=True)
    page.goto(f"{demo.page}{path}")
    page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
    page.close()
    print(folder / f"{name}-{width}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--all", action="store_true", help="every page at both widths")
    options = parser.parse_args()
    program = next((path for path in CHROMIUM if Path(path).exists()), None)
    if program is None:
        sys.exit("screenshots: Chromium is missing: apt-get install chromium")
    options.folder.mkdir(parents=True, exist_ok=True)
    with demonstration() as demo, sync_playwright() as playwright:
        demo.until("the page", lambda: _answers(demo.page), 60)
        pages = demo.make_lively()
        wanted = [(name, width) for name in pages for width in WIDTHS] if options.all else README
        browser = playwright.chromium.launch(executable_path=program, args=["--headless", "--no-sandbox"])
        for name, width in wanted:
            photograph(browser, demo, name, pages[name], width, options.folder)
        browser.close()


README = [("overview", 1280), ("overview", 375), ("order", 1280), ("sku", 1280)]


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    main()
