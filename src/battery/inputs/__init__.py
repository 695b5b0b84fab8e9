"""What a user hands in: options, environment and the tasks file."""
