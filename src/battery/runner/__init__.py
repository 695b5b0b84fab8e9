"""Run a battery: prepare, ask, distill, review, summarize."""
