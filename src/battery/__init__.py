"""Measure whether an AI agent gateway really gets better with use."""

__version__ = "0.1.0"
