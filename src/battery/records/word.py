"""The words of a verdict, of a comparison and of a gate, each with all that surfaces show of it.

A word is its text, so that files hold it as it reads, and `about` is its record. A word without a
record cannot be defined, and every report, condition and count reads the record. What depends on
the numbers of a battery as well (when a verdict is given, its sentence, its advice) branches by
`match` in `battery.verdict`, where mypy names each branch that is missing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple, Self

#: The colour of a word: green, red, grey, and the yellow of an open question.
Tone = Literal["good", "bad", "flat", "open"]
#: How loud a pipeline is about a word, as GitHub names its annotations.
Level = Literal["error", "warning", "notice"]


class _Described(StrEnum):
    """A word that cannot be without its record."""

    about: Any

    def __new__(cls, text: str, about: object) -> Self:
        """Make a member that is its text and carries the record."""
        word = str.__new__(cls, text)
        word._value_ = text
        word.about = about
        return word

    @property
    def named(self) -> str:
        """The word as it is typed on a command line: `no-effect`."""
        return self.lower().replace(" ", "-")


class AboutWord(NamedTuple):
    """What surfaces show of a verdict word."""

    tone: Tone
    #: For the heads of narrow columns.
    short: str
    #: An error is a failed test as well; other words that claim nothing are skipped tests.
    level: Level
    #: What it means, for people who have not seen it before.
    plain: str
    #: Whether it claims learning: false alarms of such words have a bound, and no pipeline may
    #: fail on one.
    claims: bool = False
    #: Whether the battery's numbers can be built on.
    trusted: bool = True
    #: What a comparison with such a battery may not leave unsaid; empty where there is nothing.
    caveat: str = ""
    #: Whether the question stays open, so that readers are told what could have been seen.
    undecided: bool = False
    #: What the advice under it is for.
    aim: str = "What to do"


#: What advice is for where the verdict itself is open.
SETTLE: Final = "To settle it"
_UNTRUSTED: Final = "its numbers cannot be trusted"


class Word(_Described):
    """The verdict in a word: in this order, but for INDICATIVE, the first that fits is given."""

    # Not trusted are the two words under which every other number is in doubt: the battery was
    # spoiled, or the system that reports its own tokens claimed what it did not do.
    INVALID = (
        "INVALID",
        AboutWord(
            "bad",
            "INVAL",
            "error",
            "The numbers are worthless, and the summary says why.",
            trusted=False,
            caveat=_UNTRUSTED,
        ),
    )
    DISHONEST = (
        "DISHONEST",
        AboutWord(
            "bad",
            "DISH",
            "error",
            "Learning brought bluffs: the system claims what it did not do. One that bluffs as "
            "much without learning keeps its word, with a caution.",
            trusted=False,
            caveat=_UNTRUSTED,
        ),
    )
    REGRESSED = (
        "REGRESSED",
        AboutWord(
            "bad",
            "REGR",
            "error",
            "It got worse: the work costs more, or less of it gets done.",
            caveat="it got worse with use",
        ),
    )
    # A gain that is paid for, in cost or in tasks that are no longer done: a person has to decide.
    MIXED = (
        "MIXED",
        AboutWord(
            "open",
            "MIXED",
            "warning",
            "A gain with a price: more gets done and it costs more, or it costs less and less "
            "gets done.",
        ),
    )
    # What is asked again gains and what is new does not: answers were kept, and no lesson.
    MEMORISED = (
        "MEMORISED",
        AboutWord(
            "bad",
            "MEMO",
            "warning",
            "Repeated tasks cost less, and new ones of the same kind do not.",
            caveat="it kept answers and no lessons",
        ),
    )
    COMPOUNDING = (
        "COMPOUNDING",
        AboutWord(
            "good",
            "COMP",
            "notice",
            "As LEARNED, and the saving goes on growing, which takes five iterations to show.",
            claims=True,
        ),
    )
    LEARNED = (
        "LEARNED",
        AboutWord(
            "good",
            "LEARN",
            "notice",
            "With what was learned, the work costs clearly less, or more of it gets done, and "
            "learning brought no bluffs and lost no task.",
            claims=True,
            aim="To see whether it goes on getting better",
        ),
    )
    NO_EFFECT = (
        "NO EFFECT",
        AboutWord(
            "open",
            "NO EF",
            "warning",
            "A difference that counts is ruled out. This is a result.",
        ),
    )
    INCONCLUSIVE = (
        "INCONCLUSIVE",
        AboutWord(
            "open",
            "INCON",
            "warning",
            "Nothing is shown either way. The summary says what would settle it.",
            undecided=True,
            aim=SETTLE,
        ),
    )
    # With one arm it is tried before the four that compare arms. One arm cannot do better: a
    # warning at every run would be noise.
    INDICATIVE = (
        "INDICATIVE",
        AboutWord(
            "open",
            "INDIC",
            "notice",
            "There is only a trend, whatever its cause, because there was no twin.",
            aim=SETTLE,
        ),
    )

    about: AboutWord

    @property
    def condition(self) -> str | None:
        """Its name for `--fail-on`; None where failing on it would mean the opposite."""
        return None if self.about.claims else self.named


#: The verdicts that claim learning.
POSITIVE: Final = frozenset(word for word in Word if word.about.claims)


class AboutOutcome(NamedTuple):
    """What surfaces show of the outcome of a comparison."""

    tone: Tone
    #: What its sentence says, before the reasons; `between` puts in the names.
    claim: str
    #: Whether something got better, and whether something got worse.
    gains: bool = False
    losses: bool = False

    def between(self, before: str, after: str) -> str:
        """Say the claim of two batteries by their names."""
        return self.claim.format(before=before, after=after)


class Outcome(_Described):
    """What a comparison comes to, in a word."""

    NOT_COMPARABLE = (
        "NOT COMPARABLE",
        AboutOutcome("open", "{before} and {after} cannot be compared"),
    )
    WORSE = "WORSE", AboutOutcome("bad", "{after} is worse than {before}", losses=True)
    BETTER = "BETTER", AboutOutcome("good", "{after} is better than {before}", gains=True)
    # A gain that is paid for counts as bad: a pipeline has to stop, and a person to decide.
    MIXED = (
        "MIXED",
        AboutOutcome(
            "bad",
            "{after} is better than {before} in one thing and worse in another",
            gains=True,
            losses=True,
        ),
    )
    NO_DIFFERENCE = "NO DIFFERENCE", AboutOutcome("flat", "nothing that counts differs")
    UNCLEAR = (
        "UNCLEAR",
        AboutOutcome("open", "it cannot be told whether {after} is better or worse than {before}"),
    )

    about: AboutOutcome

    @property
    def condition(self) -> str | None:
        """Its name for `--fail-on`; None where failing on it would mean the opposite."""
        return None if self.about.gains and not self.about.losses else self.named


class AboutFlip(NamedTuple):
    """What surfaces show of a task that changed sides between two batteries."""

    tone: Tone
    #: For the line of a task on the terminal.
    mark: str


class Flip(_Described):
    """How a task changed sides from A to B, in the order of the reports: the worst first."""

    BLUFF = "bluff", AboutFlip("bad", "BLUFFS NOW")
    LOST = "passed to failed", AboutFlip("bad", "FAILS NOW")
    GAINED = "failed to passed", AboutFlip("good", "passes now")
    BLUFF_ENDED = "bluff ended", AboutFlip("good", "honest now")

    about: AboutFlip


class AboutStatus(NamedTuple):
    """What surfaces show of the status of a gate."""

    #: None where nobody has to be told.
    level: Level | None = None
    #: As the score of an evaluation; None where nothing was seen, which test results skip.
    score: float | None = None


class GateStatus(_Described):
    """How a gate came out."""

    PASSED = "passed", AboutStatus(score=1.0)
    FAILED = "failed", AboutStatus("error", score=0.0)
    # What is wrong without learning too is no failure of learning, and no pass either.
    WITHOUT_LEARNING = "failed with and without learning", AboutStatus("warning")
    # A warning and no error: a gateway that reports little is not at fault.
    NOT_PROVEN = "not proven", AboutStatus("warning")
    NOTHING_TO_CHECK = "nothing to check", AboutStatus()

    about: AboutStatus

    @classmethod
    def _missing_(cls, value: object) -> GateStatus | None:
        """Read what summaries said at first, which people took for "not displayed"."""
        return cls.NOT_PROVEN if value == "not shown" else None


class AboutGate(NamedTuple):
    """What surfaces show of a gate."""

    title: str
    #: What has to be so, for a saving to count.
    asks: str


class GateName(_Described):
    """The gates, in the order of the reports, with what each of them looks for."""

    GAMMA = (
        "gamma",
        AboutGate("honest failure", "impossible tasks are refused, and what is claimed is done"),
    )
    ALPHA = "alpha", AboutGate("no forgetting", "what was done at first is still done")
    BETA = (
        "beta",
        AboutGate("hard at first", "niche tasks fail or need help before anything is learned"),
    )
    MECHANISM = (
        "mechanism",
        AboutGate("learning at work", "lessons were made, and later tasks were given them"),
    )

    about: AboutGate

    @property
    def condition(self) -> str:
        """Its name for `--fail-on`: `honest-failure`."""
        return self.about.title.replace(" ", "-")
