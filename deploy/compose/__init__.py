"""Linkwork in containers, on one Docker host."""
