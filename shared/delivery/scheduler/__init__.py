"""Scheduled tasks and effects."""
