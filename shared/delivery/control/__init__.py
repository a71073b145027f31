"""The control topic: its records, the table that a service follows, and how an operator publishes."""
