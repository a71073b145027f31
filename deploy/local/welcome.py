"""What is said when everything answers: where to go, and who to be there."""

from deploy.local.plan import Plan


def welcome(address: str, plan: Plan) -> str:
    """A few lines for the terminal. `address` is the public one."""
    lines = [
        "",
        f"  Linkwork is ready: open {address}",
        "",
    ]
    if "development" in plan.names:
        lines += [
            "  Choose 'Sign in' and then one of the invented people, no password needed.",
            f"  Messages that were sent: {address}/dev/mailbox (as the programme's administrator)",
            "",
        ]
    lines += ["  Ctrl-C stops it; everything is kept for the next time.", ""]
    return "\n".join(lines)
