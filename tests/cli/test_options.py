"""What options and environment say together: folder, tasks, targets, headers."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.verdict.conditions import CONDITIONS
from tests.support.arms import Pair, ran
from tests.support.calls import command_here as battery
from tests.support.commands import battery as program
from tests.support.commands import read_json, write_tasks
from tests.support.gateway import Gateway
from tests.support.recipes import copy_program, insert

pytestmark = pytest.mark.slow


def test_the_environment_names_folder_tasks_and_gateway(gateway: Gateway, tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path / "mine.json", 1)
    env = {
        "BATTERY_DIR": str(tmp_path / "there"),
        "BATTERY_TASKS": str(tasks),
        "GATEWAY_URL": gateway.url,
        "LLM_TEAM_URL": gateway.url,
    }
    done = battery("run", "-n", 1, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert len(gateway.requests) == 6
    assert read_json(tmp_path / "there" / "battery.json")["targets"]["gateway"] == gateway.url
    assert battery("summarize", cwd=tmp_path, env=env).returncode == 0
    other = battery("summarize", tmp_path / "other", cwd=tmp_path, env=env)
    assert "other holds no battery" in other.stderr


def test_headers_stay_with_their_own_host(pair: Pair, here: Path) -> None:
    env = {"CONTROL_GATEWAY_HEADERS": "X-Control: env", "GATEWAY_TOKEN": "learn-secret"}
    words = ["--header", "X-Learn: 1", "--control-header", "X-Arm: frozen"]
    folder = ran(here, *pair.options(), *words, env=env)
    for headers in pair.learn.headers:
        assert headers["x-learn"] == "1"
        assert headers["authorization"] == "Bearer learn-secret"
        assert not {"x-control", "x-arm"} & set(headers)
    for headers in pair.frozen.headers:
        assert (headers["x-control"], headers["x-arm"]) == ("env", "frozen")
        assert not {"x-learn", "authorization"} & set(headers)
    written = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert "learn-secret" not in written


def test_a_control_on_the_gateways_own_host_and_port_gets_its_headers(
    pair: Pair, here: Path
) -> None:
    words = ["--gateway", f"{pair.learn.url}/a", "--llm-team", pair.frozen.url]
    control = ["--control-gateway", f"{pair.learn.url}/b", "--header", "X-Learn: 1"]
    ran(here, *words, *control, env={"CONTROL_GATEWAY_TOKEN": "own"})
    got = {
        (path[:2], headers["x-learn"], headers.get("authorization"))
        for (path, _), headers in zip(pair.learn.requests, pair.learn.headers, strict=True)
    }
    assert got == {("/a", "1", None), ("/b", "1", "Bearer own")}
    assert not any("x-learn" in headers for headers in pair.frozen.headers)


@pytest.mark.parametrize(
    ("words", "env", "says"),
    [
        (["--control-gateway", "http://127.0.0.1:9"], {}, "a control gateway is named and no"),
        (
            ["--gateway", "http://127.0.0.1:9", "--control-gateway", "http://localhost:9/"],
            {},
            "taught by the other arm",
        ),
        (
            ["--gateway", "http://127.0.0.1:9", "--control-gateway", "http://127.1:9"],
            {},
            "taught by the other arm",
        ),
        (
            ["--gateway", "https://a.example", "--control-gateway", "https://A.example:443"],
            {},
            "taught by the other arm",
        ),
        (
            ["--gateway", "http://a.example", "--control-gateway", "http://localhost:5000"],
            {},
            "it would be distilled",
        ),
        (["--no-control", "--control-gateway", "http://b.example"], {}, "contradict"),
        (["--control-gateway", "b.example", "--gateway", "http://a.example"], {}, "must start"),
        (["--control-header", "x"], {}, "not of the form"),
        (["--repeats", "0"], {}, "greater than or equal to 1"),
        (["--limit", "0"], {}, "greater than or equal to 1"),
        (["--seed", "-1"], {}, "--seed"),
        ([], {"CONTROL_GATEWAY_URL": "http://b.example"}, "a control gateway is named and no"),
    ],
)
def test_an_unfit_control_is_refused_before_anything_is_written(
    words: list[str], env: dict[str, str], says: str, here: Path
) -> None:
    for more in ([], ["--dry-run"]):
        done = battery("run", *words, *more, cwd=here, env=env)
        assert done.returncode == 2, done.stderr
        assert says in done.stderr
        assert done.stdout == ""
    assert [path.name for path in here.iterdir()] == ["tasks.json"]


def test_no_control_on_the_command_line_wins_over_the_environment(pair: Pair, here: Path) -> None:
    env = {"CONTROL_GATEWAY_URL": pair.frozen.url}
    folder = ran(here, *pair.options()[:4], "--no-control", env=env)
    assert "control" not in read_json(folder / "battery.json")["targets"]


@pytest.mark.parametrize("command", [["iterate"], ["run", "--resume", "-n", 2]])
def test_companions_on_the_host_of_the_manifests_gateway_get_its_headers(
    pair: Pair, here: Path, command: list[object]
) -> None:
    gateway = ["--gateway", f"{pair.learn.url}/a"]
    named = ["--llm-team", f"{pair.learn.url}/t", "--control-gateway", f"{pair.learn.url}/b"]
    headers = ["--header", "X-Learn: 1", "--control-header", "X-Arm: frozen"]
    ran(here, *gateway, *named, *headers)
    before = len(pair.learn.headers)
    done = battery(*command, *named, *headers, cwd=here)
    assert done.returncode == 0, done.stderr
    asked = zip(pair.learn.requests[before:], pair.learn.headers[before:], strict=True)
    got = {(path[:2], sent.get("x-learn"), sent.get("x-arm")) for (path, _), sent in asked}
    assert got == {("/a", "1", None), ("/t", "1", None), ("/b", "1", "frozen")}
    # To another host they do not go.
    moved = battery("iterate", "--control-gateway", pair.frozen.url, *headers, cwd=here)
    assert moved.returncode == 0, moved.stderr
    assert {(sent.get("x-learn"), sent["x-arm"]) for sent in pair.frozen.headers} == {
        (None, "frozen")
    }


def test_the_help_of_fail_on_names_every_condition(tmp_path: Path) -> None:
    source = copy_program(tmp_path)
    made_up = '    "haunted": lambda summary, _: False,\n'
    conditions = source / "verdict" / "conditions.py"
    insert(conditions, (r"^CONDITIONS\b.*\{(?:\n .*)*\n()\}", made_up))
    done = program("run", "--help", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert "gates, unfinished, haunted." in " ".join(done.stdout.split())
    for command in ("run", "summarize"):
        # A line may end at the hyphen of a word.
        text = " ".join(battery(command, "--help").stdout.split()).replace("- ", "-")
        assert f"{', '.join(CONDITIONS)}." in text


@pytest.mark.parametrize("who", ["user:hunter22@", "hunter22@"])
def test_credentials_in_the_url_of_a_model_are_refused_with_the_way_to_give_a_key(
    tmp_path: Path, who: str
) -> None:
    for command in (("run", "-n", 1), ("gateway", "--port", 0)):
        done = battery(*command, "--model-url", f"http://{who}127.0.0.1:9/v1", cwd=tmp_path)
        assert done.returncode == 2
        assert "BATTERY_MODEL_KEY" in done.stderr
        assert "hunter22" not in done.stderr
    assert not any(tmp_path.iterdir())
