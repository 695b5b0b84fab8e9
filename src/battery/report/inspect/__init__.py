"""Logs for Inspect AI."""
