"""How to measure the same system on the same tasks again: options of `battery run`; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import Final

from battery.records.manifest import Manifest, Options, Provenance

_EMBEDDED: Final = "embedded"
_PACKAGED: Final = "packaged"
_TASKS: Final = "--tasks"
NO_TWIN: Final = "--no-control"
#: Options of `battery run` by their field, and the values that need not be given.
_GIVEN: Final[dict[str, tuple[str, object]]] = {
    "repeats": ("--repeats", 1),
    "limit": ("--limit", None),
    "respond_timeout_s": ("--respond-timeout", 600),
    "meta_timeout_s": ("--meta-timeout", 300),
    "concurrency": ("--concurrency", 1),
    "feedback": ("--feedback", None),
    "meter": ("--meter", None),
    "prepare": ("--prepare", None),
    "reviewer": ("--reviewer", None),
    "model_url": ("--model-url", None),
}


def again(provenance: Provenance) -> list[str] | None:
    """Return the options that measure the same again, but for the seed; None without a manifest.

    No secret is among them, as a manifest has none: those come from the environment.
    """
    return list(_words(provenance)) if isinstance(provenance, Manifest) else None


def with_iterations(words: Sequence[str], count: int) -> list[str]:
    """Return options with another number of iterations, which they begin with."""
    return ["--iterations", str(count), *words[2:]]


def planned(manifest: Manifest) -> int:
    """Return how many iterations a battery was planned with."""
    return manifest.planned_iterations or manifest.iterations_wanted


def _words(manifest: Manifest) -> Iterator[str]:
    options, gateway = manifest.options, manifest.targets["gateway"]
    yield from ("--iterations", str(planned(manifest)))
    if options.tasks not in {None, _PACKAGED}:
        yield from (_TASKS, str(options.tasks))
    if gateway != _EMBEDDED:
        yield from ("--target", gateway)
    if (team := manifest.targets.get("llm_team", gateway)) != gateway:
        yield from ("--llm-team", team)
    if (control := manifest.targets.get("control")) is None:
        yield NO_TWIN
    elif control != gateway:
        yield from ("--control-gateway", control)
    yield from _given(options)


def _given(options: Options) -> Iterator[str]:
    for field, (option, usual) in _GIVEN.items():
        if (value := getattr(options, field)) not in {None, usual}:
            yield from (option, f"{value:g}" if isinstance(value, float) else str(value))


def portable(words: Sequence[str]) -> list[str]:
    """Return options with the tasks file by its name only.

    A page that is passed on need not tell how its maker's disk is laid out.
    """
    pairs = pairwise(["", *words])
    return [PurePath(word).name if before == _TASKS else word for before, word in pairs]
