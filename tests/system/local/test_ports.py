"""Ports for a run that listens on them a little later."""

from deploy.local.ports import free_port, is_free


def test_free_port_is_never_given_twice() -> None:
    given = [free_port() for _ in range(500)]
    assert len(set(given)) == len(given)
    assert all(map(is_free, given))
