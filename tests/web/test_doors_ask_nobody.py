"""The doors of the stores' webhooks ask nobody outside: a store, a marketplace and a queue server that take a call and
never answer do not keep a delivery waiting, and it is kept. Shopify and WooCommerce give a door 5 s."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge import app
from bridge.db.tables import Connection, Delivery, Work
from bridge.flows.engine import Engine
from bridge.jobs.doorbell import Doorbell
from bridge.ports.errors import BridgeError
from platform_adapters.shopify.sandbox import SANDBOX_SECRET
from platform_adapters.shopify.webhooks import sign
from tests.support.engines import signed
from tests.support.house import SHOPIFY_STORE, House, Renamed
from tests.support.procs import free_port, wait_until
from tests.support.stack import unlimited

pytestmark = pytest.mark.timeout(180)
MANY = 5


class Hanging:
    """Takes whatever calls, and never answers. ``callers``: how many there were."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    @property
    def callers(self) -> int:
        return len(self._open)

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                self._open.append(self._listening.accept()[0])

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for caller in self._open:
            caller.close()


class Cut(httpx.BaseTransport):
    """The network. ``instead``: who takes every call from now on."""

    def __init__(self, inside: httpx.BaseTransport) -> None:
        self._inside, self.instead = inside, ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.instead:
            host, _, port = self.instead.partition(":")
            request.url = request.url.copy_with(scheme="http", host=host, port=int(port))
        return self._inside.handle_request(request)

    def close(self) -> None:
        self._inside.close()


class Alone(House):
    """``queue`` is where Redis should be; ``ringing``: the threads in which it was called."""

    def __init__(self, folder: Path, database_url: str, exits: ExitStack, platform: str, queue: str) -> None:
        self.bell, self.ringing = Doorbell(f"redis://{queue}/0"), set[str]()
        exits.callback(self.bell.close)
        super().__init__(folder, database_url, exits, platform, module=False)

    def new_engine(self) -> Engine:
        self.wire = Cut(Renamed(SHOPIFY_STORE, self.store.url))
        return app.bootstrap(self.config, registry=unlimited(), clock=self.clock, ring=self._ring, wire=self.wire)

    def _ring(self, lanes: Iterable[str]) -> None:
        self.ringing.add(threading.current_thread().name)
        self.bell.ring(lanes)

    def tell(self, number: int) -> httpx.Response:
        """The store says that a product has changed."""
        body = json.dumps({"id": number, "stock_quantity": 3, "variants": []}).encode()
        told = self._as_shopify if self.platform == "shopify" else self._as_woocommerce
        return told(body, f"delivery-{number}")

    def _as_shopify(self, body: bytes, name: str) -> httpx.Response:
        headers = {"X-Shopify-Topic": "products/update", "X-Shopify-Hmac-Sha256": sign(body, SANDBOX_SECRET)}
        headers |= {"X-Shopify-Shop-Domain": SHOPIFY_STORE, "X-Shopify-Webhook-Id": name}
        return self._post(f"{self.address}/apps/shopify/hooks", body, headers)

    def _as_woocommerce(self, body: bytes, _name: str) -> httpx.Response:
        [store] = self.rows(Connection, Connection.id == self.store_id)
        return self._post(self.hook_url, body, signed(body, secret=store.webhook_secrets[0]))

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False)


@pytest.fixture
def exits() -> Iterator[ExitStack]:
    with ExitStack() as exits:
        yield exits


def hangs(act: Callable[[], Any], server: Hanging) -> threading.Thread:
    """``act`` does call, and waits for an answer in the thread that is returned."""
    before = server.callers

    def quietly() -> None:
        with suppress(BridgeError):
            act()

    waiting = threading.Thread(target=quietly, daemon=True)
    waiting.start()
    wait_until(lambda: server.callers > before, 60, "a call")
    return waiting


@pytest.mark.both_databases
@pytest.mark.parametrize("queue", ["away", "hangs"])
@pytest.mark.parametrize("platform", ["woocommerce", "shopify"])
def test_a_delivery_is_answered_and_kept_while_nobody_else_answers(
    exits: ExitStack, tmp_path: Path, database_url: str, platform: str, queue: str
) -> None:
    outside, redis = (exits.enter_context(closing(Hanging())) for _ in range(2))
    place = redis.address if queue == "hangs" else f"127.0.0.1:{free_port()}"
    house = Alone(tmp_path, database_url, exits, platform, place).attach()
    assert isinstance(house, Alone)
    before = {row.id for row in house.rows(Delivery)}
    house.ringing.clear()
    house.wire.instead = outside.address
    assert [house.tell(9000 + number).status_code for number in range(MANY)] == [200] * MANY
    kept = [row.external_id for row in house.rows(Delivery) if row.id not in before]
    assert kept == [str(9000 + number) for number in range(MANY)]
    wanted = house.rows(Work, Work.kind == "product.read", Work.dirty_version > Work.done_version)
    assert set(kept) <= {row.key for row in wanted}
    assert outside.callers == 0, "neither the store nor a marketplace was asked"
    wait_until(lambda: house.ringing, 30, "somebody rings")
    assert house.ringing == {"bell"}, "beside the answer, in a thread of its own"
    store, market = (house.rows(Connection, Connection.role == role)[0] for role in ("platform", "channel"))
    waiting = [
        hangs(lambda: house.engine.platform(store).list_products(None, None), outside),
        hangs(lambda: house.engine.channel(market).list_open_orders(None), outside),
    ]
    outside.close()
    for thread in waiting:
        thread.join(60)
