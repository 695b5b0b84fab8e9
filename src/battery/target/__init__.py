"""The system under test, and how it is called."""
