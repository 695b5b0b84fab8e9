"""What people see of answers that were graded again."""

from __future__ import annotations

import io

from battery.records.checks import FailedCheck, Regraded, Regrading
from battery.report.terminal.grading import print_regrading


def test_each_flip_is_named_with_its_failed_checks_on_harmless_lines() -> None:
    flip = Regraded(
        iteration=2,
        arm="frozen",
        repeat=3,
        kind="sibling",
        phase="beta",
        task="fill: \x1b[31mRN",
        before="ok",
        after="bluff",
        failed=[FailedCheck(check="checks[1]", reason="two\nlines")],
    )
    stream = io.StringIO()
    print_regrading(Regrading(runs=20, graded=12, flipped=[flip]), stream)
    assert stream.getvalue().splitlines() == [
        "graded 12 of 20 answers: 1 flipped",
        "iteration 2, twin, repeat 3, niche fill: \\x1b[31mRN (sibling): ok -> bluff",
        "    checks[1]: two lines",
        "",
    ]
