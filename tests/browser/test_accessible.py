"""No page has a fault that keeps people from reading or using it, as axe-core sees it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import pytest

from battery.campaign import verdict
from battery.protocol import Json
from battery.records.models import LEARN, Phase
from battery.report.html.compare import page as compare_page
from tests.browser.folders import Asked, answer, make_report, write_battery
from tests.report.comparisons import hostile
from tests.support.browser import Scheme, Visit
from tests.support.campaigns import campaign

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).parents[2]
AXE: Final = ROOT / "tests/vendor/axe.min.js"
SHA_256: Final = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
#: Every fault that axe calls serious or critical, with what has it.
_FAULTS: Final = """async () => (await axe.run()).violations
  .filter((each) => ["serious", "critical"].includes(each.impact))
  .flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.html.slice(0, 200)}`))"""
LOOKS: Final = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]


def test_the_checker_is_the_published_file() -> None:
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == SHA_256
    assert SHA_256 in (AXE.parent / "README.md").read_text("utf-8")


def faults(visit: Visit, path: Path, scheme: Scheme, width: int, anchor: str = "") -> list[str]:
    """Look at a page, all of it unfolded, and at a transcript where the anchor opens one."""
    visit.page.set_viewport_size({"width": width, "height": 800})
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.open(path, anchor)
    if anchor:
        page.locator("dialog .sheet").first.wait_for()
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    # Not through a script element: the page's own policy would forbid it.
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(_FAULTS)
    return found


@pytest.fixture(scope="module")
def untrusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of a battery that is DISHONEST, with many tasks."""

    def bluffing(asked: Asked) -> Json:
        bluffs = asked.phase is Phase.GAMMA and asked.arm == LEARN and asked.iteration > 1
        return answer(asked) | ({"status": "ok", "error": None} if bluffs else {})

    folder = tmp_path_factory.mktemp("untrusted")
    return make_report(write_battery(folder, sizes=(8, 6, 4), answering=bluffing, siblings=True))


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_report_has_no_serious_fault(
    visit: Visit, packaged: Path, untrusted: Path, scheme: Scheme, width: int
) -> None:
    assert faults(visit, packaged, scheme, width) == []
    assert faults(visit, packaged, scheme, width, "#call-2-learn-0-1") == []
    assert faults(visit, untrusted, scheme, width) == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_comparison_has_no_serious_fault(
    visit: Visit, tmp_path: Path, scheme: Scheme, width: int
) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"".join(compare_page(hostile(), path)))
    assert faults(visit, path, scheme, width) == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_report_of_a_campaign_has_no_serious_fault(
    visit: Visit, tmp_path: Path, scheme: Scheme, width: int
) -> None:
    made = campaign(tmp_path, (0.3, 0.12, 0.41, -0.06, 0.22), name="Desk agent")
    verdict.write(made, verdict.judge(made), lambda _event: None)
    assert faults(visit, verdict.report_path(made), scheme, width) == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_first_page_of_the_site_has_no_serious_fault(
    visit: Visit, scheme: Scheme, width: int
) -> None:
    first = ROOT / "site/docs/index.html"
    if not first.exists():
        pytest.skip("the site is not built: make docs")
    assert faults(visit, first, scheme, width) == []


def test_a_fault_is_seen(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<!doctype html><html><title>t</title><img src='data:,'></html>")
    assert {fault.partition(":")[0] for fault in faults(visit, path, "light", 1280)} == {
        "html-has-lang",
        "image-alt",
    }
