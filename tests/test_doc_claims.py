"""What documents name exists today, and the numbers in their prose are the program's own."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from battery.base.numbers import number, percent
from battery.calibration import COIN, ERRORS, POWER_MARGIN
from battery.comparison.timeline import LEAST
from battery.protocol.limits import MAX_ANSWER_BYTES, MAX_ANSWER_VALUES
from battery.records.metric import TABLE
from battery.records.models import CONFIRMATIONS, CONFIRMED, Expectations
from battery.target.http import EXCERPT
from battery.target.transport import CONNECT_TIMEOUT_S, KEEPALIVE_S
from battery.verdict import policy, power, signflip
from battery.verdict.metrics import NEEDED
from battery.verdict.statistics import clopper_pearson_upper
from tests.test_docs import DOCS, PAGES, ROOT, name_of, tree

SOURCE = ROOT / "src" / "battery"
#: Folders that a document may name without saying where they are.
FOLDERS = {
    *(path.name for path in SOURCE.iterdir() if path.is_dir()),
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
        if "/" in word and (word.split("/")[0] in FOLDERS or word.endswith(".py"))
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
ALPHA, RELEVANT, NARROW = policy.level(), policy.relevant(), policy.narrow()
POINTS = number(policy.RELEVANT * 100, 0)
ALL_ONE_WAY = policy.level(policy.ALL_ONE_WAY)
SLOPE = WORDS[policy.SLOPE_ITERATIONS]
RERUNS, FAILING = WORDS[CONFIRMATIONS], WORDS[CONFIRMED]
DECIDING = WORDS[sum(metric.decides for metric in TABLE)]
COUNTED = WORDS[sum(metric.counted for metric in TABLE)]
BUDGET = WORDS[round(Expectations().gamma_token_factor)]
BOUND = percent(clopper_pearson_upper(0, 6))
#: Phrases as the documents have them, with the numbers that the program has.
CLAIMS = {
    "README.md": [
        f"which takes {SLOPE} iterations to show",
    ],
    "docs/reference/files.md": [
        f"Tasks that learning may have lost, asked {CONFIRMATIONS} more times",
        f"asked {RERUNS} more times in the learn arm. In task order, {RERUNS} entries per task",
    ],
    "docs/reference/evidence.md": [
        f"(p < {policy.level(policy.SAME_START_ALPHA)}, by {percent(policy.SPOILING)} or more)",
        f"worse by {RELEVANT} or more (a rate by {POINTS} points or more)",
        f"as {RERUNS} reruns confirmed",
        f"(p ≤ {ALPHA}), with {SLOPE} iterations or more",
        f"p ≤ {ALPHA}, the {percent(policy.LEVEL)} interval excludes 1, a saving of {RELEVANT} or",
        f"The {NARROW} interval of the ratio of tokens is inside ±{RELEVANT}",
    ],
    "docs/reference/comparison.md": [
        f"a p of at most {ALPHA}, corrected by max-T for the {DECIDING} metrics that decide",
        f"*relevant* means {RELEVANT} or, for a rate, {POINTS} points",
        f"ends {POINTS} points fewer tasks ok, and no task that differs speaks the other way "
        f"(p ≤ {ALL_ONE_WAY})",
        f"the {NARROW} interval of the ratio of tokens is inside ±{RELEVANT}",
    ],
    "docs/reference/commands.md": [
        f"is asked {RERUNS} more times, in the learn arm",
        f"Once {FAILING} of those {RERUNS} have failed",
        f"from {WORDS[LEAST]} batteries on a p-value",
        f"that {percent(policy.POWER)} of such batteries show",
        f"below {percent(policy.POWER)}, how many iterations (up to {power.MOST['iterations']}), "
        f"tasks (up to {power.MOST['tasks']}) or repeats (up to {power.MOST['repeats']})",
        f"compared with the one before, 0.001 to {power.LARGEST_DROP}",
    ],
    "docs/reference/wire.md": [
        f"Connecting alone may take {CONNECT_TIMEOUT_S:g} seconds",
        f"An answer larger than {MAX_ANSWER_BYTES >> 20} MiB, "
        f"with more than {MAX_ANSWER_VALUES:,} values",
        f"for at most {KEEPALIVE_S:g} idle seconds",
    ],
    "docs/reference/errors.md": [
        f"No connection within {CONNECT_TIMEOUT_S:g} seconds",
        f"outgrew {MAX_ANSWER_BYTES >> 20} MiB or {MAX_ANSWER_VALUES:,} values",
        f"the first {EXCERPT} characters of the body",
    ],
    "docs/explanation/method.md": [
        f"how many of the {COUNTED} metrics improved from the first to the last iteration. "
        f"{WORDS[NEEDED].title()} or more read",
        f"arrangements up to {signflip.EXACT_UP_TO} tasks, {signflip.RANDOM_FLIPS:,} seeded",
        f"Only from {SLOPE} iterations on",
        f"than its budget: {BUDGET} times the mean of alpha",
        f"so do {FAILING} or {RERUNS} of the {RERUNS} reruns",
        f"p ≤ {policy.level(policy.FLAKY)} divided by the iterations after the first",
        f"the rate of bluffs is below {BOUND}",
        f"(p ≤ {policy.level(policy.LEANING)}), and gained less than {RELEVANT} since",
        f"ends {POINTS} points fewer tasks ok, and no task that differs speaks the other way "
        f"(p ≤ {ALL_ONE_WAY})",
        f"within the {policy.RESOLUTION_S * 1000:g} ms per call",
        f"at least {WORDS[policy.BATTERIES]} independent batteries",
    ],
    "docs/explanation/calibration.md": [
        f"an interval that excludes 1, a saving of {RELEVANT} or more, gates passed",
        f"a slope over {WORDS[policy.SLOPE_ITERATIONS - 1]} points, so it never comes before "
        f"iteration {policy.SLOPE_ITERATIONS}",
        f"fewer than {policy.SLOPE_ITERATIONS} iterations",
        f'"Give or take" is {WORDS[round(ERRORS)]} standard errors',
        f"| primary p ≤ {ALPHA} | at most {percent(policy.ALPHA)}, give or take",
        f"between {COIN[0] * 100:g} and {percent(COIN[1])}, give or take",
        f"within {POWER_MARGIN * 100:g} points of what is documented",
        f"{WORDS[CONFIRMATIONS]} reruns may fail by bad luck",
        f"is asked {RERUNS} more times, by the rule of a run",
        f"{NEEDED} or more of {sum(metric.counted for metric in TABLE)} metrics improved",
    ],
    "docs/how-to/compare.md": [
        f"corrected for the {DECIDING} metrics that decide",
        f"at least {WORDS[policy.BATTERIES]} independent batteries of each",
        f"takes {WORDS[LEAST]} batteries of one set: no order of {WORDS[LEAST - 1]} has a p "
        f"below {ALPHA}",
    ],
    "docs/how-to/own-gateway.md": [
        f"is asked {RERUNS} more times",
    ],
    "docs/how-to/plan-a-run.md": [
        f"LEARNED demands a saving of at least {RELEVANT}",
        f"The figures come from {power.SIMULATIONS:,} simulated batteries",
        f"p of at most {ALPHA} in the sign-flip test, a {percent(policy.LEVEL)} interval that "
        f"excludes no effect, {RELEVANT} saved",
        f"p of at most {ALPHA} in Page's test",
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
