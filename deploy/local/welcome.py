"""The text that is printed when everything answers: the addresses, and the users to sign in as."""

from collections import Counter
from collections.abc import Iterable, Sequence

from deploy.development.users import User
from deploy.local.access import Access
from shared.platform.access.declaration import OPERATOR, Partner
from shared.platform.kafka_connection import SCRAM, KafkaConnection

AS = {
    "referrer": "a practice, to refer",
    "link_worker": "a link worker, for the day",
    "manager": "a manager, for the desk",
    "analyst": "an analyst, for figures",
    "programme_admin": "the administrator, for messages",
    "guardian": "the Caldicott guardian, for who looked",
}


def welcome(address: str, users: Iterable[User]) -> str:
    """Lines for the terminal. `address` is the public one. The first of `users` in each role is named."""
    first = {user.role: user for user in reversed(list(users))}
    lines = ["", f"  Linkwork is ready: open {address}", ""]
    if first:
        lines.append("  Sign in as one of the invented people; there is no password:")
        lines += [f"    {first[role].name:<22}{task}" for role, task in AS.items() if role in first]
        lines += ["", f"  What has been sent to whom: {address}/dev/mailbox, as the administrator", ""]
    lines += ["  Ctrl-C stops it; everything is kept for the next time.", ""]
    return "\n".join(lines)


def how_to_connect(kafka: KafkaConnection, access: Access, partners: Sequence[Partner]) -> str:
    """Lines for the terminal: the address of Kafka, and the folder with the passwords of its users."""
    lines = [
        f"  Kafka: {kafka.bootstrap}, {kafka.protocol}, {SCRAM}; docs/partners.md says how to go on",
        f"    user {OPERATOR:<22}password in {access.file_of(OPERATOR)}",
    ]
    if partners:
        times = Counter(partner.name for partner in partners)
        partner = min(
            partners, key=lambda one: times[one.name]
        )  # A source of one locality shows the form best.
        lines.append(f"    user {partner.user:<22}password in {access.file_of(partner.user)}, a partner")
    return "\n".join([*lines, ""])
