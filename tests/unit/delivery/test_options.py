"""The timings of a consumer by the number of localities that its process serves."""

import pytest

from shared.delivery.options import Options
from shared.platform.kafka_connection import KafkaConnection

OPTIONS = Options(KafkaConnection("nowhere:1"), "mongodb://nowhere", "linkwork_matching", b"a key")


@pytest.mark.parametrize(
    ("localities", "milliseconds"), [(0, 500), (1, 500), (16, 500), (32, 1000), (64, 2000), (1250, 2000)]
)
def test_fetch_waits_longer_in_process_of_many(localities: int, milliseconds: int) -> None:
    """At 64 localities or more, each costs a fetch in two seconds. The gate's questions wait for 3 s."""
    assert OPTIONS.serving(localities).fetch_wait_ms == milliseconds


def test_options_of_few_localities_stay_as_they_are() -> None:
    assert OPTIONS.serving(8) == OPTIONS
