"""The report in a real browser: what a reader sees, can do, and what cannot be done to them."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from battery.protocol import Json
from battery.records.checks import Checked, FailedCheck
from battery.records.models import LEARN, Phase
from battery.report.html.board import figure, rate
from tests.browser.folders import Asked, answer, make_report, write_battery
from tests.browser.hostile import ATTACKS, FLAG
from tests.support.browser import Visit, expect, screenshot, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow


def is_well(visit: Visit, page: Path) -> bool:
    """Check that nothing was complained of and nothing asked for but the page itself."""
    assert visit.complaints == []
    # A link into the page is no new request; some browsers name it all the same.
    return {url.partition("#")[0] for url in visit.requests} == {page.as_uri()}


def fits(page: Page) -> bool:
    """Tell whether the page needs no sideways scrolling."""
    inside: bool = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return inside


def opened(page: Page) -> str:
    """Wait for a transcript; return what it is headed with."""
    return page.locator("dialog[open] .sheet h3").first.inner_text()


def test_it_is_drawn_at_three_widths_in_both_schemes_without_a_word_or_a_request(
    visit: Visit, report: Path
) -> None:
    grounds = set()
    page = visit.open(report)
    for scheme in ("light", "dark"):
        for width in (390, 820, 1440):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            expect(page.locator(".chart > svg")).to_have_count(5)
            assert fits(page), (scheme, width)
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert is_well(visit, report)
    assert len(grounds) == 2


@pytest.mark.parametrize(
    ("width", "height", "more"),
    [
        (1280, 800, (".dots li:last-child", ".scope p:last-child")),
        (390, 844, (".which p", ".scope h2")),
    ],
)
def test_the_first_screen_answers_what_a_reader_asks(
    visit: Visit, report: Path, width: int, height: int, more: tuple[str, ...]
) -> None:
    page = visit.open(report)
    page.set_viewport_size({"width": width, "height": height})
    figures = (".effect .interval", ".effect .note", ".work p", ".done .learn", ".done .frozen")
    for shown in ("h1", ".sentence", ".value", *figures, ".gates li:last-child", *more):
        box = page.locator(shown).first.bounding_box()
        assert box, shown
        assert box["y"] + box["height"] <= height, (shown, width)


def test_a_bar_of_what_was_done_is_as_long_as_its_share(visit: Visit, tmp_path: Path) -> None:
    def half(asked: Asked) -> Json:
        niche = asked.phase is Phase.BETA
        fails = niche and (asked.arm != LEARN or asked.iteration == 1)
        return answer(asked) | ({"status": "failed", "error": "no idea"} if fails else {})

    page = visit.open(make_report(write_battery(tmp_path, answering=half)))
    assert page.locator(".done dd").all_inner_texts() == ["12 of 12 runs", "6 of 12 runs"]
    own, base = (
        page.locator(f".done .{arm} .track").evaluate(
            "track => track.firstElementChild.offsetWidth / track.offsetWidth"
        )
        for arm in ("learn", "frozen")
    )
    assert own == 1
    assert abs(base - 0.5) < 0.02


def test_a_click_opens_the_transcript_of_that_call_and_escape_leads_back(
    visit: Visit, report: Path
) -> None:
    page = visit.open(report)
    cell = page.locator("a[href='#call-2-frozen-4-1']")
    cell.click()
    assert opened(page) == "Iteration 2, twin, repeat 1"
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="beta task 1")).to_be_visible()
    expect(dialog.locator(".overseer")).to_contain_text("Look it up first.")
    expect(dialog).to_contain_text("iter_2/control/runs.json")
    # Nothing behind the dialog can be reached.
    for _ in range(12):
        page.keyboard.press("Tab")
        focus = "['DIALOG', 'BODY'].includes(document.activeElement.tagName) || "
        assert page.evaluate(focus + "!!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(cell).to_be_focused()
    assert page.evaluate("location.hash") == ""
    assert is_well(visit, report)


def test_the_keyboard_opens_a_transcript_and_goes_on_from_there(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    page.locator("a[href='#call-1-learn-7-1']").focus()
    page.keyboard.press("Enter")
    assert opened(page) == "Iteration 1, learner, repeat 1"
    expect(page.locator("dialog .error")).to_have_text("no supply")
    assert page.get_by_role("button", name="Iteration before").is_disabled()
    after = page.get_by_role("button", name="Iteration after")
    after.press("Enter")
    expect(page.locator(".sheet h3")).to_have_text("Iteration 2, learner, repeat 1")
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text(
        "iteration 2, learner, repeat 1"
    )
    after.press("Enter")
    expect(page.locator(".sheet h3")).to_have_text("Iteration 3, learner, repeat 1")
    # At the end the button can do no more, and still has the focus.
    expect(after).to_be_focused()
    after.press("Enter")
    expect(page.locator(".sheet h3")).to_have_text("Iteration 3, learner, repeat 1")
    page.get_by_role("button", name="Iteration before").press("Enter")
    expect(page.locator(".sheet h3")).to_have_text("Iteration 2, learner, repeat 1")
    page.get_by_role("region", name="Transcripts").focus()
    assert page.evaluate("document.activeElement.id") == "sheets"
    page.get_by_label("Call", exact=True).select_option("repeat 2")
    expect(page.locator(".sheet h3")).to_have_text("Iteration 2, learner, repeat 2")
    page.get_by_role("button", name="Next to its twin").press("Enter")
    expect(page.locator(".sheet")).to_have_count(2)
    assert page.evaluate("location.hash") == "#call-2-learn-7-2"
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_an_address_leads_to_a_transcript_and_a_made_up_one_nowhere(
    visit: Visit, report: Path
) -> None:
    assert opened(visit.open(report, "#call-3-learn-0-2")).startswith("Iteration 3")
    for unknown in ("#call-9-learn-0-1", "#call-1-learn-0-3", "#call-1-frozen-99-1", "#call-x"):
        page = visit.open(report, unknown)
        expect(page.locator("dialog[open]")).to_have_count(0)
    assert is_well(visit, report)


def test_who_goes_back_while_a_transcript_is_unpacked_sees_none(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    # A slow machine, made on demand: the group arrives only when it is let through.
    page.evaluate("""() => {
        const { json } = Response.prototype;
        const gate = new Promise((open) => { window.letThrough = open; });
        Response.prototype.json = function () {
            return window.unpacking = gate.then(() => json.call(this));
        };
    }""")
    page.locator("a[href='#call-2-frozen-4-1']").click()
    page.wait_for_function("!!window.unpacking")
    page.evaluate(
        "new Promise((done) => { addEventListener('hashchange', done); history.back(); })"
    )
    page.evaluate(
        "async () => { letThrough(); await unpacking; await new Promise(requestAnimationFrame); }"
    )
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_the_switches_change_what_the_cells_show_and_which_arms(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    cell = page.locator("a[href='#call-1-frozen-3-1']")
    assert cell.inner_text() == "2 ok"
    for switch, text in (("Turns", "4"), ("Tokens", "503"), ("Overseer", "yes")):
        button = page.get_by_role("button", name=switch)
        button.click()
        assert cell.inner_text() == text
        assert button.get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Status").click()
    assert cell.inner_text() == "2 ok"
    page.get_by_role("button", name="Learner", exact=True).click()
    expect(cell).to_be_hidden()
    page.get_by_role("button", name="Both", exact=True).click()
    expect(cell).to_be_visible()
    # Cells, tips and tables write a number in the same way.
    for value in (0, 7, 1_234_567, 12.35, 1_234.56, 0.00125, 0.25):
        assert page.evaluate("value => battery.figure(value)", value) == figure(float(value))
    for share in (0, 0.00001, 0.0005, 0.1235, 1 / 3, 0.5, 0.9994, 0.9995, 0.99999, 1):
        assert page.evaluate("share => battery.rate(share)", share) == rate(float(share))


def test_a_task_can_be_picked_out_of_the_charts_by_pointer_and_by_name(
    visit: Visit, report: Path
) -> None:
    visit.page.set_viewport_size({"width": 1280, "height": 1400})
    page = visit.open(report)
    chart = page.locator(".chart[data-metric=avg_turns_per_task]")
    before = chart.inner_html()
    page.get_by_label("Highlight a task").select_option("beta task 1")
    assert chart.inner_html() != before
    chart.locator("svg").hover()
    expect(chart.locator("g[aria-label=tip]")).to_contain_text("iteration")
    assert is_well(visit, report)


def test_nothing_that_gateway_or_models_say_runs_loads_or_leads_away(
    visit: Visit, hostile: Path
) -> None:
    page = visit.open(hostile, "#call-2-learn-1-1")
    opened(page)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    shown = page.locator("dialog").inner_text()
    assert ATTACKS[1] in shown
    assert r"line\u2028separator" in shown
    page.keyboard.press("Escape")
    for switch in ("Turns", "Tokens", "Overseer", "Status"):
        page.get_by_role("button", name=switch).click()
    page.get_by_label("Highlight a task").select_option(index=2)
    page.locator(".chart svg").first.hover()
    text = page.locator("main").inner_text()
    for attack in ATTACKS[:10]:
        assert " ".join(attack.split()) in text
    assert page.evaluate(f"window.{FLAG}") is None
    assert page.locator("img, iframe, object, embed, base, link, form").count() == 0
    targets = page.evaluate("[...document.links].map(link => link.getAttribute('href'))")
    assert {target[0] for target in targets} == {"#"}
    assert is_well(visit, hostile)
    page.set_viewport_size({"width": 390, "height": 844})
    assert fits(page)


def test_even_markup_that_got_in_could_neither_run_nor_load(visit: Visit, report: Path) -> None:
    page, refused = visit.open(report), list[str]()
    page.on("requestfailed", lambda request: refused.append(str(request.failure)))
    page.evaluate(
        """attack => {
        document.querySelector('main').innerHTML = '<img src=http://attack.example/x onerror="'
            + attack + '"><a id=link href="javascript:' + attack + '">link</a>';
        const script = document.createElement('script');
        script.textContent = attack;
        document.body.append(script);
    }""",
        f"window.{FLAG} = 1",
    )
    page.locator("#link").click()
    assert page.evaluate(f"window.{FLAG}") is None
    assert any("Content Security Policy" in each for each in visit.complaints)
    # It is the policy that stops it, and not only that the browser is offline.
    assert refused == ["csp"]


def test_without_scripts_verdict_tables_and_reviews_are_there(
    browser: Browser, hostile: Path, report: Path
) -> None:
    with visiting(browser, scripts=False) as visit:
        page = visit.open(report)
        assert "Without JavaScript" in page.locator("noscript").inner_text()
        assert page.locator("h1").is_visible()
        assert page.locator(".gates li").count() == 4
        assert page.locator(".board td a").first.inner_text() == "2 ok"
        page.locator("#metrics ~ .figures summary").first.click()
        table = page.get_by_role("table", name="Tokens per task")
        assert table.is_visible()
        # The same number as in the grid, which needs a script to show it.
        row = table.get_by_role("row", name="beta task 0").inner_text()
        assert row.split("\t")[1:] == ["learner", "503", "256", "259"]
        assert page.get_by_role("button").count() == 0
    with visiting(browser, scripts=False) as visit:
        page = visit.open(hostile)
        assert page.get_by_text("Too high a heading").first.is_visible()
        assert is_well(visit, hostile)


#: Tables that reach beyond the right edge.
_BESIDE_THE_PAPER = """[...document.querySelectorAll('main table')].filter((each) =>
  each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML.slice(0, 99))"""


def test_paper_gets_light_colours_what_matters_and_no_controls(
    visit: Visit, tmp_path: Path
) -> None:
    # A4 with the usual margins; so many iterations that some are packed.
    visit.page.set_viewport_size({"width": 718, "height": 1000})
    report = make_report(write_battery(tmp_path, iterations=24))
    page = visit.open(report)
    page.locator("figure summary").first.click()
    expect(page.get_by_role("table", name="Tokens per task, iterations 17 to 24")).to_be_visible()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(_BESIDE_THE_PAPER) == []
    # By iteration, which is folded on the screen; and what the reader unfolded.
    expect(page.get_by_role("region", name="Change by iteration")).to_be_visible()
    expect(page.get_by_role("table", name="Tokens per task, iterations 17 to 24")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    for screen_only in (".controls", ".contents", "footer details", "#learned ~ details"):
        assert page.locator(f"{screen_only}:visible").count() == 0
    assert fits(page)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[data-paper][open]").count() == 0
    assert page.locator("figure table").count() == 3
    assert is_well(visit, report)


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_packaged_battery_is_printed_on_four_pages(
    visit: Visit, packaged: Path, paper: str
) -> None:
    page = visit.open(packaged)
    expect(page.locator(".chart > svg")).to_have_count(5)
    page.emulate_media(media="print")
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper))) <= 4


_HEADINGS = """[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')]
  .filter(each => !each.closest('dialog')).map(each => Number(each.tagName[1]))"""
_NAMELESS = """[...document.querySelectorAll('a,button,select,[role=img],[role=region],section')]
  .filter(each => !each.closest('[hidden]') && !(each.ariaLabel || each.textContent.trim()
    || each.labels?.length)).map(each => each.outerHTML)"""
#: The lowest contrast of any text to the ground that it stands on, as WCAG computes it.
_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => parts(colour).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (parts(colour)[3] === 255) return colour;
    }
  };
  let lowest = [21, ''];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.disabled) continue;
    const svg = element.closest('svg');
    const style = getComputedStyle(element);
    const [one, other] = [light(svg ? style.fill : style.color), light(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < lowest[0]) lowest = [ratio, element.outerHTML.slice(0, 200)];
  }
  return lowest;
}"""


def test_it_is_accessible_in_the_main_things(visit: Visit, hostile: Path) -> None:
    page = visit.open(hostile)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    levels = page.evaluate(_HEADINGS)
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    assert page.evaluate(_NAMELESS) == []
    for landmark in ("main", "banner", "contentinfo", "navigation"):
        assert page.get_by_role(landmark).count() == 1
    page.get_by_role("button", name="Tokens").click()
    page.evaluate("location.hash = '#call-1-learn-0-1'")
    opened(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        contrast, where = page.evaluate(_CONTRAST)
        assert contrast >= 4.5, (scheme, where)


def test_every_chart_says_in_words_what_it_shows_and_has_its_table(
    visit: Visit, report: Path
) -> None:
    page = visit.open(report)
    charts = page.get_by_role("img", name="Line chart")
    assert charts.count() == 5
    assert "Mean, learner: from" in str(charts.first.get_attribute("aria-label"))
    assert page.locator("figure table").count() == 5


def test_many_tasks_are_drawn_in_part_and_listed_in_full(visit: Visit, tmp_path: Path) -> None:
    folder = write_battery(tmp_path, sizes=(140, 60, 50), iterations=2, arms=(LEARN,))
    page_path = make_report(folder)
    page = visit.open(page_path)
    assert "200 of 250 tasks are drawn" in page.locator("main").inner_text()
    assert page.locator("#highlight option").count() == 1 + 200
    assert page.locator(".board td a").count() == 500
    page.get_by_text("Tasks 201 to 250").click()
    page.locator("a[href='#call-2-learn-249-1']").click()
    assert opened(page) == "Iteration 2, learner"
    assert is_well(visit, page_path)


def test_reruns_are_shown_with_the_call_that_they_confirm(visit: Visit, tmp_path: Path) -> None:
    folder = write_battery(tmp_path, answering=_forgetting)
    step = folder.iteration(2)
    step.write_confirmations([_rerun(text) for text in ("first", "second")])
    page_path = make_report(folder)
    page = visit.open(page_path, "#call-2-learn-0-1")
    opened(page)
    page.get_by_label("Call", exact=True).select_option("rerun 2")
    expect(page.locator(".sheet h3")).to_have_text("Iteration 2, rerun 2 to confirm a failure")
    expect(page.locator(".sheet")).to_contain_text("second")
    expect(page.locator(".sheet")).to_contain_text("iter_2/confirmations.json")
    assert is_well(visit, page_path)


def _forgetting(asked: Asked) -> Json:
    lost = asked.phase is Phase.ALPHA and asked.number == 0 and asked.iteration > 1
    return {**answer(asked), **({"status": "failed", "error": "forgot"} if lost else {})}


def _rerun(text: str) -> dict[str, Any]:
    task = {"task_class": "class", "operation": "alpha task 0", "spec": {"number": 0}}
    log = [{"kind": "note", "text": text}]
    return {"task": task, "phase": "alpha", "result": {"status": "failed", "log": log}}


REASON = f"artifact.text: <img src=x onerror='window.{FLAG}=1'> expected, got \x1b"


def _graded(asked: Asked) -> Checked | None:
    """Refute the second easy task of the learner in iteration 2, and pass the others."""
    if asked.phase is Phase.GAMMA:
        return None
    wrong = (asked.arm, asked.iteration, asked.phase, asked.number) == (LEARN, 2, Phase.ALPHA, 1)
    failed = [FailedCheck(check="checks[0]", reason=REASON)] if wrong else []
    return Checked(ok=not wrong, claimed=True, failed=failed)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graded")
    return make_report(write_battery(folder, grading=_graded, siblings=True))


def test_an_answer_is_next_to_the_check_that_refutes_it(visit: Visit, graded: Path) -> None:
    page = visit.open(graded)
    page.locator("a[href='#call-2-learn-1-1']").click()
    assert opened(page) == "Iteration 2, learner"
    facts = page.locator("dialog .numbers").inner_text()
    assert "Claimed\nok" in facts
    assert "Graded\nfailed" in facts
    failed = page.locator("dialog .checks .failed")
    expect(failed.locator(".what")).to_have_text("checks[0]: ✗ failed")
    expect(failed).to_contain_text(REASON.replace("\x1b", "\\x1b"))
    assert page.evaluate(f"window.{FLAG}") is None
    answer = page.locator("dialog .graded .answer")
    expect(answer).to_contain_text("It hands in nothing.")
    expect(page.locator("dialog details", has_text="Artifact as JSON")).to_contain_text("usage")
    sides = [part.bounding_box() for part in (answer, failed)]
    assert sides[0]
    assert sides[1]
    assert sides[0]["x"] + sides[0]["width"] <= sides[1]["x"]
    page.set_viewport_size({"width": 390, "height": 800})
    assert fits(page)
    assert is_well(visit, graded)


def test_rows_can_be_limited_to_bluffs_and_to_new_tasks(visit: Visit, graded: Path) -> None:
    page = visit.open(graded)
    rows = page.locator(".board tbody tr:not(.phase):visible")
    headings = page.locator(".board tr.phase:visible")
    assert (rows.count(), headings.count()) == (16, 3)
    bar = page.get_by_role("search", name="Tasks by iteration")
    bar.get_by_role("button", name="Bluffs").click()
    assert (rows.count(), headings.count()) == (2, 1)
    # Without its task above it, a new one says whose sibling it is.
    assert rows.nth(1).locator("th").inner_text().split() == ["new", "like", "alpha", "task", "1"]
    expect(rows.first.locator(".bluff a")).to_have_text("bluff")
    bar.get_by_role("button", name="New tasks").click()
    assert (rows.count(), headings.count()) == (8, 3)
    bar.get_by_role("button", name="All").click()
    assert rows.count() == 16
    assert is_well(visit, graded)


def test_tasks_are_found_by_words_and_by_whether_they_changed_in_every_list(
    visit: Visit, graded: Path
) -> None:
    page = visit.open(graded)
    lists = {
        place: page.locator(f"section[aria-labelledby={place}] tr[data-task]:visible")
        for place in ("which", "tasks")
    }
    bars = page.get_by_role("search")
    field = bars.first.get_by_label("Find tasks")
    field.press_sequentially("TASK  beta")
    expect(lists["which"]).to_have_count(6)
    # The task, and its new siblings, which are found by what they are like.
    names = [" ".join(row.split("\t")[0].split()) for row in lists["tasks"].all_inner_texts()]
    assert names == [f"{new}beta task {number}" for number in range(3) for new in ("", "new like ")]
    expect(page.locator("#said")).to_have_text("6 of 16 tasks")
    # The other bar is the same one.
    expect(bars.last.get_by_label("Find tasks")).to_have_value("TASK  beta")
    # On a phone, where the lists are laid out otherwise, as well.
    page.set_viewport_size({"width": 390, "height": 800})
    assert (lists["which"].count(), lists["tasks"].count()) == (6, 6)
    assert fits(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    field.fill("nothing is called that")
    expect(lists["tasks"]).to_have_count(0)
    expect(page.locator("#said")).to_have_text("0 of 16 tasks")
    page.emulate_media(media="print")
    # Paper has all tasks, and none of the controls.
    assert (lists["tasks"].count(), bars.count()) == (16, 0)
    page.emulate_media(media="screen")
    field.fill("")
    expect(lists["tasks"]).to_have_count(16)
    bars.last.get_by_role("button", name="Failed").press("Enter")
    # Every one that is not marked ended as it should.
    expect(page.locator(".board tr[data-task]:visible:not(:has(td.off, td.bluff))")).to_have_count(
        0
    )
    assert lists["tasks"].count() == 2
    bars.last.get_by_role("button", name="Changed").click()
    words = {row.split("\t")[1] for row in lists["which"].all_inner_texts()}
    assert words
    assert "as before" not in words
    assert is_well(visit, graded)


def test_words_are_found_in_transcripts_and_lead_to_their_cells(
    visit: Visit, tmp_path: Path
) -> None:
    def answering(asked: Asked) -> Json:
        hidden = (asked.arm, asked.iteration, asked.phase, asked.number) == (
            LEARN,
            2,
            Phase.BETA,
            2,
        )
        entry = {"kind": "note", "text": 'He said "never\nagain", <b>twice</b>'}
        given = answer(asked)
        return {**given, "log": [*given["log"], *([entry] if hidden else [])]}

    report = make_report(write_battery(tmp_path, sizes=(60, 60, 2), answering=answering))
    page = visit.open(report)
    bar = page.get_by_role("search", name="Tasks by iteration")
    rows = page.locator(".board tr[data-task]:visible")
    bar.get_by_label("also in transcripts").check()
    bar.get_by_label("Find tasks").fill('"never <B>twice again"')
    expect(rows).to_have_count(1)
    expect(page.locator("#said")).to_have_text("1 of 122 tasks; the words are in 1 transcript")
    expect(page.locator(".board a.found")).to_have_count(1)
    page.locator(".board a.found").click()
    assert opened(page) == "Iteration 2, learner"
    page.keyboard.press("Escape")
    bar.get_by_label("also in transcripts").uncheck()
    expect(rows).to_have_count(0)
    assert is_well(visit, report)


def test_what_identifies_a_run_and_how_to_repeat_it_can_be_copied(
    visit: Visit, packaged: Path
) -> None:
    page = visit.open(packaged)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for what, shown in (("the command", "battery run --iterations 3"), ("Tasks, SHA-256", "")):
        button = page.get_by_role("button", name=f"Copy {what}")
        button.press("Enter")
        expect(page.locator("#said")).to_have_text(f"Copied: {what}")
        text = page.evaluate("navigator.clipboard.readText()")
        assert text.startswith(shown)
        assert text == page.locator(f"[data-copy='{what}']").inner_text().strip()
    # Where a browser forbids it, the text is selected.
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    page.evaluate("() => { document.execCommand = () => false; }")
    page.get_by_role("button", name="Copy Run").click()
    expect(page.locator("#said")).to_have_text("Selected: Run")
    assert (
        page.evaluate("getSelection().toString()") == page.locator("[data-copy=Run]").inner_text()
    )
    page.context.clear_permissions()
    assert is_well(visit, packaged)


def test_a_new_task_names_its_operation_and_opens_like_any_call(visit: Visit, graded: Path) -> None:
    page = visit.open(graded)
    cell = page.locator(".board tr.new td a").nth(2)
    assert cell.get_attribute("title") == "new 3: alpha task 0"
    cell.click()
    assert opened(page) == "Iteration 3, learner"
    expect(page.get_by_role("dialog")).to_contain_text("class: new 3: alpha task 0")
    expect(page.get_by_role("dialog")).to_contain_text("iter_3/siblings/runs.json")
    page.get_by_role("button", name="Next to its twin").click()
    expect(page.locator(".sheet h3").last).to_have_text("Iteration 3, twin")
    expect(page.locator(".sheet").last).to_contain_text("iter_3/siblings/control/runs.json")
    assert is_well(visit, graded)


def test_a_picture_can_be_taken_of_the_page_and_of_a_transcript(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    screenshot(browser, report, tmp_path / "page.png", width=390, height=844, whole=True)
    screenshot(browser, report, tmp_path / "call.png", anchor="#call-1-learn-0-1", scheme="dark")
    for name in ("page.png", "call.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
