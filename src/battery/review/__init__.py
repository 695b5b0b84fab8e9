"""What a large model is asked to review, and what is read from its answers."""
