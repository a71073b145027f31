"""Checks of what is known about a person: pure values, and errors that never repeat what was typed."""
