"""The meetings of our own that the load receives, whatever else is on the bus."""

import json

from chaos.bus import Meetings
from shared.platform.kafka_connection import KafkaConnection


def received(*records: tuple[bytes | None, bytes | None]) -> dict[str, str]:
    meetings = Meetings(KafkaConnection("127.0.0.1:1"), ["meir"])
    for source, value in records:
        meetings._heard("meir", {} if source is None else {"ce_source": source}, value)
    return meetings.of


def test_meetings_of_booking_are_received_beside_harmful_records() -> None:
    booked = json.dumps({"referral_id": "r", "meeting_id": "m"}).encode()
    assert received(
        (b"\xff\xfe\x00", booked), (None, b""), (b"/meir/booking", None), (b"/meir/booking", booked)
    ) == {"r": "m"}
    assert received((b"/meir/matching", booked)) == {"r": "m"}
    assert received((b"/leek/booking", booked), (b"/meir/vast-hub", booked)) == {}
