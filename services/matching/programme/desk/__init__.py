"""The manager's desk: figures of each link worker, the lists behind them, and supervision."""
