"""Tokens of the invented users, signed as by the development issuer, by the run's clock."""

from datetime import timedelta
from pathlib import Path

from deploy.development.settings import USERS_FILE
from deploy.development.signing import IssuerKey
from deploy.development.users import load_users
from shared.platform.clock import Clock

LASTS = timedelta(hours=6)


class Tokens:
    """`folder` holds the issuer's key, `url` is the address of the front."""

    def __init__(self, folder: Path, url: str, clock: Clock) -> None:
        issuer = f"{url}/dev/issuer"
        self._key = IssuerKey.kept_in(folder, issuer=issuer, audience="linkwork", clock=clock)
        self._users = load_users(USERS_FILE).users

    def of(self, user: str) -> str:
        """An access token of this user."""
        return self._key.sign(self._users[user].claims(), LASTS)

    def referrer_at(self, practice: str) -> str:
        """A token of a referrer from this practice (ODS code). Raises LookupError."""
        for name, user in self._users.items():
            if user.role == "referrer" and practice in user.practices:
                return self.of(name)
        raise LookupError(practice)
