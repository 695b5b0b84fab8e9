"""What options and environment say together: folder, tasks, targets, headers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from battery.cli import options
from battery.cli.configured import kinds_in_file, parameter_of
from battery.cli.main import app
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
    assert f"no battery in {tmp_path / 'other'}" in other.stderr


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
        (["--control-gateway", "http://127.0.0.1:9"], {}, "--control-gateway names a twin, and no"),
        (
            ["--gateway", "http://127.0.0.1:9", "--control-gateway", "http://localhost:9/"],
            {},
            "learn what the learner learns",
        ),
        (
            ["--gateway", "http://127.0.0.1:9", "--control-gateway", "http://127.1:9"],
            {},
            "learn what the learner learns",
        ),
        (
            ["--gateway", "https://a.example", "--control-gateway", "https://A.example:443"],
            {},
            "learn what the learner learns",
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
        ([], {"CONTROL_GATEWAY_URL": "http://b.example"}, "--control-gateway names a twin, and no"),
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
        text = " ".join(battery(command, "--help").stdout.split())
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


def settle(folder: Path, *lines: str, name: str = "battery.toml") -> Path:
    path = folder / name
    path.write_text("\n".join(["[run]", *lines]) + "\n")
    return path


def plan(cwd: Path, *words: object, env: dict[str, str] | None = None) -> tuple[int, int]:
    """Return how many iterations and repeats a run would make."""
    done = battery("run", "--dry-run", "--json", *words, cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr
    cost = json.loads(done.stdout)["cost"]
    return cost["iterations"], cost["repeats"]


def test_the_command_line_wins_over_the_environment_that_over_the_file_and_that_over_defaults(
    here: Path,
) -> None:
    assert plan(here) == (3, 1)
    settle(here, "iterations = 5", "repeats = 2")
    other = settle(here, "iterations = 7", name="other.toml")
    assert plan(here) == (5, 2)
    assert plan(here, "-n", 4) == (4, 2)
    assert plan(here, "--config", other) == (7, 1)
    assert plan(here, env={"BATTERY_CONFIG": str(other)}) == (7, 1)
    settle(here, 'dir = "of-the-file"')
    for words, env, wanted in [
        ((), {}, "no battery in of-the-file"),
        ((), {"BATTERY_DIR": "of-the-environment"}, "no battery in of-the-environment"),
        (("--dir", "typed"), {"BATTERY_DIR": "of-the-environment"}, "no battery in typed"),
        (("argued",), {}, "no battery in argued"),
    ]:
        assert wanted in battery("summarize", *words, cwd=here, env=env).stderr


def test_settings_reach_every_command_that_has_such_an_option(here: Path) -> None:
    settle(here, "iterations = 1", 'dir = "b"', "quiet = true", "full = true")
    done = battery("run", cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert (here / "b" / "iter_1").is_dir()
    settle(here, 'dir = "b"', 'fail-on = "not-learned"')
    # One iteration shows no learning: the gate of the file fails, and one of the command wins.
    assert battery("summarize", cwd=here).returncode == 3
    assert battery("summarize", "--fail-on", "regressed", cwd=here).returncode == 0
    for command in ("grade", "report", ("watch", "--once"), ("export", "inspect")):
        words = [command] if isinstance(command, str) else command
        assert "other" in battery(*words, "--dir", "other", cwd=here).stderr
        assert battery(*words, cwd=here).returncode == 0


def test_what_a_battery_began_with_wins_over_a_file_that_has_changed_since(here: Path) -> None:
    settle(here, "iterations = 2", "repeats = 2", "seed = 7", "limit = 1")
    ran(here)
    settle(here, "iterations = 9", "repeats = 3", "seed = 8", "limit = 2", "concurrency = 4")
    done = battery("run", "--resume", cwd=here)
    assert done.returncode == 0, done.stderr
    assert "nothing is left to do" in done.stderr
    assert battery("iterate", cwd=here).returncode == 0
    manifest = read_json(here / "data/battery/battery.json")
    assert manifest["iterations_finished"] == 2
    assert manifest["options"]["concurrency"] == 1
    # The command line is meant this time.
    assert battery("run", "--resume", "--seed", 8, cwd=here).returncode == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("limit = 0", "run.limit: Input should be greater than or equal to 1"),
        ('repo = "gone"', "run.repo: "),
        ('feedback = "loud"', "run.feedback: "),
        ('tag = "nightly"', "run.tag: a list of strings was expected, got 'nightly'"),
        ("tag = [7]", "run.tag: a list of strings was expected, got [7]"),
        ("iteration = 3", "run.iteration: is not a known key"),
        ('header = "X-Key: hunter22"', "run.header: secrets are not read from a file"),
        ("resume = true", "run.resume: is not a known key"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key_before_anything_is_written(
    here: Path, line: str, says: str
) -> None:
    settle(here, line)
    done = battery("run", cwd=here)
    assert done.returncode == 2
    assert f"battery.toml: {says}" in done.stderr
    assert "hunter22" not in done.stderr
    assert not (here / "data").exists()
    assert battery("run", "--help", cwd=here).returncode == 0


def test_a_gateway_of_the_command_line_wins_over_no_control_of_the_file(
    pair: Pair, here: Path
) -> None:
    settle(here, "no-control = true")
    folder = ran(here, *pair.options())
    assert "control" in read_json(folder / "battery.json")["targets"]
    settle(here, "no-control = true", f'control-gateway = "{pair.frozen.url}"')
    done = battery("run", *pair.options()[:4], cwd=here)
    assert done.returncode == 2
    assert "contradict" in done.stderr


def test_the_tables_of_the_file_describe_the_target_unless_another_is_named(here: Path) -> None:
    path = settle(here, "iterations = 1")
    path.write_text(path.read_text() + '[target]\nkind = "openai"\nurl = "http://127.0.0.1:9/v1"\n')
    looked = battery("doctor", cwd=here)
    assert "FAIL  target: look-up: cannot connect to http://127.0.0.1:9/v1/" in looked.stdout
    assert "  target: [target] (battery.toml)\n" in looked.stdout
    assert battery("doctor", "--gateway", "embedded", cwd=here).returncode == 0
    for key in ("target", "gateway"):
        settle(here, f'{key} = "http://127.0.0.1:9"')
        assert "cannot connect to http://127.0.0.1:9/" in battery("doctor", cwd=here).stdout
    settle(here, 'target = "embedded"', 'gateway = "embedded"')
    assert "run.target: gateway names another" in battery("doctor", cwd=here).stderr


def get_command_of(name: str) -> Any:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return group.get_command(typer.Context(group), name)


def test_every_option_of_run_is_a_setting_a_secret_or_about_one_command() -> None:
    params = get_command_of("run").params
    names = {opt[2:] for param in params for opt in param.opts if opt.startswith("--")}
    settled = set(kinds_in_file(vars(options)))
    # A setting that no parameter takes would be passed over in silence.
    assert {parameter_of(key) for key in settled} <= {param.name for param in params}
    apart = {"config", "debug", "dry-run", "json", "resume"}
    headers = {"header", "llm-team-header", "control-header"}
    assert names - {"help"} == settled | apart | headers
