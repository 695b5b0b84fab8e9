"""Settings of a battery that is answered in process, with one task per phase."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from battery.inputs.settings import Settings, Target
from battery.target import kinds
from tests.support import notes
from tests.support.commands import write_tasks


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Return settings for one iteration; `notes.CALLS` has what was asked."""
    monkeypatch.setattr(kinds, "KINDS", (notes.NOTES, *kinds.KINDS))
    notes.CALLS.clear()
    tasks = write_tasks(tmp_path / "tasks.json", 1)
    yield Settings(tmp_path / "b", tasks_path=tasks, iterations=1, gateway=Target("notes:mine"))
    notes.CALLS.clear()
    notes.BROKEN.clear()
