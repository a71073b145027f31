"""Webhooks: events of a locality, posted to the endpoints of partners that cannot read Kafka."""
