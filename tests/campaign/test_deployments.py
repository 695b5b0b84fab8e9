"""Several deployments of one plan: they pair, are of one system, and share nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import UsageError
from battery.campaign import plan as planning
from battery.campaign.deployments import named
from battery.campaign.plan import Campaign, Wanted, World
from battery.records.events import Event, Notice
from battery.target.kinds import read
from tests.support.commands import write_tasks

A, B, C, D, E = (f"http://localhost:{port}" for port in range(1, 6))
PAIR: dict[str, Any] = {"gateway": [A, B], "llm_team": [A, B], "control_gateway": [C, D]}


def planned(folder: Path, *, reset: bool = True, tell: Any = None, **options: Any) -> Campaign:
    asked = {"tasks": write_tasks(folder / "tasks.json"), **options}
    wanted = Wanted(folder / "c", 5, "cost", 60.0, asked, reset=reset)
    return planning.make(wanted, World({}, read), tell or (lambda _event: None))


def test_the_nth_of_each_option_belong_together_and_are_frozen(tmp_path: Path) -> None:
    campaign = planned(tmp_path, **PAIR)
    world = World({"GATEWAY_TOKEN": "s3cret-token"}, read)
    assert [target.targets for target in campaign.plan.targets] == [
        {"gateway": A, "llm_team": A, "control": C},
        {"gateway": B, "llm_team": B, "control": D},
    ]
    assert campaign.plan.reset
    settings = campaign.settings(campaign.plan.cells[0], world, campaign.plan.targets[1])
    assert settings.gateway
    assert settings.control_gateway
    assert (settings.gateway.url, settings.control_gateway.url) == (B, D)


def test_one_restore_is_for_all() -> None:
    both = named({"gateway": [A, B], "control_gateway": "restore"})
    assert [own["control_gateway"] for own in both] == ["restore", "restore"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({**PAIR, "control_gateway": [C]}, "--control-gateway is given 1 time, and there are 2"),
        ({**PAIR, "gateway": [A]}, "--llm-team is given 2 times, and there is 1 target"),
        ({**PAIR, "llm_team": None}, f"the learning side of {A} is not named"),
        ({**PAIR, "gateway": [A, A], "llm_team": [A, E]}, f"{A} is named twice, with --target"),
        (
            {**PAIR, "control_gateway": [C, "http://127.0.0.1:1"]},
            f"{A} is named twice, with --target for target 1 and with --control-gateway for "
            "target 2",
        ),
        ({**PAIR, "control_gateway": [C, C]}, f"{C} is named twice"),
        ({**PAIR, "llm_team": [A, A]}, f"{A} is named twice"),
        ({"gateway": [f"openai:{A}/v1", f"openai:{A}/v1"]}, f"{A}/v1 is named twice"),
        ({"gateway": ["exec:cat a", "exec:cat b"]}, "battery starts exec:cat a itself"),
        (
            {"gateway": [f"openai:{A}/v1", B], "llm_team": [C, B]},
            "runs of both are not of one system",
        ),
        ({**PAIR, "prepare": "true"}, "--reset and --prepare both say"),
        ({"gateway": f"openai:{A}/v1"}, "--reset is for live gateways"),
        ({**PAIR, "gateway": [A, "http://u:passw0rd@localhost:2"]}, "keeps no secrets"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_written(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        planned(tmp_path, **options)
    assert words in caught.value.message
    assert "passw0rd" not in caught.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.json"]


def described(path: Path, url: str, **more: float) -> str:
    body = "".join(f"body = {{ {key} = {value} }}\n" for key, value in more.items())
    path.write_text(f'[target]\nkind = "openai"\nurl = "{url}"\n{body}')
    return str(path)


def test_files_of_one_system_differ_in_nothing_but_the_url(tmp_path: Path) -> None:
    one = described(tmp_path / "a.toml", A, temperature=0)
    two = described(tmp_path / "b.toml", B, temperature=0)
    campaign = planned(tmp_path, reset=False, gateway=[one, two])
    assert len({target.digest for target in campaign.plan.targets}) == 2
    (tmp_path / "other").mkdir()
    warm = described(tmp_path / "other" / "b.toml", B, temperature=1)
    with pytest.raises(UsageError, match="differ in more than `url`"):
        planned(tmp_path / "other", reset=False, gateway=[one, warm])


def test_what_confirms_that_a_command_emptied_a_memory_is_said_at_once(tmp_path: Path) -> None:
    events: list[Event] = []
    planned(tmp_path, reset=False, tell=events.append, prepare="./reset", **PAIR)
    (event,) = events
    assert isinstance(event, Notice)
    assert "otherwise only by the exit code of the command" in event.text
