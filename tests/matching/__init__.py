"""Tests of the matching service."""
