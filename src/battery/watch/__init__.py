"""Follow a battery from another terminal."""
