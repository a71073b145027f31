"""The people who looked at or changed a record: collected from all services, for the Caldicott guardian."""
