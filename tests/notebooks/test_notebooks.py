"""The worked examples run from beginning to end, in a kernel, on the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"
PICTURES = {PLOTLY, "application/vnd.jupyter.widget-view+json"}


def is_empty(figure: dict[str, Any]) -> bool:
    """Whether no line, bar or mark of a figure has a point that can be seen."""

    def points(trace: dict[str, Any]) -> bool:
        x, y = trace.get("x"), trace.get("y")
        if isinstance(x, dict) or isinstance(y, dict):  # numbers in Base64
            return True
        known = [a is not None and b is not None for a, b in zip(x or (), y or (), strict=False)]
        return any(known) and trace.get("hoverinfo") != "skip"  # more than a band

    return not any(map(points, figure["data"]))


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    # Away from the repository: a notebook must not depend on where it is started.
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for found in cells for output in found]
    assert any(output.output_type == "execute_result" for output in outputs)
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    # It begins with something to look at, and shows no figure without anything in it.
    early = [kind for found in cells[:2] for output in found for kind in output.get("data", ())]
    assert PICTURES & {*early}
    figures = [output.data[PLOTLY] for output in outputs if PLOTLY in output.get("data", ())]
    assert [figure["layout"] for figure in figures if is_empty(figure)] == []
    # What is saved holds no face, though faces were shown: see tests/live/test_saved_notebooks.py.
    assert "/9j/" not in nbformat.writes(notebook).replace(path.read_text(), "")
