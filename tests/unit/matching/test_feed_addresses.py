"""Addresses of feeds: public hosts over TLS, and nothing else."""

import pytest

from services.matching.directory.fetching import NotFetched, read_address


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://feed.example/services", "not_https"),
        ("ftp://feed.example/services", "not_https"),
        ("https://user:secret@feed.example/", "has_user"),
        ("https://", "unreadable"),
        ("https://feed.example:99999/", "unreadable"),
        ("nonsense", "unreadable"),
        ("https://127.0.0.1/services", "address_refused"),
        ("https://10.0.0.8/services", "address_refused"),
        ("https://169.254.169.254/latest/meta-data", "address_refused"),
        ("https://[::1]/services", "address_refused"),
        ("https://[::ffff:10.0.0.8]/services", "address_refused"),
        ("https://feed.example/" + "a" * 2000, "unreadable"),
    ],
)
def test_address_that_is_never_fetched_is_refused(url: str, code: str) -> None:
    with pytest.raises(NotFetched) as refused:
        read_address(url)
    assert refused.value.code == code
    assert "secret" not in refused.value.sentence


def test_public_address_keeps_its_query_and_loses_its_fragment() -> None:
    read = read_address("https://Feed.Example/services?area=stoke#top")
    assert (read.host, read.port) == ("feed.example", 443)
    assert str(read.url).endswith("/services?area=stoke")


def test_setting_allows_this_machine_without_tls() -> None:
    assert read_address("http://127.0.0.1:8000/services", private_allowed=True).port == 8000
