"""Bodies of what other parts ask of directory about one-tap links."""

from services.matching.web.schemas import Body
from shared.contract.api import directory as contract


class LinkAnswer(contract.LinkAnswer, Body):
    """One answer of a service on a link of a former owner."""
