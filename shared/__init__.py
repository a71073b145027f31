"""The common code of the four services: the events, their delivery, localities and pages."""
