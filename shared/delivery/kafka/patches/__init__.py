"""Patches of aiokafka and FastStream, each with the behaviour that it patches."""
