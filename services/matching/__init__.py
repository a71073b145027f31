"""Matching: diaries, meetings, plans, the directory, and the services that are asked."""
