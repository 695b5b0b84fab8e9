from __future__ import annotations

from battery.embedded.actions import Fill
from battery.embedded.lessons import Substitution
from battery.embedded.prompts import executor_prompt, overseer_prompt, reviewer_prompt
from battery.embedded.tokens import count_tokens
from battery.embedded.transcript import GiveUpEntry
from tests.embedded.helpers import case

WORD = Substitution(field="role", term="RN", use=("Registered Nurse",))


def test_only_the_overseer_is_told_what_trade_names_mean() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    assert "Registered Nurse" in overseer_prompt(asked)
    assert "Registered Nurse" not in executor_prompt(asked)
    assert "Registered Nurse" not in reviewer_prompt(asked, Fill(workers=("W0001",)), [])


def test_the_playbook_is_in_the_executors_prompt_and_makes_it_longer() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    without = executor_prompt(asked)
    asked.lessons.append(WORD)
    assert WORD.text in executor_prompt(asked)
    assert count_tokens(executor_prompt(asked)) > count_tokens(without)


def test_every_prompt_holds_the_task_and_what_it_is_about() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    asked.transcript.entries.append(GiveUpEntry(turn=1, text="nobody there"))
    proposal = Fill(workers=("W0001",))
    prompts = [
        executor_prompt(asked),
        overseer_prompt(asked),
        reviewer_prompt(asked, proposal, ["W0001 is a Painter."]),
    ]
    assert all('{"role":"RN","count":1,"city":"Toledo, OH"}' in prompt for prompt in prompts)
    assert all("1. give_up: nobody there" in prompt for prompt in prompts[:2])
    assert "W0001 is a Painter." in prompts[2]
    assert proposal.model_dump_json() in prompts[2]


def test_the_reviewer_is_told_when_nothing_speaks_against_a_proposal() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    assert "Nothing speaks against it" in reviewer_prompt(asked, Fill(workers=("W0001",)), [])
