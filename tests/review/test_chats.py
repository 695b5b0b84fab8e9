"""What a chat is asked and what its answer comes to, without anything being asked or written."""

from __future__ import annotations

import pytest

from battery.records.models import Proposal, Verdict
from battery.records.stages import OVERSEER, SCRUM
from battery.review.chats import CHATS, Earlier, Evidence, Reading, as_text
from tests.report.samples import metrics
from tests.support.gateway import REVIEW
from tests.support.gateway import SCRUM as JUDGMENT


def read_judgment(earlier: Earlier, answer: str = JUDGMENT) -> Reading:
    return CHATS[SCRUM.role].read(answer, earlier)


def proposals(reading: Reading) -> list[Proposal]:
    return [each for each in reading.documents[Proposal] if isinstance(each, Proposal)]


@pytest.mark.parametrize(
    ("answer", "detail"), [("\n two playbooks\nmore", "two playbooks"), ("  ", ""), ("", "")]
)
def test_a_text_comes_to_its_first_line(answer: str, detail: str) -> None:
    assert as_text(answer, Earlier()) == Reading(detail)


def test_a_review_comes_to_its_proposals() -> None:
    reading = CHATS[OVERSEER.role].read(REVIEW, Earlier())
    assert reading.detail == "3 proposals"
    assert list(reading.documents) == [Proposal]
    assert reading.warnings == []


def test_what_a_reader_adds_to_a_review_is_not_there_for_the_next() -> None:
    """The judgment of another iteration may quote the same review."""
    first = CHATS[OVERSEER.role].read(REVIEW, Earlier())
    assert isinstance(first.warnings, list)
    first.warnings.append("of this reader")
    assert CHATS[OVERSEER.role].read(REVIEW, Earlier()).warnings == []


def test_nothing_is_said_of_target_files_where_nobody_looked() -> None:
    reading = CHATS[OVERSEER.role].read(REVIEW, Earlier())
    found = [
        each.target_exists for each in reading.documents[Proposal] if isinstance(each, Proposal)
    ]
    assert found == [None] * 3


def test_a_judgment_comes_to_its_verdicts_and_to_the_proposals_as_they_are_now() -> None:
    earlier = Earlier(answers={OVERSEER.role: REVIEW}, exists=lambda path: path == "src/one.py")
    reading = read_judgment(earlier)
    assert reading.detail == "3 of 3 approved"
    verdicts = [each for each in reading.documents[Verdict] if isinstance(each, Verdict)]
    assert [each.target_exists for each in proposals(reading)] == [True, False, False]
    assert [bool(each.flags) for each in verdicts] == [False, True, True]
    # Each flag is a warning, too: an approval that cannot be built must not be missed.
    assert len(reading.warnings) == 2


def test_a_judgment_whose_review_is_unknown_still_comes_to_its_verdicts() -> None:
    """A journal that is followed may have lost its first lines."""
    assert read_judgment(Earlier()).detail == "3 of 3 approved"


def test_the_judge_is_told_which_target_files_exist() -> None:
    def prompt(earlier: Earlier) -> str:
        evidence = Evidence(metrics=metrics(2), read_runs=list, earlier=earlier)
        return CHATS[SCRUM.role].prompt(evidence)

    answers = {OVERSEER.role: REVIEW}
    assert "was not checked" in prompt(Earlier(answers=answers))
    looked = prompt(Earlier(answers=answers, exists=lambda path: path == "src/one.py"))
    assert "- `src/one.py`: exists\n- `src/two.py`: does not exist" in looked
