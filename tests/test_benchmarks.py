"""Benchmarks keep up with the code that they measure: each runs, on a little of the demo.

They run in one process, so that what takes long to import and to load is loaded once.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest
from rays import RayCluster

from workbench.demo import demo_town

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = {path.stem for path in FOLDER.glob("*.py") if "__main__" in path.read_text("utf-8")}
# What a run prints, beside figures.
SAYS = {
    "before": "their templates apart at most  0.0",
    "casework": "ratio of a search with and without",
    "cluster": "driver's processor, share of its readers'",
    "gallery_life": '"questions that missed a stored recording": 0',
    "indexing": "times the loop",
    "lab": "foretold by nearness, profile dlib",
    "page": "search, cards, s",
    "parts": '"parts it names": 2',
    "recogniser": "largest difference of a number",
    "scale_model": "cores that index in real time",
    "search": '"recall at 50": "1 (at least 1 is wanted: ok)"',
    "startup": "choose_threshold.ipynb, new home",
    "team": '"searches": 4',
    "unlabelled": "without labels, plain scores, profile dlib",
    "town": "whole area and time 1 wanted            2      2       0",
}
MOST_CARRIED = 2.0  # megabytes until Investigate has its first control

Run = Callable[..., str]


@pytest.fixture(scope="module")
def elsewhere(
    demo: Path, copied: Callable[[Path, Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A home of the benchmarks' own, with the demo's gallery in it.

    The cases that they open are none of other tests' business.
    """
    return copied(demo, tmp_path_factory.mktemp("benchmarks")).parent


@pytest.fixture
def run(
    elsewhere: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """``run(name)``: what a small run of a benchmark prints; its figures are kept, too."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def run(name: str, *more: str) -> str:
        calibrations = str(demo_town().root / "calibrations")
        kept = tmp_path / "figures.json"
        monkeypatch.setattr(sys, "argv", [f"{name}.py", "--small", "--figures", str(kept), *more])
        path = [str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]  # for processes it starts
        changes = {
            "SIGHTLINE_HOME": str(elsewhere),
            "SIGHTLINE_CALIBRATIONS": calibrations,
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
        }
        # In a thread of its own: the browser of other tests leaves a loop running in this one.
        with mock.patch.dict(os.environ, changes), ThreadPoolExecutor(1) as thread:
            status = thread.submit(importlib.import_module(name).main).result()
        said = capsys.readouterr().out
        assert not status, said
        runs = json.loads(kept.read_text("utf-8"))
        assert {run_name.split(" ")[0] for run_name in runs} == {name}
        assert all(entry["figures"] for entry in runs.values())
        return said

    return run


def test_every_benchmark_is_run() -> None:
    assert SAYS.keys() == SCRIPTS


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SAYS.keys() - {"page", "cluster"}))
def test_a_benchmark_runs_on_a_little(run: Run, name: str) -> None:
    assert SAYS[name] in run(name)


def test_the_benchmark_of_a_cluster_runs_on_a_little(run: Run, ray_cluster: RayCluster) -> None:
    assert SAYS["cluster"] in run("cluster", "--address", ray_cluster.address)


@pytest.mark.browser
@pytest.mark.slow
def test_the_benchmark_of_the_page_runs_on_a_little_and_little_is_carried(run: Run) -> None:
    said = run("page")
    assert SAYS["page"] in said
    carried, _ = json.loads(said)["carried by then, MB"]
    assert 1 < carried <= MOST_CARRIED
