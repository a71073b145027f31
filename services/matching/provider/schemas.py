"""Answers of the API on one-tap links."""

from pydantic import BaseModel


class LinkOut(BaseModel):
    """A one-tap link: a secret of the service that it is for."""

    url: str
