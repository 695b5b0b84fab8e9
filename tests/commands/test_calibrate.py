"""A calibration depends on preset and seed alone, and leaves nothing when it is stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.base.errors import InterruptedRunError, UsageError
from battery.calibration import Calibration
from battery.calibration.nulls import NULLS
from battery.calibration.scenario import COSTLY, SIMULATIONS, Scenario
from battery.calibration.scenarios import HARM, ONE_ARM
from battery.commands import calibrate as stage
from battery.records.events import Event, Notice

pytestmark = pytest.mark.slow

FEW = (NULLS[0], HARM[0])
#: In place of the preset's number, and no multiple of a piece of work, which is smaller too.
BATTERIES, CHUNK = 35, 25


def calibration(out: Path, *, jobs: int = 1, seed: int = 1) -> Calibration:
    experiment = stage.Experiment("fast", seed, FEW)
    return stage.calibrate(experiment, jobs=jobs, out=out, observe=lambda _event: None)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIMULATIONS, "fast", BATTERIES)
    monkeypatch.setattr(stage, "CHUNK", CHUNK)


def test_a_seed_gives_one_table_however_many_processes_make_it(tmp_path: Path) -> None:
    here = calibration(tmp_path / "1")
    assert calibration(tmp_path / "2", jobs=2) == here
    for name in ("calibration.md", "calibration.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    assert calibration(tmp_path / "3", seed=2).tallies != here.tallies


def test_every_battery_of_a_preset_is_drawn_with_a_seed_of_its_own() -> None:
    scenario = Scenario("", "", ONE_ARM[0].dials, costly=True)
    pieces = list(stage.Experiment("fast", 1, (*FEW, scenario)).chunks())
    drawn = [sum(p.simulations for p in pieces if p.scenario is s) for s in (*FEW, scenario)]
    assert drawn == [BATTERIES, BATTERIES, COSTLY["fast"]]
    states = {tuple(piece.seed.generate_state(4).tolist()) for piece in pieces}
    assert len(states) == len(pieces)


def test_an_interrupt_ends_the_work_and_says_that_nothing_was_saved(tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Notice) and event.text.startswith("1 of"):
            raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError) as caught:
        stage.calibrate(stage.Experiment("fast", 1, FEW), jobs=1, out=tmp_path, observe=interrupt)
    assert caught.value.hint == "run it again; nothing was saved"
    assert list(tmp_path.iterdir()) == []


def test_a_scenario_comes_out_the_same_when_others_are_left_out(tmp_path: Path) -> None:
    whole = calibration(tmp_path / "1")
    experiment = stage.Experiment("fast", 1, FEW, only=HARM[0].name)
    part = stage.calibrate(experiment, jobs=1, out=tmp_path / "2", observe=lambda _event: None)
    assert part.tallies == whole.tallies[1:]


def test_a_name_that_no_scenario_has_is_refused() -> None:
    with pytest.raises(UsageError, match="no scenario has 'nowhere' in its name"):
        stage.experiment("fast", 1, "nowhere")
    assert all("runs" in scenario.name for scenario in stage.experiment("full", 1, "runs").chosen)


def test_the_pieces_of_campaigns_are_smaller() -> None:
    experiment = stage.Experiment("fast", 1)
    campaign = next(scenario for scenario in experiment.scenarios if scenario.runs > 1)
    pieces = experiment.pieces(campaign)
    assert sum(pieces) == campaign.simulations("fast")
    assert max(pieces) * campaign.runs <= CHUNK
