"""What libraries log: kept from the terminal, where a live view may be; `--debug` shows it last."""

from __future__ import annotations

import logging
from collections import deque
from typing import Final

#: Messages at most: the last ones, as they are closest to the end.
_MOST: Final = 200


class _Kept(logging.Handler):
    """Keeps what is logged, which Python would otherwise write to standard error at once."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_MOST)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name}: {self.format(record)}")


_KEPT: Final = _Kept()


def keep() -> None:
    """Keep from now on what has no other reader."""
    _KEPT.lines.clear()
    logging.getLogger().addHandler(_KEPT)


def kept() -> list[str]:
    """Return what was logged, the oldest first, each with the name of its logger."""
    return list(_KEPT.lines)
