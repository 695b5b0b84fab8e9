"""Who reviews and judges where that is not the target: rules, or an endpoint of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from battery.base.errors import UsageError
from battery.inputs.settings import make_reviewer
from tests.support.calls import assert_one_message, command_here
from tests.support.commands import read_json, write_tasks
from tests.support.gateway import REVIEW, SCRUM, serving
from tests.support.misbehaving import Exchange, Server, deserted_port, http

pytestmark = pytest.mark.slow


def reviewer(exchange: Exchange) -> None:
    """Answer as an OpenAI-compatible endpoint does."""
    asked = json.loads(exchange.request.body)["messages"][0]["content"]
    content = SCRUM if "## PR-ready" in asked else REVIEW
    message = {"role": "assistant", "content": f"{content}\n\nSigned by the reviewer."}
    exchange.send(http(json.dumps({"choices": [{"message": message}]})))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_tasks(tmp_path / "tasks.json", 1)
    return tmp_path


def test_an_endpoint_reviews_and_judges_in_place_of_the_gateway(here: Path) -> None:
    with serving() as gateway, Server(**{"/v1/chat/completions": reviewer}) as model:
        who = f"openai:{model.url}/v1"
        words = ["--gateway", gateway.url, "--llm-team", gateway.url]
        env = {"BATTERY_REVIEWER_KEY": "sesame-1", "BATTERY_MODEL_KEY": "other-key"}
        done = command_here("run", "-n", 1, *words, "--reviewer", who, cwd=here, env=env)
        assert done.returncode == 0, done.stderr
        assert not {"overseer", "scrum"} & set(gateway.count())
        chats = [request for request in model.requests if request.method == "POST"]
        first = json.loads(chats[0].body)
        assert set(first) == {"model", "messages", "temperature"}
        assert [message["role"] for message in first["messages"]] == ["user"]
        assert {request.headers["authorization"] for request in chats} == {"Bearer sesame-1"}
        folder = here / "data" / "battery"
        for name in ("overseer_review.md", "scrum_findings.md"):
            assert "Signed by the reviewer." in (folder / "iter_1" / name).read_text()
        assert read_json(folder / "battery.json")["options"]["reviewer"] == who
        written = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
        assert "sesame-1" not in written
        # What goes on keeps it; the key comes from where the user keeps it.
        for command in (["review"], ["iterate"], ["review", "--reviewer", "rules"]):
            before = len(model.calls)
            assert command_here(*command, cwd=here, env=env).returncode == 0
            assert len(model.calls) - before == (0 if "rules" in command else 2)
        assert not {"overseer", "scrum"} & set(gateway.count())


def test_rules_review_what_has_no_large_model(here: Path) -> None:
    with serving() as gateway:
        words = ["--gateway", gateway.url, "--llm-team", gateway.url]
        env = {"BATTERY_REVIEWER": "rules"}
        assert command_here("run", "-n", 1, *words, cwd=here, env=env).returncode == 0
        assert set(gateway.count()) & {"overseer", "scrum"} == set()
        review = (here / "data/battery/iter_1/overseer_review.md").read_text()
        assert "rules" in review
        # Another one from here on is no secret to who reads the summary.
        more = command_here("run", "--resume", "-n", 2, "--reviewer", "rules", cwd=here)
        assert more.returncode == 0, more.stderr


def test_another_reviewer_on_the_way_is_noted(here: Path) -> None:
    with serving() as gateway:
        words = ["--gateway", gateway.url, "--llm-team", gateway.url]
        assert command_here("run", "-n", 1, *words, cwd=here).returncode == 0
        done = command_here("iterate", "--reviewer", "rules", cwd=here)
        assert done.returncode == 0, done.stderr
    said = "the reviewer was the target itself and is rules from iteration 2 on"
    assert f"warning: {said}" in done.stderr
    assert said in read_json(here / "data/battery/battery.json")["notes"]


def test_a_reviewer_that_is_down_is_found_before_the_first_task(here: Path) -> None:
    down = f"http://127.0.0.1:{deserted_port()}/v1"
    with serving() as gateway:
        words = ["--gateway", gateway.url, "--llm-team", gateway.url]
        words += ["--reviewer", f"openai:{down}"]
        done = command_here("run", "-n", 1, *words, cwd=here)
        assert_one_message(done, 1, f"the reviewer is not there: cannot connect to {down}")
        looked = command_here("doctor", *words, cwd=here)
        assert f"\nFAIL  reviewer: look-up: cannot connect to {down}" in looked.stdout
        assert gateway.requests == []


@pytest.mark.parametrize(
    "text",
    ["rule", "http://a", "openai:", "openai:host/v1", "openai:http://me:hunter22@host/v1"],
)
def test_what_is_no_reviewer_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_reviewer(text)
    assert caught.value.hint
    assert "hunter22" not in caught.value.message + caught.value.hint


def test_reviewers_are_written_in_one_way() -> None:
    assert make_reviewer(None) is make_reviewer("") is None
    assert make_reviewer("rules") == "rules"
    assert make_reviewer("openai:http://host/v1/") == "openai:http://host/v1"
