"""Pool batteries that exist already: one verdict about the system, with the battery as the unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from battery.base.errors import UsageError
from battery.base.numbers import counted
from battery.recorded import OpenedBattery, open_battery
from battery.recorded.run import all_findings, described, total
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
    first: dict[str, str] = {}
    pooled: dict[str, Path] = {}
    manifests: list[Manifest] = []
    warnings: list[str] = []
    for name, folder in zip(names, folders, strict=True):
        manifest = _manifest(open_battery(BatteryDir(folder)))
        _require_new(manifest, pooled, folder)
        pooled[manifest.run_id] = folder
        own = dict(described(manifest))
        _require_alike(first or own, own, folders[0], folder)
        first = first or own
        manifests.append(manifest)
        warnings += [f"{name}: {text}" for text in manifest.notes]
    warnings += _unlike(manifests)
    runs = list(all_findings(folders, names))
    evidence = assess_runs(runs, primary=primary)
    chosen = list(_chosen(folders, manifests, first))
    return CampaignSummary(
        kind="pool",
        folder=None,
        digest=None,
        started_at=min(manifest.started_at for manifest in manifests),
        finished_at=max((m.finished_at for m in manifests if m.finished_at), default=None),
        tasks_digest=manifests[0].tasks_digest,
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


def _require_alike(
    one: Mapping[str, str], other: Mapping[str, str], before: Path, after: Path
) -> None:
    """Refuse a battery of other tasks or of another system."""
    for what in dict.fromkeys([*one, *other]):
        a, b = one.get(what, "none"), other.get(what, "none")
        if a != b:
            raise UsageError(
                f"{after} cannot be pooled with {before}: {what} differs ({b} and {a})",
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
    folders: Sequence[Path], manifests: Sequence[Manifest], alike: Mapping[str, str]
) -> Iterator[str]:
    """Say that a pool is chosen after it was run, and name what was left out, as far as is seen."""
    named = {manifest.run_id for manifest in manifests}
    others = {
        manifest.run_id: str(folder.root)
        for folder in _nearby(folders)
        if (manifest := _readable(folder)) and dict(described(manifest)) == dict(alike)
    }
    left = sorted(path for run_id, path in others.items() if run_id not in named)
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


def _readable(folder: BatteryDir) -> Manifest | None:
    """Return the manifest of a battery that may be left out; None where there is no such one."""
    try:
        return folder.read_manifest() if folder.has_manifest() else None
    # Whatever else is in that folder is none of this command's business.
    except Exception:
        return None
