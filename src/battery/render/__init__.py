"""One summary, many ways to show it."""
