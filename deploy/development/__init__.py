"""For development only: an OIDC issuer of invented people, and a sink for the mail and texts sent."""
