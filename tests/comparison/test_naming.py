"""What two batteries are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.base.text import cells
from battery.comparison.naming import Called, tell_apart


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (("Atlas 1", "runs/a"), ("Atlas 2", "runs/b"), ("Atlas 1", "Atlas 2")),
        (("Atlas", "runs/a"), (None, "runs/b"), ("Atlas", "b")),
        # Two runs of the system that the name is the name of.
        (("Atlas", "runs/a"), ("Atlas", "runs/b"), ("a", "b")),
        ((None, "main/battery"), (None, "branch/battery"), ("main", "branch")),
        ((None, "data/battery/archive/2026"), (None, "data/battery"), ("2026", "battery")),
        (
            (None, "data/battery/archive/2026-01-31T12-00-05Z"),
            (None, "data/battery/archive/2026-02-01T07-00-00Z.2"),
            ("2026-01-31 12:00:05", "2026-02-01 07:00:00.2"),
        ),
        ((None, "run"), (None, "other/../another"), ("run", "another")),
        ((None, "run"), (None, "run"), ("before", "after")),
        ((None, "/data"), (None, "/x/data"), ("before", "after")),
        (("Atlas", "/data"), (None, "/x/data"), ("before", "after")),
        # Nothing of the one name can be seen.
        (("\ufe0f", "runs/a"), ("Atlas", "runs/b"), ("a", "b")),
    ],
)
def test_batteries_go_by_their_own_names_or_by_what_tells_their_folders_apart(
    before: tuple[str | None, str], after: tuple[str | None, str], names: tuple[str, str]
) -> None:
    assert tell_apart(*(Called(name, Path(folder)) for name, folder in (before, after))) == names


def test_a_long_name_keeps_how_it_ends() -> None:
    names = tell_apart(*(Called("a system of a long name, run " + end, Path()) for end in "12"))
    assert [name[-5:] for name in names] == ["run 1", "run 2"]
    assert all(name.startswith("a system…") for name in names)


FOLDERS = st.text(st.characters(exclude_characters="\0/"), max_size=40).map(Path)
CALLED = st.builds(Called, st.none() | st.text(max_size=60), FOLDERS)


@given(CALLED, CALLED)
def test_names_differ_fit_a_table_and_steer_nothing(before: Called, after: Called) -> None:
    names = tell_apart(before, after)
    assert names.before != names.after
    for name in names:
        assert 0 < cells(name) <= 26
        assert name.isprintable()
        assert "@" not in name


def test_a_folder_whose_name_is_no_text_has_one() -> None:
    folders = [Path(os.fsdecode(name)) for name in (b"n\xff", b"n\xfe")]
    assert tell_apart(*(Called(None, folder) for folder in folders)) == ("n\\udcff", "n\\udcfe")
