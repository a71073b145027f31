"""Tokens of the invented users, for programs that play their part (the demo, benchmarks)."""

from datetime import timedelta

from deploy.development.settings import DevelopmentSettings, refuse_production
from deploy.development.signing import IssuerKey
from deploy.development.users import User, load_users

USER_TOKEN_LASTS = timedelta(hours=9)
SERVICE_TOKEN_LASTS = timedelta(hours=1)


class Minter:
    """Makes tokens with the key in the state folder, as the issuer beside it would."""

    def __init__(self, settings: DevelopmentSettings) -> None:
        refuse_production(settings.env)
        self._key = IssuerKey.kept_in(settings.state, issuer=settings.issuer, audience=settings.audience)
        self.users = load_users(settings.users_file, settings.localities_file).users

    def of(self, user: User | str) -> str:
        """An access token of a user, given by id or whole. Raises KeyError for an id not in the file."""
        known = self.users[user] if isinstance(user, str) else user
        return self._key.sign(known.claims(), USER_TOKEN_LASTS)

    def referrer_at(self, practice: str) -> str:
        """An access token of someone who refers from this practice (ODS code). Raises LookupError."""
        for user in self.users.values():
            if user.role == "referrer" and practice in user.practices:
                return self.of(user)
        raise LookupError(practice)
