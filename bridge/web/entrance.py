"""The door of the pages and of the JSON API: who may come in, and how often. A wrong token is counted apart, so that
nobody can try them through."""

from __future__ import annotations

from http import HTTPStatus

from flask import request

from bridge.ports.http.limiter import Limiter
from bridge.ports.manifest import Limit
from bridge.web import guard
from bridge.web.guard import Door, Refused
from bridge.web.throttle import Throttle, caller

_OURS = "our own door"
VISITS = Limit(calls=1200, seconds=60, source=_OURS)  # of one address
CHANGES = Limit(calls=300, seconds=60, source=_OURS)
WRONG = Limit(calls=20, seconds=60, source=_OURS)  # wrong tokens


class Entrance:
    """One for each process and door. ``door``: doors of one name count together."""

    def __init__(self, limiter: Limiter, config: Door, door: str = "pages") -> None:
        self._throttle = Throttle(limiter, door)
        self._config = config

    def admit(self) -> None:
        """Raises Refused and TooMany unless the request at hand may come in by the page token, or from this machine."""
        self.count()
        try:
            guard.admit(self._config)
        except Refused as error:
            if error.code == HTTPStatus.UNAUTHORIZED and "Authorization" in request.headers:
                self.wrong()
            raise

    def count(self) -> None:
        """Raises TooMany where there were too many of them, or too many wrong ones."""
        self._throttle.refuse_blocked("wrong", self._caller, WRONG)
        self._throttle.count("visits", self._caller, VISITS)
        if request.method not in ("GET", "HEAD"):
            self._throttle.count("changes", self._caller, CHANGES)

    def wrong(self) -> None:
        """Whoever that was has proved nothing."""
        self._throttle.wrong("wrong", self._caller, WRONG)

    @property
    def _caller(self) -> str:
        return caller(request, self._config.proxies)
