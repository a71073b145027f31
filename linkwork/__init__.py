"""The operator's console: `python -m linkwork`, or `linkwork` where the package is installed."""
