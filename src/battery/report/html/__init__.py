"""Pages of one self-contained file each: they open offline, and nothing in them can load or run."""
