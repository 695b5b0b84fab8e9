"""The gateway that comes with the battery: a small but real agent system with a memory."""
