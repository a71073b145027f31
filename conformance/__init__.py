"""The conformance kit: tries a part against the contract. It imports nothing of the services."""
