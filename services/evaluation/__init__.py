"""Evaluation: the outcomes of referrals, kept as sums that grow with each fact."""
