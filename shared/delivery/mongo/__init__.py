"""MongoDB: transactions, leases, the server's clock."""
