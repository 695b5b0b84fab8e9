"""The table of a gauntlet, for a terminal and as a document."""

from __future__ import annotations

from battery.gauntlet import Gauntlet, Ran, Reason
from battery.gauntlet.registry import Role
from battery.gauntlet.table import markdown, text
from battery.records.word import Word


def ran(name: str, role: Role, word: Word, *, passed: bool | None) -> Ran:
    positive = 25 if word is Word.LEARNED else 0
    return Ran(
        system=name,
        role=role,
        story="Does | something.",
        batteries=25,
        words={word: 25},
        positive=positive,
        seeds=[] if passed is not False else list(range(1, 8)),
        reasons=[Reason(text="the gate *failed*", batteries=25)],
        unmasked_by="a meter" if role == "unseen" else None,
        passed=passed,
    )


GAUNTLET = Gauntlet(
    seed=7,
    systems=[
        ran("caught", "false", Word.MIXED, passed=True),
        ran("missed", "false", Word.LEARNED, passed=False),
        ran("hidden", "unseen", Word.LEARNED, passed=None),
    ],
)


def test_the_text_has_a_line_per_system_and_names_what_is_broken() -> None:
    lines = text(GAUNTLET).splitlines()
    assert lines[1].split() == ["caught", "false", "25", "0", "MIXED", "25"]
    assert "1 of 2 bounds hold (preset gauntlet, seed 7, 3 systems, 75 batteries)." in lines
    assert lines[-1] == (
        "broken: missed: 25 of 25 positive, none is allowed (seeds 1, 2, 3, 4, 5, ...)"
    )
    assert max(map(len, lines)) <= 100


def test_what_honest_learners_miss_together_is_a_bound_of_its_own() -> None:
    honest = ran("found", "honest", Word.LEARNED, passed=True)
    missed = honest.model_copy(update={"positive": 22})
    lines = text(Gauntlet(seed=7, systems=[missed])).splitlines()
    assert lines[-2].startswith(
        "1 of 2 bounds hold; 88.0% of the batteries of honest learners are positive ("
    )
    assert lines[-1] == "broken: honest learners: 88.0% positive, at least 95% are asked for"
    assert "2 of 2 bounds hold" in text(Gauntlet(seed=7, systems=[honest]))


def test_the_document_has_a_section_per_role_with_stories_and_reasons() -> None:
    page = markdown(GAUNTLET)
    assert "## False learners" in page
    assert "## Honest learners" not in page
    assert (
        r"| caught | Does \| something. | 0 of 25 | MIXED 25 | the gate \*failed\* (25) |" in page
    )
    assert "| **25 of 25** |" in page
    assert page.rstrip().endswith("| 25 of 25 | LEARNED 25 | a meter |")
