"""The statistics of the verdict: pure functions over one tidy table of calls."""
