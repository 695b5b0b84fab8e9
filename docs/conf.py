"""The site: `sphinx-build -W --keep-going -n -c docs . site`, from the root of the repository.

The repository is the source, so that its links work unchanged: a page may link the changelog
and the README a page. Nothing is loaded from a network, neither here nor by the pages.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from docs import samples

from battery import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "battery"
author = "The battery founders"
release = version = __version__
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**.md"]
exclude_patterns = [".*", "data", "dist", "site", "src", "tests"]

extensions = ["myst_parser"]
# As deep as the headings of any page, so that a link to each of them works, or fails the build.
myst_heading_anchors = 4
# One example is broken JSON on purpose.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "battery"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_show_copyright = False

SAMPLES = """
See <a href="../report.html">a real report</a>, and
<a href="../comparison.html">its comparison</a> with a system that forgets.
"""
#: The front page has its own layout, in site.css, and needs the room.
ALONE = "---\nhide-toc: true\n---\n\n"
START = """<!doctype html>
<html lang="en">
<title>battery</title>
<meta http-equiv="refresh" content="0; url=docs/index.html">
<a href="docs/index.html">battery</a>
"""


def complete_front_page(_app: Sphinx, page: str, source: list[str]) -> None:
    """Link the samples, and make the page's lists of pages the navigation: written only once."""
    if page != root_doc:
        return
    lists = re.findall(r"^## (.+)\n\n((?:- \[.+\n(?: .+\n)*)+)", source[0], re.MULTILINE)
    source[0] = ALONE + source[0].replace("\n![", f"{SAMPLES}\n![", 1)
    for caption, links in lists:
        pages = re.findall(r"^- \[[^\]]+\]\((.+?)\.md\)", links, re.MULTILINE)
        lines = ["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"]
        source[0] += "\n" + "\n".join(lines) + "\n"


def add_samples(app: Sphinx) -> None:
    """Write a real report and a real comparison next to the pages, and a start page above them."""
    if app.builder.format != "html":
        return
    samples.write_report(app.outdir / "report.html")
    samples.write_comparison(app.outdir / "comparison.html")
    (app.outdir / "index.html").write_text(START, "utf-8")


def complete_markup(
    _app: Sphinx, _page: str, _template: str, context: dict[str, object], _tree: object
) -> None:
    """Say what theme and builder leave out: levels of captions, and that keys scroll code."""
    for part, written, complete in (
        ("furo_navigation_tree", 'role="heading"', 'role="heading" aria-level="2"'),
        ("body", "<pre>", '<pre tabindex="0">'),
    ):
        if isinstance(markup := context.get(part), str):
            context[part] = markup.replace(written, complete)


def setup(app: Sphinx) -> None:
    """Connect all three to the build."""
    app.connect("source-read", complete_front_page)
    app.connect("builder-inited", add_samples)
    # After the theme, which makes the navigation.
    app.connect("html-page-context", complete_markup, priority=900)
