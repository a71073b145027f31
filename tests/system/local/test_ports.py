"""Ports for a run that listens on them a little later."""

from deploy.local.ports import free_port, is_free


def test_nobody_is_given_a_port_twice() -> None:
    given = [free_port() for _ in range(500)]
    assert len(set(given)) == len(given)
    assert all(map(is_free, given))
