"""The menu of each role, and where it begins."""

import pytest

from shared.platform.web.navigation import current, home_of, navigation
from shared.platform.web.principal import ROLES, Principal, Role


def caller(role: Role) -> Principal:
    return Principal(subject="x", role=role)


def addresses(role: Role, *, development: bool = False) -> list[str]:
    return [link.href for link in navigation(caller(role), development=development)]


@pytest.mark.parametrize(
    ("role", "home"),
    [
        ("referrer", "/referral/"),
        ("link_worker", "/matching/"),
        ("manager", "/matching/desk"),
        ("analyst", "/evaluation/"),
        ("programme_admin", "/matching/programme"),
        ("guardian", "/referral/audit"),
        ("provider", "/"),
        ("service", "/"),
    ],
)
def test_each_role_begins_at_its_work(role: Role, home: str) -> None:
    assert role in ROLES
    assert home_of(caller(role)) == home


def test_nobody_signed_in_has_no_menu() -> None:
    assert navigation(None, development=True) == ()


def test_mailbox_is_for_development_and_programme_admins() -> None:
    assert "/dev/mailbox" in addresses("programme_admin", development=True)
    assert "/dev/mailbox" not in addresses("programme_admin")
    assert "/dev/mailbox" not in addresses("link_worker", development=True)


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/referral/new", "/referral/new"),
        ("/referral/new/find", "/referral/new"),
        ("/referral/", "/referral/"),
        ("/referral/find", "/referral/find"),
        ("/referral/referrals/1", "/referral/"),
        ("/matching/services/1", "/matching/services"),
        ("/elsewhere", None),
    ],
)
def test_the_entry_of_a_page_is_the_longest_that_fits(path: str, entry: str | None) -> None:
    assert current(navigation(caller("referrer"), development=False), path) == entry
