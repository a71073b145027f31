"""Event delivery: the kernel that all four services run on."""
