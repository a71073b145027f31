"""Evaluation: what came of the referrals, kept as sums that grow with each fact."""
