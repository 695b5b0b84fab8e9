"""A gauntlet depends on systems and seeds alone, and is saved with what it was held to."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.base.errors import UsageError
from battery.commands.gauntlet import broken, chosen, gauntlet
from battery.gauntlet import Gauntlet
from battery.records.events import Event, Notice

pytestmark = pytest.mark.slow


def test_processes_change_nothing_and_the_result_is_on_disk(tmp_path: Path) -> None:
    systems = [*chosen("once, three"), *chosen("a head start")]
    told: list[Event] = []
    results = [
        gauntlet(systems, range(1, 2), jobs=jobs, out=tmp_path / str(jobs), observe=told.append)
        for jobs in (1, 2)
    ]
    assert results[0] == results[1]
    assert [ran.passed for ran in results[0].systems] == [True, True]
    assert broken(results[0], tmp_path) is None
    saved = Gauntlet.model_validate_json((tmp_path / "2" / "gauntlet.json").read_bytes())
    assert saved == results[0]
    assert "| a head start |" in (tmp_path / "1" / "gauntlet.md").read_text("utf-8")
    assert Notice("2 batteries of 2 systems, processes: 1") in told


def test_a_broken_bound_is_an_error_that_names_system_and_seeds(tmp_path: Path) -> None:
    [system] = chosen("usage scaled down")
    fooled = gauntlet([system], range(1, 2), jobs=1, out=tmp_path, observe=lambda _event: None)
    ran = fooled.systems[0].model_copy(update={"role": "false", "passed": False, "seeds": [1]})
    error = broken(fooled.model_copy(update={"systems": [ran]}), tmp_path)
    assert error is not None
    assert "usage scaled down: 1 of 1 positive, none is allowed (seeds 1)" in error.message


def test_a_name_that_no_system_has_is_refused() -> None:
    with pytest.raises(UsageError, match="no system of the gauntlet has 'nobody' in its name"):
        chosen("nobody")
