"""A chat is asked once, its answer is safe before anything reads it, a redo keeps both texts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from battery.base.errors import ArtifactError
from battery.inputs.settings import Settings
from battery.protocol.chat import chat_answer
from battery.records.events import Event, MetaFinished, Notice, StageStarted
from battery.records.models import LEARN
from battery.records.stages import CHAT_STAGES, OVERSEER, SCRUM, ChatStage
from battery.review.chats import CHATS, Chat, Earlier, Reading
from battery.runner.reviewer import Reviewer, is_file_in, write_metrics
from battery.store.iteration_dir import IterationDir
from battery.store.journal import Journal
from tests.support import notes, runs
from tests.support.gateway import REVIEW


@pytest.fixture
def files(tmp_path: Path) -> Iterator[IterationDir]:
    """Return an iteration whose tasks are done."""
    notes.CALLS.clear()
    files = IterationDir(tmp_path / "iter_1", 1)
    files.root.mkdir()
    files.write_runs([runs.run()])
    write_metrics(files)
    yield files
    notes.CALLS.clear()


def ask(
    files: IterationDir, *stages: ChatStage, redo: bool = False, repo: Path | None = None
) -> list[Event]:
    """Ask what these stages ask; return what was told."""
    told: list[Event] = []
    with Journal(files.journal) as journal:
        system = notes.Agent(LEARN, files.root / "memory")
        settings = Settings(files.root.parent, meta_timeout=9, repo=repo)
        reviewer = Reviewer(files, journal, system, "large", settings, told.append, redo)

        async def everything() -> None:
            for stage in stages:
                await reviewer.ask(stage)

        asyncio.run(everything())
    return told


def roles() -> list[str]:
    return [role for _, role in notes.CALLS]


def details(told: list[Event]) -> list[tuple[str, bool]]:
    return [(event.detail, event.replayed) for event in told if isinstance(event, MetaFinished)]


def test_each_stage_starts_writes_its_files_and_is_done(files: IterationDir) -> None:
    told = ask(files, *CHAT_STAGES)
    assert told[0] == StageStarted(1, "epsilon", "review")
    assert details(told) == [("3 proposals", False), ("3 of 3 approved", False)]
    assert roles() == ["overseer", "scrum"]
    assert files.read_answer(OVERSEER.file) == REVIEW
    assert [proposal.title for proposal in files.read_proposals() or []] == ["one", "two", "three"]
    assert [verdict.verdict for verdict in files.read_verdicts()] == ["APPROVE"] * 3


def test_what_is_in_the_journal_is_not_asked_again(files: IterationDir) -> None:
    ask(files, *CHAT_STAGES)
    (files.root / SCRUM.file).unlink()
    told = ask(files, *CHAT_STAGES)
    assert details(told) == [("3 proposals", True), ("3 of 3 approved", True)]
    assert len(notes.CALLS) == 2
    assert files.read_answer(SCRUM.file)


def test_an_answer_is_journaled_and_on_disk_before_anything_reads_it(
    files: IterationDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(answer: str, earlier: Earlier) -> Reading:
        del earlier
        with Journal(files.journal) as journal:
            assert journal.read(OVERSEER.key)["content"] == answer
        assert files.read_answer(OVERSEER.file) == answer
        raise ZeroDivisionError

    monkeypatch.setitem(CHATS, OVERSEER.role, Chat(CHATS[OVERSEER.role].prompt, read))
    with pytest.raises(ZeroDivisionError):
        ask(files, OVERSEER)


def test_a_redo_asks_again_and_keeps_the_older_text(files: IterationDir) -> None:
    ask(files, OVERSEER)
    told = ask(files, OVERSEER, redo=True)
    assert roles() == ["overseer", "overseer"]
    assert Notice("the older overseer_review.md is kept as overseer_review.1.md") in told


def test_a_redo_asks_again_also_in_a_copy_that_went_through_windows(files: IterationDir) -> None:
    ask(files, OVERSEER)
    path = files.root / OVERSEER.file
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    ask(files, OVERSEER, redo=True)
    assert roles() == ["overseer", "overseer"]


def test_a_redo_takes_the_answer_that_a_killed_redo_had_paid_for(files: IterationDir) -> None:
    ask(files, OVERSEER)
    files.write_answer(OVERSEER.file, "what an earlier call had said")
    told = ask(files, OVERSEER, redo=True)
    assert roles() == ["overseer"]
    assert details(told) == [("3 proposals", True)]
    assert (files.root / "overseer_review.1.md").read_text() == "what an earlier call had said"


def test_a_resume_keeps_the_text_that_a_killed_redo_was_about_to_replace(
    files: IterationDir,
) -> None:
    ask(files, OVERSEER)
    files.write_answer(OVERSEER.file, "what the journal had before")
    ask(files, OVERSEER)
    assert files.read_answer(OVERSEER.file) == REVIEW
    assert (files.root / "overseer_review.1.md").read_text() == "what the journal had before"


def test_nothing_is_asked_about_an_answer_that_is_not_there(files: IterationDir) -> None:
    with pytest.raises(ArtifactError, match=r"overseer_review\.md"):
        ask(files, SCRUM)
    assert notes.CALLS == []


def test_a_fault_of_the_review_is_told_once_though_the_judgment_reads_it_again(
    files: IterationDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "REVIEW", "nothing to propose")
    told = ask(files, *CHAT_STAGES)
    assert not any(isinstance(event, Notice) for event in told), "the summary of a run says it"
    told = ask(files, *CHAT_STAGES, redo=True)
    warnings = [event.text for event in told if isinstance(event, Notice)]
    assert sum("no proposal could be read" in text for text in warnings) == 1
    told = ask(files, SCRUM, redo=True)
    warnings = [event.text for event in told if isinstance(event, Notice)]
    assert sum("no proposal could be read" in text for text in warnings) == 1


def cuts(told: list[Event]) -> list[str]:
    return [event.text for event in told if isinstance(event, Notice) and "cut" in event.text]


@pytest.mark.parametrize("review", [REVIEW, "nothing to propose"])
def test_a_cut_answer_is_kept_and_said_to_be_cut_whenever_it_is_read(
    files: IterationDir, monkeypatch: pytest.MonkeyPatch, review: str
) -> None:
    monkeypatch.setattr(notes, "REVIEW", review)
    monkeypatch.setattr(notes, "chat_answer", partial(chat_answer, finish_reason="length"))
    said = [
        "iteration 1: the review was cut: finish_reason is 'length'",
        "iteration 1: the judgment was cut: finish_reason is 'length'",
    ]
    assert cuts(ask(files, *CHAT_STAGES)) == said
    assert files.read_answer(OVERSEER.file) == review
    assert cuts(ask(files, *CHAT_STAGES)) == said, "a resume reads it from the journal"
    assert len(notes.CALLS) == 2
    monkeypatch.setattr(notes, "chat_answer", chat_answer)
    assert cuts(ask(files, *CHAT_STAGES, redo=True)) == []


def test_target_files_are_looked_up_in_the_repository(files: IterationDir, tmp_path: Path) -> None:
    (tmp_path / "repo" / "src").mkdir(parents=True)
    (tmp_path / "repo" / "src" / "two.py").touch()
    told = ask(files, *CHAT_STAGES, repo=tmp_path / "repo", redo=True)
    exists = [proposal.target_exists for proposal in files.read_proposals() or []]
    assert exists == [False, True, False]
    flagged = [bool(verdict.flags) for verdict in files.read_verdicts()]
    assert flagged == [True, False, True]
    assert sum(isinstance(event, Notice) and event.warning for event in told) == 2


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("src/a.py", True),
        ("src/../src/a.py", True),
        ("src", False),
        ("src/b.py", False),
        ("../secret", False),
        ("link", False),
        ("a\0b", False),
        ("x" * 5000, False),
    ],
)
def test_only_a_file_inside_the_repository_counts(name: str, inside: bool, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    (repo / "src").mkdir(parents=True)
    (repo / "src" / "a.py").touch()
    (tmp_path / "secret").touch()
    (repo / "link").symlink_to(tmp_path / "secret")
    assert is_file_in(repo.resolve(), name) is inside
