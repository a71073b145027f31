"""Hands booking of a locality over and back under load and faults, and counts (`make handover`)."""
