"""Values with which every service starts in production, as settings and as environment variables."""

PRODUCTION = {
    "env": "production",
    "client_secret": "rO2vWq8ZtB1nYx5KdLm7Jc4HgE9sUaPf",
    "session_key": "Vh3TqZk8mWd1Xo6RbYc5Lj2NgSe9FuAi",
    "dead_letter_key": "Jp7CxMw4KzQe2VtHb9RyLd6GnSf1UoAa",
    "public_url": "https://linkwork.nhs.test",
    "issuer": "https://login.nhs.test/realms/linkwork",
    "referral_url": "https://referral.nhs.test",
    "matching_url": "https://matching.nhs.test",
    "kafka_security_protocol": "SASL_SSL",
    "kafka_user": "matching",
    "kafka_password": "Qm4VzTy8NcLr2WdXb6KsHj9PfGe3UoAa",
}
MORE = {
    "notifications_url": "https://notifications.nhs.test",
    "evaluation_url": "https://evaluation.nhs.test",
    "magic_link_key": "Tg5YkBv2ZnMq8WdXr3LcHs7JfPe1UoAu",
    "master_key": "3q2+7w9KpVbZr1xUe8cYtH5mJd0LsGfQaN4oWi6XkRA=",
    "mail_from": "appointments@linkwork.example.org",
}


def variables(**more: str) -> dict[str, str]:
    """Environment of a service in production, by the variables' names."""
    return {f"LINKWORK_{name.upper()}": value for name, value in (PRODUCTION | MORE | more).items()}
