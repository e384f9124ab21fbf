"""Looking at pictures over HTTP. Their addresses come from merchants, so every hop goes through the guard."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from bridge.domain.checks import ImageFact
from bridge.domain.pictures import look
from bridge.ports.errors import AskMerchant, BridgeError, RetryLater
from bridge.ports.http import HttpServices, NoRecorder, Response, Transport
from bridge.ports.manifest import Limit

# The header of a picture stands in its first bytes, unless a camera or an editor put a lot in front of it.
FIRST_BYTES = 256 * 1024
MOST_BYTES = 20 * 1024 * 1024
REDIRECTS = (301, 302, 303, 307, 308)
MOST_HOPS = 3
# Polite towards whoever hosts the pictures.
LIMIT = Limit(calls=20, seconds=1, source="ours")


@dataclass(frozen=True)
class Known:
    """An address to look at, with the validators of the last look."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Seen:
    """``fact`` None: it is as it was. ``passing``: the fault may be gone soon."""

    url: str
    fact: ImageFact | None
    etag: str | None = None
    last_modified: str | None = None
    passing: bool = False


class Looker:
    """One transport a host, so that one dead host holds up no other. Close it after use."""

    def __init__(self, services: HttpServices, workers: int = 8, most_bytes: int = MOST_BYTES) -> None:
        self._services = replace(services, recorder=NoRecorder())
        self._workers = workers
        self._most = most_bytes
        self._hosts: dict[str, Transport] = {}
        self._lock = threading.Lock()

    def look(self, items: Sequence[Known]) -> list[Seen]:
        """Each of them, several at a time, in the order given."""
        if not items:
            return []
        with ThreadPoolExecutor(min(self._workers, len(items)), thread_name_prefix="pictures") as pool:
            return list(pool.map(self._one, items))

    def close(self) -> None:
        for transport in self._hosts.values():
            transport.close()

    def _one(self, item: Known) -> Seen:
        try:
            return self._seen(item, FIRST_BYTES)
        except _Refused as error:
            return Seen(item.url, ImageFact(error=error.words), passing=error.passing)

    def _seen(self, item: Known, first: int | None) -> Seen:
        answer = self._get(item, first)
        if answer.status == 304:
            return Seen(item.url, None, item.etag, item.last_modified)
        picture = look(answer.content)
        if picture is None:
            kind = "a web page" if answer.is_page else answer.media_type or "something"
            raise _Refused(f"cannot be used: there is {kind} at its address, not a picture")
        if picture.width is None and first is not None and answer.status == 206:
            return self._seen(Known(item.url), None)
        size = _total(answer)
        fact = ImageFact(content_type=picture.content_type, width=picture.width, height=picture.height, size=size)
        return Seen(item.url, fact, answer.headers.get("etag"), answer.headers.get("last-modified"))

    def _get(self, item: Known, first: int | None) -> Response:
        """Through its redirects. Raises _Refused."""
        url = item.url
        for _ in range(MOST_HOPS + 1):
            answer = self._call(url, _headers(item, first))
            if answer.status in REDIRECTS and (target := answer.headers.get("location")):
                url = urljoin(url, target)
                continue
            if answer.ok or (answer.status == 304 and (item.etag or item.last_modified)):
                return answer
            raise _Refused(f"cannot be loaded ({answer.status})", passing=answer.status >= 500 or answer.status == 429)
        raise _Refused("cannot be loaded: its address redirects too often")

    def _call(self, url: str, headers: dict[str, str]) -> Response:
        host = urlsplit(url).netloc.lower()
        try:
            return self._transport(host).request(
                "GET", url, operation="images", headers=headers, expect="bytes",
                allow=range(300, 600), timeout=20, max_bytes=self._most, max_wait=30,
            )  # fmt: skip
        except RetryLater as error:
            if "is larger than" in str(error):
                raise _Refused(f"is larger than {self._most // 1024 // 1024} MB") from error
            raise _Refused(f"cannot be loaded: {_words(error, host)}", passing=True) from error
        except BridgeError as error:
            raise _Refused(f"cannot be loaded: {_words(error, host)}") from error

    def _transport(self, host: str) -> Transport:
        with self._lock:
            if host not in self._hosts:
                self._hosts[host] = Transport(
                    account=f"images:{host}", title=host, services=self._services, limits={"images": LIMIT}
                )
            return self._hosts[host]


class _Refused(Exception):
    """``words`` complete "The picture ..."."""

    def __init__(self, words: str, *, passing: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.passing = passing


def _headers(item: Known, first: int | None) -> dict[str, str]:
    headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
    if first is not None:
        headers["Range"] = f"bytes=0-{first - 1}"
    if item.etag:
        headers["If-None-Match"] = item.etag
    if item.last_modified:
        headers["If-Modified-Since"] = item.last_modified
    return headers


def _total(answer: Response) -> int | None:
    """The size of the whole picture in bytes."""
    if answer.status != 206:
        return len(answer.content)
    total = str(answer.headers.get("content-range", "")).rpartition("/")[2]
    return int(total) if total.isdigit() else None


def _words(error: BridgeError, host: str) -> str:
    """The first sentence, without the name in front."""
    text = error.merchant.removeprefix(f"{host}: ")
    first = text.partition(". ")[0].rstrip(".")
    return "its address is private" if isinstance(error, AskMerchant) and "private network" in first else first
