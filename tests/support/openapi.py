"""Every exchange held against an official OpenAPI description."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.datastructures import MultiDict


def deserialisers(media_types: Iterable[str]) -> dict[str, Callable[[bytes], Any]]:
    """Vendor types read as JSON; everything else as base64 text, as ``format: byte`` wants it. Forms are left to those
    who can take them apart."""

    def binary(content: bytes) -> str:
        return base64.b64encode(content).decode()

    kinds = [kind for kind in media_types if not kind.startswith("multipart/")]
    return {kind: json.loads if kind.endswith("json") else binary for kind in kinds}


def media_types(spec: Any) -> Iterator[str]:
    """All media types named in ``content`` tables."""
    if isinstance(spec, dict):
        yield from spec.get("content", {}) if isinstance(spec.get("content"), dict) else ()
        for part in spec.values():
            yield from media_types(part)
    elif isinstance(spec, list):
        for part in spec:
            yield from media_types(part)


def without_outside_refs(spec: Any, replace: Callable[[str], Any]) -> Any:
    """A copy of ``spec`` in which references to files we do not have are what ``replace`` says."""
    if isinstance(spec, dict):
        reference = spec.get("$ref", "#")
        if isinstance(reference, str) and not reference.startswith("#"):
            return replace(reference)
        return {name: without_outside_refs(part, replace) for name, part in spec.items()}
    if isinstance(spec, list):
        return [without_outside_refs(part, replace) for part in spec]
    return spec


@dataclass
class Exchange:
    """One request with its answer, and which operation of which description it was."""

    request: httpx.Request
    response: httpx.Response
    operation: str = ""
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        line = f"{self.request.method} {self.request.url} -> {self.response.status_code}"
        return "\n    ".join([line, *self.faults])


class Description:
    """One official description."""

    def __init__(self, spec: dict[str, Any]) -> None:
        # The descriptions are taken as they are published, also where OpenAPI itself would have them otherwise.
        readers = deserialisers(set(media_types(spec)))
        config = Config(spec_validator_cls=None, extra_media_type_deserializers=readers)
        self._spec = spec
        self._openapi = OpenAPI.from_dict(spec, config=config)

    def operation(self, method: str, path: str) -> str | None:
        """The operationId of the most specific path that fits; None when there is none."""
        fitting = [
            known
            for known in self._spec["paths"]
            if _fits(known, path) and method.lower() in self._spec["paths"][known]
        ]
        best = min(fitting, key=lambda known: known.count("{"), default=None)
        return best and self._spec["paths"][best][method.lower()]["operationId"]

    def schemas(self) -> dict[str, Any]:
        """The named schemas, as they are written down."""
        return dict(self._spec["components"]["schemas"])

    def operations(self) -> set[str]:
        return {
            operation["operationId"]
            for methods in self._spec["paths"].values()
            for operation in methods.values()
            if not operation.get("deprecated")
        }

    def faults_of_request(self, request: httpx.Request) -> list[str]:
        return _faults(lambda: self._openapi.validate_request(_request(request)))

    def faults_of_response(self, request: httpx.Request, response: httpx.Response) -> list[str]:
        if response.status_code == 204:
            return ["a body with status 204"] if response.content else []
        answer = MockResponse(
            response.content, response.status_code, dict(response.headers), _media_type(response.headers)
        )
        return _faults(lambda: self._openapi.validate_response(_request(request), answer))

    def statuses(self, method: str, path: str) -> set[str]:
        """The statuses written down for this operation."""
        wanted = self.operation(method, path)
        found = (operation for methods in self._spec["paths"].values() for operation in methods.values())
        return next((set(item["responses"]) for item in found if item["operationId"] == wanted), set())


def _fits(template: str, path: str) -> bool:
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(
        part.startswith("{") or part == value for part, value in zip(parts, given, strict=True)
    )


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip()


def _request(request: httpx.Request) -> MockRequest:
    parts = urlsplit(str(request.url))
    return MockRequest(
        f"{parts.scheme}://{parts.netloc}",
        request.method,
        parts.path,
        args=MultiDict(request.url.params.multi_items()),
        headers=dict(request.headers),
        data=request.content,
        content_type=_sent_type(request.headers),
    )


def _sent_type(headers: Mapping[str, str]) -> str:
    """Of a form with what divides its parts, else the type alone."""
    kind = _media_type(headers)
    return headers["content-type"] if kind.startswith("multipart/") else kind


def _faults(check: Callable[[], None]) -> list[str]:
    try:
        check()
    except OpenAPIError as error:
        return [_text(error)]
    return []


def _text(error: BaseException) -> str:
    """The whole chain: the interesting part stands at its end."""
    parts = [str(error)]
    schema_errors = getattr(error, "schema_errors", None) or ()
    parts += [f"{'.'.join(map(str, item.absolute_path))}: {item.message}" for item in schema_errors]
    cause = error.__cause__
    return " | ".join(parts) + (f" <- {_text(cause)}" if cause else "")
