"""The work of one transaction, and what begins it."""
