"""Identity and rights on the bus: one declaration, and what a cluster holds of it."""
