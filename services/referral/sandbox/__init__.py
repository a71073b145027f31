"""Sandboxes: a heartbeat by which listeners see life, and the erasure of referrals that grow old."""
