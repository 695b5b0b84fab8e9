"""What a user calls a battery: its name, a note, and words to sort batteries by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from battery.base.errors import UsageError
from battery.base.redact import Redactor
from battery.base.text import printable

#: The most characters of each: a name heads a report and a row of a table, and a note that is
#: longer than some sentences belongs into a file next to the battery.
LONGEST: Final = {"name": 80, "note": 1000, "tag": 40}
MAX_TAGS: Final = 20


def make_labels(options: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return what the manifest is to say, by its keys, of the options `name`, `note` and `tag`.

    What was not given is left out; an empty text takes away what there was. All of it is shown
    wherever the battery is, so control characters are escaped, and one of the secrets that
    `redactor` knows is refused, as is a tag with a space or a comma. Raises `UsageError`.
    """
    labels: dict[str, Any] = {
        kind: _checked(kind, options[kind], redactor) or None
        for kind in ("name", "note")
        if options.get(kind) is not None
    }
    # Options that may be repeated and are not given are None, or an empty list.
    if tags := options.get("tag"):
        labels["tags"] = list(dict.fromkeys(_tags(tags, redactor)))
    return labels


def _tags(given: Sequence[str], redactor: Redactor) -> Iterator[str]:
    if len(given) > MAX_TAGS:
        raise UsageError(f"{len(given)} tags are too many", hint=f"give at most {MAX_TAGS}")
    for tag in given:
        if checked := _checked("tag", tag, redactor):
            # Lists separate tags by commas, and a sentence by spaces.
            if " " in checked or "," in checked:
                raise UsageError(
                    f"the tag {checked!r} is more than one word",
                    hint="a tag is one word, without spaces and commas, such as new-prompt; "
                    "repeat --tag for several",
                )
            yield checked


def _checked(kind: str, text: str, redactor: Redactor) -> str:
    # Looked for before characters are escaped: they may be part of a secret.
    if redactor.text(text) != text:
        raise UsageError(
            f"the {kind} holds a secret of the environment or of another option",
            hint="leave it out: reports show it",
        )
    line = printable(text)
    if len(line) > LONGEST[kind]:
        raise UsageError(
            f"the {kind} has {len(line):,} characters", hint=f"it may have {LONGEST[kind]:,}"
        )
    return line
