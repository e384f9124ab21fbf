"""What a person is told to do, where several flows tell it."""

from __future__ import annotations

CORRECT_TO_OFFER = "Correct the product in the store; it is offered again by itself."
CORRECT_TO_SEND = "Correct the product in the store; the change is sent by itself."
