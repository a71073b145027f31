"""Addresses to which nothing is sent, and what an endpoint's address may look like."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.webhooks.targets import TargetRefused, read_target
from shared.platform.outbound.addresses import is_public

PRIVATE = [
    ("0.0.0.0", "this network"),
    ("0.1.2.3", "this network"),
    ("10.1.2.3", "private"),
    ("100.64.0.1", "carrier-grade NAT"),
    ("100.100.100.200", "metadata of one provider"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "metadata of one provider"),
    ("169.254.1.1", "link-local"),
    ("169.254.169.254", "metadata"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.192", "metadata of one provider"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4 relay"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "benchmarks"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.1.1.1", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::127.0.0.1", "compatible"),
    ("::ffff:10.0.0.1", "mapped private"),
    ("::ffff:8.8.8.8", "mapped"),
    ("::ffff:0:8.8.8.8", "translated"),
    ("64:ff9b::8.8.8.8", "NAT64"),
    ("64:ff9b:1::1", "local NAT64"),
    ("100::1", "discard"),
    ("2001::1", "Teredo"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "6to4 of loopback"),
    ("fc00::1", "unique local"),
    ("fd00:ec2::254", "metadata"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local with a zone"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("2600::1%1", "a zone"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "81.2.69.142", "172.32.0.1", "2600::1", "2a00:1450:4009:80b::200e"]


@pytest.mark.parametrize(("address", "kind"), PRIVATE, ids=[each for each, _ in PRIVATE])
def test_address_inside_a_network_is_refused(address: str, kind: str) -> None:
    assert not is_public(ip_address(address)), kind


@pytest.mark.parametrize("address", PUBLIC)
def test_address_of_the_public_network_is_taken(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_ipv4_address_within_an_ipv6_one_is_refused(address: IPv4Address) -> None:
    for prefix in ("::", "::ffff:", "64:ff9b::"):
        assert not is_public(ip_address(f"{prefix}{address}"))
    assert not is_public(IPv6Address((0x2002 << 112) | (int(address) << 80)))


PRIVATE_NETWORKS = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/4 "
    "240.0.0.0/4 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
)
private_networks = st.sampled_from(PRIVATE_NETWORKS.split()).map(ip_network)


@given(private_networks.flatmap(lambda network: st.ip_addresses(network=network)))
def test_every_address_of_a_private_network_is_refused(address: IPv4Address | IPv6Address) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.example.org/linkwork?token=secret", "https://hooks.example.org/…"),
        ("https://HOOKS.example.org.:8443/a", "https://hooks.example.org:8443/…"),
        ("https://hooks.example.org:443", "https://hooks.example.org/…"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/…"),
        ("https://8.8.8.8/a", "https://8.8.8.8/…"),
        ("https://[2600::1]:8443/a", "https://[2600::1]:8443/…"),
    ],
)
def test_target_shows_neither_path_nor_query(url: str, shown: str) -> None:
    target = read_target(url)
    assert target.shown == shown
    assert "secret" not in repr(target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "http://hooks.example.org/",
        "ftp://hooks.example.org/",
        "https://",
        "https:///path",
        "https://user:password@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://hooks.example.org:0x1/",
        "https://hooks.example.org:99999/",
        "https://hooks.example.org:0/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:8.8.8.8]/",
        "https://169.254.169.254/latest/meta-data",
        "https://hooks.example.org/" + "a" * 2000,
    ],
)
def test_target_that_is_none_is_refused_without_a_quote(url: str) -> None:
    with pytest.raises(TargetRefused) as refused:
        read_target(url)
    assert "hooks" not in str(refused.value)


def test_private_target_is_taken_where_a_setting_allows_it() -> None:
    assert read_target("https://127.0.0.1:9443/", private_allowed=True).port == 9443


@given(st.text(max_size=80))
def test_target_of_any_text_is_read_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://hooks.example.org/{text}"):
        try:
            target = read_target(url)
        except TargetRefused:
            continue
        assert target.host
        assert target.literal is None or is_public(target.literal)
