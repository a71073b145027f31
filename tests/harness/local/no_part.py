"""A part that refuses to start, as a service does without a secret."""

if __name__ == "__main__":
    raise SystemExit("LINKWORK_MAGIC_LINK_KEY is not set.")
