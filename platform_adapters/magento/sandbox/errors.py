"""Magento's error bodies."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify


class MagentoError(Exception):
    """``parameters``: a list for %1, a table for %name."""

    def __init__(self, status: int, message: str, parameters: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.parameters = parameters

    def response(self) -> Response:
        body: dict[str, Any] = {"message": self.message}
        if self.parameters is not None:
            body["parameters"] = self.parameters
        answer = jsonify(body)
        answer.status_code = self.status
        return answer


def no_route() -> MagentoError:
    return MagentoError(404, "Request does not match any route.")


def no_entity(kind: str = "") -> MagentoError:
    if kind == "product":
        return MagentoError(404, "The product that was requested doesn't exist. Verify the product and try again.")
    return MagentoError(404, "The entity that was requested doesn't exist. Verify the entity and try again.")


def unauthorised(resource: str) -> MagentoError:
    """The same words for no token, a wrong one, a missing permission, and a bearer where none is taken."""
    return MagentoError(401, "The consumer isn't authorized to access %resources.", {"resources": resource})
