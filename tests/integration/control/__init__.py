"""The control topic: followed by running services, published by the operator."""
