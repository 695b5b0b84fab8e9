"""What several runs show of each task."""

from __future__ import annotations

import pytest

from battery.records.campaign import RunFindings
from battery.records.word import Word
from battery.report import run_tasks
from tests.verdict.runs.made import run, summary, task

SPOILED = {"word": Word.INVALID, "left_out": "INVALID: a cell is missing"}


def changed(*changes: str, name: str = "t") -> list[RunFindings]:
    """Return runs with a task that changed so in each."""
    ratios = {"better": 0.5, "worse": 1.5}
    return [
        run(
            number,
            0.3,
            by_task=[
                task(2, 2).model_copy(
                    update={"change": change, "label": name, "ratio": ratios.get(change, 1.0)}
                )
            ],
        )
        for number, change in enumerate(changes, start=1)
    ]


@pytest.mark.parametrize(
    ("changes", "when", "result"),
    [
        (["better"] * 5, "got better in every run", "better"),
        (["better"] * 3 + ["same"] * 2, "got better in some runs", "better"),
        (["better"] * 2 + ["same"] * 3, "got better in some runs", "same"),
        (["better"] * 3 + ["worse"] * 2, "got better in some runs and worse in others", "mixed"),
        (["worse"] + ["same"] * 4, "got worse in some runs", "worse"),
        (["worse"] * 5, "got worse in every run", "worse"),
        (["same"] * 5, "stayed as before", "same"),
    ],
)
def test_a_task_is_told_by_the_runs_it_changed_in(
    changes: list[str], when: str, result: str
) -> None:
    evidence = summary(changed(*changes)).evidence
    (one,) = run_tasks.tasks(evidence)
    assert (one.result, one.runs) == (result, 5)
    assert run_tasks.changes(evidence) == f"Of 1 task 1 {when}."
    assert run_tasks.task_cells(one)[2:4] == [f"{one.better} of 5", f"{one.worse} of 5"]


def test_runs_that_are_left_out_are_no_part_of_a_task() -> None:
    found = changed(*["better"] * 6)
    found[0] = found[0].model_copy(update=SPOILED)
    (one,) = run_tasks.tasks(summary(found).evidence)
    assert one.runs == 5
    assert one.ratio == pytest.approx(0.5)
    assert (one.done, one.twin) == ("10 of 10", "10 of 10")
