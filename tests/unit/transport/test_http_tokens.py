"""Tokens: one refresh at a time, over threads and processes, and none is lost."""

from __future__ import annotations

import contextlib
import fcntl
import json
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bridge.ports.errors import Reauthorise, RetryLater, SlowDown, Superseded, UnknownOutcome
from bridge.ports.http import (
    TOKEN_ERRORS,
    HttpServices,
    MemoryRecorder,
    MemoryVault,
    Token,
    TokenSource,
    Transport,
    before_write,
)
from tests.support.calls import WIDE, get, post
from tests.support.rogue import Caller, Rogue


class Issuer:
    """An authorisation server whose refresh tokens are good for one use."""

    def __init__(self, server: Rogue, *, lives: float = 300, slow: float = 0) -> None:
        self.issued = 0
        self.refused = 0
        self.lives = lives
        self.slow = slow
        self.valid: set[str] = set()
        self._lock = threading.Lock()
        self.url = server.on("/token", self.token)
        self.data = server.on("/data", self.protected)

    def token(self, caller: Caller) -> None:
        time.sleep(self.slow)
        given = parse_qs(caller.body.decode())["refresh_token"][0]
        with self._lock:
            if given != f"refresh-{self.issued}":
                self.refused += 1
                caller.answer(400, {"error": "invalid_grant"})
                return
            self.issued += 1
            self.valid = {f"access-{self.issued}"}
            body = {"access_token": f"access-{self.issued}", "refresh_token": f"refresh-{self.issued}"}
        caller.answer(200, {**body, "expires_in": self.lives})

    def protected(self, caller: Caller) -> None:
        good = caller.headers.get("authorization", "").removeprefix("Bearer ") in self.valid
        caller.answer(200 if good else 401, {"good": good})


@pytest.fixture
def issuer(server: Rogue) -> Issuer:
    return Issuer(server)


def source(shop: Transport, url: str, vault: object = None, **options: object) -> TokenSource:
    def fetch(refresh: str | None) -> Token:
        data = {"grant_type": "refresh_token", "refresh_token": refresh}
        answer = shop.request("POST", url, operation="token", data=data, errors=TOKEN_ERRORS).json
        ends = datetime.now(UTC) + timedelta(seconds=float(answer["expires_in"]))
        return Token(answer["access_token"], ends, answer["refresh_token"])

    return TokenSource("1:7", fetch, vault or shop.services.tokens, refresh="refresh-0", **options)  # type: ignore[arg-type]


def test_a_token_is_fetched_once_and_used_often(shop: Transport, issuer: Issuer) -> None:
    bearer = source(shop, issuer.url)
    for _ in range(3):
        assert get(shop, issuer.data, bearer=bearer) == {"good": True}
    assert issuer.issued == 1
    stored = shop.services.tokens.load("1:7")
    assert stored is not None
    assert (stored.access, stored.refresh) == ("access-1", "refresh-1")


def test_another_source_uses_what_is_stored(shop: Transport, issuer: Issuer) -> None:
    source(shop, issuer.url).current()
    assert source(shop, issuer.url).current().access == "access-1"
    assert issuer.issued == 1


def test_it_is_renewed_shortly_before_its_end(shop: Transport, issuer: Issuer) -> None:
    ahead = [timedelta()]
    bearer = source(shop, issuer.url, clock=lambda: datetime.now(UTC) + ahead[0])
    bearer.current()
    ahead[0] = timedelta(seconds=265)
    assert bearer.current().access == "access-1"
    ahead[0] = timedelta(seconds=272)
    assert bearer.current().access == "access-2"


def test_short_lives(shop: Transport, issuer: Issuer) -> None:
    issuer.lives = 2
    bearer = source(shop, issuer.url)
    for _ in range(3):
        bearer.current()
    assert issuer.issued == 1


def test_401_is_answered_by_one_refresh(shop: Transport, issuer: Issuer, recorder: MemoryRecorder) -> None:
    bearer = source(shop, issuer.url)
    get(shop, issuer.data, bearer=bearer)
    issuer.valid.clear()  # revoked in the middle
    assert post(shop, issuer.data, bearer=bearer) == {"good": True}  # a 401 was not done: writes are repeated too
    assert issuer.issued == 2
    assert [exchange.status for exchange in recorder.exchanges] == [200, 200, 401, 200, 200]
    assert "access-" not in repr(recorder.exchanges)
    assert "refresh-" not in repr(recorder.exchanges)


def test_a_second_401_is_reauthorise(shop: Transport, issuer: Issuer, server: Rogue) -> None:
    url = server.answers("/never", 401, {})
    with pytest.raises(Reauthorise, match=r"My shop: 127.0.0.1 does not accept the credentials \(401\)"):
        get(shop, url, bearer=source(shop, issuer.url))
    assert [call.path for call in server.calls] == ["/token", "/never", "/token", "/never"]


def test_a_403_that_means_expired(shop: Transport, issuer: Issuer, server: Rogue) -> None:
    from bridge.ports.http import ErrorTable

    expired = ErrorTable(rules={(403, "expired"): Reauthorise})
    answers = [(403, {"code": "expired"}), (200, {})]
    url = server.on("/x", lambda caller: caller.answer(*answers.pop(0)))
    get(shop, url, bearer=source(shop, issuer.url), errors=expired)
    assert issuer.issued == 2


def test_refused_refreshes_are_not_repeated_by_every_thread(shop: Transport, issuer: Issuer) -> None:
    bearer = source(shop, issuer.url)
    bearer._refresh = "revoked"
    results = shop.each(lambda _: get(shop, issuer.data, bearer=bearer), range(8), workers=8)
    assert [type(result) for result in results] == [Reauthorise] * 8
    assert issuer.refused == 1


def test_a_time_out_while_refreshing_is_no_unknown_outcome(shop: Transport, server: Rogue) -> None:
    """Nothing of the caller's own write was sent."""
    with pytest.raises(RetryLater):
        post(shop, server.url + "/x", bearer=source(shop, server.on("/token", lambda caller: caller.reset())))
    assert [call.path for call in server.calls] == ["/token"]


def test_the_callers_check_is_for_the_callers_write(shop: Transport, issuer: Issuer) -> None:
    def lost() -> None:
        raise Superseded("newer")

    with before_write(lost), pytest.raises(Superseded):
        post(shop, issuer.data, bearer=source(shop, issuer.url))
    assert issuer.issued == 1


def test_a_limit_on_tokens_holds_up_no_one_for_long(issuer: Issuer) -> None:
    from bridge.ports.manifest import Limit

    services = HttpServices.build(allowed_hosts=["127.0.0.1"])
    shop = Transport(account="1:7", services=services, limits={**WIDE, "token": Limit(calls=1, seconds=60)})
    source(shop, issuer.url).current()
    services.tokens.save("1:7", Token("old", datetime.now(UTC), "refresh-1"))
    with pytest.raises(SlowDown):
        get(shop, issuer.data, bearer=source(shop, issuer.url))
    shop.close()


class Brittle(MemoryVault):
    """Fails to save, as often as told."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def save(self, account: str, token: Token, instead: Token | None = None) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away")
        super().save(account, token, instead)


def test_a_new_token_is_saved_before_its_first_use(shop: Transport, issuer: Issuer, server: Rogue) -> None:
    vault = Brittle(5)
    bearer = source(shop, issuer.url, vault)
    with pytest.raises(RetryLater, match="could not be kept"):
        get(shop, issuer.data, bearer=bearer)
    assert [call.path for call in server.calls] == ["/token"]
    assert get(shop, issuer.data, bearer=bearer) == {"good": True}  # and it is not forgotten meanwhile
    assert issuer.issued == 1
    assert vault.load("1:7") is not None


def test_a_worker_thought_dead_has_used_the_refresh_token() -> None:
    vault = MemoryVault()
    later = datetime.now(UTC) + timedelta(minutes=5)

    def fetch(refresh: str | None) -> Token:
        vault.save("a", Token("by another", later, "newer"))
        raise Reauthorise("used already")

    assert TokenSource("a", fetch, vault, refresh="old").current().access == "by another"


def test_the_lock_is_given_up_on_in_time() -> None:
    vault = MemoryVault()
    with vault.lock("a", 1), pytest.raises(RetryLater, match="another worker"), vault.lock("a", 0.05):
        pass


def test_tokens_do_not_show_themselves() -> None:
    assert "hush" not in repr(Token("hush-a", datetime.now(UTC), "hush-r"))


def test_unknown_outcomes_of_the_call_itself_stay(shop: Transport, issuer: Issuer, server: Rogue) -> None:
    with pytest.raises(UnknownOutcome):
        post(shop, server.on("/x", lambda caller: caller.reset()), bearer=source(shop, issuer.url))


class FileVault:
    """A vault for several processes: a JSON file and a lock file."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "token.json"
        self._lock = folder / "lock"

    def load(self, account: str) -> Token | None:
        if not self._file.exists():
            return None
        kept = json.loads(self._file.read_text())
        return Token(kept["access"], datetime.fromisoformat(kept["expires_at"]), kept["refresh"])

    def save(self, account: str, token: Token, instead: Token | None = None) -> None:
        kept = {"access": token.access, "expires_at": token.expires_at.isoformat(), "refresh": token.refresh}
        self._file.write_text(json.dumps(kept))

    @contextlib.contextmanager
    def lock(self, account: str, seconds: float) -> Iterator[None]:
        with self._lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def worker(folder: Path, token_url: str, data_url: str, ready: Barrier, done: Callable[[list[str]], None]) -> None:
    """Eight threads that all find their token stale at the same moment."""
    shop = Transport(account="1:7", services=HttpServices.build(allowed_hosts=["127.0.0.1"]), limits=WIDE)
    bearer = source(shop, token_url, FileVault(folder))
    ready.wait(40)
    results = shop.each(lambda _: get(shop, data_url, bearer=bearer), range(8), workers=8)
    done([repr(result) for result in results])
    shop.close()


def test_four_processes_of_eight_threads_refresh_once(issuer: Issuer, tmp_path: Path) -> None:
    issuer.slow = 0.1
    now = datetime.now(UTC)
    FileVault(tmp_path).save("1:7", Token("access-0", now + timedelta(minutes=5), "refresh-0"))
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    arguments = (tmp_path, issuer.url, issuer.data, spawn.Barrier(4), answers.put)
    workers = [spawn.Process(target=worker, args=arguments) for _ in range(4)]
    for process in workers:
        process.start()
    results = [answers.get(timeout=40) for _ in workers]
    for process in workers:
        process.join(20)
    assert results == [[repr({"good": True})] * 8] * 4
    assert (issuer.issued, issuer.refused) == (1, 0)
