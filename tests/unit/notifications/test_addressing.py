"""The sender's name at the beginning of a message to a person."""

from dataclasses import replace

import pytest

from services.notifications.messages.addressing import sender_of
from tests.harness.notifications.service_harness import programme


@pytest.mark.parametrize(("chosen", "sender"), [(None, "Meir (example)"), ("Appointments", "Appointments")])
def test_sender_is_the_practice_unless_the_locality_chose(chosen: str | None, sender: str) -> None:
    locality = replace(programme("meir").by_slug["meir"], text_sender=chosen)
    assert sender_of(locality, locality.practices[0]) == sender
