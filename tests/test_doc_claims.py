"""What documents name exists today, and the numbers in their prose are the program's own."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from battery.base.network import CONNECT_TIMEOUT_S, KEEPALIVE_S
from battery.base.numbers import number, percent
from battery.calibration import ACCUSED, COIN, ERRORS, POWER_MARGIN
from battery.comparison.timeline import LEAST
from battery.protocol.limits import MAX_ANSWER_BYTES, MAX_ANSWER_VALUES
from battery.records.expectations import Expectations
from battery.records.metric import TABLE
from battery.records.models import CONFIRMATIONS, CONFIRMED
from battery.target.caller import EXCERPT
from battery.verdict import policy, power, signflip, simulation
from battery.verdict.metrics import NEEDED
from battery.verdict.statistics import most_without_event
from tests.test_docs import DOCS, PAGES, ROOT, name_of, tree

SOURCE = ROOT / "src" / "battery"
#: Folders that a document may name without saying where they are.
FOLDERS = {
    # The default folder of a campaign has the name of one of them.
    *(path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "campaign"),
    *("benchmarks", "docs", "src", "tests", ".ci"),
}
#: Where a path may begin.
ROOTS = (ROOT, SOURCE, ROOT / "src")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
MODULES = re.compile(r"(?:benchmarks|docs|tests|battery)(?:\.[a-z_]+)+")
#: Pages about the source; the names of code in them are battery's.
OF_THE_SOURCE = [ROOT / "CONTRIBUTING.md", DOCS / "explanation/design.md"]


def code_in(page: Path) -> Iterator[str]:
    """Yield the lines of code of a page, in its prose and in its blocks."""
    for node in tree(page).walk():
        if node.type in {"code_inline", "code_block", "fence"}:
            yield from node.content.splitlines()


def words_in(page: Path) -> Iterator[str]:
    for line in code_in(page):
        yield from re.split(r"[\s(),:;`\"']+", line)


def is_there(path: str) -> bool:
    return any((root / path).exists() for root in ROOTS)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_that_a_document_names_exist(page: Path) -> None:
    named = {
        word
        for word in words_in(page)
        if "/" in word
        and "{" not in word
        and (word.split("/")[0] in FOLDERS or word.endswith(".py"))
    }
    assert {word for word in named if not is_there(word.removeprefix("./"))} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_modules_that_a_document_names_exist(page: Path) -> None:
    named = {
        word.removesuffix(".py")
        for line in code_in(page)
        for word in MODULES.findall(line)
        if re.search(rf"(?:-m|from|import) {re.escape(word)}", line)
    }
    assert {name for name in named if importlib.util.find_spec(name) is None} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_that_a_document_names_exist(page: Path) -> None:
    commands = (re.fullmatch(r"make(?: [A-Z]+=\S+)? ([a-z]+)(?: +#.*)?", s) for s in code_in(page))
    assert {command[1] for command in commands if command} <= TARGETS


@pytest.mark.parametrize("page", OF_THE_SOURCE, ids=name_of)
def test_names_of_code_that_a_document_names_exist(page: Path) -> None:
    files = [path for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py")]
    source = "\n".join(path.read_text("utf-8") for path in files)
    inline = (node.content for node in tree(page).walk() if node.type == "code_inline")
    named = {text for text in inline if re.fullmatch(r"[A-Z]\w+(?:\.\w+)*", text)}
    parts = {part for name in named for part in name.split(".")}
    assert {part for part in parts if not re.search(rf"\b{part}\b", source)} == set()


WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
ALPHA, RELEVANT = policy.level(), policy.relevant()
POINTS = number(policy.RELEVANT * 100, 0)
SLOPE = WORDS[policy.SLOPE_ITERATIONS]
RERUNS, FAILING = WORDS[CONFIRMATIONS], WORDS[CONFIRMED]
LOSS, COMPARED = policy.level(policy.LOSS), policy.level(policy.compared())
COMPARED_INTERVAL = percent(1 - policy.compared(), 1)
COMPARED_TASKS = WORDS[policy.least_tasks(policy.compared() / 2)]
COUNTED = WORDS[sum(metric.counted for metric in TABLE)]
BUDGET = WORDS[round(Expectations().gamma_token_factor)]
BOUND = percent(most_without_event(6))


def exactly(level: float) -> str:
    """Write a level with all its digits: `.0125`."""
    return f"{level:g}".removeprefix("0")


#: Phrases as the documents have them, with the numbers that the program has.
CLAIMS = {
    "docs/explanation/verdict.md": [
        f"which takes {SLOPE} iterations to show",
    ],
    "docs/reference/files.md": [
        f"Tasks that learning may have lost, asked {CONFIRMATIONS} more times",
        f"asked {RERUNS} more times of the learner. In task order, {RERUNS} entries per task",
    ],
    "docs/reference/evidence.md": [
        f"fail their checks more often than without it (p ≤ {policy.level(policy.REFUTED)})",
        f"half as much or more, with p ≤ {policy.level(policy.NEW)}",
        f"(p < {policy.level(policy.SAME_START_ALPHA)}, and by {percent(policy.SPOILING)} or more)",
        f"more often than without it (p ≤ {policy.level(policy.GATE)})",
        f"(p ≤ {ALPHA}) and beyond its largest step, with {SLOPE} iterations or more",
        f"The interval of the cost is inside ±{RELEVANT}",
        f"{RELEVANT} is what counts unless the tasks file",
        f"no more than the error budget of {percent(policy.ALPHA)}",
    ],
    "docs/reference/comparison.md": [
        f"each has half of the error budget of {ALPHA}",
        f"a two-sided p of at most {COMPARED}",
        f"*relevant* means {RELEVANT} of the cost or {POINTS} points of the calls",
        f"does {POINTS} points fewer tasks with a one-sided p of at most {LOSS}",
        f"the {COMPARED_INTERVAL} interval of the cost is inside ±{RELEVANT}, the tasks done "
        f"differ neither significantly nor by {POINTS} points",
        f"With fewer than {COMPARED_TASKS} tasks no p can be so small",
    ],
    "docs/reference/commands.md": [
        f"is asked {RERUNS} more times, of the learner",
        f"Once {FAILING} of those {RERUNS} have failed",
        f"from {WORDS[LEAST]} batteries on a p-value",
        f"that {percent(policy.POWER)} of such batteries show",
        f"below {percent(policy.POWER)}, how many iterations (up to {power.MOST['iterations']}), "
        f"tasks (up to {power.MOST['tasks']}) or repeats (up to {power.MOST['repeats']})",
        f"iteration to iteration. 0.001 to {power.LARGEST_DROP}.",
    ],
    "docs/reference/wire.md": [
        f"Connecting alone may take {CONNECT_TIMEOUT_S:g} seconds",
        f"An answer larger than {MAX_ANSWER_BYTES >> 20} MiB, "
        f"with more than {MAX_ANSWER_VALUES:,} values",
        f"for at most {KEEPALIVE_S:g} idle seconds",
    ],
    "docs/reference/errors.md": [
        f"none within {CONNECT_TIMEOUT_S:g} seconds",
        f"outgrew {MAX_ANSWER_BYTES >> 20} MiB or {MAX_ANSWER_VALUES:,} values",
        f"the first {EXCERPT} characters of the body",
    ],
    "docs/explanation/method.md": [
        f"at most {WORDS[round(policy.ALPHA * 100)]} batteries in a hundred say so",
        f"Together they may be wrong in {percent(policy.ALPHA)} of the batteries",
        f"at most {exactly(policy.SUCCESS)}; {exactly(policy.SUCCESS_OF_TWO)} with two runs per",
        f"at most {exactly(policy.NICHE)}; 1/{1 / policy.NICHE_OF_SIX:g} if there are only six",
        f"what is left of {exactly(policy.planned())} |",
        f"The remaining {exactly(policy.LATER)} is for",
        f"The chances of a false yes add up to {exactly(policy.planned())} at most",
        f"arrangements up to {signflip.EXACT_UP_TO} tasks, {signflip.RANDOM_FLIPS:,} seeded",
        f"no more than {policy.PAIRS} pairs count",
        f"With {WORDS[policy.least_tasks(policy.NICHE)]} niche tasks or more",
        f"at {policy.level(policy.SCATTER)} divided by the iterations after the first. If it finds "
        f"more scatter, the levels of both questions about cost are divided by {policy.SCATTERED}",
        f"fewer than {RELEVANT} are saved, or less than {POINTS} points more tasks are done",
        f"(p ≤ {policy.level(policy.LEANING)}, or too few tasks to tell), and gained less than "
        f"{RELEVANT} since; or it did more then, and gained less than {POINTS} points since",
        f"(exact test by task, p ≤ {policy.level(policy.GATE)}): a system that reports",
        f"a cached token costs {exactly(policy.CACHED_PRICES[0])} to "
        f"{exactly(policy.CACHED_PRICES[1])} of one of the prompt, one of the output "
        f"{policy.OUTPUT_PRICES[0]:g} to {policy.OUTPUT_PRICES[1]:g}",
        f"those that can be done cost less by under {percent(policy.DOABLE * policy.RELEVANT)}",
        f"calls that took turns (exact test by task, p ≤ {policy.level(policy.GATE)})",
        f"more often than the twin (p ≤ {policy.level(policy.GATE)})",
        f"takes {RELEVANT} more than in iteration 1 (p ≤ {policy.level(policy.GATE)}), and "
        f"the learner does not save {RELEVANT} of what it took in its own "
        f"(p ≤ {policy.level(policy.GATE)})",
        f"fewer tasks than at first (p ≤ {policy.level(policy.LOSS)}), and the learner is not "
        f"shown to do more (p ≤ {policy.level(policy.GATE)})",
        f"say ok and report an error more often than the twin's (p ≤ {policy.level(policy.GATE)})",
        f"prompt and output separately less often than the twin (p ≤ {policy.level(policy.GATE)})",
        f"a typical task saves less than {RELEVANT} of the bill",
        f"If less than {percent(policy.SHARE * policy.RELEVANT)} is saved in the last iteration",
        f"saves less than {RELEVANT} where it was asked first, and more where its twin was "
        f"(p ≤ {policy.level(policy.GATE)})",
        f"dollars are saved, and less than {RELEVANT}, or than half of that",
        f"{RELEVANT} or more of the learner's answers to these tasks came from a cache",
        f"scatter more, and less than {RELEVANT} remains after a correction",
        f"gained less than {percent(policy.NICHE_SINCE * policy.RELEVANT)} since iteration 1, or",
        f"(p of flips over the tasks above 1/{1 / policy.NICHE_TASKS:g})",
        f"the flips over all tasks give more than {exactly(policy.LATER_TASKS)}, and niche "
        f"tasks gained less than {percent(policy.NICHE_SINCE_LATER * policy.RELEVANT)} since",
        f"including the reruns, with {POINTS} points or more",
        f"At p ≤ {policy.level(policy.LOSS)} it objects to a gain",
        f"So do niche or easy tasks alone at p ≤ {policy.level(policy.LOSS / 2)}, since",
        f"At p ≤ {exactly(policy.SURE_LOSS)} a loss over all tasks is REGRESSED",
        f"unless others are and p is above {policy.level(policy.LOSS)}",
        f"p ≤ {policy.level(policy.NEW)}, and siblings save at least half of what",
        f"siblings are done (p ≤ {policy.level(policy.NEW)}, by {POINTS} points or more)",
        f"fail their checks more often than without (p ≤ {policy.level(policy.REFUTED)})",
        f"that stopped doing the easy tasks (exact test by task, p ≤ {policy.level(policy.GATE)})",
        f"could have been the best, if that one saved {RELEVANT} or more",
        f"Next to a gain, p ≤ {policy.level(policy.PRICE)} is enough for MIXED",
        f"the interval of the cost is inside ±{RELEVANT}",
        f"by the exact test by task at {policy.level(policy.GATE)}",
        f"than their budget: {BUDGET} times the mean of easy tasks",
        f"so do {FAILING} or {RERUNS} of the {RERUNS} reruns",
        f"p ≤ {policy.level(policy.FLAKY)} divided by the iterations after the first",
        f"the rate of bluffs is below {BOUND}",
        f"test that at {policy.level(policy.SAME_START_ALPHA)}. If they differ, and by "
        f"{percent(policy.SPOILING)} or more, the battery is INVALID",
        f"It takes {SLOPE} iterations or more, because three savings make no slope, and "
        f"{WORDS[policy.SLOPE_TASKS]} tasks",
        f"with midranks for ties; p ≤ {ALPHA}",
        f"ever reach {3 / policy.LATER:g} in at most one battery of {3 / policy.LATER:g}",
        f"how many of the {COUNTED} metrics improved from the first to the last iteration. "
        f"{WORDS[NEEDED].title()} or more read",
        f"at least {WORDS[policy.BATTERIES]} independent batteries",
    ],
    "docs/explanation/calibration.md": [
        f"they may not exceed {percent(policy.ALPHA)}",
        f"a slope over {WORDS[policy.SLOPE_ITERATIONS - 1]} points, so it never comes before "
        f"iteration {policy.SLOPE_ITERATIONS}",
        f"fewer than {policy.SLOPE_ITERATIONS} iterations",
        f'"Give or take" is {WORDS[round(ERRORS)]} standard errors',
        f"| at most {percent(policy.ALPHA)}, give or take",
        f"| at most {percent(ACCUSED)}, give or take",
        f"between {COIN[0] * 100:g} and {percent(COIN[1])}, give or take",
        f"within {POWER_MARGIN * 100:g} points of what is documented",
        f"is asked {WORDS[CONFIRMATIONS]} more times, by the rule of a run",
        f"a claim about a system takes at least {WORDS[policy.BATTERIES]}",
        f"{NEEDED} or more of {sum(metric.counted for metric in TABLE)} metrics improved",
    ],
    "docs/how-to/compare.md": [
        f"its {COMPARED_INTERVAL} interval and p",
        f"Each of the two p-values is held to {COMPARED}, so that both together are wrong in at "
        f"most {percent(policy.ALPHA)} of comparisons",
        f"With fewer than {COMPARED_TASKS} tasks no p can be so small",
        f"at least {WORDS[policy.BATTERIES]} independent batteries of each",
        f"takes {WORDS[LEAST]} batteries of one set: no order of {WORDS[LEAST - 1]} has a p "
        f"below {ALPHA}",
    ],
    "docs/how-to/own-gateway.md": [
        f"is sent {RERUNS} more times",
    ],
    "docs/how-to/plan-a-run.md": [
        f"LEARNED demands a saving of at least {RELEVANT}",
        f"Each figure comes from up to {simulation.SIMULATIONS:,} simulated batteries",
        f"with {percent(power.CAUTION)} confidence",
        f"What is promised to {percent(policy.POWER)} of batteries",
        "has only a tenth of the error budget",
    ],
}
#: Where a verdict or an outcome is defined every number must be among the claims.
DEFINING = {
    "docs/reference/evidence.md": "## Verdict words",
    "docs/reference/comparison.md": "## Outcome words",
    "docs/explanation/method.md": "### Objections",
}
THRESHOLD = re.compile(r"\d+ ?%|(?<!\w)\.\d+|\d+ points|\d+ ms")


def prose(page: str) -> str:
    """Return the text of a page on one line."""
    return " ".join((ROOT / page).read_text("utf-8").split())


@pytest.mark.parametrize(("page", "claim"), [(p, claim) for p in CLAIMS for claim in CLAIMS[p]])
def test_the_numbers_of_a_document_are_those_of_the_program(page: str, claim: str) -> None:
    assert claim in prose(page)


@pytest.mark.parametrize("page", DEFINING)
def test_no_threshold_in_a_definition_goes_unchecked(page: str) -> None:
    text = (ROOT / page).read_text("utf-8").partition(DEFINING[page])[2].partition("\n## ")[0]
    text = " ".join(text.partition("\n### ")[0].split())
    for claim in CLAIMS[page]:
        text = text.replace(claim, "")
    assert THRESHOLD.findall(text) == []
