"""The model that a service's author uses: definition, facts, decisions, errors."""
