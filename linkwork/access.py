"""`linkwork access plan|apply|check`: users, rights and quotas of the bus, from one declaration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    SecurityDisabled,
)

from linkwork.arguments import AsJson, command_group
from linkwork.config import Config
from linkwork.errors import CommandError
from linkwork.output import as_json as to_json
from linkwork.tables import newest_table
from shared.platform.access.cluster import Cluster
from shared.platform.access.declaration import Declaration, declare
from shared.platform.access.render import Finding, apply, check, plan
from shared.platform.access.users import kept_passwords
from shared.platform.localities import Localities

_EPILOG: Final = """\b
The declaration follows from the newest table: a user for each service, for admission, for operators and for
each partner's source. Names that are not Linkwork's are left alone.

--json prints a list with an object for each broker: broker, changes, settings. Of plan and apply: one object
with changes.

exit codes: 0 every broker holds the declaration (plan: whatever it holds); 1 one does not;
2 refused, with a sentence; 130 stopped by Ctrl-C"""

Passwords = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder of new users' passwords: a file for each, of the user's name. Missing ones are made.",
    ),
]
NoUsers = Annotated[
    bool, typer.Option("--no-users", help="Users are kept elsewhere, such as by certificates: rights only.")
]
Demo = Annotated[bool, typer.Option("--demo", help="The invented programme plays here and needs a user.")]

application = command_group(
    "Plan, apply and check the users and rights of the bus.",
    "Users of the bus, what each may do, and how much.",
    _EPILOG,
)


@dataclass(frozen=True)
class AccessCommand:
    """One command on users and rights."""

    verb: Literal["plan", "apply", "check"]
    passwords: Path | None = None
    no_users: bool = False
    demo: bool = False
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Runs the command.

        Raises:
            CommandError: the broker does not answer, or refuses.
        """
        return await self.run_for(config, await newest_table(config))

    async def run_for(self, config: Config, table: Localities) -> int:
        """Runs the command for this table.

        Raises:
            CommandError: the broker does not answer, or refuses.
        """
        try:
            declared = declare(table, demo=self.demo)
            async with Cluster(config.kafka) as cluster:
                return await self._run(cluster, declared)
        except ClusterAuthorizationFailedError:
            raise CommandError(
                "The broker refuses us: this user may not alter the cluster. Use the operator's."
            ) from None
        except SecurityDisabled:
            raise CommandError(
                "The broker checks nobody's rights: set authorizer.class.name, and start it again."
            ) from None
        except (KafkaError, OSError, TimeoutError) as error:
            raise CommandError(
                f"Kafka does not answer at {config.kafka.bootstrap}, or refuses us ({type(error).__name__}): "
                "look at LINKWORK_KAFKA_BOOTSTRAP, user and password."
            ) from None

    async def _run(self, cluster: Cluster, declared: Declaration) -> int:
        with_users = not self.no_users
        if self.verb == "check":
            found = await check(cluster, declared, with_users=with_users)
            print(to_json([_finding(each) for each in found]) if self.as_json else _plainly(found))
            return 0 if all(each.is_empty for each in found) else 1
        if self.verb == "plan":
            changes = await plan(cluster, declared, with_users=with_users)
        else:
            changes = await apply(cluster, declared, self._passwords, with_users=with_users)
        lines = list(changes.lines())
        print(to_json({"changes": lines}) if self.as_json else "\n".join(lines) or "Nothing to change.")
        return 0

    def _passwords(self, users: tuple[str, ...]) -> dict[str, str]:
        if self.passwords is None:
            raise CommandError(
                f"{len(users)} users are new: say with --passwords in which folder their passwords are to be."
            )
        try:
            return kept_passwords(self.passwords, users)
        except OSError as error:
            raise CommandError(f"The passwords cannot be read or written: {error.strerror}.") from None


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "broker": finding.broker,
        "changes": list(finding.difference.lines()),
        "settings": list(finding.settings),
    }


def _plainly(found: tuple[Finding, ...]) -> str:
    lines = []
    for finding in found:
        said = [*finding.difference.lines(), *(f"! {setting}" for setting in finding.settings)]
        lines += [
            f"broker {finding.broker}: {'as declared' if not said else f'{len(said)} deviations'}",
            *said,
        ]
    return "\n".join(lines)


@application.command("plan", help="Show what apply would change.")
def plan_(no_users: NoUsers = False, demo: Demo = False, as_json: AsJson = False) -> AccessCommand:
    """Parses `plan`."""
    return AccessCommand("plan", None, no_users, demo, as_json)


@application.command("apply", help="Make the cluster hold the declaration; wait until every broker does.")
def apply_(
    passwords: Passwords = None, no_users: NoUsers = False, demo: Demo = False, as_json: AsJson = False
) -> AccessCommand:
    """Parses `apply`."""
    return AccessCommand("apply", passwords, no_users, demo, as_json)


@application.command("check", help="Compare every broker with the declaration, and read its settings.")
def check_(no_users: NoUsers = False, demo: Demo = False, as_json: AsJson = False) -> AccessCommand:
    """Parses `check`."""
    return AccessCommand("check", None, no_users, demo, as_json)
