"""The four services. They speak to each other only through events and published HTTP APIs."""
