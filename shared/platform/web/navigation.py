"""Menu of each role: the pages of the four services."""

from dataclasses import dataclass

from shared.platform.web.principal import Principal


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the menu."""

    text: str
    href: str
    # Further beginnings of its pages' addresses.
    also: tuple[str, ...] = ()


_SERVICES = Link("Services", "/matching/services")
_DIARY = Link("Diary", "/matching/diary")
_FIND = Link("Find", "/referral/find")
_BY_ROLE: dict[str, tuple[Link, ...]] = {
    "referrer": (Link("Refer", "/referral/new"), Link("Our referrals", "/referral/"), _FIND, _SERVICES),
    "link_worker": (
        Link("Today", "/matching/"),
        _DIARY,
        Link("Team", "/matching/team"),
        _FIND,
        _SERVICES,
    ),
    "manager": (Link("Desk", "/matching/desk"), _DIARY),
    "provider": (),
    "analyst": (Link("Figures", "/evaluation/"),),
    "programme_admin": (
        Link("Programme", "/matching/programme"),
        _DIARY,
        Link("Referrals", "/referral/programme"),
        _FIND,
        _SERVICES,
        Link("Figures", "/evaluation/"),
        Link("Messages", "/notifications/"),
        Link("Administration", "/matching/administration", also=("/referral/administration",)),
    ),
    "guardian": (Link("Who looked", "/referral/audit"),),
}
MAILBOX = Link("Mailbox", "/dev/mailbox")


def navigation(caller: Principal | None, *, development: bool) -> tuple[Link, ...]:
    """The menu for this reader. The mailbox exists in development only."""
    if caller is None:
        return ()
    links = _BY_ROLE.get(caller.role, ())
    return (*links, MAILBOX) if development and caller.role == "programme_admin" else links


def home_of(caller: Principal) -> str:
    """The first page of a role, or / where it has none."""
    if caller.role == "referrer":
        return (
            "/referral/"  # both at once: a button to refer, and how the referrals made so far are getting on
        )
    links = _BY_ROLE.get(caller.role, ())
    return links[0].href if links else "/"


def current(links: tuple[Link, ...], path: str) -> str | None:
    """The entry of the page at `path`: the one with the longest address that it begins with."""
    fitting = [
        (len(begin), link.href)
        for link in links
        for begin in (link.href, *link.also)
        if path == begin or path.startswith(begin.rstrip("/") + "/")
    ]
    return max(fitting, default=(0, None))[1]
