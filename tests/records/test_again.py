"""A manifest says with which options the same system is measured on the same tasks again."""

from __future__ import annotations

import shlex

from battery.records.again import again, portable
from battery.records.manifest import Options, Provenance
from tests.report.samples import MANIFEST


def test_the_options_measure_the_same_again_but_for_the_seed() -> None:
    options = Options(
        tasks="/home/me/my.json",
        seed=7,
        limit=2,
        repeats=3,
        concurrency=4,
        respond_timeout_s=1200.0,
        meta_timeout_s=300.0,
        feedback="none",
    )
    where = {"gateway": "python:a.py:respond", "llm_team": "http://t:2"}
    manifest = MANIFEST.model_copy(
        update={"targets": where, "options": options, "planned_iterations": 5}
    )
    words = again(manifest)
    assert words is not None
    assert shlex.join(words) == (
        "--iterations 5 --tasks /home/me/my.json --target python:a.py:respond --llm-team "
        "http://t:2 --no-control --repeats 3 --limit 2 --respond-timeout 1200 --concurrency 4 "
        "--feedback none"
    )
    assert portable(words)[2:4] == ["--tasks", "my.json"]


def test_a_folder_without_a_manifest_does_not_tell() -> None:
    assert again(Provenance()) is None
