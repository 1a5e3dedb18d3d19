"""The house: imports point one way, and heavy rooms are entered late."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import workbench

REPOSITORY = Path(__file__).parents[1]


def test_imports_point_down_the_list_only() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, json, workbench; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    heavy = {
        "numpy", "pandas", "cv2", "av", "duckdb", "deepface", "dlib", "folium", "plotly",
        "ipywidgets", "ipyleaflet", "pyarrow", "scipy", "shapely", "voila", "pydantic",
    }  # fmt: skip
    assert not loaded & heavy


def test_every_public_name_is_there() -> None:
    for name in workbench.__all__:
        assert getattr(workbench, name) is not None
    assert set(workbench._HOMES) == set(workbench.__all__)
