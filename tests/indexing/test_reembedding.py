"""A gallery under another profile, from its stored pictures: with real networks."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.cli.main import main
from workbench.domain import Progress
from workbench.errors import GalleryError
from workbench.footage.catalog import read_catalogue
from workbench.gallery import Gallery, replacing
from workbench.gallery.checking import check
from workbench.gallery.opening import folder_of, is_gallery
from workbench.indexing import index_catalogue, reembedding
from workbench.indexing.reembedding import reembed
from workbench.installation import Installation
from workbench.notebook import load_models

CLIPS = 6


def write_catalogue(folder: Path, cuts: dict[str, Path]) -> Path:
    """Write a catalogue of six people, one on each recording, at one camera."""
    folder.mkdir()
    (folder / "cameras.csv").write_text("camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\n")
    rows = ["file,camera_id,started_at"]
    for hour, clip in enumerate(list(cuts.values())[:CLIPS]):
        shutil.copyfile(clip, folder / clip.name)
        rows.append(f"{clip.name},C1,2026-03-29T{hour:02}:00:00Z")
    (folder / "footage.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def town(
    installation: Installation, cuts: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Six recordings under an older version of the profile dlib."""
    folder = tmp_path_factory.mktemp("town")
    catalogue = read_catalogue(write_catalogue(folder / "footage", cuts))
    models = installation.load_models("dlib")
    older = replace(models, profile=replace(models.profile, version="0"))
    with Gallery.create(folder / "town.duckdb", older.profile) as gallery:
        index_catalogue(catalogue, gallery, older)
    return folder / "town.duckdb"


@pytest.fixture
def old(town: Path, tmp_path: Path, copied) -> Path:
    return copied(town, tmp_path)


@pytest.fixture
def newer() -> str:
    """The name of a profile of which the old gallery has not the templates."""
    assert load_models("dlib").profile.version != "0"
    return "dlib"


def is_newer(gallery: Gallery) -> bool:
    return gallery.profile == load_models("dlib").profile


def rows(path: Path) -> dict[tuple[str, int], np.ndarray]:
    with Gallery.open(path) as gallery:
        return {
            (row["recording_id"], row["ordinal"]): np.array(row["template"], np.float32)
            for row in gallery.templates().to_pylist()
        }


@pytest.mark.parametrize("name", ["dlib", "yunet-dlib"])
def test_the_same_people_are_there_with_other_templates(
    old: Path, name: str, request: pytest.FixtureRequest
) -> None:
    if name == "yunet-dlib":  # a real detector other than the one of the old gallery
        weights = request.getfixturevalue("shared") / "models" / "yunet_n_640_640.onnx"
        assert main(["models", "import", str(weights)]) == 0
    before = rows(old)
    assert main(["gallery", "reembed", str(old), "--profile", name]) == 0
    beside = old.with_name(f"town.{name}.duckdb")
    after = rows(beside)
    assert rows(old).keys() == before.keys()  # as it was
    assert set(after) <= set(before)
    assert len(after) >= 0.9 * len(before)
    shared_ids = sorted(after)
    one = np.stack([before[key] for key in shared_ids])
    other = np.stack([after[key] for key in shared_ids])
    apart = np.linalg.norm(one[:, None] - other[None], axis=2)
    # Same recogniser, from the stored pictures: a tracklet is nearest to itself, and not the same.
    assert (apart.argmin(axis=1) == np.arange(len(shared_ids))).mean() >= 0.95
    assert (np.diag(apart) > 0).all()
    with Gallery.open(beside) as new, Gallery.open(old) as first:
        assert new.profile.name == name
        assert not list(check(new))
        assert new.cameras() == first.cameras()
        assert len(new.runs()) == len(first.runs())
        same = ["recording_id", "file", "camera_id", "started_at", "ended_at", "tracklets"]
        assert new.recordings()[same].equals(first.recordings()[same])


def test_a_stopped_reembedding_goes_on_and_is_then_swapped_in(
    old: Path, newer: str, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = installation.load_models(newer)
    beside = old.with_name("new.duckdb")
    monkeypatch.setattr(reembedding, "AT_A_TIME", 1)

    def stop(progress: Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    with (
        Gallery.open(old) as first,
        Gallery.create(beside, models.profile) as new,
        pytest.raises(KeyboardInterrupt),
    ):
        reembed(first, new, models, progress=stop)
    with pytest.raises(GalleryError, match=f"lacks {CLIPS - 1} recordings"):
        replacing.replace(old, beside)
    with Gallery.open(old) as reader:
        result: list[reembedding.Reembedded] = []
        with Gallery.for_writing(beside, models.profile) as new:
            result.append(reembed(reader, new, models))
        assert result[0].recordings == CLIPS - 1  # what was done is not done again
        keep = old.with_name("kept.duckdb")
        arguments = ["gallery", "reembed", str(old), "--profile", newer]
        assert main([*arguments, "--to", str(beside), "--swap", "--keep", str(keep)]) == 0
        # Whoever has the old one open is told.
        with pytest.raises(GalleryError, match="Open it again"):
            reader.recordings()
    with Gallery.open(old) as swapped, Gallery.open(keep) as kept:
        assert swapped.profile == models.profile
        assert kept.profile.version == "0"
        for gallery in (swapped, kept):
            assert len(gallery.recordings()) == CLIPS
            assert not list(check(gallery))
    assert not beside.exists()
    assert not folder_of(beside).exists()


def test_a_swap_that_was_killed_is_finished_the_next_time(
    old: Path, newer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, arguments = (
        old.with_name("town.dlib.duckdb"),
        ["gallery", "reembed", str(old), "--profile", newer, "--swap"],
    )
    before = {one.name for one in old.parent.iterdir()}
    for step in ("_exchange", "_put_away", "_finish"):

        def killed(*_: object) -> None:
            raise SystemExit(9)

        with monkeypatch.context() as patched:
            patched.setattr(replacing, step, killed)
            with pytest.raises(SystemExit):
                main(arguments)
        with Gallery.open(old) as gallery:  # the one or the other, whole
            assert is_newer(gallery) == (step != "_exchange")
            assert len(gallery.recordings()) == CLIPS
            assert not list(check(gallery))
        assert is_gallery(beside) == (step != "_finish")
    assert beside.exists()
    assert main(arguments) == 0
    with Gallery.open(old) as gallery:
        assert is_newer(gallery)
        assert not list(check(gallery))
    assert {one.name for one in old.parent.iterdir()} == before
    assert main(arguments) == 2  # there is nothing left to do


def test_a_folder_that_was_put_aside_by_a_killed_swap_has_its_name_again(
    old: Path, newer: str
) -> None:
    """As on a disk that cannot exchange two folders in one step."""
    folder_of(old).rename(replacing._aside(folder_of(old)))
    assert main(["gallery", "reembed", str(old), "--profile", newer, "--swap"]) == 0
    with Gallery.open(old) as gallery:
        assert is_newer(gallery)
        assert len(gallery.recordings()) == CLIPS


def test_templates_are_made_again_from_the_footage_itself(
    old: Path, newer: str, cuts: dict[str, Path], tmp_path: Path
) -> None:
    catalogue = write_catalogue(tmp_path / "footage", cuts)
    arguments = ["gallery", "reembed", str(old), "--profile", newer]
    assert main([*arguments, "--catalogue", str(catalogue), "--swap"]) == 0
    with Gallery.open(old) as gallery:
        assert is_newer(gallery)
        assert len(gallery.recordings()) == CLIPS


def test_a_gallery_of_that_profile_is_left_alone(tmp_path: Path, capsys) -> None:
    path = tmp_path / "town.duckdb"
    Gallery.create(path, load_models("dlib").profile).close()
    assert main(["gallery", "reembed", str(path), "--profile", "dlib"]) == 2
    assert "has the templates of dlib" in capsys.readouterr().err
