"""Measures how the services scale: with their replicas, and with the number of localities."""
