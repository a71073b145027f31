"""Programs that do the same job in other ways, to compare with, as simple as each way allows."""
