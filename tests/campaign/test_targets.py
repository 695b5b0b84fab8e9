"""Which runs would not be independent."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.base.errors import UsageError
from battery.campaign.targets import is_shared, refuse_shared_memory
from battery.inputs.settings import Settings, make_settings
from battery.target.kinds import read


def settings(**options: object) -> Settings:
    return make_settings({"folder": Path("x"), **options}, {}, read)


def test_a_live_gateway_remembers_the_run_before() -> None:
    live = settings(gateway="http://localhost:1")
    assert is_shared(live)
    with pytest.raises(UsageError, match="are not independent"):
        refuse_shared_memory(live, 2)
    refuse_shared_memory(live, 1)
    refuse_shared_memory(settings(gateway="http://localhost:1", prepare="./reset"), 2)


@pytest.mark.parametrize("target", [None, "exec:cat {verb}", "openai:http://localhost:1/v1"])
def test_systems_that_begin_anew_need_no_reset(target: str | None) -> None:
    fresh = settings(gateway=target)
    assert not is_shared(fresh)
    refuse_shared_memory(fresh, 5)
