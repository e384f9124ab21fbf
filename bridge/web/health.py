"""For machines: ``/healthz`` the process lives, ``/readyz`` what it needs answers, ``/metrics`` for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from bridge import metrics
from bridge.flows import overview
from bridge.flows.engine import LANES, Engine
from bridge.jobs.health import Health, check
from bridge.web.guard import Door, Refused, admit


def health(engine: Engine, config: Door, redis_url: Callable[[], str | None]) -> Blueprint:
    """Health is for everyone, and tells no more than that; the numbers are for whoever may see the pages."""
    door = Blueprint("health", __name__)

    @door.get("/healthz")
    def healthz() -> Response:
        return jsonify(ok=True)

    @door.get("/readyz")
    def readyz() -> Response:
        reasons = _reasons(check(engine.db, redis_url()))
        response = jsonify(ok=not reasons, reasons=reasons)
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        return response

    @door.get("/metrics")
    def numbers() -> Response:
        try:
            admit(config)
        except Refused as error:
            return Response(f"{error.description}\n", error.code, error.headers, mimetype="text/plain")
        body, content_type = metrics.exposition(_gauges(engine))
        return Response(body, content_type=content_type)

    return door


def _gauges(engine: Engine) -> list[metrics.Gauge]:
    try:
        with engine.db.read(None) as session:
            return overview.gauges(session, engine.clock())
    except SQLAlchemyError:
        return []  # the counters are told all the same


def _reasons(found: Health) -> dict[str, str]:
    """What is missing, in words that give nothing away."""
    reasons = {}
    if found.database:
        reasons["database"] = "does not answer"
    if found.redis:
        reasons["redis"] = "does not answer"
    if not found.database and not found.scheduler:
        reasons["scheduler"] = "none runs"
    if not found.redis:
        missing = [lane for lane in LANES if not found.workers.get(lane)]
        reasons |= {f"workers.{lane}": "none runs" for lane in missing}
    return reasons
