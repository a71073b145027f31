"""The routes from addresses to services, the same for one machine and for containers."""

import re

# Longest prefix first. All other paths go to the referral service: the front page, sign-in, assets.
ROUTES: tuple[tuple[str, str], ...] = (
    ("/api/contract/v1/directory/", "matching"),
    ("/api/contract/v1/casework/", "matching"),
    ("/api/contract/v1/booking/", "matching"),
    ("/api/contract/v1/webhooks", "notifications"),
    ("/api/notifications/", "notifications"),
    ("/api/evaluation/", "evaluation"),
    ("/api/matching/", "matching"),
    ("/api/referral/", "referral"),
    ("/notifications", "notifications"),
    ("/evaluation", "evaluation"),
    ("/matching", "matching"),
    ("/referral", "referral"),
    ("/dev/", "development"),
    ("/s/", "matching"),
)
OTHERS = "referral"
_UNPLAIN = re.compile(r"//|(^|/)\.{1,2}(/|$)")
# On each part's own port only.
PRIVATE = ("/livez", "/readyz", "/metrics", "/asyncapi")


def part_for(path: str) -> str | None:
    """The service that answers `path`, decoded; None if the path is not public.

    A path that climbs (`/a/../b`) or doubles a slash belongs to no service, as services may read it
    differently.
    """
    if path in PRIVATE or _UNPLAIN.search(path):
        return None
    for prefix, part in ROUTES:
        if path.startswith(prefix) and (
            prefix.endswith("/") or path[len(prefix) : len(prefix) + 1] in ("", "/")
        ):
            return part
    return OTHERS
