from __future__ import annotations

from pathlib import Path

import pytest

from battery.embedded.forms import Search
from battery.embedded.lessons import Answer, DeadEnd, Lesson, Outcome, Plan, Reach, Substitution
from battery.embedded.memory import RECALLED, Memory
from battery.embedded.reviewing import PLAYBOOK
from battery.protocol import Json
from tests.embedded.helpers import case

SPEC: Json = {"role": "RN", "count": 1, "city": "Toledo, OH"}


def outcome(operation: str = "o", spec: Json = SPEC) -> Outcome:
    return Outcome(
        task_class="t",
        operation=operation,
        spec=case(**spec).spec,
        status="ok",
        turns=2,
        error=None,
        log=[],
    )


def word(term: str, *use: str) -> Lesson:
    return Substitution(field="role", term=term, use=use)


def test_outcomes_come_back_in_order_and_the_tail_is_the_newest(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    for number in range(5):
        memory.record(outcome(str(number)))
    assert [one.operation for one in memory.tail(3)] == ["2", "3", "4"]
    assert len(memory.tail(99)) == 5


def test_a_fresh_memory_has_no_tail(tmp_path: Path) -> None:
    assert Memory(tmp_path / "new" / "folder").tail(20) == []


def test_lessons_written_by_hand_win_over_distilled_ones(tmp_path: Path) -> None:
    Memory(tmp_path).learn([word("RN", "Nursing Assistant")])
    by_hand = tmp_path / Path(PLAYBOOK).name
    by_hand.write_text('{"kind": "correction", "field": "role", "term": "RN", "use": ["Nurse"]}\n')
    assert Memory(tmp_path).everything() == [word("RN", "Nurse")]


@pytest.mark.parametrize("kept", [1, 30, -1])
def test_a_line_torn_by_a_kill_costs_that_line_only(tmp_path: Path, kept: int) -> None:
    memory = Memory(tmp_path)
    memory.record(outcome("whole"))
    memory.record(outcome("torn"))
    path = tmp_path / "outcomes.jsonl"
    whole, torn = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(whole + torn[:kept])
    again = Memory(tmp_path)
    again.record(outcome("after"))
    # Without its newline only, the last line is still whole.
    expected = ["whole", "torn", "after"] if kept == -1 else ["whole", "after"]
    assert [one.operation for one in again.tail(20)] == expected


def test_the_playbook_is_rebuilt_from_the_distilled_files(tmp_path: Path) -> None:
    first = Memory(tmp_path)
    first.learn([word("Sparky", "Plumber"), word("RN", "Registered Nurse")])
    first.learn([word("Sparky", "Electrician")])
    again = Memory(tmp_path)
    assert len(again) == len(first) == 2
    spec = case(role="Sparky", count=1, city="Toledo, OH").spec
    # The newer lesson took the older one's place.
    assert again.recall(spec) == first.recall(spec) == [word("Sparky", "Electrician")]


def test_lines_that_are_no_lessons_are_passed_over(tmp_path: Path) -> None:
    good = word("RN", "Registered Nurse").model_dump_json()
    (tmp_path / "distilled_1.jsonl").write_text(f'{{"kind": "plan"}}\n{good}\n{good[:20]}')
    assert len(Memory(tmp_path)) == 1


def test_only_what_is_new_or_changed_counts_as_news(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.learn([word("RN", "Registered Nurse")])
    changed = word("RN", "Nursing Assistant")
    new = word("CNA", "Nursing Assistant")
    assert memory.news([word("RN", "Registered Nurse"), changed, new]) == [changed, new]


def test_a_distillation_without_news_leaves_an_empty_file(tmp_path: Path) -> None:
    path = Memory(tmp_path).learn([])
    assert list(tmp_path.iterdir()) == [path]
    assert path
    assert path.read_bytes() == b""


def test_distillations_are_counted_over_all_lives_and_never_when_frozen(tmp_path: Path) -> None:
    first = Memory(tmp_path)
    first.learn([word("RN", "Registered Nurse")])
    first.learn([])
    again = Memory(tmp_path)
    again.learn([])
    frozen = Memory(tmp_path, frozen=True)
    frozen.learn([])
    assert [memory.distillations for memory in (first, again, frozen)] == [2, 3, 3]


def test_the_whole_playbook_comes_in_the_order_of_learning(tmp_path: Path) -> None:
    lessons = [word("Sparky", "Electrician"), word("RN", "Registered Nurse")]
    Memory(tmp_path).learn(lessons)
    assert Memory(tmp_path).everything() == lessons


def test_only_lessons_that_apply_are_recalled_those_that_say_most_first(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    spec = case(role="RN", count=2, city="Maumee, OH", radius_miles=20, certificate="BLS").spec
    search = Search(role="Registered Nurse", cities=("Toledo, OH",))
    plan = Plan(role="RN", city="Maumee, OH", certificate="BLS", search=search)
    words: list[Lesson] = [
        Substitution(field="certificate", term="BLS", use=("BLS", "ACLS")),
        Substitution(field="city", term="Maumee, OH", use=("Toledo, OH",)),
        Substitution(field="role", term="RN", use=("Registered Nurse",)),
    ]
    reach = Reach(role="RN")
    elsewhere = plan.model_copy(update={"city": "Toledo, OH"})
    memory.learn([elsewhere, reach, *reversed(words)])
    assert memory.recall(spec) == words
    memory.learn([plan])
    assert memory.recall(spec) == [plan, *words[:2]]
    dead_end = DeadEnd(spec=spec, search=search, found=1)
    memory.learn([dead_end])
    assert memory.recall(spec)[:2] == [dead_end, plan]
    assert len(memory.recall(spec)) == RECALLED
    assert memory.recall(case(role="Welder", count=2, city="Maumee, OH").spec) == [words[1]]


def test_the_answer_to_another_task_is_never_recalled(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    spec = case(**SPEC).spec
    memory.learn([Answer(spec=spec, workers=("W0001",))])
    assert memory.recall(case(**SPEC | {"count": 2}).spec) == []
    assert memory.recall(spec) == [Answer(spec=spec, workers=("W0001",))]


def test_the_fingerprint_is_that_of_the_lessons_whatever_else_happened(tmp_path: Path) -> None:
    one, other = Memory(tmp_path / "one"), Memory(tmp_path / "other")
    empty = one.fingerprint
    one.record(outcome())
    one.learn([])
    assert one.fingerprint == other.fingerprint == empty
    lessons = [word("RN", "Registered Nurse"), word("CNA", "Nursing Assistant")]
    one.learn(lessons)
    for lesson in reversed(lessons):
        other.learn([lesson])
    assert one.fingerprint == other.fingerprint == Memory(tmp_path / "one").fingerprint != empty
    other.learn([word("RN", "Painter")])
    assert other.fingerprint != one.fingerprint


def test_a_frozen_memory_recalls_what_it_has_and_takes_nothing_in(tmp_path: Path) -> None:
    lesson = word("RN", "Registered Nurse")
    Memory(tmp_path).learn([lesson])
    before = sorted(path.name for path in tmp_path.iterdir())
    frozen = Memory(tmp_path, frozen=True)
    frozen.record(outcome())
    assert frozen.learn([word("CNA", "Nursing Assistant")]) is None
    assert frozen.recall(case(**SPEC).spec) == [lesson]
    assert len(frozen) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_folder_that_is_a_file_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(OSError, match="taken"):
        Memory(tmp_path / "taken")


def test_a_link_in_the_folder_is_never_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep\n")
    memory = Memory(tmp_path / "memory")
    (memory.folder / "outcomes.jsonl").symlink_to(precious)
    with pytest.raises(OSError, match="symbolic links"):
        memory.record(outcome("whole"))
    assert precious.read_text() == "keep\n"
