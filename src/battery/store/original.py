"""Folders of the original script: what only its summary says, and what a crash left of its files.

It wrote no manifest. Model names and run time are in its `summary.md` alone, and it wrote its
files in place, so one that was killed left the last of them empty or cut off.
"""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from pathlib import Path
from typing import Final

from battery.base import jsonio
from battery.records.manifest import Provenance
from battery.records.models import Models
from battery.store.artifacts import ORIGINAL_SUMMARY, RUN_SETS, SUMMARY_TEXT, SUMMARY_TITLE
from battery.store.documents import read_bytes
from battery.store.files import write_atomic

_RUN: Final = re.compile(r"^\*\*Run:\*\* *(\S+)\s*$", re.MULTILINE)
_MODELS: Final = re.compile(
    r"^\*\*Models:\*\* *executor=(.+?), reviewer=(.+?), overseer=(.+?)\s*$", re.MULTILINE
)


def provenance(root: Path) -> Provenance:
    """Read run time and models from the original script's summary; nothing where it has none."""
    text = ORIGINAL_SUMMARY.find(root) or _their_summary(root) or ""
    run, models = _RUN.search(text), _MODELS.search(text)
    return Provenance(
        started_at=_time(run[1]) if run else None,
        models=_models(*models.groups()) if models else None,
    )


def keep_summary(root: Path) -> None:
    """Copy the original script's summary to a name that nothing else is written to, once.

    Raises `ArtifactError`.
    """
    if not ORIGINAL_SUMMARY.exists(root) and _their_summary(root) is not None:
        write_atomic(root / ORIGINAL_SUMMARY.name, read_bytes(root / SUMMARY_TEXT.name))


def torn(iteration: Path) -> str | None:
    """Return what is wrong where the runs of an iteration break off; None where they do not.

    Raises `ArtifactError` for a file that cannot be read at all.
    """
    path = iteration / RUN_SETS.name
    try:
        jsonio.loads(read_bytes(path), None)
    except ValueError as error:
        return f"{iteration.name}/{path.name} is not JSON: {error}"
    return None


def _their_summary(root: Path) -> str | None:
    """Read `summary.md`, unless this program has written it."""
    text = SUMMARY_TEXT.find(root)
    # A copy that went through Windows may begin with a byte order mark.
    ours = text is None or text.lstrip("\ufeff").startswith(SUMMARY_TITLE)
    return None if ours else text


def _models(executor: str, reviewer: str, overseer: str) -> Models:
    return Models(executor_cloud=executor, reviewer_cloud=reviewer, overseer_cloud=overseer)


def _time(text: str) -> str | None:
    with contextlib.suppress(ValueError):
        datetime.fromisoformat(text)
        return text
    return None
