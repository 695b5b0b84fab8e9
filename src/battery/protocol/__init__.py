"""The bodies of the calls, shared by the client and the embedded gateway."""
