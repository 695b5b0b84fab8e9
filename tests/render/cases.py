"""The summaries whose Markdown is kept in `snapshots/`.

`python -m tests.render.cases` writes them anew; read the difference before keeping it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from battery.render.markdown import markdown
from tests.render.samples import LAST, MANIFEST, MODELS, metrics, summary, ten, three, verdict

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
        manifest=None,
        models=None,
        scrum=[],
        artifacts=["iter_1/runs.json", "iter_3/runs.json", "notes.txt"],
        warnings=["iteration 2 is missing"],
    ),
    "unfinished": summary(
        manifest=MANIFEST.model_copy(update={"state": "interrupted", "finished_at": None}),
        scrum=[],
        artifacts=[],
    ),
    "hostile_text": three(
        warnings=HOSTILE,
        models=MODELS.model_copy(update={"executor_cloud": "a|b`c\n# d", "reviewer_cloud": "``"}),
    ),
    "ten": ten(),
}

if __name__ == "__main__":
    for name, case in CASES.items():
        (FOLDER / f"{name}.md").write_text(markdown(case), encoding="utf-8")
