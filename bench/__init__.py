"""Measurements of the whole system, run by hand."""
