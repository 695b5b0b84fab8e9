"""The records keep what they were given, and know what earlier versions did not write."""

from __future__ import annotations

from battery.records.manifest import Options
from tests.report.samples import MANIFEST


def test_options_of_other_versions_are_written_back_as_they_were_read() -> None:
    recorded = {"limit": 2, "from_a_later_version": [1]}
    options = Options.model_validate(recorded)
    assert options.model_dump(mode="json") == recorded
    changed = options.model_copy(update={"concurrency": 3})
    assert changed.model_dump(mode="json") == {**recorded, "concurrency": 3}


def test_what_earlier_versions_did_not_record_is_what_they_did() -> None:
    options = Options()
    assert (options.repeats, options.concurrency, options.seed) == (1, 1, None)


def test_a_control_target_is_a_second_arm() -> None:
    assert MANIFEST.arms == ("learn",)
    both = MANIFEST.model_copy(update={"targets": {**MANIFEST.targets, "control": "embedded"}})
    assert both.arms == ("learn", "frozen")
