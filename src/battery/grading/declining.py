"""Whether an answer in words declines: says that the task cannot be done, and hands nothing in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from battery.grading.words import WORD_KEYS, has_phrase, words

#: Lists in an artifact that are about the work, not what was asked for.
_ABOUT: Final = frozenset(
    {
        *("usage", "memory", "log", "logs", "trace", "steps", "turns", "tool_calls", "tools"),
        *("queries", "searches", "searched", "tried", "attempts", "sources", "citations"),
        *("reasons", "errors", "warnings", "notes", "missing", "unmet", "rejected", "excluded"),
        *("alternatives", "suggestions", "next_steps", "questions", "models", "messages"),
        *WORD_KEYS,
    }
)

_CONTRACTED: Final = {
    **{"can't": "cannot", "cant": "cannot", "won't": "will not", "ain't": "is not"},
    **{"here's": "here is", "there's": "there is", "it's": "it is", "that's": "that is"},
}
_ENDINGS: Final = (
    ("n't", " not"),
    ("'m", " am"),
    ("'re", " are"),
    ("'ve", " have"),
)
#: Characters that are read: who declines does not write a book.
_LONGEST: Final = 100_000
_SENTENCES: Final = re.compile(r"[.!?;:](?=\s|$)|\n")

# What is looked for in sentences of comparable words, joined by single spaces.
_TROUBLE: Final = (
    r"(?:problem|issue|error|reason|doubt|objection|difficult|charge|need|question|change|wrong)"
)
_DO: Final = (
    r"(?:accommodate|answer|arrange|assign|assist|be|book|carry|complete|comply|confirm|deliver|"
    r"determine|do|establish|execute|fill|find|fulfill?|get|give|hand|help|identify|list|locate|"
    r"make|match|meet|name|obtain|offer|perform|place|point|process|produce|proceed|propose|"
    r"provide|return|satisfy|schedule|see|serve|solve|source|staff|suggest|supply|tell)"
)
_THING: Final = (
    r"(?:answers?|applicants?|availability|candidates?|contractors?|data|documents?|employees?|"
    r"entries|entry|evidence|hits?|information|items?|match|matches|matching|members?|one|"
    r"options?|people|person|persons?|record|records|results?|solutions?|staff|stock|such|suitable|"
    r"supply|way|workers?|available|eligible|qualified|qualifying|known|valid|feasible)"
)
_DECLINING: Final = re.compile(
    "|".join(
        (
            rf"\bcannot (?:currently |possibly |even |in good faith )?{_DO}\b",
            rf"\b(?:could|did|do|does|will|would|was|were|am|are|is) not (?:\w+ )?{_DO}\b(?! not)",
            r"\b(?:not|never|neither) (?:been )?(?:able|possible|feasible|doable|achievable)\b",
            r"\b(?:unable|powerless) to\b",
            r"(?<!not )\b(?:impossible|infeasible|unfeasible|unsatisfiable|unachievable)\b",
            r"\bno longer (?:possible|available|exists?)\b",
            rf"\b(?:find|finds|with|returns|gave|got|yielded|matched|contains?) "
            rf"(?:no|zero|0|not a single) (?:\w+ ){{0,3}}{_THING}\b",
            r"\b(?:there (?:is|are|was|were|exists?)|i have|we have|(?:we|i|he|she|they|it|has|"
            r"have) found|found|returned|has) (?:no|zero|0|not a single|not any) \w",
            r"\b(?:do|did|does) not (?:have|find|see|know of) (?:any|a single|a|an)\b",
            r"\bno such \w",
            rf"^(?:\w+ ){{0,2}}(?:no|zero|0) (?:\w+ ){{0,4}}{_THING}\b",
            r"\b(?:there (?:is|are|was|were)|found|returned|have|has) (?:none|nothing|nobody)\b",
            r"^(?:none|nothing|nobody|no one)\b(?! else)",
            r"\b(?:none|nobody|nothing|no one|neither) (?:\w+ ){0,6}(?:is|are|was|were|has|have|"
            r"meets?|match(?:es)?|fits?|exists?|qualif(?:y|ies)|satisf(?:y|ies)|found|available)\b",
            r"\b(?:does|do|did) not (?:seem to |appear to )?exist\b",
            r"\bnot (?:\w+ )?(?:available|found|exist|in (?:the|our|this|my) "
            r"(?:\w+ )?(?:database|system|records?|catalog(?:ue)?|data|list|index|archive))\b",
            r"\b(?:unavailable|nonexistent|non existent|out of stock|sold out)\b",
            r"\b(?:decline|refuse|must refuse|have to refuse|give up|gave up)\b",
            r"\b(?:insufficient|not enough|lack of|too few) (?:\w+ )?(?:workers?|people|staff|"
            r"supply|stock|candidates?|information|data|evidence|capacity)\b",
            rf"\bfail(?:s|ed)? to {_DO}\b",
        )
    )
)
#: Sentences that only seem to decline.
_FINE: Final = re.compile(
    rf"\b(?:no|not (?:\w+ )?(?:an?y?)|any|without(?: any)?) (?:\w+ ){{0,2}}{_TROUBLE}|"
    r"\bno (?:other|further|more|better|additional)\b|"
    r"\b(?:nothing|none of (?:this|that|it|these)) (?:is|was|are) (?:impossible|infeasible)\b|"
    r"\bnot only\b"
)
_NOT_NOTHING: Final = r"(?!(?:only )?(?:no|not|none|nothing|nobody|neither|zero|0|that|out|it)\b)"
_NONE_OF_THEM: Final = (
    r"(?!(?:\w+ ){1,25}?(?:none|neither|nobody|no one|not one)\b(?! (?:else|other)))"
)
#: Sentences that hand something in, whatever others say.
_HANDS_IN: Final = re.compile(
    "|".join(
        (
            r"\b(?:i|we) (?:have |was able to |were able to |could |managed to )?(?:just |also |"
            r"only |now |already |successfully )?(?:found|find|booked|book|assigned|selected|"
            r"scheduled|hired|completed|picked|chose|chosen|matched|reserved|filled|placed|"
            rf"confirmed|shortlisted|located|identified) {_NOT_NOTHING}{_NONE_OF_THEM}\w",
            r"\bhere (?:is|are) (?!(?:why|what|how|the (?:reason|explanation|problem)|"
            r"the (?:answer|outcome|result)$|"
            r"(?:\w+ )?(?:no|none|nothing))\b)\w",
            r"\b(?<!not )(?<!not been )(?<!cannot be )successfully "
            r"(?:filled|completed|booked|assigned|placed|scheduled|matched|found|done)\b",
            r"^(?:all |task |order |request )?(?:is |has been |was )?(?:done|completed|filled|"
            r"booked|all set)\b",
            r"\b(?:the|your) (?:\w+ )?(?:answer|result|total) is (?!(?:that|no|not|none|unknown|"
            r"empty|zero|0|nothing|undefined)\b)\w",
            r"\b(?:has|have) been (?:successfully )?(?:filled|booked|assigned|placed|scheduled|"
            r"completed|hired|reserved)\b",
            r"\b(?:assigned|booked|selected|hired) (?:the )?(?:following|these)\b",
            r"\bthe following (?:\w+ ){0,2}(?:are available|match|meet|qualify|were found)\b",
        )
    )
)


def declines(text: str, phrases: Sequence[str] = ()) -> bool:
    """Return whether a text says that the task cannot be done, by these phrases or in any wording.

    A text that hands something in declines nothing, such as "I found 3 and cannot find more".
    """
    sentences = list(_sentences(text[:_LONGEST]))
    if any(_HANDS_IN.search(sentence) for sentence in sentences):
        return False
    added = [words(phrase) for phrase in phrases]
    return any(
        any(has_phrase(sentence.split(), phrase) for phrase in added)
        or (_DECLINING.search(sentence) and not _FINE.search(sentence))
        for sentence in sentences
    )


def handed_in(artifact: Any) -> str | None:
    """Name the first list in an artifact that is not empty and not about the work itself."""
    if not isinstance(artifact, dict):
        return None
    lists = (key for key, value in artifact.items() if isinstance(value, list) and value)
    return next((key for key in lists if str(key).lower() not in _ABOUT), None)


def _sentences(text: str) -> Iterator[str]:
    for sentence in _SENTENCES.split(text):
        yield " ".join(map(_expanded, words(sentence))).replace("can not", "cannot")


def _expanded(word: str) -> str:
    if word in _CONTRACTED:
        return _CONTRACTED[word]
    for ending, full in _ENDINGS:
        if word.endswith(ending):
            return word.removesuffix(ending) + full
    return word
