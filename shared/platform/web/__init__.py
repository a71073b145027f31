"""HTTP side that every service shares: principals, pages, errors, limits, sessions."""
