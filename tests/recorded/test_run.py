"""A battery on disk is the run that its own summary tells of."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.base.errors import ArtifactError
from battery.recorded import open_battery
from battery.recorded import run as runs
from battery.recorded.run import all_findings, run_findings, total
from battery.recorded.summary import summary_of
from battery.store.battery_dir import BatteryDir
from tests.support.several import batteries, battery


def test_a_run_has_the_word_and_the_numbers_of_its_summary(tmp_path: Path) -> None:
    folder = BatteryDir(battery(tmp_path / "one", 1, 0.3))
    run = run_findings(open_battery(folder), "one")
    evidence = summary_of(open_battery(folder), report=False).evidence
    assert evidence
    group, cost = evidence.group("all"), run.cost()
    assert (run.word, run.claim) == (evidence.verdict, evidence.claim)
    assert group
    assert cost
    assert cost.ratio == group.ratio
    assert (run.name, run.folder) == ("one", str(folder.root))
    assert run.run_id == f"{1:032x}"


def test_what_runs_took_adds_up_and_an_unknown_price_is_no_total(tmp_path: Path) -> None:
    run = run_findings(open_battery(BatteryDir(battery(tmp_path / "one", 1, 0.3))), "one")
    assert run.spent
    assert run.spent.calls == 48
    assert run.spent.cost_usd is None
    both = total([run, run])
    assert both.calls == 2 * run.spent.calls
    assert both.tokens == 2 * (run.spent.tokens or 0)
    assert both.elapsed_s == 2 * run.spent.elapsed_s
    paid = run.model_copy(update={"spent": run.spent.model_copy(update={"cost_usd": 1.5})})
    assert total([paid, paid]).cost_usd == 3.0
    assert total([paid, run]).cost_usd is None
    assert total([]).tokens is None


@pytest.mark.slow
def test_batteries_say_the_same_in_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = batteries(tmp_path, (0.3, 0.2, 0.1))
    names = ["one", "two", "three"]
    here = list(all_findings(folders, names))
    assert [run.name for run in here] == names
    monkeypatch.setattr(runs, "_LARGE_BYTES", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert list(all_findings(folders, names)) == here
    spoilt = folders[1] / "iter_2" / "runs.json"
    spoilt.write_text("[{}]")
    with pytest.raises(ArtifactError, match="is not what a battery writes") as caught:
        list(all_findings(folders, names))
    assert str(spoilt) in caught.value.message
    assert caught.value.hint
