"""What a settings file may hold, and how one that cannot be used is refused."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.base.errors import UsageError
from battery.inputs.config import load, read_config

KINDS: dict[str, type] = {
    "iterations": int,
    "max-cost": float,
    "max-tokens": int,
    "quiet": bool,
    "gateway": str,
}
HELP = "battery run --help"
SECRET = {"header": "GATEWAY_TOKEN or GATEWAY_HEADERS"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def refused(path: Path, text: str | bytes) -> tuple[str, str]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(UsageError) as caught:
        read_config(path, KINDS, SECRET)
    assert str(path) in caught.value.message
    return caught.value.message.replace(str(path), "PATH"), caught.value.hint or ""


def test_keys_keep_their_types_and_tables_stay_as_they_came(path: Path) -> None:
    path.write_text(
        '[run]\niterations = 5\nmax-cost = 20\nquiet = true\n[target]\nkind = "openai"\n'
        '[learn]\nuntil = { get = "/x", contains = ["{session}"] }\n',
        encoding="utf-8-sig",
    )
    config = read_config(path, KINDS, SECRET)
    assert config is not None
    assert config.run == {"iterations": 5, "max-cost": 20, "quiet": True}
    assert config.tables == {
        "target": {"kind": "openai"},
        "learn": {"until": {"get": "/x", "contains": ["{session}"]}},
    }


def test_without_a_file_in_the_working_folder_there_are_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_config(None, KINDS, SECRET) is None
    (tmp_path / "battery.toml").mkdir()
    assert read_config(None, KINDS, SECRET) is None
    with pytest.raises(UsageError, match="cannot read the settings file gone"):
        read_config(Path("gone.toml"), KINDS, SECRET)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[run]\nmax-cots = 1", "PATH: run.max-cots: is not a known key", "did you mean max-cost?"),
        ("[run]\nmax_cost = 1", "PATH: run.max_cost: is not a known key", "did you mean max-cost?"),
        ("[run]\nzebra = 1", "PATH: run.zebra: is not a known key", HELP),
        ("[runs]\niterations = 1", "PATH: runs: is not a known key", "did you mean run?"),
        ("run = 1", "PATH: run: a table was expected, got 1", HELP),
        (
            "[run]\niterations = 'five'",
            "PATH: run.iterations: a whole number was expected, got 'five'",
            HELP,
        ),
        ("[run]\niterations = 1.5", "a whole number was expected, got 1.5", HELP),
        ("[run]\niterations = true", "a whole number was expected, got true", HELP),
        ("[run]\nmax-cost = true", "a number was expected, got true", HELP),
        ("[run]\nquiet = 1", "true or false was expected, got 1", HELP),
        (
            "[run]\ngateway = 2020-01-01",
            "a string was expected, got datetime",
            HELP,
        ),
        ("[run]\ngateway = {a = 1}", "a string was expected, got a table", HELP),
        ("[run\n", "PATH is not TOML: ", HELP),
        (b"\xff", "PATH is not UTF-8: byte 0", HELP),
        (
            "[learn]\na = 1",
            "PATH: learn: belongs to a [target], which is missing",
            HELP,
        ),
        (
            "[run]\ngateway = 'http://a'\n[target]\nkind = 'x'",
            "PATH: run.gateway: target names another target",
            "leave out one",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_nearest_name(
    path: Path, text: str | bytes, message: str, hint: str
) -> None:
    said, advice = refused(path, text)
    assert message in said
    assert hint in advice


@pytest.mark.parametrize(
    "text",
    [
        "[run]\nheader = 'X-Key: hunter22'",
        "[run]\ngateway-token = 'hunter22'",
        "[run]\napi_key = 'hunter22'",
        "[run]\nheaders = ['hunter22']",
        "[run]\ngateway = 'http://me:hunter22@host'",
        "[target]\nurls = ['https://hunter22@host/v1']",
    ],
)
def test_a_secret_is_refused_unseen_with_the_variable_for_it(path: Path, text: str) -> None:
    said, advice = refused(path, text)
    assert "hunter22" not in said + advice
    assert "GATEWAY_TOKEN" in advice


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.toml"
        path.write_bytes(content)
        with contextlib.suppress(UsageError):
            assert load(path).path == path
