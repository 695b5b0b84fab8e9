"""A battery in the middle of its second iteration, and the note of whoever worked on it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from tests.support.commands import read_json

#: Nothing more can come of a process with this number: it is above what a system gives.
GONE = 2**31 - 2


def note_of(pid: int, host: str | None = None) -> str:
    started = Path(f"/proc/{pid}/stat")
    ticks = started.read_text().rpartition(")")[2].split()[19] if started.exists() else None
    return json.dumps({"pid": pid, "host": host or os.uname().nodename, "started": ticks})


def unfinished(folder: Path, state: str, note: str = "{}") -> None:
    """Make it a battery that is in the middle of its second iteration."""
    manifest = read_json(folder / "battery.json")
    manifest |= {"state": state, "iterations_finished": 1, "finished_at": None}
    (folder / "battery.json").write_text(json.dumps(manifest))
    (folder / ".lock").write_text(note)
    lines = (folder / "iter_2" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    shutil.rmtree(folder / "iter_2")
    (folder / "iter_2").mkdir()
    (folder / "iter_2" / "journal.jsonl").write_bytes(b"".join(lines[:8]) + lines[8][:40])
