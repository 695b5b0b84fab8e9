"""Several finished batteries of one system on disk, each with a run id of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from battery.records.models import LEARN
from battery.store.battery_dir import BatteryDir
from tests.support import folders
from tests.verdict.batteries import Cell, calls


def battery(
    root: Path, number: int, saved: float, *, state: str = "finished", **options: Any
) -> Path:
    """Write a battery whose learner saves such a share after iteration 1."""

    def changes(cell: Cell) -> dict[str, Any]:
        learned = cell.arm == LEARN and cell.iteration > 1
        share = 1 - saved if learned else 1.0
        # Tasks differ a little, so that something is left to luck.
        return {"tokens": round(share * (1000 + 10 * cell.task + 3 * cell.iteration + number))}

    root.parent.mkdir(parents=True, exist_ok=True)
    folder = folders.write(root, calls(changes), state=state)
    rewrite(folder, run_id=f"{number:032x}", **options)
    return root


def rewrite(folder: BatteryDir, run_id: str | None = None, **changes: Any) -> None:
    """Change the manifest of a battery: options by their names, all else by its own."""
    manifest = folder.read_manifest()
    assert manifest
    known = type(manifest.options).model_fields
    options = {name: value for name, value in changes.items() if name in known}
    others = {name: value for name, value in changes.items() if name not in known}
    if run_id:
        others["run_id"] = run_id
    kept = manifest.options.model_dump() | options
    folder.write_manifest(
        manifest.model_copy(update=others | {"options": type(manifest.options)(**kept)})
    )


def batteries(root: Path, saved: Sequence[float]) -> list[Path]:
    """Write a battery for each saving."""
    return [
        battery(root / f"run{number}", number, share) for number, share in enumerate(saved, start=1)
    ]
