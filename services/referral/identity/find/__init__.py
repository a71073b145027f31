"""Finding a person whom the caller may see, through blind indexes."""
