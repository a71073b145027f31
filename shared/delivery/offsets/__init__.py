"""Handled offsets: how far the database has read each partition, and what that means to the broker."""
