"""A page holds all that it needs, and lets nothing run but its own scripts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import unescape
from importlib import resources

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.report.html.page import inline_json, render

VENDOR = resources.files("battery.report.html") / "vendor"
HASHES = {
    "d3.min.js": "912111098ea99503a6f4967361d2bbdc9dbf58cf9c678c8e27e5b02d1a07f0c1",
    "plot.umd.min.js": "4358086467740777dd788d6b27a95cebdbaefdd50c730a3060117073bd7134cb",
}


@pytest.fixture(scope="module")
def page() -> str:
    pieces = render("base.html", {}, data={"text": "</script><!--\u2028"}, scripts=["board.js"])
    return b"".join(pieces).decode()


@pytest.mark.parametrize("name", HASHES)
def test_the_libraries_are_the_published_files(name: str) -> None:
    found = hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()
    assert found == HASHES[name]
    assert f"`{found}`" in (VENDOR / "README.md").read_text("utf-8")


def test_the_policy_comes_first_and_allows_each_script_by_its_hash_alone(page: str) -> None:
    head = page.index("<head>\n") + len("<head>\n")
    assert page[head:].startswith('<meta http-equiv="Content-Security-Policy"')
    policy = unescape(page[head : page.index(">", head)])
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = [hashlib.sha256(each.encode()).digest() for each in scripts]
    assert re.findall(r"'sha256-([^']+)'", policy) == [
        base64.b64encode(each).decode() for each in digests
    ]
    assert len(scripts) == 4
    assert "default-src 'none'" in policy
    assert policy.count("unsafe-inline") == policy.count("style-src 'unsafe-inline'") == 1
    assert "unsafe-eval" not in policy


def test_the_character_set_is_named_where_browsers_look_for_it(page: str) -> None:
    assert '<meta charset="utf-8">' in page.encode()[:1024].decode()


def test_nothing_in_a_page_names_an_address_to_load(page: str) -> None:
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=(?![\"']#)|url\(|@import|https?://", own)


def test_the_licences_of_the_libraries_go_with_them(page: str) -> None:
    assert "Mike Bostock" in page
    assert "Observable, Inc." in page


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_in_a_page_reads_back_and_cannot_end_its_element(value: object) -> None:
    written = str(inline_json(value))
    assert json.loads(written) == value
    assert not set("<\u2028\u2029") & set(written)


def test_a_page_is_rendered_as_it_is_read() -> None:
    pieces = render("base.html", {})
    assert next(pieces).startswith(b"<!doctype html>")


def test_a_name_that_is_missing_is_an_error_and_no_gap() -> None:
    with pytest.raises(jinja2.UndefinedError):
        list(render("report.html", {}))


def test_a_script_that_could_not_be_inlined_is_refused() -> None:
    with pytest.raises(ValueError, match=r"base\.html holds '<script'"):
        render("base.html", {}, scripts=["../templates/base.html"])
