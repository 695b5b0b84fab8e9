"""The notebook of the examples runs from its first cell to its last, and shows what it says."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import battery

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.ipynb"


def outputs(cell: Any) -> dict[str, str]:
    """Return what a cell shows, by its kind."""
    shown: dict[str, str] = {}
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            shown[output["name"]] = shown.get(output["name"], "") + output["text"]
        else:
            shown |= output["data"]
    return shown


def test_the_notebook_runs_and_shows_verdict_rows_and_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What Jupyter keeps for its user is neither read nor written.
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in [name for name in os.environ if name.startswith(("BATTERY_", "GATEWAY_"))]:
        monkeypatch.delenv(name)
    notebook = import_module("nbformat").read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "saved with outputs"
    client = import_module("nbclient").NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    run, why, rows, report, again = (outputs(c) for c in notebook.cells if c.cell_type == "code")
    saved = battery.load(tmp_path / "data" / "notebook")
    assert run == {"text/plain": repr(saved.verdict.word)}
    assert saved.verdict.sentence in why["stdout"]
    assert "<table" in rows["text/html"]
    assert "frozen" in rows["text/plain"]
    assert report["text/html"] == saved._repr_html_().replace(str(saved.folder), "data/notebook")
    assert again == {"text/plain": "True"}
