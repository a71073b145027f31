"""Matching: diaries, meetings, plans, the directory, and requests to community services."""
