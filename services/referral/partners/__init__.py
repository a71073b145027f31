"""Partners: admission judges what they say, refusals answer them, and an HTTP API does the same."""
