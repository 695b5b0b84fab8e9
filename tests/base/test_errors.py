"""Errors carry what failed, what would clear it and what to do next."""

from __future__ import annotations

import pytest

from battery.base.errors import BatteryError, advised


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (BatteryError("failed"), "name another"),
        (BatteryError("failed", remedy="free some space"), "free some space, or name another"),
        (BatteryError("failed", hint="of its own", remedy="free some space"), "of its own"),
    ],
)
def test_a_command_advises_where_what_failed_could_not(error: BatteryError, hint: str) -> None:
    with pytest.raises(BatteryError) as caught, advised("name another"):
        raise error
    assert caught.value.hint == hint
