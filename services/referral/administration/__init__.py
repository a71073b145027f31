"""The programme as its administrators keep it on pages: localities, practices, rules, notices, people."""
