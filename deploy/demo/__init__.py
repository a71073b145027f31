"""Loads the invented programme through the public interfaces. Every person and service is made up."""
