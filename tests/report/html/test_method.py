"""The page says how to run the battery again, as far as files have it."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.manifest import Manifest, Options, Provenance
from battery.report.html.method import command
from tests.report.samples import MANIFEST

EMBEDDED = dict.fromkeys(("gateway", "llm_team", "control"), "embedded")
LIVE = {"gateway": "http://g:1", "llm_team": "http://t:2", "control": "http://c:3"}


def manifest(targets: dict[str, str], **options: Any) -> Manifest:
    return MANIFEST.model_copy(update={"targets": targets, "options": Options(**options)})


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (manifest(EMBEDDED, tasks="packaged", seed=7), "--seed 7"),
        (
            manifest(LIVE, tasks="/home/me/my tasks.json", repeats=2),
            "--tasks 'my tasks.json' --target http://g:1 --llm-team http://t:2 "
            "--control-gateway http://c:3 --repeats 2",
        ),
        (
            manifest(
                dict.fromkeys(("gateway", "llm_team"), "exec:./agent {verb}"), feedback="none"
            ),
            "--target 'exec:./agent {verb}' --no-control --feedback none",
        ),
        (
            manifest({**EMBEDDED, "gateway": "http://g:1", "llm_team": "http://g:1"}),
            "--target http://g:1 --control-gateway embedded",
        ),
    ],
)
def test_the_command_has_what_differs_from_the_usual(record: Manifest, words: str) -> None:
    assert command(record) == [f"battery run --iterations 3 {words}"]


def test_iterations_that_were_added_come_after_those_that_were_planned() -> None:
    record = manifest(EMBEDDED).model_copy(update={"planned_iterations": 3, "iterations_wanted": 5})
    assert command(record) == ["battery run --iterations 3", "battery iterate  # 2 times"]


def test_a_folder_without_a_manifest_has_no_command() -> None:
    assert command(Provenance()) == []
