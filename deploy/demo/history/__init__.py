"""Half a year of invented referrals, as the events of a partner who kept the earlier record."""

from deploy.demo.history.writing import write_history

__all__ = ["write_history"]
