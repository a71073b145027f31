"""The outbox and the relay that publishes it."""
