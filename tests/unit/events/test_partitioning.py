"""Keys lie where every other client of Kafka puts them."""

from aiokafka import partitioner
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contract.events.partitioning import partition_of


@given(st.binary(max_size=80), st.integers(1, 60))
@example(b"", 6)
@example(b"a", 6)
@example(b"0199c0de-0000-7000-8000-000000000001", 6)
def test_a_key_lies_where_another_client_puts_it(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition_of(key, partitions) == partitioner.DefaultPartitioner()(key, numbers, numbers)


def test_what_the_java_client_says() -> None:
    """Values of Apache Kafka's own test, UtilsTest.testMurmur2, modulo a prime."""
    said = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    for key, hashed in said.items():
        assert partition_of(key, 1009) == (hashed & 0x7FFFFFFF) % 1009
