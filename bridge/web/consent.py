"""The door for a consent that was given elsewhere: ``GET /authorised?state=…``, with a code, as OAuth sends a browser
back. The state is all that is asked for: nobody but who began can know it, and it is good once."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, make_response, request
from sqlalchemy.exc import SQLAlchemyError

from bridge.flows import consenting, handing
from bridge.flows.engine import Engine
from bridge.ports.errors import BridgeError, NotFound
from bridge.web import answers, frames, guard, render
from bridge.web.entrance import Entrance
from bridge.web.frames import Person
from bridge.web.guard import Door

LONGEST = 16 * 1024
NOBODY = Person("", can=frozenset())


def consent(engine: Engine, config: Door) -> Blueprint:
    door = Blueprint("consent", __name__)
    entrance = Entrance(engine.limiter, config, "consent")

    @door.get("/authorised")
    def authorised() -> Response:
        entrance.count()
        try:
            done = handing.came_back(engine, request.args) or consenting.answered(engine, request.args)
        except NotFound as error:
            entrance.wrong()
            return _told("Not found", error.merchant, HTTPStatus.NOT_FOUND)
        except BridgeError as error:
            return _told("Not connected", error.merchant, HTTPStatus.UNPROCESSABLE_ENTITY)
        except SQLAlchemyError:
            text = "The database does not answer as it should. Ask for the consent again in a moment."
            return _told("Not available right now", text, HTTPStatus.SERVICE_UNAVAILABLE)
        done_what = "is connected" if done.created else "was there already and is renewed"
        text = f"{done.title} {done_what}. Close this window and go on in Storebridge, on the page you came from."
        return _told("Connected", text, HTTPStatus.OK)

    @door.post("/authorised/<string(maxlength=40):platform>")
    def handed(platform: str) -> Response:
        """The store's server, which wants 200 and nothing else."""
        entrance.count()
        request.max_content_length = LONGEST
        body = request.get_json(silent=True)
        try:
            handing.handed(engine, platform, body if isinstance(body, dict) else {})
        except NotFound as error:
            entrance.wrong()
            return _answer(error.merchant, HTTPStatus.NOT_FOUND)
        except BridgeError as error:
            return _answer(error.merchant, HTTPStatus.UNPROCESSABLE_ENTITY)
        except SQLAlchemyError:
            return _answer("The database does not answer.", HTTPStatus.SERVICE_UNAVAILABLE)
        return _answer("", HTTPStatus.OK)

    return door


def _answer(text: str, status: HTTPStatus) -> Response:
    return make_response({"error": text} if text else {}, status)


def _told(name: str, text: str, status: HTTPStatus) -> Response:
    frame = frames.alone("authorised", NOBODY, "", {}, answers.locale())
    return guard.seal(make_response(render.failure(frame, name, text, "", ends=True), status), None, guard.ENDS)
