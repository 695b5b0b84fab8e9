"""A battery on disk as numbers: metrics, calls, summary."""
