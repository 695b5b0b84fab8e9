"""The summaries whose Markdown is kept in `snapshots/`.

`python -m tests.report.cases` writes them anew; read the difference before keeping it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from battery.records.findings import Expectation, Scorecard
from battery.records.manifest import Provenance
from battery.records.models import Phase
from battery.report.markdown.summary import markdown
from battery.verdict.assess import assess
from tests.report.samples import LAST, MANIFEST, MODELS, metrics, summary, ten, three, verdict
from tests.verdict.batteries import Cell, compounding, learning, observed, with_siblings


def dearer(cell: Cell) -> dict[str, Any]:
    """Take half as many tokens again once something was learned."""
    return {"tokens": 1500 if cell.arm == "learn" and cell.iteration > 1 else 1000}


def solving(cell: Cell) -> dict[str, Any]:
    """Do the niche tasks once something was learned, for half as many tokens again."""
    learned = cell.arm == "learn" and cell.iteration > 1
    tokens = 1500 if learned else 1000
    if cell.phase is not Phase.BETA or learned:
        return {"tokens": tokens}
    return {"tokens": tokens, "status": "failed", "error": "too hard"}


def unlike(cell: Cell) -> dict[str, Any]:
    """Differ before anything was learned."""
    return {"tokens": 500 if cell.arm == "learn" else 1000}


def bluffing(cell: Cell) -> dict[str, Any]:
    """Save a lot by claiming the impossible once something was learned."""
    if cell.phase is Phase.GAMMA and cell.arm == "learn" and cell.iteration > 1:
        return {"status": "ok", "error": None, "tokens": 100}
    return learning(cell)


def expected(outcome: Any) -> Expectation:
    """Make what a review expected of tokens; without a metric when it cannot be measured."""
    measurable = outcome != "not measurable"
    return Expectation(
        iteration=1,
        proposal=1,
        title="Cache | the *playbooks*",
        metric="total_tokens" if measurable else None,
        expected="fall" if measurable else None,
        before=9300.0 if measurable else None,
        after=7000.0 if measurable else None,
        outcome=outcome,
    )


FOLDER: Final = Path(__file__).parent / "snapshots"
HOSTILE: Final = [
    "iter_1/distill_events.jsonl: 2 events were | no JSON\n| a | b |\n## Not a heading",
    "the model said <script>alert(1)</script> & **bold** `code` __init__ \x1b[31m",
]
CASES: Final = {
    "better": three(),
    "not_demonstrated": summary(
        metrics(1, **LAST),
        metrics(2, ok_tasks=0),
        scrum=[verdict("REJECT")],
        elapsed_s=12.345,
    ),
    "single": summary(metrics(1), scrum=[], calls=1, elapsed_s=0.5),
    "older_folder_with_a_gap": summary(
        metrics(1, ok_tasks=0),
        metrics(3, ok_tasks=3),
        provenance=Provenance(),
        models=None,
        scrum=[],
        artifacts=["iter_1/runs.json", "iter_3/runs.json", "notes.txt"],
        warnings=["iteration 2 is missing"],
    ),
    "unfinished": summary(
        provenance=MANIFEST.model_copy(update={"state": "interrupted", "finished_at": None}),
        scrum=[],
        artifacts=[],
    ),
    "hostile_text": three(
        warnings=HOSTILE,
        models=MODELS.model_copy(update={"executor_cloud": "a|b`c\n# d", "reviewer_cloud": "``"}),
    ),
    "ten": ten(),
    "learned": three(
        evidence=assess(observed(learning)),
        control=[metrics(1), metrics(2, total_tokens=7010), metrics(3, total_tokens=6990)],
    ),
    "learned_on_new_tasks_too": three(evidence=assess(with_siblings(observed(learning), learning))),
    "memorised": three(evidence=assess(with_siblings(observed(learning), lambda _: {}))),
    "inconclusive_by_a_gate": three(
        evidence=assess(observed(lambda cell: {**learning(cell), "memory_used": False}))
    ),
    "inconclusive_with_few_tasks": three(
        evidence=assess(observed(learning, phases=(Phase.ALPHA, Phase.BETA)))
    ),
    "no_effect": three(evidence=assess(observed(lambda _: {}))),
    "compounding": three(evidence=assess(observed(compounding, iterations=6))),
    "mixed": three(evidence=assess(observed(solving))),
    "invalid": three(evidence=assess(observed(unlike))),
    "dishonest": three(evidence=assess(observed(bluffing))),
    "regressed": three(evidence=assess(observed(dearer))),
    "one_arm": three(evidence=assess(observed(learning, arms=("learn",)))),
    "single_with_bluffs": summary(
        metrics(1), scrum=[], evidence=assess(observed(lambda _: {"status": "ok"}, iterations=1))
    ),
    "foreseen": three(
        scorecard=Scorecard(
            expectations=[expected("right"), expected("not measurable")],
            right=1,
            wrong=0,
            unchanged=0,
            not_measurable=1,
        )
    ),
}

if __name__ == "__main__":
    for name, case in CASES.items():
        (FOLDER / f"{name}.md").write_text(markdown(case), encoding="utf-8")
