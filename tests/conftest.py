"""Settings that hold for the whole suite."""

from __future__ import annotations

from hypothesis import settings

# Half of the library's default, so that the suite stays within its two minutes; a longer search:
# `pytest --hypothesis-profile=default`.
settings.register_profile("suite", max_examples=50, deadline=None)
settings.load_profile("suite")
