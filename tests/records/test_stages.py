"""The table of stages says what the contract says, and every other table has its stages."""

from __future__ import annotations

from battery.records.models import Phase, Phases
from battery.records.stages import CHAT_STAGES, META_STAGES, OVERSEER, SCRUM, TASK_STAGES
from battery.review.chats import CHATS


def test_the_stages_are_those_of_the_contract_in_its_order() -> None:
    titles = [stage.title for stage in TASK_STAGES.values()]
    assert titles == ["easy tasks", "niche tasks", "impossible tasks"]
    nouns = [stage.noun for stage in META_STAGES]
    assert nouns == ["distill", "review", "judgment"]
    assert [*TASK_STAGES, *(stage.name for stage in META_STAGES)] == [
        *("alpha", "beta", "gamma"),
        *("delta", "epsilon", "zeta"),
    ]


def test_the_temperatures_are_those_of_the_contract() -> None:
    assert (OVERSEER.temperature, SCRUM.temperature) == (0.2, 0.1)


def test_every_phase_has_a_stage_under_its_key_in_the_tasks_file() -> None:
    assert list(TASK_STAGES) == list(Phase)
    assert [stage.tasks_key for stage in TASK_STAGES.values()] == list(Phases.model_fields)


def test_every_chat_stage_has_a_prompt_and_reads_only_earlier_answers() -> None:
    assert list(CHATS) == [stage.role for stage in CHAT_STAGES]
    for number, stage in enumerate(CHAT_STAGES):
        assert set(stage.reads) <= set(CHAT_STAGES[:number])


def test_no_two_stages_share_a_name_a_key_or_the_file_of_an_answer() -> None:
    assert len({stage.name for stage in META_STAGES}) == len(META_STAGES)
    assert len({stage.key for stage in META_STAGES}) == len(META_STAGES)
    assert len({stage.file for stage in CHAT_STAGES}) == len(CHAT_STAGES)
