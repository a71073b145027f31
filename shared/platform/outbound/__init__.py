"""Calls to addresses that people enter: never into our own network, and to the address that was judged."""
