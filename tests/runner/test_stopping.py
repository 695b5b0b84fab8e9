"""A run that stops says how it goes on: by itself, or with the campaign that it is of."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.base.errors import CallError
from battery.runner.hold import Hold
from battery.runner.stopping import advise, mark
from battery.store.battery_dir import BatteryDir
from tests.report.samples import MANIFEST


@pytest.fixture
def folder(tmp_path: Path) -> BatteryDir:
    folder = BatteryDir(tmp_path)
    folder.write_manifest(MANIFEST.model_copy(update={"state": "running"}))
    return folder


def test_a_run_of_a_campaign_goes_on_with_its_campaign(folder: BatteryDir) -> None:
    alone, planned = CallError("no answer", hint="look at it"), CallError("no answer")
    advise(alone, folder, Hold())
    assert alone.hint == f"look at it; go on with: battery run --resume --dir {folder.root}"
    advise(planned, folder, Hold(go_on="go on with: battery campaign run c"))
    assert planned.hint == "go on with: battery campaign run c"


def test_why_it_failed_is_written_down_without_secrets(
    folder: BatteryDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_TOKEN", "s3cret-of-the-gateway")
    mark(folder, MANIFEST, "failed", CallError("it said s3cret-of-the-gateway"))
    manifest = folder.read_manifest()
    assert manifest
    assert manifest.state == "failed"
    assert manifest.stopped_by
    assert manifest.stopped_by.startswith("it said ")
    assert "s3cret" not in manifest.stopped_by
