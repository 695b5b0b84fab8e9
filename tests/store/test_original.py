"""What only the original script's summary says of a battery is read from it, and never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.records.manifest import Provenance
from battery.records.models import Models
from battery.store.artifacts import SUMMARY_TITLE
from battery.store.original import keep_summary, provenance

THEIRS = """# Compounding Stress Battery — Summary

**Run:** 2026-03-04T05:06:07.890Z
**Elapsed:** 4021s (67.0 min)
**Models:** executor=qwen3:480b, reviewer=glm, 4.6, overseer=gpt-oss:120b

## Compounding Metrics
"""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_run_time_and_models_are_read_from_their_summary(
    tmp_path: Path, ending: str, mark: str
) -> None:
    (tmp_path / "summary.md").write_text(mark + THEIRS, "utf-8", newline=ending)
    assert provenance(tmp_path) == Provenance(
        started_at="2026-03-04T05:06:07.890Z",
        models=Models(
            executor_cloud="qwen3:480b", reviewer_cloud="glm, 4.6", overseer_cloud="gpt-oss:120b"
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "notes of my own",
        "**Run:** yesterday\n**Models:** executor=a",
        f"{SUMMARY_TITLE}\n\n**Run:** 2026-03-04T05:06:07Z\n",
    ],
)
def test_nothing_is_made_of_any_other_text(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "summary.md").write_text(text, "utf-8")
    assert provenance(tmp_path) == Provenance()


def test_their_summary_is_kept_once_and_read_from_then_on(tmp_path: Path) -> None:
    ours, kept = tmp_path / "summary.md", tmp_path / "summary.original.md"
    ours.write_bytes(THEIRS.encode() + b"\xff")
    keep_summary(tmp_path)
    assert kept.read_bytes() == ours.read_bytes()
    before = provenance(tmp_path)
    ours.write_text("edited, or of another program", "utf-8")
    keep_summary(tmp_path)
    assert kept.read_bytes() == THEIRS.encode() + b"\xff"
    assert provenance(tmp_path) == before


def test_a_summary_of_ours_or_none_is_not_kept(tmp_path: Path) -> None:
    keep_summary(tmp_path)
    (tmp_path / "summary.md").write_text(f"\ufeff{SUMMARY_TITLE}\n", "utf-8")
    keep_summary(tmp_path)
    assert not (tmp_path / "summary.original.md").exists()
