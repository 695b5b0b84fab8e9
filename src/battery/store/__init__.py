"""The artifact folder: names, formats, atomic writes, journal and lock."""
