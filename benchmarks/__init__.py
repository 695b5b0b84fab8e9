"""Measure how fast and how small the battery is, side by side with what it is compared to."""
