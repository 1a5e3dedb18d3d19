"""Indexing on the nodes of a cluster of Ray."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rays import RayCluster

from workbench.domain import Progress
from workbench.faces.models import Models
from workbench.gallery import Gallery
from workbench.indexing import index_catalogue
from workbench.installation import Installation

CAMERAS = "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\nC2,Park,51.49,-0.02\n"


@pytest.fixture(scope="module")
def models(installation: Installation) -> Models:
    return installation.load_models("dlib")


@pytest.fixture
def gallery(tmp_path: Path, models: Models) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "gallery.duckdb", models.profile) as made:
        yield made


@pytest.fixture
def footage(tmp_path: Path, cuts: dict[str, Path]) -> Path:
    """Four short recordings of one person each, two on each camera, on different days."""
    folder = tmp_path / "footage"
    folder.mkdir()
    (folder / "cameras.csv").write_text(CAMERAS)
    rows = ["file,camera_id,started_at"]
    people = ("Maren Holt", "Tobias Reed", "Maren Holt again", "Edwin Marsh")
    files = ("maren.mkv", "tobias.mkv", "later.mkv", "edwin.mkv")
    for day, (person, file) in enumerate(zip(people, files, strict=True), start=1):
        shutil.copyfile(cuts[person], folder / file)
        rows.append(f"{file},C{day % 2 + 1},2026-03-0{day}T10:00:00Z")
    (folder / "footage.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_cluster_finds_what_one_process_finds(
    tmp_path: Path, gallery: Gallery, models: Models, footage: Path, ray_cluster: RayCluster
) -> None:
    report = index_catalogue(footage, gallery, models)
    told: list[Progress] = []
    with Gallery.create(tmp_path / "two.duckdb", models.profile) as two:
        again = index_catalogue(footage, two, models, ray=ray_cluster.address, progress=told.append)
        assert again.count("indexed") == 4
        assert again.problems == ()
        assert [r.tracklets for r in again.recordings] == [r.tracklets for r in report.recordings]
        ids = list(gallery.tracklets()["tracklet_id"])
        assert list(two.tracklets()["tracklet_id"]) == ids
        for name in ids:
            for one, other in zip(gallery.shots(name), two.shots(name), strict=True):
                assert one.jpeg == other.jpeg
                assert np.array_equal(one.template, other.template)
        assert index_catalogue(footage, two, models, ray="auto").count("present") == 4
    assert told[-1].done == told[-1].total == 4
    assert told[-1].remaining_seconds == 0
