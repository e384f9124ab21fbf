"""The pictures of the documentation (scripts/gallery.py): a demonstration is started, made lively, and its pages are
photographed, on their own and inside the admins they are made for (drawn after the real ones: tests/support/admins).

make screenshots                             every page in every frame at both widths, and docs/gallery.md anew
scripts/screenshots.py FOLDER                the same as large as the windows, to look at
scripts/screenshots.py FOLDER --language de  in another language
scripts/screenshots.py FOLDER --frame shopify --page orders --page order   some of them
"""

from __future__ import annotations

import argparse
import base64
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bridge import app as bootstrap  # noqa: E402
from bridge import config  # noqa: E402
from bridge.flows import admin, polls  # noqa: E402
from bridge.ports.storeapp import AppKeys  # noqa: E402
from bridge.web import create_web, frames, module_page, serving  # noqa: E402
from bridge.web.asked import Form  # noqa: E402
from bridge.web.language import LANGUAGES, best  # noqa: E402
from platform_adapters.shopify.app import ShopifyApp  # noqa: E402
from scripts import gallery  # noqa: E402
from scripts.gallery import Scene  # noqa: E402
from tests.support.desks import ModuleDesk, ShopifyDesk  # noqa: E402

# What is in a frame of another address is painted with the page around it.
ONE_SURFACE = ("--disable-site-isolation-trials", "--disable-features=IsolateOrigins,site-per-process")
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
SKU, OTHERS, UNKNOWN = "SB-0045", ("SB-0046", "SB-0030", "SB-0031"), "OLD-SKU-17"
PRODUCTS = "60"
FREE_EAN = "4006381333931"
MARKET = 2  # the number of the demonstration's marketplace here
CATEGORY = "Kitchen"
HEIGHT = 720
BAR = 56 + 16  # above Shopify's frame, and below what is in it
QUALITY = 60
# All of it ends by then, or says what it waited for.
WHOLE, ANSWER, EVERY = 900.0, 120.0, 0.5


class Picture(NamedTuple):
    """One file of a page in a window that is so wide. ``scale`` 1: as large as the window."""

    target: Path
    width: int
    scale: float = 1


class Demo:
    """A running demonstration, and what happens in it."""

    def __init__(self, folder: Path, page: str, store: str, market: str, running: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.running = running
        self.end = time.monotonic() + WHOLE
        self.client = httpx.Client(timeout=ANSWER, trust_env=False)
        self.page = page
        self.store = store
        self.market = market

    def make_lively(self) -> dict[str, str]:
        """Orders at every step, a return, a problem. Returns what addresses have in braces (scripts/gallery.py)."""
        self.until("all listings", self._listed)
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
        self.until("the confirmed steps", lambda: self._get("orders").count("Closed") >= 2)
        numbers = {order: self._number(order) for order in (*orders, held)}
        return {"order": numbers[orders[0]], "held": numbers[held], "sku": SKU, "category": CATEGORY}

    def _listed(self) -> bool:
        """What is bought can be bought, and nothing is on its way."""
        offers = {item["sku"]: item for item in self._ask(self.market, "offers")}
        ready = [sku in offers and offers[sku]["live"] and offers[sku]["stock"] > 1 for sku in (SKU, *OTHERS)]
        return all(ready) and "the rest follows" not in self._get("")

    def _buy(self, *lines: tuple[str, int]) -> str:
        wish = [{"sku": sku, "quantity": units} for sku, units in lines]
        return str(self._post(self.market, "orders", lines=wish)["order_id"])

    def _post(self, base: str, path: str, **content: Any) -> Any:
        answer = self.client.post(f"{base}/_sandbox/{path}", json=content)
        if answer.is_error:
            sys.exit(f"screenshots: {path} was answered with {answer.status_code}: {answer.text.strip()}")
        return answer.json()

    def _ask(self, base: str, path: str) -> Any:
        return self.client.get(f"{base}/_sandbox/{path}").raise_for_status().json()

    def _get(self, path: str) -> str:
        return self.client.get(f"{self.page}{path}").text

    def _store_order(self, order: str) -> int | None:
        found = self._ask(self.store, "orders")
        return next((int(item["id"]) for item in found if order in str(item)), None)

    def _shipped(self, order: str) -> bool:
        return any(item["order_id"] == order and item["shipments"] for item in self._ask(self.market, "orders"))

    def _number(self, order: str) -> str:
        text = self._get(f"orders?search={order}")
        return text.split('href="./orders/', 1)[1].split('"', 1)[0]

    def work(self, browser: Browser) -> dict[str, str]:
        """What a merchant does in the pages: offers compared anew, a change of the rules planned. Returns as above."""
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{self.page}links")
        page.get_by_role("button", name="Compare again").click()
        page.goto(f"{self.page}rule?start=buffer")
        page.get_by_role("button", name="Keep it in the draft").click()
        page.get_by_role("button", name="See what it would do").click()
        page.wait_for_url("**/plans/*")
        plan = page.url.rsplit("/", 1)[1].partition("?")[0]
        page.goto(f"{self.page}mapping")
        page.get_by_role("button", name="Ask it now").click()
        context.close()
        self.until("the offer without a product", lambda: UNKNOWN in self._get("links"))
        self.until("the return", lambda: "No return waits" not in self._get("returns"))
        return {"plan": plan}

    def until(self, what: str, happened: Callable[[], bool]) -> None:
        while not self._now(happened):
            if self.running.poll() is not None:
                sys.exit(f"screenshots: the demonstration ended by itself, with {self.running.returncode}")
            if time.monotonic() > self.end:
                sys.exit(f"screenshots: after {WHOLE:.0f} s it still waits for {what}")
            time.sleep(EVERY)

    def _now(self, happened: Callable[[], bool]) -> bool:
        """A busy machine does not always answer."""
        try:
            return happened()
        except httpx.HTTPError:
            return False


@contextmanager
def demonstration() -> Iterator[Demo]:
    port, first = _free_port(), _free_port(2)
    with tempfile.TemporaryDirectory(prefix="storebridge-pictures-") as folder:
        environment = {**os.environ, "STOREBRIDGE_DEMO_PORT": str(first), "STOREBRIDGE_DEMO_PRODUCTS": PRODUCTS}
        for name in ("DATABASE_URL", "REDIS_URL", "STOREBRIDGE_PAGE_TOKEN"):
            environment.pop(name, None)
        command = [str(Path(sys.executable).parent / "storebridge"), "run", "--data-dir", folder, "--port", str(port)]
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        try:
            page, store, market = (f"http://127.0.0.1:{number}" for number in (port, first, first + 1))
            yield Demo(Path(folder), f"{page}/", store, market, running)
        finally:
            _stop(running)


def _stop(running: subprocess.Popen[bytes]) -> None:
    running.terminate()
    try:
        running.wait(30)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


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


class Embedded(ShopifyDesk):
    """Shopify's frame around the pages of a store that Shopify knows nothing of."""

    def __init__(self, context: BrowserContext, web: Any, show: Callable[[str, Form], str]) -> None:
        super().__init__(context, web)
        self.show = show

    def _open(self, method: str, path: str, headers: list[tuple[str, str]], **more: Any) -> Any:
        if not path.startswith("/apps/"):
            return super()._open(method, path, headers, **more)
        html = self.show(path.removeprefix("/apps/shopify/"), Form(parse_qsl(more["query_string"])))
        return self.client.application.response_class(html, content_type="text/html; charset=utf-8")


class Frames:
    """The demonstration's pages in every frame, over its own database."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        settings = config.load({"data_dir": demo.folder, "demo": False})
        self.engine = bootstrap.bootstrap(settings, ring=lambda lanes: None)
        self.web = create_web(self.engine, settings)
        self.shop = admin.shops(self.engine)[0]

    def close(self) -> None:
        bootstrap.close(self.engine)

    def ask_for_returns(self) -> None:
        """Now, not when it is time again."""
        polls.ask_now(self.engine, self.shop.id, MARKET, "returns")

    def open(self, context: BrowserContext, skin: str, path: str, locale: str = "") -> Page:
        """``path`` with its query."""
        page = context.new_page()
        bare, _, query = path.partition("?")
        if skin == "alone":
            page.goto(f"{self.demo.page}{path}")
        elif skin == "shopify":
            page.goto(Embedded(context, self.web, partial(self._embedded, locale or "en")).address(path))
            page.frames[1].locator("#sb-main").wait_for()
        else:
            desk = ModuleDesk(context, skin, self._printed)
            desk.locale = locale or desk.locale
            page.goto(desk.address(bare, **dict(parse_qsl(query))))
        return page

    def _printed(self, content: Mapping[str, Any]) -> dict[str, Any]:
        with self.web.test_request_context("/"):
            return module_page.page(self.engine, self.shop, content)

    def _embedded(self, language: str, path: str, query: Form) -> str:
        around = ShopifyApp().frame(AppKeys(client_id="demo", client_secret=""))
        person = frames.Person("Anna")
        frame = frames.embedded(
            "shopify", around.kit, path, person, best(language), {"admin": around, "root": "/apps/shopify/"}
        )
        with self.web.test_request_context("/"):
            return serving.answer(self.engine, frame, self.shop, serving.Asked("GET", path, query), "").html


def photograph(page: Page, pictures: Iterable[Picture]) -> None:
    for picture in pictures:
        size = _sized(page, picture.width)
        whole = {"x": 0, "y": 0, **size, "scale": picture.scale}
        asked = {"format": "webp", "quality": QUALITY, "clip": whole, "captureBeyondViewport": True}
        found = page.context.new_cdp_session(page).send("Page.captureScreenshot", asked)
        picture.target.parent.mkdir(parents=True, exist_ok=True)
        picture.target.write_bytes(base64.b64decode(found["data"]))
        print(picture.target, flush=True)


def _sized(page: Page, width: int) -> dict[str, int]:
    """The window is so wide, and what is in it is painted; Shopify's frame is as tall as what is inside. Returns the
    size of the whole page."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    for inside in page.frames[1:]:
        _painted(page)
        tall = int(inside.evaluate("document.getElementById('sb-main').getBoundingClientRect().bottom")) + BAR
        page.set_viewport_size({"width": width, "height": max(tall, HEIGHT)})
    _painted(page)
    return {"width": width, "height": int(page.evaluate("document.documentElement.scrollHeight"))}


def _painted(page: Page) -> None:
    for frame in page.frames:
        frame.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def taken(options: argparse.Namespace) -> Iterator[tuple[Scene, str, str, list[Picture]]]:
    """Each page in its frame and language, with the pictures of it. Without a folder: those of the documentation."""
    for frame in options.frame or gallery.FRAMES:
        for scene in gallery.scenes():
            if options.page and scene.name not in options.page:
                continue
            if options.folder:
                name = f"{frame}-{scene.name}"
                yield (
                    scene,
                    frame,
                    options.language,
                    [Picture(options.folder / f"{name}-{width}.webp", width) for width in gallery.WIDTHS],
                )
            else:
                yield from _documented(scene, frame)


def _documented(scene: Scene, frame: str) -> Iterator[tuple[Scene, str, str, list[Picture]]]:
    shots = [shot for shot in gallery.SHOWN if (shot.name, shot.frame) == (scene.name, frame)]
    pictures = [
        Picture(gallery.IMAGES / gallery.small(scene.name, frame, width), width, scale)
        for width, scale in gallery.WIDTHS.items()
    ]
    for locale in dict.fromkeys(["", *(shot.locale for shot in shots)]):
        large = [Picture(gallery.IMAGES / shot.file, shot.width) for shot in shots if shot.locale == locale]
        yield scene, frame, locale, [*large, *(pictures if not locale else [])]


def tidy() -> None:
    """Pictures that nothing shows any more are gone, and the page that shows the others is written."""
    for path in [path for path in gallery.IMAGES.rglob("*") if path.is_file()]:
        if path.relative_to(gallery.IMAGES).as_posix() not in gallery.files():
            path.unlink()
    gallery.PAGE.write_text(gallery.text(), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path, help="pictures to look at; default: those of docs")
    parser.add_argument("--frame", action="append", choices=tuple(gallery.FRAMES), help="only this frame")
    parser.add_argument("--page", action="append", choices=[s.name for s in gallery.scenes()], help="only this page")
    parser.add_argument("--language", default="", choices=("", *LANGUAGES), help="of a folder; default: English")
    options = parser.parse_args()
    program = next((path for path in CHROMIUM if Path(path).exists()), None)
    if program is None:
        sys.exit("screenshots: Chromium is missing: apt-get install chromium")
    signal.signal(signal.SIGTERM, _stopped)
    with demonstration() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--headless", "--no-sandbox", *ONE_SURFACE])
        demo.until("the page", lambda: _answers(demo.page))
        shown = Frames(demo)
        known = demo.make_lively()
        shown.ask_for_returns()
        known |= demo.work(browser)
        for scene, frame, locale, pictures in taken(options):
            context = browser.new_context(locale=locale.replace("_", "-") or None, reduced_motion="reduce")
            photograph(shown.open(context, frame, scene.path.format(**known), locale), pictures)
            context.close()
        shown.close()
        browser.close()
    if not options.folder:
        tidy()


def _stopped(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    main()
