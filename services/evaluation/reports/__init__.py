"""Reports: turns sums into figures, exact for programme managers and disclosure-safe for all others."""
