"""`linkwork backup`: all databases of the services at one moment, in encrypted archives."""
