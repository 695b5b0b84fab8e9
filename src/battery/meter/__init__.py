"""A meter beneath the agent: a proxy on loopback that counts what its models are asked."""
