"""The indexing panel on two clips, without a kernel."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workbench.domain import Progress
from workbench.gallery import Gallery
from workbench.indexing import storing
from workbench.installation import Installation
from workbench.widgets.components.work import InPlace
from workbench.widgets.indexing import Indexing, IndexingPanel, progress_words


@pytest.fixture
def catalogue(cuts: dict[str, Path], tmp_path: Path) -> Path:
    """Two clips of three seconds, at two cameras."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "cameras.csv").write_text(
        "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\nC2,Park,51.49,-0.02\n"
    )
    rows = ["file,camera_id,started_at"]
    for number, person in enumerate(("Maren Holt", "Tobias Reed"), start=1):
        shutil.copyfile(cuts[person], folder / f"{number}.mkv")
        rows.append(f"{number}.mkv,C{number},2026-03-29T0{number}:00:00Z")
    (folder / "footage.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def model(tmp_path: Path, catalogue: Path, installation: Installation) -> Indexing:
    made = Indexing(tmp_path / "gallery.duckdb", installation=installation, work=InPlace())
    made.catalogue = str(catalogue)
    return made


def test_looking_tells_what_there_is_to_do_and_does_nothing(model: Indexing) -> None:
    panel = IndexingPanel(model)
    assert panel.on_cluster.layout.display == "none"  # the settings name none
    panel.look.click()
    assert model.messages == {}
    assert "2 recordings to index" in panel.outcome.value
    assert not model.gallery.exists()


def test_a_run_is_stopped_and_the_next_goes_on(
    model: Indexing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "SECONDS", 0.0)  # each recording in a commit of its own
    panel = IndexingPanel(model)
    model.workers = 1

    def stop_after_the_first(change: dict[str, object]) -> None:
        if isinstance(change["new"], Progress) and change["new"].done == 1:
            model.stop()

    model.observe(stop_after_the_first, "progress")
    panel.start.click()
    assert model.messages == {}  # it was wished, so it is no error
    assert "Finished recordings are kept" in model.stopped
    with Gallery.open(model.gallery) as gallery:
        assert len(gallery.recordings()) == 1
        assert list(gallery.runs()["left"]) == [1]

    model.unobserve(stop_after_the_first, "progress")
    panel.start.click()
    assert model.messages == {}
    assert "1 recording indexed, 1 already indexed, 0 could not be read" in panel.outcome.value
    assert panel.stop.disabled
    assert not panel.start.disabled


def test_the_cluster_of_the_settings_is_used_unless_it_is_left_out(
    tmp_path: Path, catalogue: Path, installation: Installation
) -> None:
    settings = installation.settings.model_copy(update={"ray": "127.0.0.2:1"})
    path = tmp_path / "gallery.duckdb"
    model = Indexing(path, installation=Installation(settings), work=InPlace())
    model.catalogue = str(catalogue)
    panel = IndexingPanel(model)
    assert "cluster at 127.0.0.2:1" in panel.on_cluster.description
    assert (panel.on_cluster.value, panel.workers.layout.display) == (True, "none")
    panel.start.click()
    assert "Ray" in model.messages["indexing"]  # it is not there, or not even installed
    assert not path.exists()
    panel.on_cluster.value = False
    panel.start.click()
    assert model.messages == {}
    assert "2 recordings indexed" in panel.outcome.value


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("catalogue", "/nowhere/at/all", "nowhere"),
        ("profile", "no-such-profile", "no-such-profile"),
    ],
)
def test_bad_input_is_told_and_nothing_is_made(
    model: Indexing, field: str, value: str, says: str
) -> None:
    model.set_trait(field, value)
    model.start()
    assert says in model.messages["indexing"]
    assert not model.gallery.exists()


def test_without_a_catalogue_there_is_nothing_to_start(
    tmp_path: Path, installation: Installation
) -> None:
    panel = IndexingPanel(
        Indexing(tmp_path / "gallery.duckdb", installation=installation, work=InPlace())
    )
    assert panel.start.disabled
    assert panel.look.disabled


def test_progress_in_words() -> None:
    how_far = Progress(
        done=3, total=24, what="a.mp4", part=0.0, footage_seconds=60, faces=41, elapsed_seconds=10
    )
    assert progress_words(how_far) == (
        "3 of 24 recordings, 6.0 hours of footage per hour, 41 faces, about 1 min 10 s left"
    )
