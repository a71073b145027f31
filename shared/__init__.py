"""What the four services have in common: the events, their delivery, localities and pages."""
