"""Issues tokens of the invented users.

    python -m deploy.development.tokens <user>

Programs that act as these users (the demo, benchmarks) call it, and so do people who try the APIs by hand.
"""

import argparse
import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from deploy.development.settings import DevelopmentSettings, refuse_production
from deploy.development.signing import KEY_FILE, IssuerKey
from deploy.development.users import User, load_users
from deploy.local.ports import PORTS_FILE

USER_TOKEN_LASTS = timedelta(hours=9)
SERVICE_TOKEN_LASTS = timedelta(hours=1)


class Minter:
    """Makes tokens with the key in the state folder, as the issuer would."""

    def __init__(self, settings: DevelopmentSettings) -> None:
        refuse_production(settings.env)
        self._key = IssuerKey.kept_in(settings.state, issuer=settings.issuer, audience=settings.audience)
        directory = load_users(settings.users_file, settings.localities_file)
        self.users = {**directory.users, **directory.partners}

    def of(self, user: User | str) -> str:
        """An access token of a user, given by id or as an object.

        Raises KeyError for an id not in the file.
        """
        known = self.users[user] if isinstance(user, str) else user
        return self._key.sign(known.claims(), USER_TOKEN_LASTS)

    def referrer_at(self, practice: str) -> str:
        """An access token of someone who refers from this practice (ODS code). Raises LookupError."""
        for user in self.users.values():
            if user.role == "referrer" and practice in user.practices:
                return self.of(user)
        raise LookupError(practice)


def _address_of_the_run(state: Path) -> str | None:
    """Returns the public address of the run with this state folder. PORT overrides it.

    None if neither is known, or if LINKWORK_ISSUER names the address.
    """
    if "LINKWORK_ISSUER" in os.environ:
        return None
    ports = state / PORTS_FILE
    known = json.loads(ports.read_text()).get("front") if ports.exists() else None
    port = os.environ.get("PORT") or known
    return f"http://localhost:{port}" if port else None


def main(arguments: list[str] | None = None) -> int:
    """Prints an access token of a user; without a user, lists the users. The issuer must have run here."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.development.tokens", description="Prints an access token of an invented user."
    )
    parser.add_argument("user", nargs="?", help="an id of users.toml; without one they are listed")
    parser.add_argument("--url", help="where Linkwork answers, if it is not the run in .linkwork or PORT")
    asked = parser.parse_args(arguments)
    refuse_production(os.environ.get("LINKWORK_ENV") or "development")  # unset if a person types the command
    settings = DevelopmentSettings(env="development")
    if url := asked.url or _address_of_the_run(settings.state):
        settings = settings.model_copy(update={"issuer": f"{url.rstrip('/')}/dev/issuer"})
    if not (settings.state / KEY_FILE).exists():  # No issuer would know a key made here.
        sys.stderr.write(f"No development issuer has run in {settings.state}: start it with `make run`.\n")
        return 2
    minter = Minter(settings)
    if asked.user is None:
        for user in minter.users.values():
            print(f"{user.id:32} {user.role:16} {user.name}")
        return 0
    if asked.user not in minter.users:
        sys.stderr.write(f"Nobody here is {asked.user!r}: without an id, those there are are listed.\n")
        return 2
    print(minter.of(asked.user))
    return 0


if __name__ == "__main__":
    sys.exit(main())
