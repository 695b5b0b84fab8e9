"""What everything else stands on: errors, JSON, time, numbers and text."""
