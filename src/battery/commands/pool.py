"""Pool batteries that exist already: one verdict about the system, with the battery as the unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from battery.base.errors import UsageError
from battery.base.numbers import counted
from battery.recorded import OpenedBattery, open_battery
from battery.recorded.run import all_findings, total, unlike
from battery.records.again import again
from battery.records.campaign import CampaignSummary
from battery.records.findings import QuestionName
from battery.records.manifest import Manifest
from battery.store.artifacts import ARCHIVE
from battery.store.battery_dir import BatteryDir
from battery.verdict.runs import assess_runs

#: Of the batteries that were not named, so many are.
_NAMED: Final = 3
_HINT: Final = (
    "pool batteries of one system that asked the same tasks; compare others: battery compare A B"
)


def pool(folders: Sequence[Path], primary: QuestionName = "cost") -> CampaignSummary:
    """Return the verdict over batteries that are finished already; raise `BatteryError`."""
    if len(folders) < 2:
        raise UsageError(
            "pool takes the folders of several batteries", hint="battery pool A B C D E"
        )
    names = call(folders)
    first = open_battery(BatteryDir(folders[0]))
    pooled: dict[str, Path] = {}
    manifests: list[Manifest] = []
    warnings: list[str] = []
    for name, folder in zip(names, folders, strict=True):
        opened = open_battery(BatteryDir(folder))
        manifest = _manifest(opened)
        _require_new(manifest, pooled, folder)
        pooled[manifest.run_id] = folder
        _require_alike(first, opened)
        manifests.append(manifest)
        warnings += [f"{name}: {text}" for text in manifest.notes]
    warnings += _unlike(manifests)
    runs = list(all_findings(folders, names))
    evidence = assess_runs(runs, primary=primary, again=again(manifests[0]) or ())
    digests = {manifest.tasks_digest for manifest in manifests}
    chosen = list(_chosen(folders, manifests, first))
    return CampaignSummary(
        kind="pool",
        folder=None,
        digest=None,
        started_at=min(manifest.started_at for manifest in manifests),
        finished_at=max((m.finished_at for m in manifests if m.finished_at), default=None),
        tasks_digest=digests.pop() if len(digests) == 1 else first.content,
        models=manifests[0].models,
        targets=manifests[0].targets,
        spent=total(runs),
        evidence=evidence.model_copy(update={"cautions": [*chosen, *evidence.cautions]}),
        warnings=warnings,
    )


def call(folders: Sequence[Path]) -> list[str]:
    """Return the shortest names that tell folders apart, each the end of its path."""
    paths = [folder.absolute().parts for folder in folders]
    longest = max(map(len, paths))
    for count in range(1, longest + 1):
        names = ["/".join(parts[-count:]) for parts in paths]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]


def _manifest(opened: OpenedBattery) -> Manifest:
    opened.require_begun()
    opened.require_complete()
    opened.require_whole()
    manifest, root = opened.provenance, opened.folder.root
    if not isinstance(manifest, Manifest):
        raise UsageError(
            f"{root} has no battery.json, so nobody can tell what was measured", hint=_HINT
        )
    if manifest.state != "finished":
        raise UsageError(
            f"the battery in {root} is not finished (state: {manifest.state}): to leave its end "
            "out would be to choose",
            hint=opened.folder.resume_hint,
        )
    return manifest


def _require_new(manifest: Manifest, pooled: dict[str, Path], folder: Path) -> None:
    """Refuse a run that is there already: a copy is no further evidence."""
    if manifest.run_id in pooled:
        raise UsageError(
            f"{pooled[manifest.run_id]} and {folder} hold the same run ({manifest.run_id})",
            hint="name each battery once; a copy of a battery is no second one",
        )


def _require_alike(first: OpenedBattery, opened: OpenedBattery) -> None:
    """Refuse a battery of other tasks or of another system."""
    for what, was, now in unlike(first, opened):
        raise UsageError(
            f"{opened.folder.root} cannot be pooled with {first.folder.root}: {what} differs "
            f"({now} and {was})",
            hint=_HINT,
        )


def _unlike(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Warn of what differs and changes neither the tasks nor the system."""
    if len({manifest.options.concurrency for manifest in manifests}) > 1:
        yield "some batteries asked more tasks at the same time than others"
    if len({manifest.battery_version for manifest in manifests}) > 1:
        yield "the batteries were run by different versions of battery"
    for one, other in combinations(manifests, 2):
        if one.options.seed is not None and one.options.seed == other.options.seed:
            yield f"two batteries have the same seed, {one.options.seed}"
            return


def _chosen(
    folders: Sequence[Path], manifests: Sequence[Manifest], first: OpenedBattery
) -> Iterator[str]:
    """Say that a pool is chosen after it was run, and name what was left out, as far as is seen."""
    named = {manifest.run_id for manifest in manifests}
    others = {
        run_id: str(folder.root)
        for folder in _nearby(folders)
        if (run_id := _run_id(folder)) and run_id not in named and _is_alike(first, folder)
    }
    left = sorted(others.values())
    if left:
        listed = ", ".join(left[:_NAMED]) + (", …" if len(left) > _NAMED else "")
        yield (
            f"{counted(len(left), 'battery').replace('batterys', 'batteries')} of the same tasks "
            f"and system {'is' if len(left) == 1 else 'are'} left out: {listed}; pool all that you "
            "ran, or the verdict is about a choice"
        )
    else:
        yield (
            "these batteries were chosen after they were run: the verdict holds if they are all "
            "that were run"
        )


def _nearby(folders: Sequence[Path]) -> Iterator[BatteryDir]:
    """Yield the batteries next to those that were named, and in their archives."""
    seen: set[Path] = set()
    for parent in dict.fromkeys(folder.resolve().parent for folder in folders):
        for folder in sorted(parent.iterdir()):
            for path in (folder, *sorted(folder.glob(f"{ARCHIVE}/*"))):
                if path not in seen and path.is_dir():
                    seen.add(path)
                    yield BatteryDir(path)


def _run_id(folder: BatteryDir) -> str | None:
    """Return which run a folder may hold that was left out; None where it holds no battery."""
    try:
        manifest = folder.read_manifest() if folder.has_manifest() else None
    # Whatever else is in that folder is none of this command's business.
    except Exception:
        return None
    return manifest.run_id if manifest else None


def _is_alike(first: OpenedBattery, folder: BatteryDir) -> bool:
    try:
        return not any(unlike(first, open_battery(folder)))
    except Exception:  # as above
        return False
