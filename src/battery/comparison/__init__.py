"""The statistics of `battery compare` and `battery history`; pure."""
