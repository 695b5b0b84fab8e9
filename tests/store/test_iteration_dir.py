"""An iteration's files: each arm and repeat in its place, written whole and read back."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest

from battery.base.errors import ArtifactError
from battery.records.models import FROZEN, LEARN, Arm
from battery.records.stages import OVERSEER
from battery.store.artifacts import METRICS
from battery.store.iteration_dir import IterationDir, ReadRuns
from battery.verdict.metrics import measure
from tests.support.runs import run


@pytest.fixture
def files(tmp_path: Path) -> IterationDir:
    (tmp_path / "iter_1").mkdir()
    return IterationDir(tmp_path / "iter_1", 1)


def test_of_the_distill_events_only_objects_are_read(files: IterationDir) -> None:
    assert list(files.distill_events()) == []
    lines = b'{"role": "lesson"}\n[1]\n{"torn\n\n{"role": "final"}'
    (files.root / "distill_events.jsonl").write_bytes(lines)
    assert list(files.distill_events()) == [{"role": "lesson"}, {"role": "final"}]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_runs_written_one_at_a_time_look_like_one_indented_document(
    files: IterationDir, count: int
) -> None:
    runs = [run(deep={"text": "a\nb", "list": [[], {}, 2**70]}) for _ in range(count)]
    files.write_runs(iter(runs))
    text = (files.root / "runs.json").read_text()
    assert json.loads(text) == runs
    assert text == json.dumps(runs, indent=2, ensure_ascii=False) + "\n"


def test_the_distill_text_and_all_events_are_kept(files: IterationDir) -> None:
    files.write_distill("learned ü", [{"role": "final", "text": "learned ü"}, {"n": 1}])
    assert (files.root / "distill_output.txt").read_text() == "learned ü"
    lines = (files.root / "distill_events.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line) for line in lines] == [
        {"role": "final", "text": "learned ü"},
        {"n": 1},
    ]


def test_older_reviews_are_kept_under_rising_numbers(files: IterationDir) -> None:
    step = files
    assert step.keep_older("overseer_review.md") is None
    for text in ("first", "second", "third"):
        step.keep_older("overseer_review.md")
        step.write_answer(OVERSEER.file, text)
    kept = {path.name: path.read_text() for path in step.root.glob("overseer_review*.md")}
    assert kept == {
        "overseer_review.md": "third",
        "overseer_review.1.md": "first",
        "overseer_review.2.md": "second",
    }
    assert [path.name for path in step.listing()] == [
        "overseer_review.md",
        "overseer_review.1.md",
        "overseer_review.2.md",
    ]


def test_each_arm_and_repeat_has_a_place_of_its_own(files: IterationDir) -> None:
    written: list[tuple[Arm, int, str]] = [
        (FROZEN, 10, "blocked"),
        (LEARN, 2, "failed"),
        (FROZEN, 1, "failed"),
        (LEARN, 1, "ok"),
        (FROZEN, 2, "ok"),
    ]
    for arm, repeat, status in written:
        files.write_runs([run(status)], arm, repeat)
    places = {str(path.relative_to(files.root)) for path in files.root.rglob("runs.json")}
    assert places == {
        "runs.json",
        "repeat_2/runs.json",
        "control/runs.json",
        "control/repeat_2/runs.json",
        "control/repeat_10/runs.json",
    }
    assert [(arm, n, runs[0].result.status) for arm, n, runs in files.run_sets()] == [
        (LEARN, 1, "ok"),
        (LEARN, 2, "failed"),
        (FROZEN, 1, "failed"),
        (FROZEN, 2, "ok"),
        (FROZEN, 10, "blocked"),
    ]
    assert [found.result.status for found in files.runs_of(LEARN)] == ["ok", "failed"]


def test_only_what_is_on_disk_is_a_set(files: IterationDir) -> None:
    assert list(files.run_sets()) == []
    for name in ("repeat_3", "repeat_x", "repeat_02", "control"):
        (files.root / name).mkdir()
    files.write_runs([run()], FROZEN, 2)
    assert [(arm, repeat) for arm, repeat, _ in files.run_sets()] == [(FROZEN, 2)]
    assert not files.has_runs()
    assert not files.has_runs(FROZEN)


def test_a_spoilt_set_is_named_with_its_folder(files: IterationDir) -> None:
    files.write_runs([run("great")], FROZEN, 2)
    with pytest.raises(ArtifactError, match=r"control/repeat_2/runs\.json.*\[0\]\.result\.status"):
        list(files.run_sets())


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ({"iterations": 10**20}, "iterations"),
        ({"artifact": {"usage": {"total_tokens": 2**53 + 1}}}, "artifact.usage.total_tokens"),
        ({"_elapsed_ms": 2**53 + 1}, "_elapsed_ms"),
        ({"_elapsed_ms": -1}, "_elapsed_ms"),
        ({"_elapsed_ms": "40"}, "_elapsed_ms"),
    ],
)
def test_a_number_beyond_belief_counts_as_not_reported(
    files: IterationDir, answer: dict[str, Any], place: str
) -> None:
    files.write_runs([run(), run(**answer)])
    first, second = files.read_runs()
    assert first.result.faults == ()
    (fault,) = second.result.faults
    assert re.match(rf"result\.{re.escape(place)}: .* got", fault)
    assert second.result.status == "ok"


def test_the_arms_have_metrics_of_their_own(files: IterationDir) -> None:
    counts: dict[Arm, int] = {LEARN: 1, FROZEN: 2}
    for arm, count in counts.items():
        files.write_runs([run()] * count, arm)
        files.write_metrics(measure(1, files.read_runs(arm)), arm)
    assert files.read_metrics().total_tasks == 1
    assert METRICS.read(files.folder(FROZEN)).total_tasks == 2


def test_confirmations_are_read_like_runs_and_may_be_missing(files: IterationDir) -> None:
    assert files.read_confirmations() == []
    files.write_confirmations([run("failed"), run()])
    assert [found.result.status for found in files.read_confirmations()] == ["failed", "ok"]


@pytest.mark.parametrize(
    ("text", "event", "learned"),
    [
        ("12 lessons", {"role": "final", "learned": 12}, True),
        ("Nothing new.", {"role": "final", "learned": 0}, False),
        ("It went well.", {"role": "final"}, True),
        (" ", {"role": "final"}, False),
        ("text", {"role": "final", "learned": "much"}, True),
        ('{"error":"no room"}', {"error": "no room"}, False),
        ("no room", {"type": "error", "learned": 3}, False),
    ],
)
def test_a_distillation_delivered_something_or_not(
    text: str, event: dict[str, Any], learned: bool, files: IterationDir
) -> None:
    assert files.learned() is None
    files.write_distill(text, [{"role": "status", "learned": 3}, event])
    assert files.learned() is learned


@pytest.mark.parametrize("line", ["[1,2]", "null", "3", '"text"', "{", "\xff"])
def test_a_last_event_that_is_no_object_is_named_with_its_file(
    line: str, files: IterationDir
) -> None:
    files.write_distill("text", [{"role": "final", "learned": 1}])
    with (files.root / "distill_events.jsonl").open("a", encoding="latin-1") as file:
        file.write(line + "\n")
    with pytest.raises(ArtifactError, match=r"distill_events\.jsonl .* its last line is not"):
        files.learned()


@pytest.mark.parametrize("blank", ["\n", "\n \t\r\n\n"])
def test_blank_lines_after_the_last_event_are_passed_over(blank: str, files: IterationDir) -> None:
    files.write_distill("text", [{"role": "final", "learned": 0}])
    with (files.root / "distill_events.jsonl").open("a") as file:
        file.write(blank)
    assert files.learned() is False
    (files.root / "distill_events.jsonl").write_text(blank)
    assert files.learned() is True


def test_a_distill_text_without_events_counts_by_its_words(files: IterationDir) -> None:
    (files.root / "distill_output.txt").write_text("two playbooks")
    assert files.learned() is True


def test_the_listing_follows_the_iteration(files: IterationDir) -> None:
    files.write_answer(OVERSEER.file, "review")
    files.write_confirmations([run()])
    arms: tuple[Arm, ...] = (FROZEN, LEARN)
    for arm, repeat in product(arms, (2, 1)):
        files.write_runs([run()], arm, repeat)
    files.write_metrics(measure(1, files.read_runs()))
    files.write_metrics(measure(1, files.read_runs(FROZEN)), FROZEN)
    assert [str(path.relative_to(files.root)) for path in files.listing()] == [
        "runs.json",
        "repeat_2/runs.json",
        "control/runs.json",
        "control/repeat_2/runs.json",
        "confirmations.json",
        "metrics.json",
        "control/metrics.json",
        "overseer_review.md",
    ]


def test_a_set_that_did_not_change_is_read_once(files: IterationDir) -> None:
    known = ReadRuns()
    files.write_runs([run()])
    read = known.of(files.root)
    assert known.of(files.root) is read
    # The same content, as long as before, and another file.
    files.write_runs([run()])
    assert known.of(files.root) is not read
    files.write_runs([run("failed")])
    assert [one.result.status for one in known.of(files.root)] == ["failed"]


def test_answers_come_with_the_runs_that_were_read_or_written_until_the_file_changes(
    files: IterationDir,
) -> None:
    files.write_runs([run()])
    known = ReadRuns()
    for kept in (known.of(files.root), list(known.of(files.root))):
        known.written(files.root, kept)
        ((read, answer),) = known.answers(files.root)
        assert read is kept[0]
        assert answer == run()["result"]
    files.write_runs([run("failed")])
    ((read, answer),) = known.answers(files.root)
    assert (read.result.status, answer["status"]) == ("failed", "failed")


def test_what_an_answer_may_not_say_is_null_however_often_it_is_read(files: IterationDir) -> None:
    beyond = run()
    files.write_runs([{**beyond, "result": {**beyond["result"], "iterations": -1}}])
    known = ReadRuns()
    known.of(files.root)
    ((read, answer),) = known.answers(files.root)
    assert read.result.faults
    assert answer["iterations"] is None


def test_sets_that_are_too_many_to_keep_are_read_again(files: IterationDir) -> None:
    known = ReadRuns(most=2)
    for repeat, count in ((1, 2), (2, 1), (3, 3)):
        files.write_runs([run()] * count, LEARN, repeat)
    first, second, third = (files.folder(LEARN, repeat) for repeat in (1, 2, 3))
    kept = known.of(first)
    assert known.of(first) is kept
    assert known.of(second) is known.of(second)
    assert known.of(first) is not kept
    assert known.of(third) is not known.of(third)
