"""Rebuilds: a service's log is folded again beside the live generation, which it then replaces."""
