"""Measure whether an AI agent system really gets better with use.

    import battery

    measured = battery.run(target="http://localhost:3100", iterations=3)
    print(measured.verdict.sentence)

What is listed here is the public interface; all other modules may change at any time.
"""

import importlib

# Not imported: the program starts with this package, before it has taken over any signal.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from battery.base.errors import (
        AnswerError,
        ArtifactError,
        BatteryError,
        BrokenAnswerError,
        CallError,
        CallTimeoutError,
        CheckError,
        FolderError,
        LostFolderError,
        MismatchError,
        PausedError,
        StartError,
        StatusError,
        TasksError,
        UnreachableError,
        UsageError,
    )
    from battery.library import Battery, Verdict, load, run
    from battery.records.summary import Summary
    from battery.records.word import Word
    from battery.system import Ask, Event, Outcome, Reply, System

__version__ = "0.1.0"

__all__ = [
    "AnswerError",
    "ArtifactError",
    "Ask",
    "Battery",
    "BatteryError",
    "BrokenAnswerError",
    "CallError",
    "CallTimeoutError",
    "CheckError",
    "Event",
    "FolderError",
    "LostFolderError",
    "MismatchError",
    "Outcome",
    "PausedError",
    "Reply",
    "StartError",
    "StatusError",
    "Summary",
    "System",
    "TasksError",
    "UnreachableError",
    "UsageError",
    "Verdict",
    "Word",
    "__version__",
    "load",
    "run",
]

# The program imports this package as well, and most of its commands need none of these.
_HOMES = {
    **dict.fromkeys(("Battery", "Verdict", "load", "run"), "battery.library"),
    **dict.fromkeys(("Ask", "Event", "Outcome", "Reply", "System"), "battery.system"),
    "Summary": "battery.records.summary",
    "Word": "battery.records.word",
}


# Hidden from type checkers, which would take any name for one that is there.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(_HOMES.get(name, "battery.base.errors")), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
