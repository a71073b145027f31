"""Programs that do the same job in other ways, for comparison, as simple as each way allows."""
