"""Make `python -m battery` the same as `battery`."""

from battery.cli.main import main

main()
