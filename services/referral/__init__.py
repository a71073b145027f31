"""Accepts referrals, keeps people in the vault, and shows the practice each referral's progress."""
