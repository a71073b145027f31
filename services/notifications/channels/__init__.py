"""Channels by which a message leaves. Each gateway stands behind a small interface, so it can be replaced."""
