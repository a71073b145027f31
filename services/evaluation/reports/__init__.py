"""From sums to figures: pure functions, exact for those who manage, disclosure-safe for everybody else."""
