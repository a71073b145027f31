"""Kafka: producer, instance ids, partitions."""
