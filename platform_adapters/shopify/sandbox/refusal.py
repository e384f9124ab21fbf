"""A mutation's refusal: it becomes a row of ``userErrors`` in an answer that is otherwise empty."""

from __future__ import annotations


class Refusal(Exception):
    def __init__(self, message: str, field: list[str] | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code

    def row(self) -> dict[str, object]:
        return {"message": self.message, "field": self.field, "code": self.code}
