"""The commands as functions: read an artifact, compute, write an artifact."""
