"""A target that a file describes: what it may hold, and what is said of what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.base.errors import UsageError
from battery.inputs.settings import Settings
from battery.target import kinds, targets
from battery.target.file import endpoint_of, read_file

HELD = "[target] may have kind"
OPENAI = 'kind = "openai"\nurl = "http://h/v1"\n'
STARTED = 'kind = "openai"\nurl = "http://h:{port}/v1"\nstart = "serve {port} {memory}"\n'


def write(folder: Path, target: str, tables: str = "") -> Path:
    path = folder / "agent.toml"
    path.write_text(f"[target]\n{target}\n{tables}")
    return path


@pytest.mark.parametrize(
    ("target", "tables", "said", "hint"),
    [
        ('kind = "openai"', "", "target: `url` is missing", HELD),
        ('kind = "gpt"', "", "target.kind: ", HELD),
        (f"{OPENAI}urll = 1", "", "target.urll: is not a known key", "did you mean url?"),
        (f"{OPENAI}strat = 'x'", "", "target.strat: is not a known key", "did you mean start?"),
        (f"{OPENAI}ready_s = 'long'", "", "target.ready_s: ", HELD),
        (
            f"{OPENAI}ready = 'health'",
            "",
            "target.ready: a path that begins with /",
            HELD,
        ),
        (
            STARTED.replace("{memory}", "{memroy}"),
            "",
            "target.start: {memroy} is not known; did you mean {memory}?",
            HELD,
        ),
        (
            OPENAI.replace("h/v1", "h:{port}/v1"),
            "",
            "`url` has a placeholder",
            HELD,
        ),
        (
            'kind = "exec"\ntarget = "exec:x"\nurl = "u"',
            "",
            "`url` is not for kind",
            HELD,
        ),
        (
            'kind = "exec"\ntarget = "exec:x"\nenvironment = { A = "{memory}" }',
            "",
            "`environment.A` may hold only {here}",
            HELD,
        ),
        (
            f"{OPENAI}environment = {{ MY_API_KEY = 'x' }}",
            "",
            "`environment.MY_API_KEY` looks like a secret",
            HELD,
        ),
        (OPENAI, "[learn]\neach_session = 'close it'", "learn.each_session: a method and", HELD),
        (OPENAI, "[learn]\neach_sesion = 'POST /x'", "learn.each_se", HELD),
        (
            OPENAI,
            "[learn]\neach_session = 'POST /x'\nuntil = { gett = '/x' }",
            "learn.until.get",
            HELD,
        ),
        (OPENAI, "[memory]\npath = '/tmp'", "memory.path: ", HELD),
        ('kind = "exec"\ntarget = "exec:x"', "[learn]\neach_session = 'POST /x'", "learn: ", "out"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, target: str, tables: str, said: str, hint: str
) -> None:
    path = write(tmp_path, target, tables)
    with pytest.raises(UsageError) as caught:
        kinds.read(str(path), {})
    assert caught.value.message.startswith(f"{path}: ")
    assert said in caught.value.message
    assert hint in str(caught.value.hint)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        kinds.read(str(tmp_path / "agent.toml"), {})


def test_a_file_without_a_target_is_none(tmp_path: Path) -> None:
    path = tmp_path / "battery.toml"
    path.write_text("[run]\niterations = 2\n")
    with pytest.raises(UsageError, match=r"has no \[target\]"):
        kinds.read(str(path), {})


def test_a_file_is_kept_by_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, OPENAI)
    monkeypatch.chdir(tmp_path)
    assert kinds.read("agent.toml", {}).url == str(tmp_path / "agent.toml")


def test_a_file_of_a_gateway_stands_for_its_url(tmp_path: Path) -> None:
    path = write(tmp_path, 'kind = "http"\nurl = "http://h:1/"')
    assert kinds.read(str(path), {"x": "y"}).url == "http://h:1"


@pytest.mark.parametrize(("target", "refused"), [(OPENAI, False), (STARTED, True)])
def test_only_what_has_a_memory_is_asked_one_task_at_a_time(
    tmp_path: Path, target: str, refused: bool
) -> None:
    gateway = kinds.read(str(write(tmp_path, target)), {})
    settings = Settings(folder=tmp_path, gateway=gateway, concurrency=2)
    if refused:
        with pytest.raises(UsageError, match="one task at a time"):
            targets.refuse_unfit(settings)
    else:
        targets.refuse_unfit(settings)


def test_a_python_file_is_found_next_to_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text("")
    path = write(tmp_path, 'kind = "python"\ntarget = "python:agent.py:Agent"')
    assert kinds.read(str(path), {}).url == str(path)
    write(tmp_path, 'kind = "python"\ntarget = "python:other.py:Agent"')
    with pytest.raises(UsageError, match=f"there is no file {tmp_path}/other.py"):
        kinds.read(str(path), {})


def test_the_digest_is_of_what_a_file_says(tmp_path: Path) -> None:
    path = write(tmp_path, OPENAI)
    first = read_file(path).digest
    path.write_text(f"# again\n{path.read_text()}\n\nuser = 'user'\n")
    assert read_file(path).digest == first
    path.write_text(path.read_text().replace("/v1", "/v2"))
    assert read_file(path).digest != first


def test_an_endpoint_is_what_its_file_says(tmp_path: Path) -> None:
    more = 'session = "header:X-Session"\nuser = ""\nbody = { temperature = 0.5 }\n'
    tables = "[learn]\neach_session = 'POST /close'\n[memory]\nrestart = false"
    path = write(tmp_path, STARTED + more, tables)
    endpoint = endpoint_of(read_file(path), path, {"authorization": "Bearer x"})
    assert (endpoint.session.text, endpoint.user.text) == ("header:X-Session", "")
    assert endpoint.body == {"temperature": 0.5}
    assert endpoint.stays
    assert endpoint.start is not None
    assert endpoint.start.here == tmp_path
    assert endpoint.lesson is not None
    assert (endpoint.lesson.request, endpoint.lesson.get) == ("POST /close", None)


def test_the_example_is_what_its_page_shows(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs/how-to/measure-a-proxy.md").read_text()
    shown = page.partition("```toml agent.toml\n")[2].partition("```")[0]
    (tmp_path / "agent.toml").write_text(shown)
    example = read_file(root / "examples/openai_proxy/agent.toml")
    assert read_file(tmp_path / "agent.toml").digest == example.digest
