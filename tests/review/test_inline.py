"""Paths, metrics and verdict words are read out of a line as a reader takes them."""

from __future__ import annotations

import pytest

from battery.review.inline import entitled, first_path, verdict_in_title


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("`src/a.py`", "src/a.py"),
        ("src/a.py:42", "src/a.py"),
        ("`src/a.py#L10-L20`", "src/a.py"),
        ("[the search](src/search.py)", "src/search.py"),
        ("the `search` function in src/a.py.", "src/a.py"),
        ("`a.py` and `b.py`", "a.py"),
        ("**src/a.py**", "src/a.py"),
        ("`.github/workflows/ci.yml`", ".github/workflows/ci.yml"),
        ("src\\win\\a.py", "src\\win\\a.py"),
        ("src/pkg/__init__.py", "src/pkg/__init__.py"),
        ("__main__.py", "__main__.py"),
        ("`src/pkg/__init__.py`", "src/pkg/__init__.py"),
        ("web/__mocks__/api.ts", "web/__mocks__/api.ts"),
        ("__src/a.py__", "src/a.py"),
        ("*src/a.py*", "src/a.py"),
        ("D:\\svc\\a.py", "D:\\svc\\a.py"),
        ("`app/blog/[id]/page.tsx`", "app/blog/[id]/page.tsx"),
        ("`app/(shop)/$item/view.tsx`", "app/(shop)/$item/view.tsx"),
        ("`docs/how to/first run.md`", "docs/how to/first run.md"),
        ("prompts/{role}.txt", "prompts/{role}.txt"),
        ("`docs/*.md`", "docs/*.md"),
        ("3/5 of the calls in src/a.py", "src/a.py"),
        ("src / core / a.py", "src/core/a.py"),
        ("https://git.example/o/r/blob/main/src/a.py", "src/a.py"),
        ("`Makefile`", "Makefile"),
        ("n/a", None),
        ("none", None),
        ("the prompt of the reviewer", None),
        ("<path>", None),
        ("https://example.org/readme.md", None),
    ],
)
def test_the_target_file_is_the_first_path_that_is_named(written: str, path: str | None) -> None:
    assert first_path(written) == path


@pytest.mark.parametrize(
    ("written", "number", "title", "rest"),
    [
        ("Proposal 2: Cache the search", 2, "Cache the search", ""),
        ("#3 Cache the search", 3, "Cache the search", ""),
        ("P1: Cache the search", 1, "Cache the search", ""),
        ("**4. Cache the search** it is slow", 4, "Cache the search", "it is slow"),
        ("2 welders are too few", None, "2 welders are too few", ""),
        ("`search.py`: Cache", None, "search.py: Cache", ""),
    ],
)
def test_a_title_is_split_from_its_number_and_from_what_follows_it(
    written: str, number: int | None, title: str, rest: str
) -> None:
    assert entitled(written) == (number, title, rest)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("Cache the search — APPROVE", ("Cache the search", "APPROVE", "")),
        ("REJECT: Cache the search. No file", ("Cache the search", "REJECT", "No file")),
        ("Cache the search **(revise)**", ("Cache the search ", "REVISE", "")),
        ("Reject searches without a role", None),
        ("Cache the search", None),
    ],
)
def test_a_verdict_in_a_title_is_marked_as_one(
    written: str, wanted: tuple[str, str, str] | None
) -> None:
    assert verdict_in_title(written) == wanted
