"""A battery on disk as a value: its calls, metrics, rows and summary."""
