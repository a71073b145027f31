"""Ownership of parts: who decides in a locality, enforced by the service's database."""
