"""Whose a gallery is, at a desk: told from another folder, taken over from a lost home."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.casework.ownership import require_own
from workbench.casework.register import all_entries
from workbench.errors import GalleryError, NotPermitted
from workbench.gallery import Gallery
from workbench.gallery.disk import refused_by_disk
from workbench.gallery.manifest import Manifest
from workbench.gallery.opening import folder_of
from workbench.installation import Installation

At = Callable[[str], Installation]


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> At:
    """``at("folder")``: the installation that is found where one works in this folder."""

    def work(folder: str) -> Installation:
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        monkeypatch.delenv("SIGHTLINE_HOME", raising=False)
        monkeypatch.chdir(place)
        return Installation.open()

    return work


def test_a_gallery_names_its_home_from_another_folder_and_is_taken_when_that_is_lost(
    fresh_home: Path, at: At, unowned: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = at("project")
    path = tmp_path / "project" / "town.duckdb"
    shutil.copy(unowned.path, path)
    shutil.copytree(folder_of(unowned.path), folder_of(path))
    first.open_gallery(path, write=True, action="footage.index").close()
    owner = first.register.installation_file.id

    other = at("project/notebooks")

    def of_another_account(folder: Path) -> None:
        raise NotPermitted("belongs to another alone", where=str(folder), fix="Ask")

    file = other.register.installation_file
    with Gallery.open(path) as gallery, monkeypatch.context() as patch:
        patch.setattr("workbench.casework.ownership.read_installation", of_another_account)
        with pytest.raises(GalleryError, match=owner):
            require_own(file, other.folder, gallery)
    with pytest.raises(GalleryError) as refused:
        other.open_gallery(path)
    assert owner in refused.value.what
    assert f"Set SIGHTLINE_HOME to {tmp_path / 'project' / 'data'}, or" in refused.value.fix

    shutil.rmtree(tmp_path / "project" / "data")
    with pytest.raises(GalleryError) as refused:
        other.open_gallery(path)
    assert "for which `sightline installation show` tells this id" in refused.value.fix
    assert "take it over with `sightline installation take` if that home" in refused.value.fix
    other.take_gallery(path)
    other.open_gallery(path).close()
    entry = [e for e in all_entries(other.folder) if e.what.startswith("gallery.")][-1]
    assert (entry.what, entry.about["before"]) == ("gallery.taken", f"training {owner}")


def test_of_another_account_it_is_not_taken(
    fresh_home: Path,
    at: At,
    unowned: Gallery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at("one").open_gallery(unowned.path, write=True).close()
    monkeypatch.setattr("workbench.casework.ownership.os.geteuid", lambda: 12345)
    with pytest.raises(NotPermitted, match="nor of another account"):
        at("two").take_gallery(unowned.path)


def test_an_adoption_that_fails_is_on_record(
    fresh_home: Path,
    at: At,
    unowned: Gallery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = at("one")

    def full(*_: object) -> None:
        raise refused_by_disk(unowned.path, OSError(28, "No space left on device"))

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "commit", full)
        with pytest.raises(GalleryError, match=r"No space left|full"):
            mine.open_gallery(unowned.path, write=True)
    entries = [e for e in all_entries(mine.folder) if e.what.startswith("gallery.")]
    assert [e.what for e in entries] == ["gallery.adopted", "gallery.adopted.failed"]
    mine.open_gallery(unowned.path, write=True).close()
    with Gallery.open(unowned.path) as gallery:
        assert gallery.owner == f"training {mine.register.installation_file.id}"
