"""Real memory systems for `benchmarks/real.py`, each as small as its user would write it."""
