"""Start battery: as `battery`, or as `python -m battery`."""

import os

try:
    import importlib

    from battery.base import interrupts
except KeyboardInterrupt:
    # Before there is anything that could say so.
    os._exit(130)


def start() -> None:
    """Run the command of the command line and exit; a signal at any moment shows no traceback."""
    try:
        interrupts.install()
        # Only now: this takes long enough for somebody to think better of it.
        importlib.import_module("battery.cli.main").main()
    except KeyboardInterrupt:
        interrupts.leave()
    except SystemExit as end:
        interrupts.over()
        if end.code == interrupts.EXIT_CODE:
            # A thread that waits for a name server, say, must not hold up whoever pressed Ctrl-C.
            os._exit(interrupts.EXIT_CODE)
        raise


if __name__ == "__main__":
    start()
