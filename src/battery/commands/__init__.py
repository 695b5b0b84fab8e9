"""The other commands as functions: read artifacts, compute, write."""
