"""Why something said about a person was not accepted, without repeating it."""

from __future__ import annotations

from pydantic_core import PydanticCustomError


class NotAccepted(ValueError):
    """`code` is for programs, the message for people. Neither holds any of what was given."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def custom_error(refused: NotAccepted) -> PydanticCustomError:
    """The same refusal as pydantic reports it: `type` is the code.

    pydantic keeps the input beside every error, so code that shows an error must leave `input` out.
    """
    return PydanticCustomError(refused.code, str(refused))
