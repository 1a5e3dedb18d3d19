"""Notebooks are committed without outputs, so that no picture and no figure goes stale in them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

REPOSITORY = Path(__file__).parents[1]
NOTEBOOKS = sorted((*REPOSITORY.glob("notebooks/*.ipynb"), *REPOSITORY.glob("dashboards/*.ipynb")))


def test_there_are_notebooks() -> None:
    assert {path.parent.name for path in NOTEBOOKS} == {"notebooks", "dashboards"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_notebook_carries_no_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
