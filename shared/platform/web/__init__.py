"""What every service's HTTP side shares: who calls, what a page looks like, how an error reads."""
