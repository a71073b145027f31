"""The audit of one service: entries in the transaction of their change, sealed in a chain of pages."""
