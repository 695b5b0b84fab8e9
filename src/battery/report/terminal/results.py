"""What `battery history`, `power` and `review` print; pure but for writing."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from math import exp
from pathlib import Path
from typing import Final, TextIO

from battery.base.numbers import HUGE, counted, number, percent, signed_percent
from battery.base.text import brief, can_show, cells, listed, printable, write_line
from battery.comparison.timeline import LEAST, Course, Entry, History
from battery.records.metric import METRICS, MONEY, TOKENS
from battery.records.models import KINDS, Proposal, ReviewOutcome, Verdict
from battery.report.compare import share
from battery.report.evidence import NONE, mean, relative
from battery.report.terminal.look import GAP, WIDTH, Look, align, say
from battery.verdict.planning import Asked, Name, Needed, Prospects, Question
from battery.verdict.runs.power import MOST_RUNS, OverRuns

#: Columns of the name of a system.
_SYSTEM: Final = 40
_BARS: Final = "▁▂▃▄▅▆▇█"
#: Columns that a terminal may have no room for, the first to go first; `--json` has all of it.
_LEFT_OUT: Final = ("interval", "dollars", "set")


def print_history(history: History, stream: TextIO) -> None:
    """Write the history for people, at most 80 columns but for paths, which are whole."""
    bars = _BARS if can_show(stream, _BARS) else ""
    for text in history_lines(history, Look.of(stream), bars):
        write_line(stream, text)
    for warning in history.warnings:
        say(f"warning: {printable(warning)}", stream, GAP)


def history_lines(history: History, look: Look, bars: str = _BARS) -> Iterator[str]:
    """Build the lines of `print_history`, warnings aside; without `bars` no sparklines."""
    if history.batteries:
        yield from _table(history.batteries, look)
        yield ""
    few = [course for course in history.courses if course.short]
    # Line after line that says the same would hide the sets that have a trend.
    folded = few if len(few) > 1 else []
    for course in history.courses:
        if course not in folded:
            several = len(history.courses) > 1
            yield from look.hang(look.change(_course(course, bars, named=several)))
    if folded:
        yield from look.hang(_too_few(folded))


def sparkline(values: Sequence[float], bars: str = _BARS) -> str:
    """Draw values as bars between the smallest and the largest; all equal are all lowest."""
    if not values or not bars:
        return ""
    low, spread = min(values), max(values) - min(values)
    top = len(bars) - 1
    return "".join(bars[round((value - low) / spread * top) if spread else 0] for value in values)


def _table(entries: Sequence[Entry], look: Look) -> Iterator[str]:
    """Lay out a line of numbers for each battery, and what it is called behind or below it."""
    columns = _columns(entries, look)
    for name in _LEFT_OUT:
        if _width(columns) > look.width:
            columns.pop(name, None)
    called = [_called(entry) for entry in entries]
    heads, *rows = [GAP.join(cells) for cells in zip(*columns.values(), strict=True)]
    room = look.width - _width(columns) - len(GAP)
    # All behind or all below: a list that does both is hard to follow.
    behind = all(cells(GAP.join(names)) <= room for names in [["folder"], *called])
    behind = behind and not any(entry.note for entry in entries)
    yield look.paint(f"{heads}{GAP}folder" if behind else heads.rstrip(), "bold")
    for entry, row, names in zip(entries, rows, called, strict=True):
        if behind:
            yield f"{row}{GAP}{GAP.join(names)}"
        else:
            yield row.rstrip()
            yield from _below(names, look)
        if entry.note:
            # Of a long note what fits a line: a list of batteries is read for its numbers.
            note = brief(f"note: {entry.note}", look.width - len(GAP), ellipsis=look.cut)
            yield GAP + note


def _columns(entries: Sequence[Entry], look: Look) -> dict[str, list[str]]:
    """Return the columns by name, heads first; one that nobody has anything in is not there."""
    effects = [_effect(entry) for entry in entries]
    columns = {"start": align(["start", *map(_start, entries)], left=True)}
    if len({entry.group for entry in entries}) > 1:
        columns["set"] = align(["set", *(str(entry.group or NONE) for entry in entries)])
    columns["it."] = align(["it.", *(str(entry.iterations) for entry in entries)])
    columns["verdict"] = align(
        ["verdict", *(entry.verdict or NONE for entry in entries)], left=True
    )
    columns["tokens"] = align(["tokens", *(mean(TOKENS, entry.tokens) for entry in entries)])
    if any(entry.cost_usd is not None for entry in entries):
        dollars = (mean(MONEY, entry.cost_usd) for entry in entries)
        columns["dollars"] = align([METRICS[MONEY].plain, *dollars])
    if any(effect != NONE for effect, _ in effects):
        columns["vs twin"] = align(["vs twin", *(look.change(effect) for effect, _ in effects)])
    if any(interval for _, interval in effects):
        intervals = (look.change(interval) for _, interval in effects)
        columns["interval"] = align(["interval", *intervals], left=True)
    columns["ok"] = align(["ok", *(share(entry.ok) for entry in entries)])
    return columns


def _width(columns: Mapping[str, Sequence[str]]) -> int:
    return sum(len(column[0]) for column in columns.values()) + len(GAP) * (len(columns) - 1)


def _called(entry: Entry) -> list[str]:
    """Return name, tags and folder, as far as there are any."""
    unfinished = "" if entry.state in {None, "finished"} else f" ({entry.state})"
    tags = [f"[{', '.join(entry.tags)}]"] if entry.tags else []
    own = [entry.name] if entry.name else []
    return [printable(text) for text in (*own, *tags, f"{entry.folder}{unfinished}")]


def _below(names: Sequence[str], look: Look) -> Iterator[str]:
    line = GAP + GAP.join(names)
    if cells(line) <= look.width:
        yield line
        return
    *about, folder = names
    for text in about:
        yield from look.wrap(text, GAP)
    # A path is whole on a line of its own, however long it is.
    yield f"{GAP}{folder}"


def _start(entry: Entry) -> str:
    # Without seconds; a start that only the files tell is marked.
    shown = printable(entry.started_at)[:16].replace("T", " ")
    return shown if entry.dated_by != "files" else f"{shown}?"


def _effect(entry: Entry) -> tuple[str, str]:
    """Write the effect and its interval, which is empty where there is none."""
    # Of a battery that is INVALID, or that bluffed, the number says nothing about learning.
    trusted = entry.verdict is None or entry.verdict.about.trusted
    if entry.effect is None or not trusted:
        return NONE, ""
    ends = (entry.interval.low, entry.interval.high) if entry.interval else ()
    return _relative(entry.effect), " to ".join(map(_relative, ends))


def _relative(ratio: float) -> str:
    # Against almost nothing a ratio has no meaning any more, and its digits would burst the column.
    if ratio > HUGE:
        return ">+900%"
    return signed_percent(ratio - 1, 0)


def _too_few(courses: Sequence[Course]) -> str:
    numbers = listed([str(course.group) for course in courses])
    most = max(course.batteries for course in courses)
    return f"sets {numbers}: too few for a trend: at most {most} of at least {LEAST} batteries"


def _course(course: Course, bars: str, *, named: bool) -> str:
    name = f"set {course.group}, {counted(course.tasks, 'task')}"
    if named and course.system:
        name += f" of {brief(course.system, _SYSTEM)}"
    drawn = sparkline(course.tokens, bars)
    change = "" if course.change is None else f"{_moved(course)}; "
    return f"{name}: {f'{drawn} ' if drawn else ''}{change}{course.text}"


def _moved(course: Course) -> str:
    change = relative(1 + (course.change or 0.0))
    return f"tokens {change} from the first to the last of {course.batteries} batteries"


_LABEL: Final = 22
_TITLES: Final[dict[Name, str]] = {
    "learned": "Do all tasks save? (LEARNED)",
    "niche": "Do only the niche tasks save? (LEARNED)",
    "compounding": "Does the saving go on growing? (COMPOUNDING)",
    "trend": "Does the learner's own cost fall? (a trend, whatever its cause)",
}
#: Less than this is what the search gives where nothing at all is needed.
_ANY: Final = 0.001


def text(prospects: Prospects) -> str:
    """Write one block per question, then what the words mean and what was assumed."""
    lines = [*_size(prospects), ""]
    for question in prospects.questions:
        lines += [_TITLES[question.name], *_answers(question, prospects), ""]
    if prospects.over_runs:
        lines += _over_runs(prospects.over_runs, prospects)
    lines += _paragraph(
        f"Seen: {percent(prospects.power)} of such batteries show it. A drop is what each "
        "iteration saves compared with the one before. On average: over the iterations after the "
        "first, against the twin. For a saving that comes at once and stays, "
        "this average is what counts."
    )
    for assumption in prospects.assumptions:
        lines += _paragraph(assumption, "- ")
    return "\n".join(lines)


def _over_runs(over: OverRuns, prospects: Prospects) -> Iterator[str]:
    """Write what a campaign could see, a block per question that may be its primary one."""
    for asked in over.questions:
        yield f"{_OVER_RUNS[asked.primary].format(counted(over.runs, 'run'))} (LEARNED)"
        drop, reduction = asked.smallest_drop, asked.smallest_reduction
        least = f"none: {counted(over.runs, 'run')} cannot reach the level"
        if drop is not None and reduction is not None:
            least = f"{_share(drop)} per iteration, {_share(reduction)} on average"
        yield from _answer("smallest drop seen", least)
        if asked.power is not None and prospects.drop is not None:
            chance = f"{int(100 * asked.power)} of 100 such campaigns show it"
            yield from _answer(f"a drop of {_share(prospects.drop)}", chance)
            if asked.power < prospects.power:
                needed = f"{asked.needed} runs" if asked.needed else f"more than {MOST_RUNS} runs"
                yield from _answer(f"for {number(100 * prospects.power, 0)} of 100", needed)
        yield ""
    known = f"(spread {number(over.spread)}, {over.spread_source})"
    usual = f"lie within a factor of {number(exp(over.spread))} of what is usual"
    told = f"Two of three memories {usual}" if over.spread else "Memories do not differ"
    yield from _paragraph(f"{told} {known}.")
    yield ""


_OVER_RUNS: Final = {
    "cost": "Does the system save, over {}?",
    "niche": "Does it save on its niche tasks, over {}, asked first?",
}


def _size(prospects: Prospects) -> Iterator[str]:
    kinds = ", ".join(f"{count} {KINDS[phase]}" for phase, count in prospects.phases.items())
    yield from _paragraph(
        f"{counted(prospects.tasks, 'task')} ({kinds}), "
        f"{counted(prospects.iterations, 'iteration')}, {counted(prospects.repeats, 'repeat')}"
    )
    noise, planned = number(prospects.noise), number(prospects.noise_planned)
    bound = f"; planned with its upper bound, {planned}" if planned != noise else ""
    yield f"noise {noise} ({prospects.noise_source}){bound}"
    if prospects.noise_planned == 0:
        yield "Without noise the calls are deterministic: any change of enough tasks shows."
    else:
        factor = number(exp(prospects.noise_planned))
        yield f"Two of three calls lie within a factor of {factor} of what their task takes."


def _answers(question: Question, prospects: Prospects) -> Iterator[str]:
    yield from _answer("smallest drop seen", _smallest(question))
    if prospects.drop is not None and question.asked is not None:
        yield from _answer(f"a drop of {_share(prospects.drop)}", _chance(question.asked))
        if question.asked.needed is not None:
            needed = _alone(question.asked.needed, prospects)
            yield from _answer(f"for {number(100 * prospects.power, 0)} of 100", needed)


def _smallest(question: Question) -> str:
    drop, reduction = question.smallest_drop, question.smallest_reduction
    if drop is None:
        return f"none: {question.impossible}"
    words = f"{_share(drop)} per iteration" if drop >= _ANY else "any"
    return f"{words}, {_share(reduction)} on average" if reduction and drop >= _ANY else words


def _chance(asked: Asked) -> str:
    # Rounded down, so that what misses the power meant never reads as if it reached it.
    return f"{int(100 * asked.power)} of 100 such batteries show it"


def _alone(needed: Needed, prospects: Prospects) -> str:
    """Name what is enough alone."""
    counts = {
        "iteration": (prospects.iterations, needed.iterations),
        "task": (prospects.tasks, needed.tasks),
        "repeat": (prospects.repeats, needed.repeats),
    }
    ways = [counted(more, noun) for noun, (now, more) in counts.items() if more and more > now]
    return ", or ".join(ways) if ways else "more of one thing is not enough; raise several"


def _share(share: float) -> str:
    return percent(share, 1).replace(".0%", "%")


def _answer(label: str, words: str) -> list[str]:
    return _paragraph(words, f"  {label}:".ljust(_LABEL) + " ")


def _paragraph(words: str, start: str = "") -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


_INDENT: Final = " " * 11


def print_reviews(outcome: ReviewOutcome, folder: Path, stream: TextIO) -> None:
    """Print each proposal with its verdict and its reason, then where the texts are."""
    for text in review_lines(outcome, folder):
        write_line(stream, text)


def review_lines(outcome: ReviewOutcome, folder: Path) -> Iterator[str]:
    """Build the lines of `print_reviews`, foreign text made harmless."""
    verdicts = {verdict.proposal: verdict for verdict in outcome.verdicts}
    yield f"Iteration {outcome.iteration}: {len(outcome.proposals)} proposals"
    for proposal in outcome.proposals:
        yield ""
        for label, text in _proposal(proposal, verdicts.get(proposal.number)):
            yield from _wrapped(label, text)
    yield ""
    yield from (printable(str(folder / path)) for path in outcome.artifacts)


def _proposal(proposal: Proposal, verdict: Verdict | None) -> Iterator[tuple[str, str]]:
    """Yield labels and texts."""
    word = verdict.verdict if verdict else "not judged"
    missing = " (not in the repository)" if proposal.target_exists is False else ""
    yield f"{proposal.number}. {word}", proposal.title
    yield "   target", f"{proposal.target_file or 'not named'}{missing}"
    if verdict and verdict.reason:
        yield "   reason", verdict.reason
    for flag in verdict.flags if verdict else []:
        yield "   flag", flag


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        printable(text),
        WIDTH,
        initial_indent=f"{label:<10} ",
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
