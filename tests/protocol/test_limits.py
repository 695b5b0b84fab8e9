"""What is too large is told before it is parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.protocol import limits


@settings(deadline=None)
@given(st.recursive(st.integers() | st.text(), lambda inner: st.lists(inner, min_size=1)))
def test_values_are_counted_as_a_parser_would_whatever_is_in_texts(document: Any) -> None:
    def values(value: Any) -> int:
        return 1 + sum(map(values, value)) if isinstance(value, list) else 1

    data = json.dumps(document).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_ANSWER_VALUES", values(document))
        limits.ValueCount().add(data)
        patch.setattr(limits, "MAX_ANSWER_VALUES", values(document) - 1)
        with pytest.raises(limits.TooLargeError, match=f"about {values(document):,} in"):
            limits.ValueCount().add(data)


def test_the_values_of_all_events_count_together() -> None:
    count = limits.ValueCount()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_ANSWER_VALUES", 4)
        count.add_event(b'{"text":","}')
        count.add_event(b'{"text":"%b"}' % (b"," * 1_199_977))
        with pytest.raises(limits.TooLargeError, match=r"about 6 in 1\.2 MB"):
            count.add_event(b"{}")


def test_each_line_of_data_counts_as_an_event_whatever_it_is() -> None:
    count = limits.ValueCount()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_EVENTS", 4)
        count.add_event(b"")
        count.add_event(b"no JSON\n{}\n1")
        with pytest.raises(limits.TooLargeError, match="has more than 4 events"):
            count.add_event(b"{}")
