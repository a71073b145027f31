"""Consuming: batches of records from Kafka to units of work."""
